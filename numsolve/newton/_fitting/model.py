"""The Gauss-Newton model of a nonlinear least-squares problem at a point, and its minimiser within bounds."""

from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from ... import _validate
from ..._array import namespace
from ..._linear.system import length
from ..._operators.operator import Csr, Dense
from ..._operators.terms import row_terms
from ..._result import Breakdown
from .._jacobians import DifferenceJacobian
from .damped_systems import adjoint_product, column_norms, rescaled

LARGEST_ERROR = 1e-4  # of finite differences that are trusted, relative to the norm of a column
PASSES = 20  # active sets that are tried for a step
REFINEMENTS = 3  # solutions with one factorisation, at most
ACCURACY, LEAST_ACCURACY = 1e-4, 0.5  # relative gradients of the linear problem: wanted, and accepted


class Scaling:
    """The scales of the variables: given, or the inverse of the largest norm that each column has had.

    J. J. Moré, The Levenberg-Marquardt algorithm: implementation and theory, Numerical Analysis, LNM 630
    (1978) 105-116, section 6, doi:10.1007/BFb0067700.
    """

    def __init__(self, x_scale: Any, variables):
        xp, self._norms = variables.xp, None
        self._given = xp.ones(variables.n, variables.dtype)
        self._follows = isinstance(x_scale, str) and x_scale == "jac"
        if self._follows:
            return
        if isinstance(x_scale, str):
            raise ValueError(f"x_scale is {x_scale!r}; 'jac' or positive numbers are needed")
        scale = _validate.real(x_scale, "x_scale", xp)
        if scale.shape not in ((), variables.shape, (variables.n,)) or not bool((scale > 0).all()):
            raise ValueError(
                f"x_scale has shape {scale.shape}; one positive number is needed, or one for each variable, "
                f"in the shape {variables.shape} of x0"
            )
        self._given = self._given * scale.reshape(-1).astype(variables.dtype)

    def at(self, J):
        """Return the scales for a Jacobian, and the norms of its scaled columns if they are known."""
        norms = column_norms(J)
        if norms is None or not self._follows:
            return self._given, None if norms is None else norms * self._given
        xp = namespace(norms)
        self._norms = norms if self._norms is None else xp.maximum(self._norms, norms)
        scale = 1 / xp.where(self._norms > 0, self._norms, 1 + 0 * norms)
        return scale, norms * scale


@dataclass
class Point:
    """A point with its model: ``0.5 * norm(r + J p)**2`` for the change ``scale * p`` of x.

    Attributes
    ----------
    x, f : array
        The variables and the residuals of the caller.
    cost : float
        The cost.
    jac : Operator
        The Jacobian with weighted rows.
    system : System
        The scaled and weighted Jacobian and residuals.
    scale, slope : array, shape (n,)
        The scales of the variables, and the scaled gradient.
    low, high : array, shape (n,)
        The scaled distances to the bounds.
    norm : float
        Norm of the slope without the variables that a bound holds.
    largest : float
        The largest norm of a scaled column, or an estimate of it.
    """

    x: Any
    f: Any
    cost: float
    jac: Any
    system: Any
    scale: Any
    slope: Any
    low: Any
    high: Any
    norm: float
    largest: float

    @cached_property
    def rounding(self):
        """An estimate of the norm of the rounding errors of the residuals.

        The residuals are differences of terms whose sizes are estimated by those of ``J x``.
        """
        J, y = self.system.J, abs(self.x / self.scale)
        terms = row_terms(J, y)[0] if isinstance(J, (Csr, Dense)) else J @ (self.x / self.scale)
        return float(np.finfo(self.x.dtype).eps) * (length(self.system.r) + length(terms))


@dataclass
class Step:
    """A change p of the scaled variables, ``J p``, and the decrease of the model."""

    p: Any
    Jp: Any
    predicted: float


def made_step(point, p, Jp):
    """Return the `Step` p."""
    size = length(Jp)
    return Step(p, Jp, -float((point.slope * p).sum()) - 0.5 * size * size)


