"""A trust region in scaled variables, whose points stay strictly within the bounds.

With d the scaling at x, g = J^T F and D = diag(d), the model ``norm(F + J p)`` is minimised along the dogleg
path from the Cauchy point on -D g to Newton's step, within ``norm(p / sqrt(d)) <= radius``. The path's point
is pulled back into the interior, and moved towards the Cauchy point until it decreases the model by a tenth
of what the Cauchy point does.

S. Bellavia, M. Macconi, B. Morini, An affine scaling trust-region approach to bound-constrained nonlinear
systems, Appl. Numer. Math. 44 (2003) 257-280, doi:10.1016/S0168-9274(02)00170-8; STRSCNE: a scaled
trust-region solver for constrained nonlinear equations, Comput. Optim. Appl. 28 (2004) 31-50,
doi:10.1023/B:COAP.0000018878.95983.4e.
"""

from collections import deque
from math import inf, sqrt
from typing import Any, NamedTuple

import numpy as np

from .._array import read_sum
from .._linear.system import length
from .._result import Breakdown, Status
from ..kernels import kernels_for
from ._equations import AtRounding, Equations, Point, gradient

ACCEPT, GROW = 0.25, 0.75  # ratios of true and predicted decrease
LEAST_SHARE = 0.1  # of the Cauchy point's decrease of the model
NEAR = 0.99995  # share of the way to a bound that a step may go, at least
PATIENCE, LEAST_FALL = 15, 1e-6  # so many steps in which norm(F) falls by less than that share are the last
LEAST_GAIN = 0.999  # largest norm of the linear model after Newton's step, over that before
NEAREST, MOVED = 1e-6, 1e-3  # a start nearer to a bound than the first is moved to the second, over its size


class Step(NamedTuple):
    """A step p, its image J p, and ``norm(F)**2 - norm(F + J p)**2``."""

    p: Any
    image: Any
    decrease: float


class Interior:
    """The points strictly between the bounds, which are vectors and may be infinite."""

    def __init__(self, lower, upper, xp):
        self.lower, self.upper, self._xp = lower, upper, xp

    def check(self, x):
        """Raise unless numbers lie between the two bounds of each entry of x."""
        moved = self.moved(x)
        empty = (moved <= self.lower) | (moved >= self.upper)
        if len(x) and bool(empty.any()):
            at = int(self._xp.argmax(empty))
            low, high = float(self.lower[at]), float(self.upper[at])
            raise ValueError(
                f"the bounds of x[{at}] are {low} and {high}: no number lies strictly between them. Write a "
                "fixed variable as a constant in fun"
            )

    def moved(self, x):
        """Return x with the entries moved inwards that are at a bound or very near to it."""
        xp, width = self._xp, self.upper - self.lower
        low, high = (
            xp.where(abs(b) < inf, xp.minimum(width, xp.maximum(abs(b), 1)), 0)
            for b in (self.lower, self.upper)
        )
        x = xp.where(x - self.lower < NEAREST * low, self.lower + MOVED * low, x)
        return xp.where(self.upper - x < NEAREST * high, self.upper - MOVED * high, x)

    def inner_sides(self):
        """Return the least and the largest vector strictly between the bounds."""
        xp = self._xp
        return xp.nextafter(self.lower, self.upper), xp.nextafter(self.upper, self.lower)

    def active(self, x, rtol):
        """Return -1 where x is near its lower bound, 1 where near its upper one, and 0 elsewhere."""
        xp, below, above = self._xp, x - self.lower, self.upper - x
        at_lower = (below <= rtol * xp.maximum(abs(self.lower), 1)) & (below <= above)
        at_upper = (above <= rtol * xp.maximum(abs(self.upper), 1)) & (above < below)
        return at_upper.astype(np.int8) - at_lower.astype(np.int8)

    def share(self, x, p):
        """Return the share of the step p from x at which the first bound lies; infinite without one."""
        xp = self._xp
        room = xp.where(p < 0, self.lower - x, self.upper - x)
        shares = xp.where(p == 0, inf, room / xp.where(p == 0, 1, p))
        return float(shares.min()) if len(x) else inf

    def pulled_back(self, x, p):
        """Return the step p, or a part of it, whose end lies within the bounds."""
        share = self.share(x, p)
        return p if share > 1 else max(NEAR, 1 - length(p)) * share * p

    def end(self, x, p):
        """Return x + p; where rounding puts it on a bound, half the distance to the bound remains."""
        xp, y = self._xp, x + p
        below, above = self.lower + (x - self.lower) / 2, self.upper - (self.upper - x) / 2
        y = xp.where(y <= self.lower, xp.where(below > self.lower, below, x), y)
        return xp.where(y >= self.upper, xp.where(above < self.upper, above, x), y)


