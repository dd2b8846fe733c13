"""Accelerated gradients for regression with SCAD and MCP: iterations with three settings."""

from math import exp, floor, inf, sqrt

import numpy as np

from .. import coordinate
from .._result import inner_solve
from . import Claim
from ._interval import Interval

TITLE = "Iterations of accelerated and plain proximal gradients for regression with SCAD and MCP"
REFERENCE = (
    "K. Yang, M. Asgharian, S. Bhatnagar, Accelerated Gradient Methods for Sparse Statistical Learning with "
    "Nonconvex Penalties, Stat. Comput. 34, 2024, doi:10.1007/s11222-023-10371-6"
)
AG, PROXIMAL, ORIGINAL = "optimal", "proximal-gradient", "original"
METHODS = (AG, PROXIMAL, ORIGINAL)
LABELS = {AG: "accelerated, optimal", PROXIMAL: "proximal gradient", ORIGINAL: "accelerated, original"}
SCAD_LINEAR, MCP_LINEAR, SCAD_LOGISTIC = "SCAD, linear", "MCP, linear", "SCAD, logistic"
SNR = 5.0
# Means and standard deviations of five groups of ten coefficients; between the groups are zeros.
GROUPS = {
    "linear": ((0.5, 1), (5, 2), (10, 3), (20, 4), (50, 5)),
    "logistic": ((0.5, 1), (0.5, 1), (-0.5, 1), (-0.5, 1), (1, 1)),
}
INTERCEPT = {"linear": 1.23, "logistic": 0.5}
# The medians of 100 data sets: problem, correlation of neighbours, samples; methods in the order of METHODS.
PUBLISHED = {
    (SCAD_LINEAR, 0.1, 200): (9, 11, 15),
    (SCAD_LINEAR, 0.1, 500): (14, 26, 23),
    (SCAD_LINEAR, 0.1, 1000): (23, 68, 38),
    (SCAD_LINEAR, 0.1, 3000): (26, 93.5, 41),
    (SCAD_LINEAR, 0.5, 200): (11, 21, 19),
    (SCAD_LINEAR, 0.5, 500): (18, 38, 30),
    (SCAD_LINEAR, 0.5, 1000): (32, 116, 51),
    (SCAD_LINEAR, 0.5, 3000): (50, 308, 76),
    (SCAD_LINEAR, 0.9, 200): (37, 104, 60),
    (SCAD_LINEAR, 0.9, 500): (72, 362, 111),
    (SCAD_LINEAR, 0.9, 1000): (172, 2012, 260),
    (SCAD_LINEAR, 0.9, 3000): (432, inf, 657),
    (MCP_LINEAR, 0.5, 200): (10, 12, 17),
    (MCP_LINEAR, 0.5, 500): (15, 28, 26),
    (MCP_LINEAR, 0.5, 1000): (26, 94, 42),
    (MCP_LINEAR, 0.5, 3000): (48, 289, 74),
    (SCAD_LOGISTIC, 0.5, 200): (37, 249, 55),
    (SCAD_LOGISTIC, 0.5, 500): (19, 76, 31),
    (SCAD_LOGISTIC, 0.5, 1000): (10, 23, 17),
    (SCAD_LOGISTIC, 0.5, 3000): (7, 13, 13),
}
ALLOWED = 0.1  # relative difference of a median from the published one, besides one iteration


def settings(full):
    """Return the cells of the table, how many data sets and zeros between the groups, and the limit."""
    cells = [*PUBLISHED] if full else [cell for cell in PUBLISHED if cell[1] == 0.5 and cell[2] <= 500]
    return {"cells": cells, "data sets": 100 if full else 5, "zeros": 500, "limit": 5000}


def run(settings, progress):
    """Count iterations; a row is a method on a data set."""
    rows = []
    for cell in progress(settings["cells"]):
        for seed in range(settings["data sets"]):
            problem = Problem(*cell, zeros=settings["zeros"], rng=seed)
            curves = {method: problem.curve(method, settings["limit"]) for method in METHODS}
            goal = min(min(curve) for curve in curves.values()) + problem.gap
            for method, curve in curves.items():
                count = next((k for k, value in enumerate(curve) if value <= goal), len(curve) - 1)
                rows.append(
                    {
                        "problem": cell[0],
                        "tau": cell[1],
                        "n": cell[2],
                        "data set": seed,
                        "method": method,
                        "iterations": count,
                        "reached": curve[count] <= goal,
                    }
                )
    return rows


