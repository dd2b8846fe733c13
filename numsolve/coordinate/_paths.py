"""Paths: solutions for a decreasing sequence of factors of the penalty, each started from the one before."""

from dataclasses import dataclass, field
from math import inf, nan
from time import monotonic
from typing import Any

import numpy as np

from .. import _validate
from .._result import ConvergenceError, Status
from ._descent import descend
from ._result import CoordinateResult

HUGE = 1e3  # factor with which all penalised coefficients are zero, in place of the unknown smallest one


@dataclass(frozen=True, eq=False, repr=False)
class PathResult(CoordinateResult):
    """Solutions for several factors of the penalty, from the largest on.

    Attributes
    ----------
    x : array, shape (n, k)
        The coefficients, a column for each factor.
    lams : numpy.ndarray, shape (k,)
        The factors, in decreasing order. A time limit or the callback may have ended the path early.
    status : Status
        That of the first solution that missed its tolerance, or CONVERGED.
    residuals, gap : numpy.ndarray, shape (k,)
        The duality gap of each solution.
    objective, intercept : numpy.ndarray, shape (k,)
        The objective and the intercept of each solution.
    steps : numpy.ndarray of int, shape (k,)
        The iterations of each solution.
    classes : numpy.ndarray or None
        The two classes of a logistic regression, else None.
    """

    objective: Any = nan
    gap: Any = nan
    lams: Any = field(default_factory=lambda: np.zeros(0))
    steps: Any = field(default_factory=lambda: np.zeros(0, int))
    classes: Any = None

    @property
    def nit(self):
        """Number of iterations of all solutions."""
        return int(self.steps.sum())

    def check(self):
        """Return the result itself, or raise.

        Returns
        -------
        PathResult
            The result, if all solutions meet the tolerance.

        Raises
        ------
        ConvergenceError
            One of them does not; the message says which one, and what to try.
        """
        if not self.success:
            raise ConvergenceError(self.message)
        return self

    def plot(self, ax=None, **style):
        """Draw the coefficients that are not zero everywhere against the factor of the penalty.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. Default: a new figure.
        **style
            Passed on to ``ax.semilogx``, as ``color`` or ``linewidth``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            ax = plt.subplots(figsize=(6, 4), layout="constrained")[1]
        ax.semilogx(self.lams, self.x[(self.x != 0).any(axis=1)].T, **style)
        ax.set(xlabel="factor of the penalty", ylabel="coefficients")
        ax.invert_xaxis()
        ax.spines[["top", "right"]].set_visible(False)
        return ax


def path_factors(lams, n_lams, ratio) -> Any:
    """Return the caller's factors in decreasing order, or None, and what makes a grid of them."""
    if lams is not None:
        lams = _validate.real_array(lams, "lams")
        if lams.ndim != 1 or not lams.size:
            raise ValueError(f"lams has shape {lams.shape}; a vector of at least one number is needed")
        if (lams <= 0).any():
            raise ValueError(f"lams has {int((lams <= 0).sum())} entries <= 0; all must be positive")
        return np.sort(lams)[::-1], None, None
    ratio = _validate.positive(ratio, "ratio")
    if ratio >= 1:
        raise ValueError(f"ratio is {ratio!r}; a number between 0 and 1 is needed")
    return None, _validate.count(n_lams, "n_lams", least=1), ratio


def grid_below(largest, n_lams, ratio) -> np.ndarray:
    """Return factors from the largest, in a geometric sequence that ends at `ratio` times it."""
    if not 0 < largest < inf:
        raise ValueError(
            "there is no smallest lam > 0 for which all penalised coefficients are zero, because rho is 0 or "
            "the features do not correlate with y: pass lams"
        )
    return largest * ratio ** (np.arange(n_lams) / max(n_lams - 1, 1))


def path_of(method, problem, factors, start, dtype, time_limit, options, classes=None) -> PathResult:
    """Return the path of a problem.

    Parameters
    ----------
    method : callable
        ``method(problem)`` returns a `Descent`.
    problem : object
        The problem for the factor 1; it has ``times(lam)``.
    factors : tuple
        What `path_factors` returned.
    start : array, shape (n + 1,)
        Coefficients zero, and the intercept.
    dtype : numpy.dtype
        That of the coefficients.
    time_limit : float, optional
        Seconds for all.
    options : dict
        The options of `descend`.
    classes : array, optional
        The classes of a logistic regression.
    """
    deadline = _validate.deadline(time_limit)

    def solve(lam, point):
        left = None if deadline == inf else max(deadline - monotonic(), 1e-9)
        run = method(problem.times(lam))
        run.point = point.under(run.problem)
        return descend(run, point.x, dtype, time_limit=left, **options), run.point

    lams, n_lams, ratio = factors
    point = problem.point(start)
    if lams is None:
        if len(problem.free):  # fit these first
            point = solve(HUGE * (point.ratios().max(initial=0) or 1), point)[1].under(problem)
        lams = grid_below(float(point.ratios().max(initial=0)), n_lams, ratio)
    found = []
    for lam in lams:
        result, point = solve(lam, point)
        found.append(result)
        if result.status in (Status.TIME_LIMIT, Status.STOPPED):
            break
    return _collected(lams[: len(found)], found, classes)


def _collected(lams, found, classes):
    """Return the solutions as one result."""
    missed = [i for i, result in enumerate(found) if not result.success]
    status, message = Status.CONVERGED, "converged"
    if missed:
        first = found[missed[0]]
        which = f"{len(missed)} of {len(found)} solutions, first for lam = {lams[missed[0]]:.3g}"
        status, message = first.status, f"{which}: {first.message}"
    gaps = np.array([r.gap for r in found])
    return PathResult(
        np.stack([r.x for r in found], axis=1),
        status,
        message,
        gaps,
        objective=np.array([r.objective for r in found]),
        gap=gaps,
        intercept=np.array([r.intercept for r in found]),
        lams=lams,
        steps=np.array([r.nit for r in found]),
        classes=classes,
    )
