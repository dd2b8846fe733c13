"""Newton's method regularised in proportion to the gradient, with exact and approximate Hessians."""

from dataclasses import replace
from functools import partial
from math import factorial

import numpy as np

from .. import newton
from .._result import inner_solve
from ..problems import norm_power, polytope_feasibility, soft_maximum, unconstrained, worst_instance
from . import Claim
from ._descents import curve_of, descend, draw, finish, rows_of, thinned
from ._interval import Interval

TITLE = "Iterations of gradient-normalised and super-universal Newton methods, with approximate Hessians"
REFERENCE = (
    "A. Semenov, M. Jaggi, N. Doikov, Gradient-Normalized Smoothness for Optimization with Approximate "
    "Hessians, 2025, arXiv:2506.13710, doi:10.48550/arXiv.2506.13710; N. Doikov, K. Mishchenko, Y. Nesterov, "
    "Super-Universal Regularized Newton Method, SIAM J. Optim. 34 (2024) 27-56, doi:10.1137/22M1519444"
)
SEED = 3124  # of the programs of both papers, for NumPy's old generator
GNS, SU = "gradient-normalized", "super-universal"
FISHER, SUM_EXP, ROSENBROCK, FIFTH, CHEBYSHEV = (
    "norm of affine residuals, power 4",
    "log-sum-exp",
    "Rosenbrock",
    "Rosenbrock residuals, power 5",
    "Chebyshev residuals, power 4",
)
SOFT, POLYTOPE, WORST = "soft maximum", "polytope", "worst instance"
GRADIENT = "gradient method"
IN_METRIC = "gradient method in the metric"


def settings(full):
    """Return the sizes of the problems: those of the papers, or smaller ones."""
    return {
        FISHER: (200, 100),
        SUM_EXP: (1000, 1000) if full else (100, 100),
        ROSENBROCK: (2, 2),
        FIFTH: (2, 2),
        CHEBYSHEV: (1000, 1000) if full else (100, 100),
        SOFT: (500, 1000) if full else (60, 120),
        POLYTOPE: (100, 200),
        WORST: (500, 500) if full else (100, 100),
        "gradient steps": 5000 if full else 1500,
    }


def run(settings, progress):
    """Follow each method on each problem; a row is a step."""
    rows = []
    for name in progress([*CASES]):
        n, m = settings[name]
        problem, goal, limit, curves = CASES[name](n, m)
        for label, follow in curves.items():
            most = settings["gradient steps"] if label in (GRADIENT, IN_METRIC) else limit
            curve = follow(problem, goal=goal, maxiter=most)
            rows += rows_of(curve, problem=name, n=n, method=label)
    return rows


def _newton(method, **options):
    return partial(_follow, method, options)


def _follow(method, options, problem, *, goal, maxiter):
    """Follow a method; the option `hess` may name an approximation that the problem has."""
    hess = options.get("hess")
    rest = {key: value for key, value in options.items() if key != "hess"}
    return descend(problem, method, goal=goal, maxiter=maxiter, hess=hess and getattr(problem, hess), **rest)


def gradient_descend(problem, *, goal, maxiter, metric=None):
    """Follow the gradient method, whose step is doubled, and halved until the value falls enough.

    The step is ``-inv(B) @ g / L`` with the matrix B of the metric, and L is accepted if the value is at most
    that of the quadratic model.
    """
    inverse = np.eye(problem.n) if metric is None else np.linalg.inv(metric)
    x, L, curve = problem.x0, 1.0, []
    value = problem.fun(x)
    for k in range(maxiter + 1):
        curve.append({"iteration": k, "hessians": 0, "gradients": k, "seconds": 0.0})
        curve[-1]["gap"] = max(value - problem.minimum, 0.0)
        if curve[-1]["gap"] <= goal:
            break
        g = problem.grad(x)
        d = inverse @ g
        for _ in range(60):
            trial = problem.fun(x - d / L)
            if trial <= value - g @ d / (2 * L):
                break
            L *= 2
        x, value, L = x - d / L, trial, max(L / 2, 1e-5)
    return thinned(curve, goal)


def _random():
    return np.random.RandomState(SEED)


def _fisher(n, m):
    problem = norm_power(n, m, rng=_random())
    curves = {
        "Fisher term": _newton(GNS, hess="fisher", metric=problem.metric),
        "exact Hessian": _newton(GNS, metric=problem.metric),
        IN_METRIC: partial(gradient_descend, metric=problem.metric),
        GRADIENT: gradient_descend,
    }
    return problem, 1e-10, 200, curves


