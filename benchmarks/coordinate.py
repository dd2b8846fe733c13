"""Penalised regressions beside scikit-learn, celer and skglm: time to a gap of 1e-6 of the value at zero.

    python benchmarks/coordinate.py [--quick] [--rounds N] [--only PART]

The gap of every peer is computed anew, and its tolerance tightened until the gap is met: the tolerances of
the peers mean different things. Competitors run in turn within each round, on one thread: set
OPENBLAS_NUM_THREADS=1 and NUMBA_NUM_THREADS=1. For the part "threads" set both to 2.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import warnings
from functools import partial
from time import perf_counter

import numba
import numpy as np
import scipy.sparse as sp
from measure import LoadMeter, describe_load, in_turn, ratio

from numsolve.coordinate import lasso, lasso_path

GAP = 1e-6
TOLERANCES = 10.0 ** -np.arange(4, 13, 0.5)


def regression(kind, quick, noise, rng=0):
    """Return features, observations with a relative noise, and the smallest lam of zero coefficients."""
    rng = np.random.default_rng(rng)
    m, n = (10_000, 100_000) if kind == "sparse" else (2_000, 10_000)
    m, n = (m // 10, n // 10) if quick else (m, n)
    if kind == "sparse":
        X = sp.random_array(
            (m, n), density=1e-3, format="csc", rng=rng, data_sampler=lambda size: rng.standard_normal(size)
        )
    else:
        X = np.asfortranarray(rng.standard_normal((m, n)))
    w = np.zeros(n)
    w[rng.choice(n, 100, replace=False)] = rng.standard_normal(100)
    y = X @ w
    y += noise * np.std(y) * rng.standard_normal(m)
    return X, y, abs(X.T @ y).max() / m


def gap(X, y, lam, w):
    """Return the gap of the Lasso at the scaled residuals, over the value at zero."""
    m, r = len(y), y - X @ w
    t = min(1, lam / (abs(X.T @ r).max() / m))
    return (r @ r / 2 + m * lam * abs(w).sum() - t * (y @ r) + t * t * (r @ r) / 2) / (y @ y / 2)


def lasso_peers(X, y, lam):
    """Return the peers as functions of a tolerance; skglm's is an absolute violation."""
    import celer
    import skglm
    from sklearn import linear_model

    def fitted(model):
        return model.fit(X, y).coef_

    plain = {"fit_intercept": False}
    return {
        "scikit-learn": lambda tol: fitted(linear_model.Lasso(lam, tol=tol, max_iter=100_000, **plain)),
        "celer": lambda tol: fitted(celer.Lasso(lam, tol=tol, **plain)),
        "skglm": lambda tol: fitted(skglm.Lasso(lam, tol=100 * tol * lam, **plain)),
    }


def tightened(solve, gap_of):
    """Return a run of `solve` with the largest tolerance that meets the gap, and this gap."""
    for tol in TOLERANCES:
        found = gap_of(solve(tol))
        if found <= GAP:
            break
    return partial(solve, tol), found


def against_peers(title, ours, peers, gap_of, rounds):
    """Measure one problem; yield the ratio of the best peer's time to ours."""
    runs, gaps = {"numsolve": ours}, {"numsolve": gap_of(ours())}
    for name, solve in peers.items():
        runs[name], gaps[name] = tightened(solve, gap_of)
    seconds = in_turn(runs, rounds)
    best = min(peers, key=lambda name: ratio(seconds, name))
    notes = [f"{name} {np.median(s) * 1e3:.0f} ms ({gaps[name]:.0e})" for name, s in seconds.items()]
    yield f"{title}, best peer: {best}", ratio(seconds, best), 1.0, ", ".join(notes)


def single(kind, quick, rounds):
    """Measure the Lasso at two values of lam, with little and with much noise."""
    for noise in (0.01, 0.3):
        X, y, largest = regression(kind, quick, noise)
        for factor in (10, 100):
            lam = largest / factor
            yield from against_peers(
                f"Lasso, {kind} {X.shape[0]} x {X.shape[1]}, noise {noise}, largest lam / {factor}",
                lambda: lasso(X, y, lam, rtol=GAP).x,  # noqa: B023 - called in this round
                lasso_peers(X, y, lam),
                lambda w: gap(X, y, lam, w),  # noqa: B023
                rounds,
            )


