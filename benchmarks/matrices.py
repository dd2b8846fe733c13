"""Solve every Matrix Market file of a folder with the front door and write a table.

python benchmarks/matrices.py DIR [--out docs/matrices_table.md]
"""

import argparse
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
from measure import LoadMeter, describe_load, iterations
from scipy.sparse.linalg import spsolve

import numsolve
from numsolve.cli._matrix_market import read

HEAD = "| matrix | n | choice | its | time (ms) | relative residual | error | of SuperLU | bound | status |"


def row(path):
    """Return the table's row for one matrix with the solution of ones."""
    A = read(path).tocsr()
    n = A.shape[0]
    b = A @ np.ones(n)
    numsolve.solve(A, b)  # compiles
    begun = perf_counter()
    result = numsolve.solve(A, b)
    seconds = perf_counter() - begun
    errors = [np.linalg.norm(x - 1) / np.sqrt(n) for x in (result.x, spsolve(A.tocsc(), b))]
    choice = result.method + (f" with {result.preconditioner}" if result.preconditioner else "")
    status = result.status.name.lower() + (", in doubt" if "may be" in result.message else "")
    residual = result.residuals[-1] / result.residuals[0]
    numbers = [f"{x:.1e}" for x in (residual, *errors, result.forward_error)]
    its = iterations(result.nit, result.status != numsolve.Status.MAXITER)
    cells = [path.stem, str(n), choice, its, f"{seconds * 1e3:.1f}", *numbers, status]
    return f"| {' | '.join(cells)} |"


def main():
    """Write the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    meter = LoadMeter()
    lines = [
        HEAD,
        "|---" * HEAD.count(" | ") + "|---|",
        *(row(p) for p in sorted(options.folder.glob("*.mtx"))),
        f"\nMeanwhile {describe_load(meter.cores())}.",
    ]
    text = "\n".join(lines) + "\n"
    if options.out:
        options.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
