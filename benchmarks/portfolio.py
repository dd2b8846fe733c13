"""Risk parity beside riskparityportfolio: ``python benchmarks/portfolio.py [--quick]``.

Both reach the same error, the largest difference between a share of the variance and its budget. The peer has
the largest tolerance that reaches it.
"""

import sys
import warnings

import numpy as np
from measure import LoadMeter, describe_load, in_turn, ratio

from numsolve.coordinate import risk_parity

ERROR = 1e-8


def wishart(n, rng):
    """Return the covariance of 2 n samples."""
    return np.cov(rng.standard_normal((2 * n, n)).T)


def factors(n, rng):
    """Return the covariance of a model with five factors."""
    loads = rng.standard_normal((n, 5))
    loads[:, 0] += 1
    return loads @ loads.T + np.diag(rng.uniform(0.5, 1.5, n))


def spectrum(n, rng):
    """Return a correlation matrix with eigenvalues between 0 and 1."""
    from scipy.stats import random_correlation

    values = rng.random(n)
    return random_correlation.rvs(values * n / values.sum(), random_state=rng, tol=1e-9)


def error_of(cov, x):
    """Return the largest difference between a share and its budget."""
    return abs(x * (cov @ x) / (x @ cov @ x) - 1 / len(x)).max()


def peers(cov):
    """Yield the names and the runs of the peer's methods that reach the error."""
    import riskparityportfolio as rpp

    b = np.full(len(cov), 1 / len(cov))
    for tol in (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-14):
        for method in ("spinu", "choi"):

            def run(tol=tol, method=method):
                return np.asarray(rpp.vanilla.design(cov, b, tol=tol, maxiter=5000, method=method))

            if error_of(cov, run()) <= ERROR:
                yield method, run


def first_of_each(pairs):
    """Return a dictionary of the first value of each name."""
    found = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def main():
    """Print a table."""
    n = 60 if "--quick" in sys.argv else 500
    rng, load = np.random.default_rng(0), LoadMeter()
    print(
        "| covariance | n | sweeps | ms | error | riskparityportfolio, ms | error | ratio |\n|" + "---|" * 8
    )
    for make in (spectrum, factors, wishart):
        cov = make(n, rng)

        def ours(cov=cov):
            return risk_parity(cov, rtol=0, atol=ERROR)

        runs = {"ours": ours, **first_of_each(peers(cov))}
        seconds = in_turn(runs, 3 if n < 100 else 15)
        result = ours()
        cells = [
            make.__name__,
            n,
            result.nit,
            f"{1e3 * min(seconds['ours']):.2f}",
            f"{error_of(cov, result.x):.1e}",
        ]
        best = min(
            (name for name in runs if name != "ours"), key=lambda name: min(seconds[name]), default=None
        )
        if best is None:
            cells += ["misses the error", "", ""]
        else:
            cells += [f"{1e3 * min(seconds[best]):.2f} ({best})", f"{error_of(cov, runs[best]()):.1e}"]
            cells += [f"{ratio(seconds, best, 'ours'):.2f}"]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    print(describe_load(load.cores()))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
