"""Sketched least squares against LAPACK and SciPy, at the backward error of the peer.

    python benchmarks/sketch.py [--quick] [--rounds N] [--only WORD]

Bar: 40000 x 1500, dense, condition number 1e8, at least 1.5 times faster than `scipy.linalg.lstsq` (gelsd).
Our tolerance is the backward error of its solution, but not below a quarter of the unit of rounding. The
backward errors of both are computed anew, by Karlson and Walden's estimate with the triangular factor of A.
Competitors run in turn within each round, with the same number of threads: set OPENBLAS_NUM_THREADS and
NUMBA_NUM_THREADS.
"""

import argparse
import warnings

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from measure import LoadMeter, describe_load, in_turn, ratio

from numsolve import sketch

LEAST = np.finfo(float).eps / 4  # of our tolerance


def dense(m, n, cond=1e8, noise=1e-3, rng=0):
    """Return a matrix of logarithmically spaced singular values, and b, with a residual of norm `noise`."""
    rng = np.random.default_rng(rng)
    V = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A = (rng.standard_normal((m, n)) * (np.logspace(0, -np.log10(cond), n) / m**0.5)) @ V
    return A, A @ rng.standard_normal(n) + noise * rng.standard_normal(m) / m**0.5


def sparse(m, n, each=10, cond=1e6, noise=1e-3, rng=0):
    """Return a sparse matrix with nearly dependent columns, so that LSQR needs many iterations, and b."""
    rng = np.random.default_rng(rng)
    rows, columns = np.repeat(np.arange(m), each), rng.integers(0, n - 1, m * each)
    values = rng.standard_normal(m * each)
    rows, columns = np.concatenate((rows, rows)), np.concatenate((columns, columns + 1))
    values = np.concatenate((values, -(1 - 1 / cond**0.5) * values))  # differences of neighbouring unknowns
    A = sp.csr_array((values, (rows, columns)), shape=(m, n))
    return A, A @ rng.standard_normal(n) + noise * rng.standard_normal(m) / m**0.5


class Judge:
    """Computes the backward errors of solutions for one problem, relative to the Frobenius norm of A."""

    def __init__(self, A, b):
        self.A, self.b = A, b
        full = A.toarray() if sp.issparse(A) else A
        self.R = sl.qr(full, mode="raw", check_finite=False)[1]

    def __call__(self, x):
        r = self.b - self.A @ x
        rho = np.linalg.norm(r) / np.linalg.norm(x)
        R = sl.qr(np.concatenate((self.R, rho * np.eye(x.size))), mode="raw", check_finite=False)[1]
        gradient = sl.solve_triangular(R, self.A.T @ r, trans=1, check_finite=False)
        return np.linalg.norm(gradient) / np.linalg.norm(x) / np.linalg.norm(self.R)


def row(title, A, b, peers, bar, rounds):
    """Measure one problem; yield the ratios of the peers' times to ours."""
    judge = Judge(A, b)
    for name, solve in peers.items():
        found = {}
        error = judge(solve(A, b))
        rtol = max(error, LEAST)
        runs = {
            "numsolve": lambda rtol=rtol, found=found: found.update(r=sketch.lstsq(A, b, rtol=rtol, rng=0)),
            name: lambda solve=solve: solve(A, b),
        }
        seconds = in_turn(runs, rounds)
        result = found["r"]
        own = f"{np.median(seconds['numsolve']):.2f} s, {result.nit} its, {result.rows} rows"
        own += "" if result.success else f", {result.status.name}"
        errors = f"backward errors {judge(result.x):.1e}, {error:.1e}"
        yield f"{title}, against {name}", ratio(seconds, name), bar, f"{own}; {errors}"


def gelsd(A, b):
    """Solve by singular values."""
    return sl.lstsq(A, b)[0]


def gelsy(A, b):
    """Solve by a pivoted QR factorisation."""
    return sl.lstsq(A, b, lapack_driver="gelsy")[0]


def lsqr(A, b):
    """Solve by SciPy's LSQR with its tightest tolerances."""
    return spla.lsqr(A, b, atol=1e-15, btol=1e-15, conlim=0, iter_lim=20_000)[0]


PROBLEMS = {  # title: the problem for fewer rows or columns by a factor, the peers, the bar
    "40000 x 1500": (lambda f: dense(40_000 // f, 1500 // f), {"gelsd": gelsd}, 1.5),
    "200000 x 300": (lambda f: dense(200_000 // f, 300), {"gelsd": gelsd, "gelsy": gelsy}, None),
    "40000 x 1500, large residual": (
        lambda f: dense(40_000 // f, 1500 // f, noise=1.0),
        {"gelsd": gelsd},
        None,
    ),
    "sparse, 500000 x 200": (lambda f: sparse(500_000 // f, 200), {"SciPy lsqr": lsqr}, None),
}


def main():
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="ten times fewer rows")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="rows whose title contains this word")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # a miss is shown in the table
    meter = LoadMeter()
    print("| problem | ratio | bar | notes |\n|---|---|---|---|")
    for title, (make, peers, bar) in PROBLEMS.items():
        if options.only in title:
            problem = make(10 if options.quick else 1)
            for name, value, least, note in row(title, *problem, peers, bar, options.rounds):
                print(f"| {name} | {value:.2f} | {least or ''} | {note} |", flush=True)
    print(describe_load(meter.cores()))


if __name__ == "__main__":
    main()
