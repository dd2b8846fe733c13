"""Datafit plus penalty from the caller's arguments to a run and back to a result."""

from dataclasses import dataclass, replace
from math import inf, isfinite, nan
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module
from .._result import Breakdown, Interrupted, Status
from .._run import run
from .._variables import Variables
from ._datafits import Datafit
from ._penalties import Box, ElasticNet, Penalty

SAYS = {
    Status.MAXITER: "maxiter reached: raise it, or loosen rtol",
    Status.TIME_LIMIT: "time limit reached: raise it, or loosen rtol",
    Status.NONFINITE: "the function or its gradient is not finite at the starting point: choose another x0",
}
ROUNDING = 64  # units of rounding in a value that do not count
HALVINGS = 60  # most of a step
OVERFLOW = "the function decreases without bound or overflows: scale the data, or add a penalty"


@dataclass(frozen=True, eq=False)
class Point:
    """An iterate, the state of the datafit, its gradient, the objective and the largest KKT violation."""

    x: Any
    z: Any
    gradient: Any
    value: float
    violation: float


class Composite:
    """Datafit plus penalty, with a checked start; `passes` counts the gradients over all samples so far."""

    def __init__(self, datafit, penalty, x0=None):
        for name, value, kind in (("datafit", datafit, Datafit), ("penalty", penalty, Penalty)):
            if not isinstance(value, kind):
                raise TypeError(
                    f"{name} is a {type(value).__name__}; a numsolve.coordinate.{kind.__name__} is needed"
                )
        self.datafit, self.penalty = datafit, penalty
        self.n, self.dtype, self.xp = datafit.n, datafit.dtype, array_module(datafit.library)
        for name in ("weights", "lower", "upper") if type(penalty) in (ElasticNet, Box) else ():
            shape = np.shape(getattr(penalty, name, 0.0))
            if shape not in ((), (self.n,)):
                raise ValueError(f"{name} of the penalty has shape {shape}; ({self.n},) is needed")
        self.passes = 0.0
        self.best: Any = None
        self.last: Any = None
        self.variables = self._variables(x0)

    def _variables(self, x0):
        xp = self.xp
        zero = xp.zeros(self.datafit.shape, self.dtype)
        if x0 is None:
            x0 = zero
        found = Variables(x0, real=True)
        if found.library != self.datafit.library:
            raise TypeError(f"x0 is of {found.library}, but the datafit of {self.datafit.library}: move one")
        if found.n != self.n or (len(found.shape) > 1 and found.shape != self.datafit.shape):
            raise ValueError(f"x0 has shape {found.shape}, but the datafit needs {self.datafit.shape}")
        found.shape, found.dtype = self.datafit.shape, self.dtype
        found.start = found.start.astype(self.dtype)
        if self.penalty.value(found.start) == inf:
            found.start = self.penalty.prox(found.start, float(np.finfo(self.dtype).tiny))
        return found

    def at(self, x, z=None, gradient=None) -> Point:
        """Return the point of `x`, given its state and gradient if they are known."""
        if z is None:
            z, self.passes = self.datafit.state(x), self.passes + 0.5
        if gradient is None:
            gradient, self.passes = self.datafit.gradient(z, x), self.passes + 0.5
        value = self.datafit.value(z, x) + self.penalty.value(x)
        violation = float(self.penalty.violation(x, gradient).max()) if self.n else 0.0
        return Point(x, z, gradient, value, violation)

    def rise(self, point, x, z):
        """Return ``f(x) - f(point) - gradient @ (x - point)`` of the datafit, and what rounding changes.

        Where the values are equal to rounding, it is computed from the gradients.
        """
        datafit, d = self.datafit, x - point.x
        before = datafit.value(point.z, point.x)
        rounding = ROUNDING * float(np.finfo(self.dtype).eps) * abs(before)
        found = datafit.value(z, x) - before - dot(point.gradient, d)
        if abs(found) <= rounding:
            self.passes += 0.5
            found = dot(datafit.gradient(z, x) - point.gradient, d) / 2
        return found, rounding

    def proximal_step(self, point, step):
        """Return the point after a proximal gradient step, shortened until it decreases the objective."""
        for _ in range(HALVINGS):
            x = self.penalty.prox(point.x - step * point.gradient, step)
            z, d = self.datafit.state(x), x - point.x
            self.passes += 0.5
            rise, rounding = self.rise(point, x, z)
            if rise <= dot(d, d) / (2 * step) + rounding:
                break
            step /= 2
        return self.at(x, z), step

    def solve(self, walk, *, rtol, atol, maxiter, time_limit, callback, says=None):
        """Run a method and return the fields of a `CoordinateResult`.

        ``walk(point)`` yields the points after its first one. The tolerance is relative to the larger of the
        violations at zero and at x0.
        """
        rtol, atol = _validate.tolerances(rtol, atol)
        maxiter, deadline = _validate.count(maxiter, "maxiter"), _validate.deadline(time_limit)
        with np.errstate(all="ignore"):
            start, first = self._begin()

            def steps(x):
                begin = self.at(x) if self.last else start
                live = yield self._noted(begin, first)
                for point in walk(begin):
                    live = yield self._noted(point, first)
                    if live is None:
                        raise Breakdown(OVERFLOW, Status.NONFINITE)

            try:
                result = run(
                    steps,
                    self.variables,
                    first=first,
                    tol=max(rtol * first, atol),
                    maxiter=maxiter,
                    callback=callback,
                    deadline=deadline,
                    says=SAYS | (says or {}),
                )
            except Interrupted as error:
                error.result = self._best_of(error.result)
                raise
        return self._fields(self._best_of(result))

    def _begin(self):
        """Return the starting point and the unit of the violations."""
        start = self.at(self.variables.start)
        zero = self.at(self.xp.zeros_like(start.x)).violation if bool(start.x.any()) else 0.0
        return start, max(start.violation, zero) if isfinite(zero) else start.violation

    def _noted(self, point, first):
        """Keep the point if it is the best, and return what the loop reads of it."""
        self.last = point
        finite = isfinite(point.value) and isfinite(point.violation)
        if finite and (self.best is None or point.value <= self.best.value):
            self.best = point
        norm = point.violation if finite else nan
        return point.x, self.xp.asarray(np.square(norm / first if first > 0 else norm))

    def _best_of(self, result):
        """Return the result with the best point, which may not be the last one of a run that missed."""
        if result.status == Status.CONVERGED or self.best is None:
            return result
        residuals = result.residuals.copy()
        residuals[-1] = self.best.violation
        self.last = self.best
        return replace(result, x=self.variables.shown(self.best.x), residuals=residuals)

    def _fields(self, result):
        return vars(result) | {"objective": self.last.value if self.last else nan}


def dot(x, y):
    """Return the product of two vectors as a float."""
    return float(x @ y)


def strong_convexity(penalty) -> float:
    """Return a number c >= 0 such that the penalty minus ``c |x|^2 / 2`` is convex."""
    if type(penalty) is ElasticNet:
        weights = penalty.weights
        smallest = float(weights if np.ndim(weights) == 0 else weights.min())
        return penalty.lam * (1 - penalty.rho) * smallest
    return max(0.0, -float(penalty.curvature))


def largest_curvature(problem, point) -> float:
    """Return the largest second derivative in one coefficient: its bound, or else its value at a point."""
    datafit = problem.datafit
    found = datafit.curvatures()
    if not bool(problem.xp.isfinite(found).all()):
        each = [datafit.block_hessian(slice(j, j + 1), point.z) for j in range(problem.n)]
        found = problem.xp.stack([h[0, 0] for h in each])
    largest = float(found.max()) if problem.n else 0.0
    return largest if 0 < largest < inf else 1.0