def _sum_exp(n, m):
    problem = soft_maximum(n, m, mu=1.0, rng=_random())
    metric = _metric_before_shift(n, m)
    curves = {
        "exact Hessian": _newton(GNS, metric=metric),
        "weighted Gauss-Newton": _newton(GNS, hess="gauss_newton", metric=metric),
        IN_METRIC: partial(gradient_descend, metric=metric),
        GRADIENT: gradient_descend,
    }
    return problem, 1e-8, 500, curves


def _rosenbrock(n, m, power=2):  # noqa: ARG001 - all cases take the same arguments
    problem = replace(unconstrained("rosenbrock", n), x0=np.array([-2.0, 2.0]))
    problem = problem if power == 2 else problem.with_power(power)
    curves = {
        "exact Hessian": _newton(GNS),
        "Gauss-Newton": _newton(GNS, hess="gauss_newton"),
        GRADIENT: gradient_descend,
    }
    return problem, 1e-8, 1000, curves


def _chebyshev(n, m):  # noqa: ARG001 - all cases take the same arguments
    problem = unconstrained("nesterov_chebyshev", n).with_power(4)
    problem = replace(problem, x0=_random().uniform(-1, 1, n))
    curves = {"exact Hessian": _newton(GNS), "Gauss-Newton": _newton(GNS, hess="gauss_newton")}
    return problem, 0.0, 50, curves


def _soft(n, m):
    problem, metric = soft_maximum(n, m, rng=_random()), _metric_before_shift(n, m)
    exponents = {"0": 0.0, "1/2": 0.5, "2/3": 2 / 3, "1": 1.0}
    curves = {
        f"exponent {text}": _newton(SU, alpha=alpha, metric=metric, floor=1e-9)
        for text, alpha in exponents.items()
    }
    return problem, 1e-8, 1000, curves


def _metric_before_shift(n, m):
    """Return the metric of the papers: that of the matrix before its rows are shifted."""
    A = _random().uniform(-1, 1, (n, m))
    return A @ A.T


def _polytope(n, m):
    problem = polytope_feasibility(n, m, rng=_random())
    with inner_solve():
        best = newton.minimize(
            problem.fun, problem.x0, grad=problem.grad, hess=problem.hess, method="cubic", rtol=1e-14
        )
    problem = replace(problem, minima=(best.fun,))
    curves = {
        "cubic": _newton("cubic"),
        "exponent 1": _newton(SU),
        "exponent 2/3": _newton(SU, alpha=2 / 3),
        GRADIENT: gradient_descend,
    }
    return problem, 1e-11, 500, curves


def _worst(n, m, q=3):  # noqa: ARG001 - all cases take the same arguments
    H = (6 * 2 ** (q - 1) * factorial(q - 1)) ** (1 / (q - 1))
    alpha = (q - 2) / (q - 1)
    curves = {
        "fixed": _newton(SU, alpha=alpha, H=H),
        "adaptive": _newton(SU, alpha=alpha, H0=H),
        "adaptive, exponent 1": _newton(SU, H0=H),
    }
    return worst_instance(n, power=q), 1e-11, 3 * n, curves


CASES = {
    FISHER: _fisher,
    SUM_EXP: _sum_exp,
    ROSENBROCK: _rosenbrock,
    FIFTH: partial(_rosenbrock, power=5),
    CHEBYSHEV: _chebyshev,
    SOFT: _soft,
    POLYTOPE: _polytope,
    WORST: _worst,
}


def _plot(rows, axes, names):
    for ax, name in zip(axes, names, strict=True):
        picked = curve_of(rows, problem=name)
        for method in dict.fromkeys(row["method"] for row in picked):
            draw(ax, curve_of(picked, method=method), "iteration", label=method)
        finish(ax, title=f"{name}, n = {picked[0]['n']}", xlabel="iterations", ylabel="f - f*")
        ax.set_xscale("symlog", linthresh=10)


NORMALIZED, UNIVERSAL = (FISHER, SUM_EXP, ROSENBROCK, FIFTH, CHEBYSHEV), (SOFT, POLYTOPE, WORST)
FIGURES = {
    "normalized": (partial(_plot, names=NORMALIZED), len(NORMALIZED)),
    "universal": (partial(_plot, names=UNIVERSAL), len(UNIVERSAL)),
}
# Read from the figures of the programs of both papers: iterations to the gap at which a curve ends.
PUBLISHED = {
    FISHER: (200, {"Fisher term": 20, "exact Hessian": 30, IN_METRIC: 28, GRADIENT: 88}),
    SUM_EXP: (1000, {"exact Hessian": 35, "weighted Gauss-Newton": 95, IN_METRIC: 175}),
    SOFT: (500, {"exponent 0": 530, "exponent 1/2": 570, "exponent 2/3": 530, "exponent 1": 515}),
    POLYTOPE: (100, {"cubic": 100, "exponent 1": 165, "exponent 2/3": 165}),
}


