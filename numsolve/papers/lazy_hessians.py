"""Newton's method with lazy Hessians: one Hessian for several regularised steps."""

from dataclasses import replace
from functools import partial
from math import sqrt

import numpy as np

from .. import newton
from ..problems import logistic_regression, soft_maximum, worst_instance
from . import Claim, _timing
from ._categories import CATEGORIES, categorical_data
from ._descents import curve_of, descend, draw, finish
from ._interval import Interval

TITLE = "Hessians, gradients and time of cubic and quadratic Newton methods with lazy Hessians"
REFERENCE = (
    "N. Doikov, E. M. Chayti, M. Jaggi, Second-Order Optimization with Lazy Hessians, ICML 2023, "
    "arXiv:2212.00781, doi:10.48550/arXiv.2212.00781"
)
METHODS = {"cubic": "cubic-lazy", "quadratic": "quadratic-lazy"}
SOFT, CHAIN, LOGISTIC = "soft maximum", "worst instance", "logistic regression"
GOALS = {SOFT: 1e-9, CHAIN: 0.0, LOGISTIC: 1e-10}
# The paper prints no counts. These were measured once, by other programs, with the same test of a phase.
HESSIANS = {
    "cubic": {1: 103, 5: 63, 10: 47, 25: 31, 100: 16, 200: 13},
    "quadratic": {1: 122, 5: 61, 10: 42, 25: 32, 100: 15, 200: 12},
}
LEAST_SAVING = {10: 1.7, 25: 2.0}  # of n Hessians + gradients, against a Hessian for each step
CHAIN_VALUES = {1: 1.5e-3, 5: 3.8e-3, 20: 8.2e-3, 60: 1.5e-2}  # after 120 steps
LIPSCHITZ = 8.0  # constant of the Hessian of the worst instance


def settings(full):
    """Return the sizes, the numbers of steps with one Hessian, and the number of random soft maxima."""
    return {
        "n": 100,
        "terms": 200,
        "instances": 10 if full else 3,
        "lazy": (1, 5, 10, 25, 100, 200) if full else (1, 5, 10, 25, 100),
        "chain": 60,
        "steps": 120,
        "chain lazy": tuple(CHAIN_VALUES),
        "rows": 8000 if full else 2000,
        "logistic lazy": (1, 2, 5, 20, sum(CATEGORIES)),
    }


def run(settings, progress):
    """Follow each method on each problem; a row is a step, `lazy` the number of steps with one Hessian."""
    logistic = categorical_regression(settings["rows"])
    runs = [
        *(
            (SOFT, kind, lazy, i)
            for i in range(settings["instances"])
            for kind in METHODS
            for lazy in settings["lazy"]
        ),
        *((CHAIN, "cubic", lazy, 0) for lazy in settings["chain lazy"]),
        *((LOGISTIC, kind, lazy, 0) for kind in METHODS for lazy in settings["logistic lazy"]),
    ]
    rows = []
    for name, kind, lazy, instance in progress(runs):
        if name == SOFT:
            problem, options = (
                soft_maximum(settings["n"], settings["terms"], rng=instance),
                {"maxiter": 20_000},
            )
        elif name == CHAIN:
            options = {"maxiter": settings["steps"], "M": 6 * lazy * LIPSCHITZ}
            problem = worst_instance(settings["chain"])
        else:
            problem, options = logistic, {"maxiter": 5000}
        follow = partial(descend, problem, METHODS[kind], goal=GOALS[name], lazy=lazy, **options)
        curve = _timing.second_call(follow) if name == LOGISTIC else follow()
        key = {"problem": name, "n": problem.n, "method": kind, "lazy": lazy, "instance": instance}
        rows += [{**key, **row} for row in curve]
    return rows


def categorical_regression(count):
    """Return logistic regression on random categories: sparse features of zeros and ones, as those of a9a.

    Its minimum is computed by the cubic Newton method.
    """
    X, y = categorical_data(count)
    problem = logistic_regression(X, y, ridge=1e-4)
    best = newton.minimize(
        problem.fun, problem.x0, grad=problem.grad, hess=problem.hess, method="cubic", rtol=1e-12
    )
    return replace(problem, minima=(best.check().fun,), minimizer=best.x)


def plot_soft(rows, axes):
    """Draw the gap of the cubic method on the first soft maximum against three measures of the work."""
    picked = curve_of(rows, problem=SOFT, method="cubic", instance=0)
    n = picked[0]["n"]
    picked = [{**row, "cost": n * row["hessians"] + row["gradients"]} for row in picked]
    labels = {"hessians": "Hessians", "gradients": "gradients", "cost": f"{n} Hessians + gradients"}
    _panels(axes, picked, SOFT, labels)


def plot_chain(rows, axes):
    """Draw the values on the worst instance against the steps."""
    _panels(axes, curve_of(rows, problem=CHAIN), f"{CHAIN}, M = 6 m L", {"iteration": "steps"})


def plot_logistic(rows, axes):
    """Draw the gap of the cubic method on the logistic regression against the work and the time."""
    labels = {"hessians": "Hessians", "gradients": "gradients", "seconds": "seconds"}
    _panels(axes, curve_of(rows, problem=LOGISTIC, method="cubic"), LOGISTIC, labels)