class Problem:
    """A regression of the source: a datafit, a penalty, a start, and the gap at which to count.

    The intercept is the coefficient of a first feature of ones, which is not penalised. The source divides
    the logistic loss by twice the number of samples, so here the penalty and the gap are twice its own.

    Attributes
    ----------
    datafit, penalty
        The two parts of the objective.
    start : array, shape (p + 1,)
        The starting point.
    gap : float
        The distance to the best objective at which iterations are counted.
    """

    def __init__(self, name, tau, n, *, zeros=500, rng=None):
        rng, kind = np.random.default_rng(rng), name.split(", ")[1]
        w = _coefficients(GROUPS[kind], zeros, rng)
        X = _neighbours_correlated(n, len(w), tau, rng)
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        support = np.flatnonzero(w)
        power = w[support] @ tau ** abs(support[:, None] - support) @ w[support]
        y = INTERCEPT[kind] + X @ w + np.sqrt(power / SNR) * rng.standard_normal(n)
        factor = np.r_[0.0, np.full(len(w), 1.0 if kind == "linear" else 2.0)]
        self.start = np.zeros(len(w) + 1)
        self.X, self.unit = np.column_stack([np.ones(n), X]), factor[1]
        if kind == "linear":
            self.start[1:] = np.sign((y - y.mean()) @ X)
            self.datafit, lam, self.gap = coordinate.LeastSquares(self.X, y), 0.2, exp(3)
        else:
            labels = np.where(rng.random(n) < 1 / (1 + np.exp(-y)), 1, -1)
            self.datafit, lam, self.gap = coordinate.Logistic(self.X, labels), 0.02, 2 * exp(-4)
        kinds = {"SCAD": coordinate.SCAD, "MCP": coordinate.MCP}
        self.penalty = kinds[name.split(", ")[0]](lam, weights=factor)

    def objective(self, x):
        """Return the objective, from the columns of the nonzero coefficients."""
        support = np.flatnonzero(x)
        predictions = self.X[:, support] @ x[support]
        return self.datafit.value(predictions, x) + self.penalty.value(x)

    def curve(self, method, limit):
        """Return the objective at the start and after each iteration, until the gradient is 1e-4."""
        values = [self.objective(self.start)]
        with inner_solve():
            coordinate.accelerated_gradient(
                self.datafit,
                self.penalty,
                self.start,
                settings=method,
                restart=False,
                rtol=0.0,
                atol=1e-4 * self.unit,
                maxiter=limit,
                callback=lambda x, norm: values.append(self.objective(x)),  # noqa: ARG005 - the protocol
            )
        return values


def _coefficients(groups, zeros, rng):
    """Return groups of ten random coefficients with zeros between them."""
    parts = []
    for mean, deviation in groups:
        parts += [rng.normal(mean, deviation, 10), np.zeros(zeros)]
    return np.concatenate(parts[:-1])


def _neighbours_correlated(n, p, tau, rng):
    """Return n samples of p normal features, with correlation ``tau**abs(i - j)``."""
    X = rng.standard_normal((p, n))
    for j in range(1, p):
        X[j] = tau * X[j - 1] + np.sqrt(1 - tau * tau) * X[j]
    return X.T


def medians(rows):
    """Return the median of each method in each cell, as intervals."""
    found = {}
    for cell in dict.fromkeys((row["problem"], row["tau"], row["n"]) for row in rows):
        picked = [row for row in rows if (row["problem"], row["tau"], row["n"]) == cell]
        found[cell] = {method: _median([r for r in picked if r["method"] == method]) for method in METHODS}
    return found


def _median(rows):
    """Return the median count: a lower bound if half of the runs ended at the limit."""
    middle = float(np.median([row["iterations"] if row["reached"] else inf for row in rows]))
    if middle < inf:
        return Interval(middle, middle)
    return Interval(float(max(row["iterations"] for row in rows)), inf)


