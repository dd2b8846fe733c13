"""Randomized factorisations and the Nystrom preconditioner against their peers, at equal error.

``python benchmarks/lowrank.py [--quick] [--rounds N]`` prints one row a comparison: the median of the ratios
of times of one run, competitors in turn, and the errors or counts of both.
"""

import argparse
import warnings

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from measure import LoadMeter, describe_load, in_turn, ratio

from numsolve import krylov, precondition, sketch


def matrices(quick):
    """Yield a dense matrix with singular values that decay, and a sparse one of counts with a few topics."""
    rng = np.random.default_rng(0)
    m, n = (1500, 500) if quick else (8000, 2000)
    U, V = (np.linalg.qr(rng.standard_normal((size, 200)))[0] for size in (m, n))
    yield f"dense {m} x {n}", (U * 0.93 ** np.arange(200)) @ V.T + 1e-4 * rng.standard_normal((m, n))
    m, n = (8000, 2000) if quick else (60_000, 15_000)
    topics = 30
    rows = np.repeat(np.arange(m), 40)
    columns = (rng.integers(0, n // topics, rows.size) + (rows % topics) * (n // topics)) % n
    shared = rng.random(rows.size) < 0.3  # words that all topics use
    columns[shared] = (n * rng.random(int(shared.sum())) ** 3).astype(int)
    yield f"sparse {m} x {n}", sp.csr_array((np.ones(rows.size), (rows, columns)), shape=(m, n))


def singular_values(quick, rounds):
    """Yield the times of Lanczos and, if it is installed, of scikit-learn over those of `sketch.svd`."""
    k = 20
    for name, A in matrices(quick):
        best = spla.svds(A, k + 1, random_state=0)[1]
        runs = {
            "numsolve": lambda A=A: sketch.svd(A, k, rng=0),
            "svds": lambda A=A: spla.svds(A, k, random_state=0),
        }
        try:
            from sklearn.utils.extmath import randomized_svd
        except ImportError:
            pass
        else:
            runs["sklearn"] = lambda A=A: randomized_svd(A, k, n_iter=2, random_state=0)
        seconds = in_turn(runs, rounds)
        result = runs["numsolve"]()
        error = difference(A, *result)
        note = f"error {error:.3e}, bound {result.error_bound:.3e}, best possible {best.min():.3e}"
        for peer in list(runs)[1:]:
            yield f"svd, {name}, k = {k}: {peer} / numsolve", ratio(seconds, peer), note


def difference(A, U, s, Vh):
    """Return an estimate of the 2-norm of the error from below, by Lanczos."""
    error = spla.LinearOperator(
        A.shape,
        lambda x: A @ x.ravel() - U @ (s * (Vh @ x.ravel())),
        lambda y: A.T @ y.ravel() - Vh.T @ (s * (U.T @ y.ravel())),
        dtype=float,
    )
    return spla.svds(error, 1, return_singular_vectors=False, tol=1e-3, random_state=0)[0]


def kernel_system(quick, rounds):
    """Yield times of conjugate gradients on a kernel system without over those with the preconditioner."""
    n = 1000 if quick else 5000
    rng = np.random.default_rng(1)
    points, b = rng.standard_normal((n, 4)), rng.standard_normal(n)
    squares = (points**2).sum(axis=1)
    K = np.exp(-np.maximum(squares[:, None] + squares - 2 * points @ points.T, 0) / 4)
    for shift in (1e-2, 1e-4):
        A = K + shift * np.eye(n)
        options = {"rtol": 1e-8, "maxiter": 5000}
        results = {}

        def plain(A=A, options=options, results=results):
            results["cg"] = krylov.cg(A, b, **options)

        def preconditioned(A=A, shift=shift, options=options, results=results):
            M = precondition.nystrom(K, shift=shift, rng=0)
            results["numsolve"] = krylov.cg(A, b, M=M, **options)
            results["rank"] = len(M.eigenvalues)

        seconds = in_turn({"numsolve": preconditioned, "cg": plain}, rounds)
        counts = f"{results['numsolve'].nit} iterations of rank {results['rank']} for {results['cg'].nit}"
        label = f"kernel ridge n = {n}, shift {shift:g}, set-up included"
        yield f"{label}: cg / numsolve", ratio(seconds, "cg"), counts


def row_actions(quick, rounds):
    """Yield the time of LSQR over that of Kaczmarz's method on a tall, well-conditioned system."""
    m, n = (5000, 100) if quick else (50_000, 400)
    rng = np.random.default_rng(2)
    A = rng.standard_normal((m, n))
    b = A @ rng.standard_normal(n)
    runs = {
        "numsolve": lambda: sketch.kaczmarz(A, b, rtol=1e-8, rng=0),
        "lsqr": lambda: spla.lsqr(A, b, atol=1e-8, btol=1e-8),
    }
    seconds = in_turn(runs, rounds)
    note = f"{runs['numsolve']().nit} sweeps for {runs['lsqr']()[2]} iterations"
    yield f"consistent {m} x {n}: lsqr of SciPy / kaczmarz", ratio(seconds, "lsqr"), note


def main():
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small problems")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    load = LoadMeter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for group in (singular_values, kernel_system, row_actions):
            for name, value, note in group(arguments.quick, arguments.rounds):
                print(f"{name} {value:.2f} ({note})", flush=True)
    print(describe_load(load.cores()))


if __name__ == "__main__":
    main()
