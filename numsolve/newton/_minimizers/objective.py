"""The function to minimise: values, gradients and models at points, each evaluated once."""

from functools import cached_property
from math import inf, isfinite, nan

import numpy as np

from ..._linear.system import length
from ..._result import Breakdown, Status
from .models import model_of
from .truncated_cg import dot

NOISE = 10  # units of rounding in the difference of two values that count as noise
DOUBTFUL = 2 / 3  # the power of machine epsilon below which a relative difference of values is doubtful
FALL_IN_NOISE = 0.9  # where values do not tell, the norm of the gradient has to fall by this factor


class Objective:
    """The caller's function with its derivatives.

    Attributes
    ----------
    tol, first : float
        The tolerance for the norm of the gradient, and the norm at the start.
    best : Point or None
        The point of smallest value among those that were recorded.
    """

    def __init__(self, fun, grad, hessians, metric):
        self.fun, self.grad, self.hessians, self.metric = fun, grad, hessians, metric
        self._last: Point | None = None
        self.best: Point | None = None
        self.tol, self.first = 0.0, nan

    def at(self, x):
        """Return the point `x`; the last one that was recorded, if it is the same."""
        last = self._last
        if last is not None and (x is last.x or bool((x == last.x).all())):
            return last
        return Point(self, x)

    def record(self, point):
        """Keep a point as the last one, and as the best one if its value is the smallest."""
        self._last = point
        if self.best is None or not point.value >= self.best.value:
            self.best = point

    def value(self, x):
        """Return the value at the vector `x`; raise `Breakdown` if it is minus infinity."""
        value = self.fun(x)
        if value == -inf:
            raise unbounded(value)
        return value

    def gradient(self, x):
        """Return the gradient at the vector `x`."""
        return self.grad(x)

    def model(self, point):
        """Return the quadratic model at a point."""
        return model_of(self.hessians.at(point), self.metric)


class Point:
    """A point, and what was evaluated there: each value is computed when it is first needed.

    Attributes
    ----------
    x : array, shape (n,)
        The point.
    value, norm, dual : float
        The value of the function; the 2-norm of the gradient, and its norm dual to that of the metric.
    gradient : array, shape (n,)
        The gradient.
    model : Model
        The quadratic model.
    """

    def __init__(self, objective, x):
        self._objective, self.x = objective, x

    @cached_property
    def value(self):
        """The value of the function."""
        return self._objective.value(self.x)

    @cached_property
    def gradient(self):
        """The gradient."""
        return self._objective.gradient(self.x)

    @cached_property
    def norm(self):
        """The 2-norm of the gradient."""
        return length(self.gradient)

    @cached_property
    def dual(self):
        """The norm of the gradient that is dual to the norm of the metric."""
        metric = self._objective.metric
        return self.norm if metric.is_identity else metric.dual(self.gradient)

    @cached_property
    def model(self):
        """The quadratic model."""
        return self._objective.model(self)

    @cached_property
    def noise(self):
        """The rounding error of the value: of the function, and of its argument."""
        return NOISE * float(np.finfo(self.x.dtype).eps) * self._size

    @cached_property
    def doubtful(self):
        """The largest difference of values that may be rounding error, if the function loses digits."""
        return float(np.finfo(self.x.dtype).eps) ** DOUBTFUL * self._size

    @cached_property
    def _size(self):
        return abs(self.value) + self.norm * length(self.x)

    @property
    def is_finite(self):
        """Whether value and gradient are finite; the gradient is evaluated only where the value is."""
        return isfinite(self.value) and isfinite(self.norm)

    def known(self, name):
        """Return the value of an attribute if it was computed, else None."""
        return vars(self).get(name)

    def moved(self, step):
        """Return the point after a step."""
        return Point(self._objective, self.x + step)


def decrease(point, trial):
    """Return by how much the function falls from one point to another.

    The difference of two nearly equal values is noise. There the trapezoidal rule gives it from the two
    gradients, if the norm of the gradient falls; otherwise there is no decrease. Since `fun` itself may lose
    digits, the rule also replaces a smaller difference that is small but above the noise.
    """
    difference = point.value - trial.value
    if not isfinite(difference):
        return -inf
    if abs(difference) > point.doubtful:
        return difference
    if not trial.norm <= FALL_IN_NOISE * point.norm:
        return difference if abs(difference) > point.noise else min(difference, 0.0)
    by_gradients = -dot(point.gradient + trial.gradient, trial.x - point.x) / 2
    return max(difference, by_gradients) if abs(difference) > point.noise else by_gradients


def unbounded(value):
    """Return the exception for a function without a lower bound."""
    return Breakdown(
        f"fun falls to {value:.3g} and seems to be unbounded below: check its sign, or bound the variables",
        Status.BREAKDOWN,
    )


def stuck(point, step):
    """Return the exception for a point from which no step leads to a smaller value.

    `step` is the first one that was tried, or None.
    """
    if step is None or abs(dot(point.gradient, step)) <= 100 * point.noise:
        return Breakdown(
            "the gradient stopped falling at the rounding level of fun and grad, above the tolerance: "
            "loosen rtol or atol, or use a higher precision",
            Status.STAGNATED,
        )
    return Breakdown(
        "no step along the model's direction reduces fun as the gradient says: check grad and hess with "
        "numsolve.newton.check_derivative",
        Status.STAGNATED,
    )