def _panels(axes, rows, title, labels):
    for ax, (against, label) in zip(axes, labels.items(), strict=True):
        for lazy in dict.fromkeys(row["lazy"] for row in rows):
            draw(ax, curve_of(rows, lazy=lazy), against, label=f"m = {lazy}")
        finish(ax, title=title, xlabel=label, ylabel="f - f*")


FIGURES = {"soft": (plot_soft, 3), "chain": (plot_chain, 1), "logistic": (plot_logistic, 3)}
TIMED = ("logistic",)


def claims(rows):
    """Compare Hessians, costs and times with what the paper says and with counts of other programs."""
    return [*_soft_claims(rows), _chain_claim(rows), *_logistic_claims(rows)]


def _soft_claims(rows):
    found = []
    for kind in METHODS:
        counts = _medians(rows, kind, lambda row: row["hessians"])
        costs = _medians(rows, kind, lambda row: row["n"] * row["hessians"] + row["gradients"])
        expected = {lazy: HESSIANS[kind][lazy] for lazy in counts if lazy in HESSIANS[kind]}
        found.append(
            Claim(
                f"{SOFT}, {kind}: lazy Hessians save Hessians",
                f"no counts; other programs {_listed(expected)}",
                _listed(counts),
                all(counts[lazy] <= 1.2 * expected[lazy] for lazy in expected),
                "medians of random instances",
            )
        )
        savings = {lazy: costs[1] / cost for lazy, cost in costs.items() if lazy > 1}
        best = min(costs, key=costs.__getitem__)
        n = curve_of(rows, problem=SOFT)[0]["n"]
        found.append(
            Claim(
                f"{SOFT}, {kind}: n Hessians + gradients are least with m = n = {n}, by a factor of sqrt(n)",
                f"m = {n}, {sqrt(n):.0f} times less in the bound",
                f"m = {best}; {_listed(savings, '.2f')} times less",
                best == n,
                "the bound is for the worst case; beyond m = 25 Hessians are a small part of the cost",
            )
        )
        reached = {lazy: savings[lazy] for lazy in LEAST_SAVING if lazy in savings}
        found.append(
            Claim(
                f"{SOFT}, {kind}: lazy Hessians save n Hessians + gradients",
                f"other programs {_listed(LEAST_SAVING, '.1f')} times",
                f"{_listed(reached, '.1f')} times",
                all(saving >= LEAST_SAVING[lazy] for lazy, saving in reached.items()),
                "we test a phase after its first step too, which saves gradients",
            )
        )
    return found


def _chain_claim(rows):
    ends = {row["lazy"]: row["gap"] for row in curve_of(rows, problem=CHAIN)}
    losses = {lazy: gap / ends[1] for lazy, gap in ends.items()}
    return Claim(
        f"{CHAIN}: with M = 6 m L, a step loses a factor of sqrt(m)",
        f"{_listed({lazy: sqrt(lazy) for lazy in losses}, '.1f')}",
        f"{_listed(losses, '.1f')}, values {_listed(ends, '.1e')}",
        all(sqrt(lazy) / 1.5 <= loss <= 1.5 * sqrt(lazy) for lazy, loss in losses.items()),
        "the bound has this factor; the values approach it from above",
    )


def _logistic_claims(rows):
    found = []
    for kind in METHODS:
        ends = {row["lazy"]: row for row in curve_of(rows, problem=LOGISTIC, method=kind)}
        hessians = {lazy: row["hessians"] for lazy, row in ends.items()}
        seconds = {lazy: Interval.measured(row["seconds"], row["reached"]) for lazy, row in ends.items()}
        ratios = {lazy: seconds[1] / each for lazy, each in seconds.items()}
        n = ends[1]["n"]
        found.append(
            Claim(
                f"{LOGISTIC}, {kind}: lazy Hessians save time, most with m = n = {n}",
                f"{sqrt(n):.0f} times in the bound; a figure without numbers",
                f"{_listed(ratios, '.1f')} times; Hessians {_listed(hessians)}",
                all(ratio.low > 1 for lazy, ratio in ratios.items() if lazy > 1)
                and max(ratios, key=lambda lazy: ratios[lazy].low) == n,
                "Newton's method needs few Hessians here, and one costs much less than n gradients; our data "
                "are random categories in place of a9a",
                timed=True,
            )
        )
    return found


def _medians(rows, kind, count):
    """Return the median over the instances of a count at the last row of a curve, for each `lazy`."""
    picked = curve_of(rows, problem=SOFT, method=kind)
    ends = {(row["lazy"], row["instance"]): count(row) for row in picked if row["reached"]}
    every = dict.fromkeys(row["lazy"] for row in picked)
    return {
        lazy: float(np.median([end for (each, _), end in ends.items() if each == lazy])) for lazy in every
    }


def _listed(values, form="g"):
    """Return a phrase with a value for each `lazy`."""
    return ", ".join(f"{value:{form}} at m = {lazy}" for lazy, value in values.items())
