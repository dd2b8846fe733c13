"""Time each method beside its twin of SciPy or PyAMG on every Matrix Market file of a folder.

    python benchmarks/twins.py DIR [--rounds N] [--only METHOD] [--out FILE]

Both solve ``A x = A @ ones`` to the same true residual, relative 1e-8 (least squares: that of the gradient):
where the twin's own test lets it stop too early, its tolerance is tightened until it does not. A ratio is the
median over rounds, run in turn, of the twin's time over ours; below 1/1.2 it is a loss.
"""

import argparse
import warnings
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import pyamg
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from measure import LoadMeter, describe_load, in_turn, iterations, ratio

from numsolve import krylov, precondition
from numsolve.cli._matrix_market import read

RTOL, CAP = 1e-8, 5000
HEAD = "| matrix | method | M | peer | our its | our ms | ratio | verdict |"


def scipy_peer(name, **options):
    """Return SciPy's method as a function of ``A, b, M, rtol``."""
    function = getattr(spla, name)
    return lambda A, b, M, rtol: function(A, b, M=M, rtol=rtol, maxiter=CAP, **options)[0]


def scipy_gmres(A, b, M, rtol):
    """Run SciPy's GMRES, which counts restarts."""
    return spla.gmres(A, b, M=M, rtol=rtol, restart=30, maxiter=CAP // 30)[0]


def scipy_lsqr(A, b, _, rtol):
    """Run SciPy's LSQR; the tolerance of its gradient test is relative to the norm of A."""
    return spla.lsqr(A, b, atol=rtol, btol=0, conlim=0, iter_lim=CAP)[0]


def scipy_lsmr(A, b, _, rtol):
    """Run SciPy's LSMR."""
    return spla.lsmr(A, b, atol=rtol, btol=0, conlim=0, maxiter=CAP)[0]


def pyamg_peer(name, limit=CAP, **options):
    """Return PyAMG's method as a function of ``A, b, M, rtol``."""
    function = getattr(pyamg.krylov, name)
    return lambda A, b, M, rtol: function(A, b, M=M, tol=rtol, maxiter=limit, **options)[0]


PEERS = {
    "cg": {"SciPy": scipy_peer("cg"), "PyAMG": pyamg_peer("cg")},
    "minres": {"SciPy": scipy_peer("minres")},
    "gmres": {
        "SciPy": scipy_gmres,
        "PyAMG": pyamg_peer("gmres", CAP // 30, restart=30, orthog="mgs"),
    },
    "fgmres": {"PyAMG": pyamg_peer("fgmres", CAP // 30, restart=30)},
    "bicgstab": {"SciPy": scipy_peer("bicgstab"), "PyAMG": pyamg_peer("bicgstab")},
    "lsqr": {"SciPy": scipy_lsqr},
    "lsmr": {"SciPy": scipy_lsmr},
}
LEAST_SQUARES = ("lsqr", "lsmr")


def relative(method, A, b, x):
    """Return the norm that the method's tolerance limits, over its initial value."""
    r = b - A @ x
    if method in LEAST_SQUARES:
        return np.linalg.norm(A.T @ r) / np.linalg.norm(A.T @ b)
    return np.linalg.norm(r) / np.linalg.norm(b)


def tolerance_for(method, run, A, b, M):
    """Return the tolerance with which a peer reaches our true residual, or None if it never does."""
    rtol, before = RTOL, np.inf
    while rtol > 1e-17:
        reached = relative(method, A, b, run(A, b, M, rtol))
        if reached <= RTOL:
            return rtol
        if not reached < before / 1.2:
            return None
        rtol, before = rtol / max(2, reached / RTOL), reached
    return None


def cases(A):
    """Yield the methods that suit a matrix, with the preconditioners to try."""
    symmetric = abs(A - A.T).max() <= 1e-14 * abs(A).max()
    jacobi = [None] if (A.diagonal() == 0).any() else [None, "jacobi"]
    definite = symmetric and A.shape[0] < 5000 and np.linalg.eigvalsh(A.toarray())[0] > 0
    if definite:
        yield "cg", jacobi
    if symmetric:
        yield "minres", jacobi if definite else [None]
    else:
        yield "gmres", jacobi
        yield "fgmres", jacobi
        yield "bicgstab", jacobi
    yield "lsqr", [None]
    yield "lsmr", [None]


def rows(path, rounds, only):
    """Yield the rows of the table for one matrix."""
    A = sp.csr_matrix(read(path).tocsr())
    if A.diagonal().max() < 0:
        A = -A
    b = A @ np.ones(A.shape[0])
    for method, preconditioners in cases(A):
        if only and only != method:
            continue
        for name in preconditioners:
            yield from compared(path.stem, A, b, method, name, rounds)


def compared(matrix, A, b, method, name, rounds):
    """Yield one row a peer."""
    M = {} if name is None else {"M": precondition.jacobi(A)}
    theirs = None if name is None else spla.aslinearoperator(sp.diags(1 / A.diagonal()).tocsr())
    ours = partial(getattr(krylov, method), A, b, rtol=RTOL, maxiter=CAP, **M)
    result = ours()
    runs = {"numsolve": ours}
    for peer, run in PEERS[method].items():
        rtol = tolerance_for(method, run, A, b, theirs)
        if rtol is not None:
            runs[peer] = partial(run, A, b, theirs, rtol)
    seconds = in_turn(runs, rounds) if result.success and len(runs) > 1 else {}
    for peer in PEERS[method]:
        if result.success and peer in runs:
            gain = ratio(seconds, peer)
            verdict = "LOST" if gain < 1 / 1.2 else "won" if gain > 1 else "even"
            cells = f"{median(seconds['numsolve']) * 1e3:.1f}", f"{gain:.2f}", verdict
        else:
            who = "ours" if result.success else "LOST: theirs" if peer in runs else "neither"
            cells = "", "", f"{who} meets the tolerance"
        its = iterations(result.nit, result.success)
        yield f"| {matrix} | {method} | {name or 'none'} | {peer} | {its} | {' | '.join(cells)} |"


def main():
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = [HEAD, "|---" * (HEAD.count("|") - 1) + "|"]
    print("\n".join(lines))
    meter = LoadMeter()
    for path in sorted(options.folder.glob("*.mtx")):
        for line in rows(path, options.rounds, options.only):
            print(line, flush=True)
            lines.append(line)
    lines.append(f"\nMeanwhile {describe_load(meter.cores())}.")
    print(lines[-1])
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