def sparse(quick, rounds):
    """Measure the Lasso on sparse features."""
    yield from single("sparse", quick, rounds)


def dense(quick, rounds):
    """Measure the Lasso on dense features."""
    yield from single("dense", quick, rounds)


def threads(quick, rounds):
    """Measure the gain of two threads on dense features."""
    from threadpoolctl import threadpool_limits

    def solve(count, *args):
        numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
        with threadpool_limits(count, "blas"):
            lasso(*args, rtol=GAP)

    for noise in (0.01, 0.3):
        X, y, largest = regression("dense", quick, noise)
        for factor, bar in ((10, None), (100, 1.3)):
            args = X, y, largest / factor
            runs = {"numsolve": lambda args=args: solve(2, *args), "one": lambda args=args: solve(1, *args)}
            seconds = in_turn(runs, rounds)
            two, one = (f"{np.median(s) * 1e3:.0f} ms" for s in seconds.values())
            title = f"Lasso, dense, noise {noise}, largest lam / {factor}, two threads"
            yield title, ratio(seconds, "one"), bar, f"one thread {one}, two {two}"


def path(quick, rounds):
    """Measure a path of 100 values of lam down to a hundredth of the largest, on sparse features."""
    import celer

    for noise in (0.01, 0.3):
        X, y, largest = regression("sparse", quick, noise)
        lams = largest * np.logspace(0, -2, 100)

        def gap_of(coefs, X=X, y=y, lams=lams):
            return max(gap(X, y, lam, w) for lam, w in zip(lams[5::10], coefs.T[5::10], strict=True))

        def ours(X=X, y=y, lams=lams):
            return lasso_path(X, y, lams, rtol=GAP).coefs

        def celers(tol, X=X, y=y, lams=lams):
            return celer.celer_path(X, y, pb="lasso", alphas=lams, tol=tol)[1]

        runs = {"numsolve": ours}
        runs["celer"], gap_of_celer = tightened(celers, gap_of)
        seconds = in_turn(runs, rounds)
        gaps = gap_of(ours().toarray()), gap_of_celer
        notes = [
            f"{name} {np.median(s):.2f} s ({g:.0e})"
            for (name, s), g in zip(seconds.items(), gaps, strict=True)
        ]
        yield f"Lasso path, sparse, noise {noise}, celer", ratio(seconds, "celer"), 1.0, ", ".join(notes)


FIRST_CALL = """
import numpy as np, scipy.sparse as sp
rng = np.random.default_rng(0)
X = {X}
w = np.zeros(X.shape[1])
w[:100] = rng.standard_normal(100)
y = X @ w
lam = abs(X.T @ y).max() / len(y) / 20
from time import perf_counter
begun = perf_counter()
from numsolve.coordinate import lasso
lasso(X, y, lam)
print(perf_counter() - begun)
"""
FEATURES = {
    "dense": "rng.standard_normal((1000, 5000))",
    "sparse": "sp.random_array((10_000, 100_000), density=1e-3, rng=rng, format='csc')",
}


def first(quick, rounds):  # noqa: ARG001 - all parts have these arguments
    """Measure the first call in a new process with its imports, without and with stored kernels."""
    settings = {name: value for name, value in os.environ.items() if name != "NUMSOLVE_COMPILE"}
    for kind, X in FEATURES.items():
        command = [sys.executable, "-c", FIRST_CALL.format(X=X)]
        with tempfile.TemporaryDirectory() as cache:
            for what, bar in (("nothing stored", 3.0), ("kernels stored", 1.0)):
                begun = perf_counter()
                output = subprocess.check_output(
                    command, text=True, env=settings | {"NUMBA_CACHE_DIR": cache}
                )
                note = f"{float(output):.2f} s, {perf_counter() - begun:.2f} s for the process"
                yield f"first call, {kind}, {what}: {bar:.0f} s over its time", bar / float(output), 1.0, note


PARTS = (sparse, dense, threads, path, first)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="ten times fewer samples and features")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="the part of this name")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # a miss is shown by the gap
    meter = LoadMeter()
    print("| problem | ratio | bar | notes |\n|---|---|---|---|")
    for part in PARTS:
        if options.only in ("", part.__name__):
            for name, value, least, note in part(options.quick, options.rounds):
                print(f"| {name} | {value:.2f} | {least or ''} | {note} |", flush=True)
    print(describe_load(meter.cores()))


if __name__ == "__main__":
    main()
