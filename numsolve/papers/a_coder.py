"""Accelerated cyclic coordinate methods on an elastic-net logistic regression, beside older methods."""

from collections.abc import Callable
from functools import cached_property, partial
from itertools import count
from math import ceil, sqrt
from typing import Any

import numpy as np

from .. import coordinate
from .._array import is_sparse
from .._result import inner_solve
from ..coordinate._a_coder import Accelerated, VarianceReduced
from ..coordinate._composite import Composite
from ..coordinate._lipschitz import lipschitz_constant
from ..coordinate._passes import KernelPasses, Samples, Step, separable_terms
from . import Claim, _timing
from ._categories import categorical_data
from ._descents import MOST_ROWS, curve_of, draw, finish
from ._interval import Interval

TITLE = "Suboptimality of A-CODER and VR-A-CODER on a logistic regression against passes and time"
REFERENCE = (
    "C. Y. Lin, C. Song, J. Diakonikolas, Accelerated Cyclic Coordinate Dual Averaging with Extrapolation "
    "for Composite Convex Optimization, ICML 2023, doi:10.48550/arXiv.2303.16279"
)
FIGURE = 2
TIMED = ("",)
LASSO, RIDGE = 1e-4, 1e-4
SHARES = (1, 2, 4, 8, 16)  # of the Lipschitz constant, from which the best one is taken
VR_SHARE = 16
MARKS = (20, 100, 400, 1000)  # passes
TUNED_AT = 400  # passes after which constants are compared
A_CODER, FOUND, CYCLIC = "A-CODER", "A-CODER, L found", "cyclic descent"
VR, VR_ALL = "VR-A-CODER, published count", "VR-A-CODER, 8 blocks, all counted"
GRADIENT, FISTA, APCG_ONE, APCG = "proximal gradient", "FISTA", "APCG, one constant", "APCG"
UNTIMED = (APCG_ONE, APCG)  # array text for each coefficient
# The paper prints figures alone. These gaps were measured once, by other programs, on 1605 rows of a9a.
OTHERS = {
    A_CODER: {20: 3e-2, 100: 4.8e-3, 400: 2.5e-5, 1000: 6e-7},
    FISTA: {20: 3e-2, 100: 3.6e-3, 400: 4e-5, 1000: 2.6e-6},
    CYCLIC: {20: 2e-3, 100: 9e-4, 400: 3e-4, 1000: 4e-5},
    GRADIENT: {20: 7e-2, 100: 2.5e-2, 400: 1e-2, 1000: 5e-3},
}
SAME, OTHERS_SAMPLES, GENERATED = tuple(OTHERS), 1605, "random categories"


def settings(full):
    """Return the number of samples, the passes, the gap at which to stop, and the data."""
    return {
        "samples": 32561 if full else 1605,  # those of a9a and of a1a
        "passes": 1000,
        "goal": 1e-10,
        "data": None,  # a pair X, y, as `read_libsvm` returns it; None: random categories, as a9a has
    }


def run(settings, progress):
    """Follow each method from zero; a row is a point of a curve."""
    problem = Regression(*(settings["data"] or categorical_data(settings["samples"])))
    rows, data = [], "given" if settings["data"] else GENERATED
    for name, make in progress(METHODS.items()):
        follow = partial(_follow, make, problem, settings["passes"], settings["goal"])
        curve = follow() if name in UNTIMED else _timing.second_call(follow)
        rows += [{"method": name, "data": data, "samples": problem.m, "n": problem.n, **row} for row in curve]
    return rows


class Regression:
    """The problem of all methods: an elastic-net logistic regression with a known minimum."""

    def __init__(self, X: Any, y):
        X = X if is_sparse(X) else np.asarray(X, float)
        self.fit = coordinate.Logistic(X, np.where(np.asarray(y) > np.min(y), 1.0, -1.0))
        self.penalty = coordinate.ElasticNet(LASSO + RIDGE, LASSO / (LASSO + RIDGE))
        self.m, self.n = self.fit.features.shape
        self.L, self.each = lipschitz_constant(self.fit), np.maximum(self.fit.curvatures(), 1e-12)
        with inner_solve():
            best = coordinate.a_coder(self.fit, self.penalty, rtol=1e-9, maxiter=20_000)
        self.minimum = best.objective

    def start(self):
        """Return a new problem that counts its passes, and the starting point."""
        problem = Composite(self.fit, self.penalty)
        start = problem.at(problem.variables.start)
        problem.passes = 0.0
        return problem, start

    @cached_property
    def share(self):
        """The share of the Lipschitz constant with which A-CODER has the smallest gap after some passes."""
        gaps = {}
        for share in SHARES:
            x = next(x for passes, x in _a_coder(share, self) if passes >= TUNED_AT)
            gaps[share] = self.gap(x)
        return min(gaps, key=lambda share: gaps[share])

    def gap(self, x):
        """Return the objective minus its minimum."""
        return self.fit.value(self.fit.state(x), x) + self.penalty.value(x) - self.minimum