def claims(rows):
    """Compare iterations with those that the figures of the papers show."""
    return [
        *(_count_claim(rows, name, *published) for name, published in PUBLISHED.items()),
        *(_valley_claim(rows, name) for name in (ROSENBROCK, FIFTH)),
        _chebyshev_claim(rows),
        _polytope_claim(rows),
        *_worst_claims(rows),
    ]


def _count_claim(rows, name, n, published):
    """Compare counts at the size of the paper; at a smaller size, the order of the curves alone."""
    curves = {method: curve_of(rows, problem=name, method=method) for method in published}
    counts = {method: Interval.measured(c[-1]["iteration"], c[-1]["reached"]) for method, c in curves.items()}
    ours = {method: count.low for method, count in counts.items()}
    is_full = curves[next(iter(curves))][0]["n"] == n
    if is_full:
        holds = all(abs(ours[method] - count) <= 0.2 * count for method, count in published.items())
        why = "counts read from figures; 20 % is allowed"
    else:
        pairs = [(a, b) for a in published for b in published if published[a] < 0.8 * published[b]]
        holds = all(ours[a] < ours[b] for a, b in pairs)
        why = f"smaller than the paper's n = {n}: only the order of clearly different curves is compared"
    return Claim(f"{name}: iterations", _listed(published), _listed(counts), holds, why)


def _valley_claim(rows, name):
    exact, plain = (curve_of(rows, problem=name, method=method)[-1] for method in ("exact Hessian", GRADIENT))
    return Claim(
        f"{name}: exact Hessians need less than 100 iterations, the gradient method thousands",
        "60 to 100, and more than 5000",
        f"{exact['iteration']}, and {Interval.measured(plain['iteration'], plain['reached']):g}",
        bool(exact["reached"]) and exact["iteration"] <= 100 and plain["iteration"] > 1000,
        "to a gap of 1e-8; the figure does not say at which gap its curves end",
    )


def _chebyshev_claim(rows):
    picked = curve_of(rows, problem=CHEBYSHEV)
    exact, inexact = (
        {row["iteration"]: row["gap"] for row in curve_of(picked, method=method)}
        for method in ("exact Hessian", "Gauss-Newton")
    )
    common = [k for k in exact if k in inexact and k > 0]
    lower = [k for k in common if inexact[k] <= exact[k] * (1 + 1e-9)]
    ends = [f"{list(gaps.values())[-1]:.2g}" for gaps in (inexact, exact)]
    return Claim(
        f"{CHEBYSHEV}: the Gauss-Newton curve is below that of the exact Hessian",
        "throughout",
        f"in {len(lower)} of {len(common)} iterations; gaps at the end {ends[0]}, {ends[1]}",
        len(lower) == len(common),
        "both curves end where the function is flat",
    )


def _polytope_claim(rows):
    end = curve_of(rows, problem=POLYTOPE, method=GRADIENT)[-1]
    return Claim(
        f"{POLYTOPE}: the gradient method stalls",
        "at a gap of 1e-2",
        f"at {end['gap']:.1e} after {end['iteration']} iterations",
        end["gap"] > 1e-3,
        "the minimum is positive, because no point fulfils all inequalities; cubic Newton gives it",
    )


def _worst_claims(rows):
    picked = curve_of(rows, problem=WORST)
    n = picked[0]["n"]
    fixed, adaptive = (curve_of(picked, method=method) for method in ("fixed", "adaptive"))
    at, last = next(row for row in adaptive if row["iteration"] >= 0.95 * n), adaptive[-1]
    found = [
        Claim(
            f"{WORST}: the adaptive method is slow for n iterations, and then falls to 1e-11",
            "2e-6 at n = 500",
            f"{at['gap']:.1e} at iteration {at['iteration']}, n = {n}; end at {last['iteration']}",
            at["gap"] > 1e-9 and bool(last["reached"]) and last["iteration"] < 1.3 * n,
        )
    ]
    if n == 500:
        late = next(row for row in fixed if row["iteration"] >= 1200)
        found.append(
            Claim(
                f"{WORST}: with a fixed H the gap falls as a power of the iterations",
                "1e-4 at iteration 1200",
                f"{late['gap']:.1e} at iteration {late['iteration']}",
                0.5e-4 <= late["gap"] <= 2e-4,
                "read from a figure; a factor of 2 is allowed",
            )
        )
    return found


def _listed(values):
    return ", ".join(f"{name} {value:g}" for name, value in values.items())
