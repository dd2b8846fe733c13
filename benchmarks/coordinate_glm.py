"""L1 logistic regression and the group lasso beside their peers: time to a gap of 1e-6 of the value at zero.

    python benchmarks/coordinate_glm.py [--quick] [--rounds N] [--only PART]

The parts are "logistic", "groups" and "first call". The gap of every peer is computed anew, and its tolerance
tightened until the gap is met or the peer gains nothing more; the gap that it reached is in the table.
Competitors run in turn within each round, on one thread: set OPENBLAS_NUM_THREADS=1 and NUMBA_NUM_THREADS=1.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import scipy.sparse as sp
from measure import LoadMeter, describe_load, in_turn, ratio

from numsolve.coordinate import group_lasso, logistic
from numsolve.problems import read_libsvm

GAP = 1e-6
DATA = Path(__file__).parents[2] / "shared" / "libsvm"


def labelled(name, quick):
    """Return features in compressed columns with short indices, as all peers need, and labels -1 and 1."""
    rng = np.random.default_rng(0)
    if name == "sparse 1e4 x 1e5":
        m, n = (1000, 10_000) if quick else (10_000, 100_000)
        X = sp.random_array((m, n), density=1e-3, format="csc", rng=rng, data_sampler=rng.standard_normal)
        w = np.zeros(n)
        w[rng.choice(n, 100, replace=False)] = rng.standard_normal(100)
        y = np.where(X @ w + 0.1 * rng.standard_normal(m) > 0, 1.0, -1.0)
    elif name == "dense 2000 x 10000":
        m, n = (200, 1000) if quick else (2000, 10_000)
        X = np.asfortranarray(rng.standard_normal((m, n)))
        y = np.where(X[:, :50] @ rng.standard_normal(50) + rng.standard_normal(m) > 0, 1.0, -1.0)
        return X, y
    else:
        X, y = read_libsvm(DATA / f"{name}.gz")
        X, y = (X[:2000], y[:2000]) if quick else (X, y)
        y = np.where(y == y.max(), 1.0, -1.0)
    X = sp.csc_matrix(X)
    return sp.csc_matrix((X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32)), X.shape), y


def logistic_gap(X, y, lam, w):
    """Return the gap at the scaled derivatives of the loss, over log(2)."""
    t = y * (X @ w)
    p = np.exp(-np.logaddexp(0, t))
    c = min(1, lam * len(y) / abs(X.T @ (y * p)).max())
    q = np.clip(c * p, 1e-300, 1 - 1e-16)
    entropy = -(q * np.log(q) + (1 - q) * np.log1p(-q)).mean()
    return (np.logaddexp(0, -t).mean() + lam * abs(w).sum() - entropy) / np.log(2)


def logistic_peers(X, y, lam):
    """Return the peers as functions of a tolerance, with the tolerances to try."""
    import celer
    import skglm
    from sklearn import linear_model

    C, plain = 1 / (lam * len(y)), {"fit_intercept": False}

    def liblinear(tol):
        options = {"C": C, "l1_ratio": 1, "solver": "liblinear", "max_iter": 10_000, **plain}
        return linear_model.LogisticRegression(tol=tol, **options).fit(X, y).coef_[0]

    def by_celer(tol):
        return celer.LogisticRegression(C=C, tol=tol, max_iter=200, **plain).fit(X, y).coef_[0]

    def by_skglm(tol):
        return skglm.SparseLogisticRegression(alpha=lam, tol=tol * lam, **plain).fit(X, y).coef_[0]

    return {
        "celer": (by_celer, 10.0 ** -np.arange(4, 9)),
        "liblinear": (liblinear, 10.0 ** -np.arange(4, 8)),
        "skglm": (by_skglm, 10.0 ** -np.arange(2, 8)),
    }


def tightened(solve, tolerances, gap_of):
    """Return a run of `solve` with the largest tolerance that meets the gap, or the last, and its gap."""
    found = np.inf
    for tol in tolerances:
        found = gap_of(solve(tol))
        if found <= GAP:
            break
    return partial(solve, tol), found


def compare(what, ours, gap_of, peers, rounds):
    """Yield rows: the ratio of each peer's time to ours, with the gaps."""
    gaps, runs = {"numsolve": gap_of(ours())}, {"numsolve": ours}
    for name, (solve, tolerances) in peers.items():
        runs[name], gaps[name] = tightened(solve, tolerances, gap_of)
    seconds = in_turn(runs, rounds)
    for name in peers:
        note = f"{median(seconds[name]) * 1e3:.0f} ms, gap {gaps[name]:.1e}; "
        note += f"ours {median(seconds['numsolve']) * 1e3:.0f} ms, gap {gaps['numsolve']:.1e}"
        yield f"{what}, against {name}", f"{ratio(seconds, name):.2f}", note