class Model:
    """The models of a problem at all points."""

    def __init__(self, function, jacobian, loss, box, scaling, system):
        self.function, self.jacobian, self.loss, self.box = function, jacobian, loss, box
        self.scaling, self._system, self.points = scaling, system, 0
        self._largest = 0.0  # norm of a scaled column so far

    def at(self, x, f, cost=None):
        """Return the `Point` at x, where the residuals are f."""
        self.points += 1
        xp, loss = namespace(x), self.loss
        r, weights = loss.weighted(f)
        jac = rescaled(self.jacobian.at(x, f), weights, None)
        scale, norms = self.scaling.at(jac)
        J = rescaled(jac, None, scale)
        system = self._system(J, r)
        slope = adjoint_product(J, r)
        low, high = (self.box.lower - x) / scale, (self.box.upper - x) / scale
        held = self.box.held(x, slope)
        norm = length(xp.where(held[0] | held[1], 0 * slope, slope))
        cost = loss.cost(f) if cost is None else cost
        largest = _rayleigh(J, slope) if norms is None else float(norms.max())
        self._largest = max(self._largest, largest)
        return Point(x, f, cost, jac, system, scale, slope, low, high, norm, largest)

    def following(self, x, f):
        """Return the `Point` at x, or None if its Jacobian is not finite."""
        try:
            found = self.at(x, f)
        except _validate.NotFinite:
            return None
        except Breakdown as error:
            if isinstance(error.__cause__, _validate.NotFinite):
                return None
            raise
        return found if isfinite(found.norm) else None

    def slope_error(self, point):
        """Return an estimate of the norm of the rounding errors of the slope."""
        return 4 * point.rounding * point.largest

    def difference_error(self, point):
        """Return an estimate of the norm of the errors of the slope by finite differences, zero without them.

        A difference with the step h has the rounding error of the residuals, divided by h. The estimate is at
        most a small part of the largest slope that the residuals can have: beyond that it tells nothing.
        """
        if not isinstance(self.jacobian, DifferenceJacobian):
            return 0.0
        r, h = point.system.r, self.jacobian.steps(point.x)
        xp, size = namespace(r), length(r)
        inverse = xp.where(h == 0, h, point.scale / xp.where(h == 0, 1 + h, h))
        truncation = 10 * self.jacobian.truncation * self._largest
        rounding = point.rounding / len(r) ** 0.5 * length(inverse)
        return size * min(truncation + rounding, LARGEST_ERROR * self._largest)

    def moved(self, point, step):
        """Return x after a step; variables that the step takes to a bound lie exactly on it."""
        xp, box = namespace(point.x), self.box
        x = box.inside(point.x + point.scale * step.p)
        if box.exists:
            x = xp.where(step.p <= point.low, box.lower, xp.where(step.p >= point.high, box.upper, x))
        return x

    def minimise(self, point, damping):
        """Return the `Step` that minimises the damped model within the bounds, or None if it was not found.

        A variable whose bound is violated is held there, and one is released whose multiplier has the wrong
        sign, until nothing changes: the primal-dual active set method of M. Hintermüller, K. Ito, K. Kunisch,
        SIAM J. Optim. 13 (2002) 865-888, doi:10.1137/S1052623401383558.
        """
        xp, low, high = namespace(point.x), point.low, point.high
        at_low, at_high = self.box.held(point.x, point.slope)
        fixed = self.box.lower == self.box.upper
        at_low = at_low | fixed
        try:
            for _ in range(PASSES):
                held = at_low | at_high
                base = xp.where(at_low, low, xp.where(at_high, high, 0 * point.slope))
                step, slope = _solve(point, damping, ~held if bool(held.any()) else None, base)
                if not self.box.exists:
                    return step
                next_low = xp.where(held, at_low & ((slope > 0) | fixed), step.p < low)
                next_high = xp.where(held, at_high & (slope < 0), step.p > high)
                if not bool(((next_low != at_low) | (next_high != at_high)).any()):
                    return step
                at_low, at_high = next_low, next_high
        except LinAlgError:
            pass
        return None


def _solve(point, damping, free, base):
    """Minimise the damped model over the free variables; the others have the values of `base`.

    Return the `Step` and the gradient of the damped model after it. The solution is refined until the
    gradient of the free variables, formed with J, has fallen by `ACCURACY`.
    """
    system, xp = point.system, namespace(base)
    J, r = system.J, system.r
    change, refines = system.factorise(damping, free)
    p, Jp, slope = base, 0 * r, point.slope
    if free is not None:
        Jp = J @ p
        slope = adjoint_product(J, r + Jp)
    remaining = slope if free is None else xp.where(free, slope, 0 * slope)
    first, left = length(remaining), inf
    for _ in range(REFINEMENTS if first > 0 else 0):
        p = p + change(r + Jp, remaining)
        Jp = J @ p
        slope = adjoint_product(J, r + Jp) + damping * p
        remaining = slope if free is None else xp.where(free, slope, 0 * slope)
        left = length(remaining)
        if not refines or left <= ACCURACY * first:
            break
    if first > 0 and not left <= LEAST_ACCURACY * first:
        raise LinAlgError("the solution of the damped system is not accurate")
    return made_step(point, p, Jp), slope


def _rayleigh(J, v):
    """Return ``norm(J v) / norm(v)``, an estimate of the norm of J."""
    size = length(v)
    return length(J @ v) / size if size > 0 else 1.0