class Model:
    """The linear model of F around a point, with the scaling of its variables."""

    def __init__(self, J, point: Point, g, d, newton, interior):
        self.J, self._point, self._interior = J, point, interior
        self.d, self._root = d, d**0.5
        self._descent = -d * g
        self._slope = _dot(d * g, g)
        image = J @ self._descent
        self._curvature = _dot(image, image)
        self.newton = newton

    def size(self, p):
        """Return the scaled length of a step."""
        return length(p / self._root)

    def step(self, radius):
        """Return the step for a radius, strictly within the bounds."""
        cauchy = self._inside(self._along_descent(radius))
        if self.newton is None:
            return cauchy
        dogleg = self._inside(self._dogleg(radius))
        least = LEAST_SHARE * cauchy.decrease
        if dogleg.decrease >= least:
            return dogleg
        t = self._share_with_decrease(cauchy, dogleg, least)
        return self._of(cauchy.p + t * (dogleg.p - cauchy.p))

    def _of(self, p):
        image = self.J @ p
        return Step(p, image, -2 * _dot(image, self._point.f) - _dot(image, image))

    def _inside(self, p):
        return self._of(self._interior.pulled_back(self._point.x, p))

    def _along_descent(self, radius):
        """Return the minimiser of the model along the scaled gradient, within the radius."""
        most = radius / sqrt(self._slope)
        best = self._slope / self._curvature if self._curvature > 0 else inf
        return min(best, most) * self._descent

    def _dogleg(self, radius):
        """Return the point of the dogleg path at the radius, or its end within it."""
        if self.size(self.newton) <= radius:
            return self.newton
        bend = self._along_descent(inf) if self._curvature > 0 else None
        if bend is None or self.size(bend) >= radius:
            return self._along_descent(radius)
        u, v = bend / self._root, (self.newton - bend) / self._root
        a, b, c = _dot(v, v), 2 * _dot(u, v), _dot(u, u) - radius**2
        t = _larger_root(a, b, c)
        return bend + min(t, 1.0) * (self.newton - bend)

    @staticmethod
    def _share_with_decrease(cauchy, dogleg, least):
        """Return t at which the decrease along the line from one step to the other has fallen to `least`."""
        change = dogleg.image - cauchy.image
        a = _dot(change, change)
        b = a + dogleg.decrease - cauchy.decrease  # the decrease is cauchy.decrease - a t^2 + b t
        return min(max(_larger_root(a, -b, least - cauchy.decrease), 0.0), 1.0)


def steps(equations: Equations, point: Point, interior, scaling, radius=None):
    """Yield the points of the method. A start at a bound is moved inwards first, unless it is a root."""
    point, norms = _start(equations, point, interior), deque(maxlen=PATIENCE)
    unit = equations.first.norm**2
    while True:
        J = equations.linearised(point)
        g = gradient(J, point.f)
        if g is None:
            raise TypeError("root_bounded needs products with the adjoint of the Jacobian: define rmatvec")
        if not 0 < length(g) < inf:
            raise equations.failure(point, J, STATIONARY)
        d = scaling(point.x, g / unit, interior.lower, interior.upper)
        model = Model(J, point, g, d, _newton_step(equations, J, point), interior)
        radius = radius or _first_radius(model, point)
        norms.append(point.norm)
        point, radius = _searched(equations, point, model, radius, interior)
        if len(norms) == PATIENCE and point.norm > (1 - LEAST_FALL) * norms[0]:
            raise equations.failure(point, equations.linearised(point), STATIONARY)
        yield point


STATIONARY = "norm(F) has a local minimum within the bounds that is no root"


def _start(equations, point, interior):
    """Return a point strictly within the bounds to start from."""
    x = interior.moved(point.x)
    if not bool((x != point.x).any()):
        return point
    at_start = equations.failure(point, equations.linearised(point), STATIONARY)
    if isinstance(at_start, AtRounding):
        raise at_start
    return equations.at(x)


def _newton_step(equations, J, point):
    """Return Newton's step, or None if there is none that reduces the linear model."""
    try:
        step = equations.step(J, point)
    except AtRounding:
        raise
    except Breakdown as error:
        if error.status is Status.TIME_LIMIT:
            raise
        return None
    return step.s if step.linear < LEAST_GAIN * point.norm else None


def _first_radius(model, point):
    """Return the radius to begin with: the scaled size of x, or of Newton's step."""
    size = model.size(point.x)
    if not size > 0:
        size = 1.0 if model.newton is None else model.size(model.newton)
    return size


def _searched(equations, point, model, radius, interior):
    """Return the next point and the next radius."""
    eps = float(np.finfo(point.x.dtype).eps)
    least = eps * model.size(point.x)
    while radius > least:
        step = model.step(radius)
        share = step.decrease / point.norm**2
        if not share > eps:
            break
        trial = equations.at(interior.end(point.x, step.p))
        gain = (1 - (trial.norm / point.norm) ** 2) / share
        size = model.size(step.p)
        if gain >= ACCEPT:
            return trial, max(radius, 2 * size) if gain >= GROW else radius
        radius = min(radius / 4, size / 2)
    raise equations.failure(point, model.J, STATIONARY)


def _dot(x, y):
    return read_sum(kernels_for(x).dot(x, y))


def _larger_root(a, b, c):
    """Return the larger root of ``a t^2 + b t + c``, where c <= 0 <= a, without cancellation."""
    root = sqrt(max(b * b - 4 * a * c, 0.0))
    if b > 0:
        return -2 * c / (b + root) if b + root > 0 else inf
    return (root - b) / (2 * a) if a > 0 else inf