def classifiers(quick, rounds):
    """Yield rows for sparse logistic regression."""
    cases = [("a9a", 100), ("mushrooms", 100), ("sparse 1e4 x 1e5", 10), ("dense 2000 x 10000", 10)]
    for name, part in cases:
        X, y = labelled(name, quick)
        lam = abs(X.T @ y).max() / 2 / len(y) / part
        yield from compare(
            f"logistic, {name}, lambda_max/{part}",
            lambda X=X, y=y, lam=lam: logistic(X, y, lam, rtol=GAP).x,
            partial(logistic_gap, X, y, lam),
            logistic_peers(X, y, lam),
            rounds,
        )


def groups(quick, rounds):
    """Yield rows for the group lasso, dense features in groups of ten."""
    import celer

    rng = np.random.default_rng(0)
    m, n, size = (100, 1000, 10) if quick else (500, 5000, 10)
    X = np.asfortranarray(rng.standard_normal((m, n)))
    y = X[:, :50] @ rng.standard_normal(50) + rng.standard_normal(m)

    def norms(v):
        return np.linalg.norm(v.reshape(-1, size), axis=1)

    largest = norms(X.T @ y).max() / m / np.sqrt(size)
    for part in (10, 100):
        lam = largest / part * np.sqrt(size)

        def gap_of(w, lam=lam):
            r = y - X @ w
            t = min(1, lam * m / norms(X.T @ r).max())
            dual = t * (y @ r) - t * t * (r @ r) / 2
            return (r @ r / 2 + m * lam * norms(w).sum() - dual) / (y @ y / 2)

        def by_celer(tol, lam=lam):
            options = {"weights": np.ones(n // size), "fit_intercept": False}
            return celer.GroupLasso(groups=size, alpha=lam, tol=tol, **options).fit(X, y).coef_

        yield from compare(
            f"group lasso, {m} x {n}, lambda_max/{part}",
            lambda lam=lam: group_lasso(X, y, lam, size, weights=np.ones(n // size), rtol=GAP).x,
            gap_of,
            {"celer": (by_celer, 10.0 ** -np.arange(4, 10))},
            rounds,
        )


FIRST = """
from time import perf_counter
begun = perf_counter()
import numpy as np
import scipy.sparse as sp
from numsolve.coordinate import group_lasso, logistic
rng = np.random.default_rng(0)
X = rng.standard_normal((500, 2000))
if {sparse}:
    X = sp.random_array((5000, 20000), density=2e-3, format="csc", rng=rng)
y = X[:, :10] @ np.ones(10)
{call}
print(perf_counter() - begun)
"""


def first_calls(quick, rounds):  # noqa: ARG001 - one interface for all parts
    """Yield rows for the first call of a process: imports and compilation, with and without a disk cache."""
    calls = {
        "logistic": "logistic(X, y > np.median(y), 0.1 * abs(X.T @ (y > np.median(y))).max() / len(y) / 10)",
        "group_lasso": "group_lasso(X, y, 0.05 * abs(X.T @ y).max() / len(y), 10)",
    }
    environment = {k: v for k, v in os.environ.items() if k != "NUMSOLVE_COMPILE"}
    for name, call in calls.items():
        for sparse in (False, True):
            with tempfile.TemporaryDirectory() as cache:
                options = environment | {"NUMBA_CACHE_DIR": cache}
                code = FIRST.format(sparse=sparse, call=call)
                command = [sys.executable, "-c", code]
                times = [float(subprocess.check_output(command, env=options)) for _ in range(3)]
            what = f"{name}, {'sparse' if sparse else 'dense'}, first call"
            yield f"{what}, nothing cached", f"{times[0]:.2f} s", "bar 3 s, imports included"
            yield f"{what}, disk cache", f"{times[2]:.2f} s", "bar 1 s, imports included"


PARTS = {"logistic": classifiers, "groups": groups, "first call": first_calls}


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small problems, one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    load, rounds = LoadMeter(), 1 if options.quick else options.rounds
    print("| problem | peer's time over ours | note |\n|---|---|---|")
    for name, part in PARTS.items():
        if options.only in (None, name):
            for row in part(options.quick, rounds):
                print("| " + " | ".join(row) + " |", flush=True)
    print(describe_load(load.cores()))


if __name__ == "__main__":
    main()