def _follow(make: Callable, problem, passes, goal):
    """Return the curve of a method: passes, seconds without the values for the gap, and the gap."""
    rows = [{"passes": 0.0, "seconds": 0.0, "gap": problem.gap(np.zeros(problem.n))}]
    outside, begun = 0.0, _timing.clock()
    for work, x in make(problem):
        now = _timing.clock()
        gap = max(problem.gap(x), 0.0)
        rows.append({"passes": work, "seconds": now - begun - outside, "gap": gap})
        outside += _timing.clock() - now
        if gap <= goal or work >= passes or not np.isfinite(gap):
            break
    kept = sorted({*np.unique(np.linspace(0, len(rows) - 1, MOST_ROWS).astype(int)), len(rows) - 1})
    return [{**rows[k], "reached": rows[-1]["gap"] <= goal} for k in kept]


def _a_coder(L_share, problem):
    counted, start = problem.start()
    L = None if L_share is None else problem.L / L_share
    for state in Accelerated(counted, 1, L, RIDGE).states(start):
        yield counted.passes, state.y


def _vr_a_coder(width, problem):
    """Follow VR-A-CODER with all its passes, or with the published number for blocks of one coefficient."""
    counted, start = problem.start()
    method = VarianceReduced(
        counted, Samples(problem.fit), width, problem.m, problem.L / VR_SHARE, RIDGE, np.random.default_rng(0)
    )
    for epoch, center in enumerate(method.centers(start), 1):
        yield 5 * epoch if width == 1 else counted.passes, center.x


def _cyclic(problem):
    """Move one coefficient after the other with its own constant: unit steps on scaled features."""
    scale = np.sqrt(problem.each)
    X = problem.fit.features.matrix
    X = (X.multiply(1 / scale) if is_sparse(X) else X / scale).tocsc() if is_sparse(X) else X / scale
    fit = coordinate.Logistic(X, problem.fit.y)
    terms = separable_terms(coordinate.NoPenalty(), problem.n, np, np.dtype(float))
    terms[0], terms[1] = LASSO / scale, RIDGE / problem.each
    passes, x, zero = KernelPasses(fit, terms, 1), np.zeros(problem.n), np.zeros(problem.n)
    z = fit.state(x)
    for k in count(1):
        passes.sweep(Step(1.0, 1.0, 1.0), z, x, x.copy(), zero, zero, zero.copy())
        yield k, x / scale


def _gradient(is_accelerated, problem):
    fit, step = problem.fit, 1 / problem.L
    x = y = np.zeros(problem.n)
    t = 1.0
    for k in count(1):
        before, x = x, problem.penalty.prox(y - step * fit.gradient(fit.state(y), y), step)
        yield k, x
        t_before, t = t, (1 + sqrt(1 + 4 * t * t)) / 2
        y = x + (t_before - 1) / t * (x - before) if is_accelerated else x


def _apcg(has_one_constant, problem):
    """Follow the accelerated randomized method of Lin, Lu and Xiao, with the square in the smooth part."""
    fit, n, rng = problem.fit, problem.n, np.random.default_rng(0)
    X = fit.features.matrix
    columns = [X[:, [j]] for j in range(n)]
    columns = [
        (c.tocsc().indices, c.data) if is_sparse(c) else (np.arange(problem.m), c[:, 0]) for c in columns
    ]
    each = (np.full(n, problem.each.max()) if has_one_constant else problem.each) + RIDGE
    mu, gamma = RIDGE / each.max(), 1.0
    x, z = np.zeros(n), np.zeros(n)
    x_state, z_state = np.zeros(problem.m), np.zeros(problem.m)
    for k in count(1):
        for j in rng.integers(0, n, n):
            alpha = min((mu - gamma + sqrt((gamma - mu) ** 2 + 4 * n * n * gamma)) / (2 * n * n), 1 / n)
            after = (1 - alpha) * gamma + alpha * mu
            beta = alpha * mu / after
            share = alpha * gamma / (alpha * gamma + after)
            y, y_state = share * z + (1 - share) * x, share * z_state + (1 - share) * x_state
            rows, values = columns[j]
            slopes = fit.weights[rows] * fit.loss.derivative(y_state[rows], fit.y[rows])
            size = n * alpha * each[j]
            moved, moved_state = (1 - beta) * z + beta * y, (1 - beta) * z_state + beta * y_state
            t = moved[j] - (values @ slopes + RIDGE * y[j]) / size
            d = np.sign(t) * max(abs(t) - LASSO / size, 0) - moved[j]
            moved[j] += d
            moved_state[rows] += d * values
            x = y + n * alpha * (moved - z) + mu / n * (z - y)
            x_state = y_state + n * alpha * (moved_state - z_state) + mu / n * (z_state - y_state)
            z, z_state, gamma = moved, moved_state, after
        yield k, x