def plot(rows, axes):
    """Draw the medians against the number of samples, the published ones as crosses."""
    found = medians(rows)
    panels = list(dict.fromkeys((cell[0], cell[1]) for cell in found))
    chosen = [panel for panel in panels if panel[1] == 0.5][: len(axes)]
    for ax, (name, tau) in zip(axes, chosen, strict=False):
        samples = sorted(n for problem, t, n in found if (problem, t) == (name, tau))
        for k, method in enumerate(METHODS):
            counts = [found[name, tau, n][method] for n in samples]
            (line,) = ax.plot(samples, [count.low for count in counts], "o-", label=LABELS[method])
            published = [PUBLISHED.get((name, tau, n), (np.nan,) * 3)[k] for n in samples]
            ax.plot(samples, published, "x", color=line.get_color(), markersize=9)
        ax.set(title=f"{name}, correlation {tau}", xlabel="samples", ylabel="iterations (median)")
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xticks(samples, [str(n) for n in samples])
        ax.minorticks_off()
        ax.grid(True, which="major", alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].plot([], [], "x", color="0.4", markersize=9, label="published")
    axes[0].legend(frameon=False, fontsize=8)


FIGURE = 3


def claims(rows):
    """Compare medians with the published ones, and their order."""
    found = medians(rows)
    return [*(_cell_claim(cell, found[cell], rows) for cell in found), *_order_claims(found)]


def _cell_claim(cell, ours, rows):
    """Compare the three medians of a cell: within 10 % and one iteration, or within the error of a median."""
    published, ends = PUBLISHED[cell], {method: [] for method in METHODS}
    for row in rows:
        if (row["problem"], row["tau"], row["n"]) == cell:
            ends[row["method"]].append(row["iterations"] if row["reached"] else inf)
    agreements = [
        _agrees(ours[method], _range_of_median(ends[method]), wanted)
        for method, wanted in zip(METHODS, published, strict=True)
    ]
    name, tau, n = cell
    return Claim(
        f"{name}, correlation {tau}, {n} samples: iterations of {', '.join(LABELS[m] for m in METHODS)}",
        ", ".join(f"{count:g}" for count in published),
        ", ".join(f"{ours[method]:g}" for method in METHODS),
        all(agreements),
        f"medians of {len(ends[AG])} data sets, other random numbers; allowed are 10 % and one iteration, "
        "or the 95 % confidence interval of the median",
    )


def _agrees(ours, interval, wanted):
    """Tell whether a published median, which may be infinite, agrees with the one found here."""
    if wanted == inf or ours.is_bound:
        return ours.is_bound and (wanted == inf or wanted >= ours.low)
    low, high = interval
    return abs(ours.low - wanted) <= ALLOWED * wanted + 1 or low <= wanted <= high


def _range_of_median(counts):
    """Return the 95 % confidence interval of the median, from the order of the counts."""
    counts, half = sorted(counts), len(counts) / 2
    below = max(floor(half - 0.98 * sqrt(len(counts))), 0)
    return counts[below], counts[len(counts) - 1 - below]


def _order_claims(found):
    """Compare the order of the methods, and how the gain grows with the number of samples."""
    ratios = {cell: ours[PROXIMAL] / ours[AG] for cell, ours in found.items()}
    best = [cell for cell, ours in found.items() if ours[AG].high <= min(ours[m].low for m in METHODS)]
    yield Claim(
        "the optimal settings need the fewest iterations",
        f"in all {len(PUBLISHED)} cells",
        f"in {len(best)} of {len(found)} cells",
        len(best) == len(found),
    )
    linear = {cell: ratio for cell, ratio in ratios.items() if "linear" in cell[0]}
    if not linear:
        return
    steps = [
        (linear[a], linear[b]) for a in linear for b in linear if a[:2] == b[:2] and a[2] < b[2] and a != b
    ]
    grows = sum(before.low <= after.low for before, after in steps)
    yield Claim(
        "linear models: the gain over proximal gradients grows with the number of samples",
        "1.2 to 12",
        f"{min(r.low for r in linear.values()):.1f} to {max(r.low for r in linear.values()):.1f}, "
        f"growing in {grows} of {len(steps)} pairs",
        grows == len(steps),
        "" if grows == len(steps) else f"it falls in {len(steps) - grows} pairs",
    )
