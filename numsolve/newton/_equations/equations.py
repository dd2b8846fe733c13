"""The equations F(x) = 0 of a run: points with their values, Jacobians, and why a method cannot go on."""

from math import inf, isfinite
from typing import Any, NamedTuple

import numpy as np

from ..._array import read_sum
from ..._linear.evidence import size_of_terms
from ..._linear.system import length
from ..._result import Breakdown, Status
from ...kernels import kernels_for
from .._jacobians import DirectionalJacobian

ROUNDING = 8  # units of rounding in F, relative to the terms of J x
REMEDY = "choose another x0"
NO_ROOT = "norm(F) has a local minimum that is no root, or the Jacobian is singular"
LEAST_RATE = 1e-3  # relative decrease of norm(F)^2 over the size of x, below which a point is stationary


class Point(NamedTuple):
    """A point, the value of F, and its norm."""

    x: Any
    f: Any
    norm: float


def squared_ratio(norm, other):
    """Return the square of ``norm / other``, infinite if it overflows."""
    ratio = norm / other
    return ratio * ratio  # a power of floats would raise


class AtRounding(Breakdown):
    """The value of F consists of rounding errors, so no method can reduce it."""


class Equations:
    """The equations, with the values at the last point, so that no value is computed twice.

    Attributes
    ----------
    first : Point
        The starting point.
    J : Operator or None
        The last Jacobian.
    """

    def __init__(self, function, jacobian, solver, forcing, first: Point):
        self.function, self.jacobian, self.solver, self.forcing = function, jacobian, solver, forcing
        self.first, self.J = first, None
        self._of = None

    def at(self, x):
        """Return the point `x`; its norm is infinite if F has an entry that is not finite."""
        f = self.function(x)
        norm = length(f)
        return Point(x, f, norm if isfinite(norm) else inf)

    def linearised(self, point: Point) -> Any:
        """Return the Jacobian at a point."""
        if self._of is not point.x:
            self.J, self._of = self.jacobian.at(point.x, point.f), point.x
        return self.J

    def step(self, J, point: Point, most=1.0):
        """Return the Newton step for `J`, to the relative tolerance of the forcing term, at most `most`."""
        eta = min(most, self.forcing.term(point.norm, 10 * J.rounding))
        try:
            step = self.solver.solve(J, point.f, eta)
        except Breakdown as error:
            self.raise_failure()
            if error.status is Status.TIME_LIMIT:
                raise Breakdown("time limit reached: raise it, or start nearer", error.status) from None
            if error.status is not Status.SINGULAR and self.is_stationary(point, J, point.f):
                raise self.failure(point, J, NO_ROOT) from None
            what = str(error)
            if error.status is Status.NONFINITE and isinstance(J, DirectionalJacobian):
                what = "fun is not finite near x, where it is differenced: pass jac"
            raise self.failure(point, J, what, error.status) from None
        self.forcing.observe(point.norm, step.linear)
        return step

    def raise_failure(self):
        """Raise if a function of the caller raised an exception in a product."""
        for function in (self.function, *self.jacobian.functions):
            if function.failure is not None:
                error = function.failure
                raise Breakdown(f"{function.name} raised {type(error).__name__}: {error}") from error

    def failure(self, point: Point, J, what, status=Status.STAGNATED):
        """Return the exception for a method that cannot go on from a point, because of `what`.

        It is `AtRounding` where no other method could go on either.
        """
        terms = ROUNDING * float(np.finfo(point.x.dtype).eps) * size_of_terms(J, point.x)
        self.raise_failure()
        if self.first.norm <= terms:
            return AtRounding("converged: F is rounding error at the starting point", Status.CONVERGED)
        if point.norm <= terms:
            return AtRounding(
                f"F is rounding error, of norm {point.norm:.1e}, above the tolerance: loosen rtol or atol, "
                "or use a higher precision",
                Status.STAGNATED,
            )
        if not _is_holomorphic(self.function, point):
            return AtRounding(
                "fun is not holomorphic, so it has no complex derivative: pass real and imaginary parts as "
                "real variables",
                Status.BREAKDOWN,
            )
        if status is Status.SINGULAR:
            what = f"the Jacobian is singular, and norm(F) may have a local minimum that is no root ({what})"
        return Breakdown(f"{what}, at norm(F) = {point.norm:.1e}: {REMEDY}", status)

    def is_stationary(self, point: Point, J, direction):
        """Tell whether norm(F) hardly falls to first order within the size of x.

        The line is the gradient where J has an adjoint product, else `direction`.
        """
        g = gradient(J, point.f)
        g = direction if g is None else g
        if not 0 < length(g) < inf:
            return True
        x = self.first.x
        size = max(length(point.x), length(x), length(point.x - x))
        q = J @ (g / length(g))
        self.raise_failure()
        slope = read_sum(kernels_for(q).dot(q / point.norm, point.f / point.norm))
        return abs(slope) * size <= LEAST_RATE


def gradient(J, f):
    """Return ``J^H f``, the gradient of ``norm(F)**2 / 2``; None if J has no adjoint product."""
    if isinstance(J, DirectionalJacobian):
        return None
    try:
        return J.adjoint() @ f
    except TypeError:
        return None


def _is_holomorphic(function, point):
    """Tell whether differences of the function are linear over the complex numbers."""
    if point.x.dtype.kind != "c" or not point.norm < inf:
        return True
    J, v = DirectionalJacobian(function, point.x, point.f), point.f / point.norm
    q, turned = J @ v, J @ (1j * v)
    return length(turned - 1j * q) <= 1e-2 * length(q)
