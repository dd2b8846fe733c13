"""Nonlinear least squares beside SciPy: bundle adjustment, sparse and dense curve fits, and learned damping.

``python benchmarks/least_squares.py [--quick] [bundle] [chain] [fits] [damping]``
"""

import sys

import numpy as np
import scipy.optimize
import scipy.sparse as sp
from measure import LoadMeter, describe_load, in_turn, ratio

from numsolve.learners import ChebCB, TsallisINF, TsallisINFCB
from numsolve.newton import least_squares
from numsolve.problems import bundle_adjustment

FACTORS = [0.03, 0.1, 0.3, 1.0, 3.0]  # that a learner chooses from


def bundle(quick):
    """Print the times of a bundle adjustment: SciPy to its default tolerances, ours to ftol = 1e-8 too."""
    sizes = (10, 1000, 5) if quick else (50, 20_000, 10)
    scene = bundle_adjustment(*sizes, rng=0)
    found = {}

    def ours(method):
        found[f"numsolve, {method}"] = least_squares(
            scene.fun, scene.x0, jac=scene.jac, method=method, eliminate=scene.point_variables, ftol=1e-8
        )

    def scipys():
        found["SciPy"] = scipy.optimize.least_squares(
            scene.fun, scene.x0, jac=scene.jac, x_scale="jac", method="trf", tr_solver="lsmr"
        )

    runs = {
        "numsolve, dogleg": lambda: ours("dogleg"),
        "numsolve, levenberg-marquardt": lambda: ours("levenberg-marquardt"),
        "SciPy": scipys,
        "evaluations of fun and jac": lambda: (scene.fun(scene.x0), scene.jac(scene.x0)),
    }
    seconds = in_turn(runs, 2 if quick else 3)
    print("\nbundle adjustment: {} cameras, {} points, {} views a point".format(*sizes))
    for name, times in seconds.items():
        told = (
            f"cost {found[name].cost:.8g}, {found[name].nfev} evaluations" if name in found else "one of each"
        )
        print(f"{name:32s} {min(times):8.3f} s  {told}")
    print(f"SciPy's time over that of dogleg: {ratio(seconds, 'SciPy', 'numsolve, dogleg'):.2f}")


def chain(quick):
    """Print the times of a chain of Rosenbrock functions: SciPy's dense and sparse paths, and ours."""
    n = 100 if quick else 500
    x0 = np.full(n, -1.0)

    def fun(x):
        return np.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])

    def jac(x):
        upper = sp.diags_array([-20 * x[:-1], np.full(n - 1, 10.0)], offsets=[0, 1], shape=(n - 1, n))
        return sp.vstack([upper, -sp.eye_array(n - 1, n)]).tocsr()

    def scipys(jac, **options):
        return scipy.optimize.least_squares(fun, x0, jac=jac, x_scale="jac", max_nfev=2000, **options)

    runs = {
        "numsolve": lambda: least_squares(fun, x0, jac=jac, ftol=1e-8),
        "SciPy, sparse": lambda: scipys(jac, tr_solver="lsmr"),
        "SciPy, dense": lambda: scipys(lambda x: jac(x).toarray(), tr_solver="exact"),
    }
    report(f"chain of {n} variables", runs, rounds=1)


def fits(quick):
    """Print the times of many small fits of exponentials, without a given Jacobian."""
    problems = list(exponentials(20 if quick else 200))
    runs = {
        "numsolve": lambda: [least_squares(fun, x0, ftol=1e-8) for fun, x0 in problems],
        "SciPy, trf": lambda: [scipy.optimize.least_squares(fun, x0, x_scale="jac") for fun, x0 in problems],
        "SciPy, lm": lambda: [scipy.optimize.least_squares(fun, x0, method="lm") for fun, x0 in problems],
    }
    report(f"{len(problems)} small fits", runs, rounds=2)


def report(title, runs, rounds):
    """Print the times of some runs."""
    seconds = in_turn(runs, rounds)
    print(f"\n{title}")
    for name, times in seconds.items():
        print(f"{name:32s} {min(times):8.3f} s")


def exponentials(count, seed=0):
    """Yield fits of a sum of two exponentials to noisy data, with poor starts: residuals and start."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 4, 60)
    for _ in range(count):
        b = rng.uniform([1, 0.2, 1, 2], [3, 0.6, 3, 5])
        y = b[0] * np.exp(-b[1] * t) + b[2] * np.exp(-b[3] * t) + 0.02 * rng.standard_normal(len(t))

        def fun(x, y=y):
            return x[0] * np.exp(-x[1] * t) + x[2] * np.exp(-x[3] * t) - y

        yield fun, b * rng.uniform(0.3, 3, 4)


def damping(quick):
    """Print the evaluations of a family of fits with Nielsen's rule, fixed dampings and learners."""
    problems = list(exponentials(100 if quick else 1000, seed=1))
    rules = {
        "Nielsen": "nielsen",
        "fixed 1e-3": 1e-3,
        "fixed 1e-6": 1e-6,
        "Tsallis-INF": TsallisINF(FACTORS, rng=0),
        "Tsallis-INF-CB, gain ratio": TsallisINFCB(FACTORS, (-1.0, 2.0), bins=6, rng=0),
        "ChebCB, gain ratio": ChebCB(FACTORS, (-1.0, 2.0), degree=4, rng=0),
    }
    print(f"\nevaluations of fun and jac in {len(problems)} fits; and in the last half of them")
    for name, rule in rules.items():
        results = [least_squares(fun, x0, damping=rule, ftol=1e-8, maxiter=300) for fun, x0 in problems]
        counts = [result.nfev for result in results]
        failures = sum(not result.success for result in results)
        print(f"{name:28s} {sum(counts):8d} {sum(counts[len(counts) // 2 :]):8d}, {failures} not converged")


if __name__ == "__main__":
    quick, chosen = "--quick" in sys.argv, [a for a in sys.argv[1:] if not a.startswith("-")]
    meter = LoadMeter()
    for part in (bundle, chain, fits, damping):
        if not chosen or part.__name__ in chosen:
            part(quick)
    print("\n" + describe_load(meter.cores()))
