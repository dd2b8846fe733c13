"""What methods with a duality gap share: the points that they visit, the best lower bound, and the result."""

from copy import copy
from functools import cached_property
from math import inf
from typing import Any

import numpy as np

from .. import _validate
from .._result import Breakdown, Status
from .._run import run
from ._result import CoordinateResult

PATIENCE = 10  # iterations in a row without progress before a run counts as stagnated
ROUNDING = 1e-12  # relative decrease of the objective that is no progress
STAGNATED = (
    "the duality gap stopped falling before it met the tolerance, at the limit of rounding: raise rtol or "
    "lam, scale the features to similar sizes, or pass weights of zero if no penalty is needed"
)
REMEDY = "raise it, raise lam or rtol, or pass as x0 the solution for a larger lam"
SAYS = {
    Status.MAXITER: f"maxiter reached: {REMEDY}",
    Status.TIME_LIMIT: f"time limit reached: {REMEDY}",
    Status.NONFINITE: "the objective is not finite at the starting point: scale X, or choose another x0",
}


class Coefficients:
    """The coefficients and the intercept as one vector of n + 1 numbers; callers see the coefficients."""

    def __init__(self, start, dtype):
        self.start, self._dtype = start, dtype

    def shown(self, x):
        """Return the coefficients as a new array."""
        return x[:-1].astype(self._dtype)


class Point:
    """An iterate, its objective and a lower bound of the smallest objective.

    Attributes
    ----------
    x : array, shape (n + 1,)
        Coefficients and intercept.
    loss : float
        The objective without its penalty.
    problem : object
        Has ``penalty(w)``, and is what a subclass needs.
    """

    x: np.ndarray
    loss: float
    problem: Any

    @cached_property
    def value(self) -> float:
        """The objective."""
        return self.loss + self.problem.penalty(self.x[:-1])

    def under(self, problem) -> Any:
        """Return the same point for a problem that has another penalty."""
        other = copy(self)
        other.problem = problem
        for name in ("value", "dual"):
            other.__dict__.pop(name, None)
        return other

    @cached_property
    def dual(self) -> float:
        """The dual function at a feasible point that is made of the residuals."""
        raise NotImplementedError


class Descent:
    """A method that goes from point to point; its measure of convergence is the duality gap.

    A problem has ``point(x)``, the point of an iterate, and `first`, the objective at zero with the best
    intercept. A subclass has ``improved(point)``, the next point.
    """

    point: Any = None

    def __init__(self, problem):
        self.problem = problem
        self.bound = -inf
        self._least_gap, self._least_value, self._idle = inf, inf, 0

    @property
    def gap(self):
        """The objective minus the largest lower bound that is known."""
        return max(self.point.value - self.bound, 0.0)

    def improved(self, point: Any) -> Any:
        """Return a point with a smaller objective."""
        raise NotImplementedError

    def steps(self, x):
        """Iterate from `x`; see `numsolve._iterate.iterate`."""
        point: Any = self.point
        if point is None or not np.array_equal(point.x, x):
            point = self.problem.point(x)
        self._moved(point)
        yield point.x, self._measure()
        while True:
            self._watch()
            point = self._moved(self.improved(point))
            yield point.x, self._measure()

    def _watch(self):
        """Raise if the gap has not fallen for several iterations, and the objective neither."""
        gap, value = self.gap, self.point.value
        falls = gap < 0.9 * self._least_gap or value < self._least_value - ROUNDING * abs(self._least_value)
        self._idle = 0 if falls else self._idle + 1
        self._least_gap, self._least_value = min(gap, self._least_gap), min(value, self._least_value)
        if self._idle > PATIENCE:
            raise Breakdown(STAGNATED, Status.STAGNATED)

    def _moved(self, point) -> Any:
        self.point = point
        self.bound = max(self.bound, point.dual)
        return point

    def _measure(self):
        return (self.gap / (self.problem.first or 1.0)) ** 2


def descend(method, start, dtype, *, rtol, maxiter, time_limit, callback, kind=CoordinateResult, **fields):
    """Run a method from an iterate until the gap is at most `rtol` times the objective at zero.

    Return the result, whose gap is that of the coefficients in the caller's dtype.
    """
    rtol = _validate.tolerance(rtol, "rtol")
    maxiter, deadline = _validate.count(maxiter, "maxiter"), _validate.deadline(time_limit)
    first = method.problem.first
    if first <= 0:
        start = np.zeros_like(start)
    found = run(
        method.steps,
        Coefficients(start, dtype),
        first=first,
        tol=rtol * first,
        maxiter=maxiter,
        callback=callback,
        deadline=deadline,
        says=SAYS,
    )
    status, message, gap, point = found.status, found.message, method.gap, method.point
    if dtype != point.x.dtype:
        x = point.x.astype(dtype).astype(point.x.dtype)
        point = method.problem.point(x)
        gap = max(point.value - method.bound, 0.0)
        if found.success and gap > rtol * first:
            status = Status.STAGNATED
            message = f"coefficients of {dtype} cannot meet rtol: raise it, or pass X in double precision"
    return kind(
        found.x,
        status,
        message,
        found.residuals,
        objective=point.value,
        gap=gap,
        intercept=float(point.x[-1]),
        **fields,
    )
