"""Paths of the methods on the host: each factor of the penalty starts from the solution before."""

from math import inf
from time import monotonic

import numpy as np

from .. import _validate
from .._result import warn_of_misses
from ._descent import descend
from ._path import CoordinatePath

HUGE = 1e3  # factor with which all penalised coefficients are zero, in place of the unknown smallest one


def path_of(method, problem, factors, start, dtype, time_limit, options) -> CoordinatePath:
    """Return the path of a problem, and warn of misses.

    Parameters
    ----------
    method : callable
        ``method(problem)`` returns a `Descent`.
    problem : object
        The problem for the factor 1; it has ``times(lam)``.
    factors : tuple
        The caller's factors or None, their number, and the ratio of the smallest to the largest.
    start : array, shape (n + 1,)
        Coefficients zero, and the intercept.
    dtype : numpy.dtype
        That of the coefficients.
    time_limit : float, optional
        Seconds for all.
    options : dict
        The options of `descend`.
    """
    deadline = _validate.deadline(time_limit)

    def solve(lam, point):
        left = None if deadline == inf else max(deadline - monotonic(), 1e-9)
        run = method(problem.times(lam))
        run.point = point.under(run.problem)
        return descend(run, point.x, dtype, time_limit=left, **options), run.point

    lams, count, ratio = factors
    point = problem.point(start)
    if lams is None:
        count, ratio = _checked_grid(count, ratio)
        if len(problem.free):  # fit these first
            point = solve(HUGE * (point.ratios().max(initial=0) or 1), point)[1].under(problem)
        lams = grid_below(float(point.ratios().max(initial=0)), count, ratio)
    else:
        lams = _checked_factors(lams)
    found = {}
    for i in np.argsort(-lams, kind="stable"):
        found[i], point = solve(lams[i], point)
    results = [found[i] for i in range(len(lams))]
    warn_of_misses(results, "values of lam", [f"lam = {lam:.3e}" for lam in lams])
    return CoordinatePath.of(lams, results)


def _checked_factors(lams):
    """Return the caller's factors."""
    lams = _validate.real_array(lams, "lams")
    if lams.ndim != 1 or not lams.size:
        raise ValueError(f"lams has shape {lams.shape}; a vector of at least one number is needed")
    if bad := int((lams <= 0).sum()):
        raise ValueError(f"lams has {bad} entries <= 0; all must be positive")
    return lams


def _checked_grid(count, ratio):
    """Return the number of factors and their ratio."""
    count, ratio = _validate.count(count, "count", least=1), _validate.positive(ratio, "ratio")
    if ratio >= 1:
        raise ValueError(f"ratio is {ratio!r}; a number below 1 is needed")
    return count, ratio


def grid_below(largest, count, ratio) -> np.ndarray:
    """Return factors from the largest, in a geometric sequence that ends at `ratio` times it."""
    if not 0 < largest < inf:
        raise ValueError(
            "there is no smallest lam > 0 for which all penalised coefficients are zero, because rho is 0 or "
            "the features do not correlate with y: pass lams"
        )
    return largest * ratio ** (np.arange(count) / max(count - 1, 1))