METHODS = {
    A_CODER: lambda problem: _a_coder(problem.share, problem),
    FOUND: partial(_a_coder, None),
    VR: partial(_vr_a_coder, 1),
    VR_ALL: lambda problem: _vr_a_coder(ceil(problem.n / 8), problem),
    CYCLIC: _cyclic,
    GRADIENT: partial(_gradient, False),
    FISTA: partial(_gradient, True),
    APCG_ONE: partial(_apcg, True),
    APCG: partial(_apcg, False),
}
COLOURS = {name: f"C{k}" for k, name in enumerate(METHODS)}


def plot(rows, axes):
    """Draw the gaps against the passes, and against the time where a kernel takes the passes."""
    for ax, against in zip(axes, ("passes", "seconds"), strict=True):
        for name in METHODS:
            if against == "passes" or name not in UNTIMED:
                draw(ax, curve_of(rows, method=name), against, label=name, color=COLOURS[name])
        finish(ax, title="elastic-net logistic regression", xlabel=against, ylabel="F - F*")
        ax.set_ylim(bottom=1e-11)
    axes[0].get_legend().remove()
    axes[1].legend(*axes[0].get_legend_handles_labels(), frameon=False, fontsize=7)


def claims(rows):
    """Compare the gaps after some passes."""
    curves = {name: curve_of(rows, method=name) for name in METHODS}
    marks = [mark for mark in MARKS if mark <= max(curves[GRADIENT][-1]["passes"], 1)]
    gaps = {name: {mark: _gap_after(curve, mark) for mark in marks} for name, curve in curves.items()}
    last, others = marks[-1], [name for name in METHODS if name not in (VR, VR_ALL)]
    fastest = min(others, key=lambda name: _passes_to(curves[name]).low)
    found = [
        Claim(
            f"per pass A-CODER is faster than {rival}",
            "faster; a figure without numbers",
            f"{_listed(gaps[A_CODER])}; {_listed(gaps[rival])}",
            all(gaps[A_CODER][mark] <= gaps[rival][mark] for mark in marks),
            _lead(gaps, rival, marks),
        )
        for rival in (GRADIENT, FISTA, APCG_ONE, APCG, CYCLIC)
    ]
    if curves[A_CODER][0]["data"] != GENERATED and curves[A_CODER][0]["samples"] == OTHERS_SAMPLES:
        found.append(_comparison(gaps))
    found.append(
        Claim(
            "per pass VR-A-CODER is the fastest of all",
            "fastest, an epoch counted as 5 passes; a figure without numbers",
            f"to a gap of 1e-5 {_passes_to(curves[VR])} passes, A-CODER {_passes_to(curves[A_CODER])}",
            _passes_to(curves[VR]).high < min(_passes_to(curves[name]).low for name in others),
            f"{fastest} needs {_passes_to(curves[fastest])}; the published count leaves out that each block "
            f"takes products with a sample of its own: with them, in 8 blocks, {_passes_to(curves[VR_ALL])}",
        )
    )
    found.append(
        Claim(
            "the constant L has to be tuned by hand",
            "tuned for each data set",
            f"gap after {last} passes {gaps[A_CODER][last]:.1e} with the best of {len(SHARES)} constants, "
            f"{gaps[FOUND][last]:.1e} with the L that is found",
            gaps[FOUND][last] > 10 * gaps[A_CODER][last],
            "the terms of the proof are known after each pass; L only has to keep their sum below zero",
        )
    )
    return found


def _comparison(gaps):
    """Compare the gaps with those of other programs, which are known for part of a9a."""
    pairs = [
        (gaps[name][mark], gap) for name in SAME for mark, gap in OTHERS[name].items() if mark in gaps[name]
    ]
    return Claim(
        "the gaps of other programs on the first 1605 rows of a9a are reached",
        "; ".join(f"{name} {_listed(OTHERS[name])}" for name in SAME),
        "; ".join(f"{name} {_listed(gaps[name])}" for name in SAME),
        all(found <= 1.5 * gap for found, gap in pairs),
        "ours are the smallest gaps so far, for A-CODER's last one is not always the smallest",
    )


def _gap_after(curve, passes):
    """Return the smallest gap within some passes."""
    return min(row["gap"] for row in curve if row["passes"] <= passes)


def _passes_to(curve, gap=1e-5):
    """Return the passes to a gap, or a lower bound."""
    for row in curve:
        if row["gap"] <= gap:
            return Interval.measured(ceil(row["passes"]), True)
    return Interval.measured(ceil(curve[-1]["passes"]), False)


def _lead(gaps, rival, marks):
    ahead = [mark for mark in marks if gaps[rival][mark] < gaps[A_CODER][mark]]
    reason = "; each of its coefficients has its own constant" if rival in (APCG, CYCLIC) else ""
    return f"{rival} leads at {', '.join(map(str, ahead))} passes{reason}" if ahead else ""


def _listed(values):
    return ", ".join(f"{mark}: {gap:.1e}" for mark, gap in values.items())
