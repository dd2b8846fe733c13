"""A trust region in scaled variables, whose points stay strictly within the bounds.

With d the scaling at x, g = J^T F and D = diag(d), the model ``norm(F + J p)`` is minimised along the dogleg
path from the Cauchy point on -D g to Newton's step, within ``norm(p / sqrt(d)) <= radius``. Where the path
leaves the bounds, its point is pulled back as a whole, or, if that decreases the model more, each variable
stops at its own bound. The step is then moved towards the Cauchy point until it decreases the model by a
tenth of what the Cauchy point does.

One variable that has reached its bound shortens all steps that are pulled back as a whole: at a root with
active bounds they may stall. Where the projection of Newton's point is poor too, the path ends at a damped
least-squares step instead.

S. Bellavia, M. Macconi, B. Morini, An affine scaling trust-region approach to bound-constrained nonlinear
systems, Appl. Numer. Math. 44 (2003) 257-280, doi:10.1016/S0168-9274(02)00170-8; STRSCNE: a scaled
trust-region solver for constrained nonlinear equations, Comput. Optim. Appl. 28 (2004) 31-50,
doi:10.1023/B:COAP.0000018878.95983.4e. Projected steps: S. Bellavia, M. Macconi, S. Pieraccini, Constrained
dogleg methods for nonlinear systems with simple bounds, Comput. Optim. Appl. 53 (2012) 771-794.
"""

from collections import deque
from functools import cache, partial
from math import inf, sqrt
from typing import Any, NamedTuple

import numpy as np

from ..._array import read_sum
from ..._linear.system import length
from ..._result import Breakdown, Status
from ...kernels import kernels_for
from .equations import AtRounding, Equations, Point, gradient
from .scalings import coleman_li

ACCEPT, GROW = 0.25, 0.75  # ratios of true and predicted decrease
LEAST_SHARE = 0.1  # of the Cauchy point's decrease of the model
PATIENCE, LEAST_FALL = 15, 1e-6  # so many steps in which norm(F) falls by less than that share are the last
LEAST_GAIN = 0.999  # largest norm of the linear model after Newton's step, over that before
PROMISING = 0.5  # share of norm(F)**2 by which a shortened Newton step decreases the model, if it is good
MOST_TRIALS = 60  # of a step
NEARLY_ROOT = 1e-6  # norm(F) at a start at a bound, over that inside, below which it may be rounding error
SHORTEN = ("better", "pull-back", "projection")


class Step(NamedTuple):
    """A step p, its image J p, and ``norm(F)**2 - norm(F + J p)**2``."""

    p: Any
    image: Any
    decrease: float


class Model:
    """The linear model of F around x, with the scaling d of its variables; F is measured in a unit."""

    def __init__(self, J, x, f, g, unit, d, newton, damped, interior, shorten):
        self.J, self._x, self._f, self._unit, self._interior = J, x, f, unit, interior
        self._square = _dot(f, f)
        leaves = newton is not None and interior.share(x, newton) <= 1
        self._newton, self._projected = newton, interior.projected(x, newton) if leaves else None
        self._damped = cache(damped) if leaves and shorten != "pull-back" else None
        self._root, self._shorten = d**0.5, shorten
        self._descent = -d * g
        self._slope = _dot(d * g, g)
        image = self._image(self._descent)
        self._curvature = _dot(image, image)

    def _image(self, p):
        return (self.J @ p) / self._unit

    def size(self, p):
        """Return the scaled length of a step."""
        return length(p / self._root)

    def step(self, radius):
        """Return the step for a radius, strictly within the bounds."""
        interior, x = self._interior, self._x
        cauchy = self._of(interior.pulled_back(x, self._along_descent(radius)))
        if self._newton is None:
            return cauchy
        ways = []
        if self._projected is None or self._shorten != "projection":
            ways.append(interior.pulled_back(x, self._dogleg(self._newton, radius)))
        if self._projected is not None and self._shorten != "pull-back":
            ways.append(interior.projected(x, self._dogleg(self._projected, radius)))
        dogleg = max(map(self._of, ways), key=_decrease)
        if self._damped is not None and dogleg.decrease < PROMISING * self._square:
            end = self._dogleg(self._damped(), radius)
            dogleg = max(dogleg, self._of(interior.projected(x, end)), key=_decrease)
        least = LEAST_SHARE * cauchy.decrease
        if dogleg.decrease >= least:
            return dogleg
        t = self._share_with_decrease(cauchy, dogleg, least)
        return self._of(cauchy.p + t * (dogleg.p - cauchy.p))

    def _of(self, p):
        image = self._image(p)
        return Step(p, image, -2 * _dot(image, self._f) - _dot(image, image))

    def _along_descent(self, radius):
        """Return the minimiser of the model along the scaled gradient, within the radius."""
        most = radius / sqrt(self._slope)
        best = self._slope / self._curvature if self._curvature > 0 else inf
        return min(best, most) * self._descent

    def _dogleg(self, end, radius):
        """Return the point at the radius of the dogleg path to `end`, or `end` itself within the region."""
        if self.size(end) <= radius:
            return end
        bend = self._along_descent(inf) if self._curvature > 0 else None
        if bend is None or self.size(bend) >= radius:
            return self._along_descent(radius)
        u, v = bend / self._root, (end - bend) / self._root
        a, b, c = _dot(v, v), 2 * _dot(u, v), _dot(u, u) - radius**2
        t = _larger_root(a, b, c)
        return bend + min(t, 1.0) * (end - bend)

    @staticmethod
    def _share_with_decrease(cauchy, dogleg, least):
        """Return t at which the decrease along the line from one step to the other has fallen to `least`."""
        change = dogleg.image - cauchy.image
        a = _dot(change, change)
        b = a + dogleg.decrease - cauchy.decrease  # the decrease is cauchy.decrease - a t^2 + b t
        return min(max(_larger_root(a, -b, least - cauchy.decrease), 0.0), 1.0)


def steps(equations: Equations, point: Point, interior, scaling, radius, shorten):
    """Yield the points of the method. A start at a bound is moved inwards first, unless it is a root."""
    point, norms = _start(equations, point, interior), deque(maxlen=PATIENCE)
    unit = equations.first.norm
    while True:
        J, f = equations.linearised(point), point.f / unit
        g = gradient(J, f)
        if g is None:
            raise TypeError("root_bounded needs products with the adjoint of the Jacobian: define rmatvec")
        g = g / unit
        if not 0 < length(g) < inf:
            raise equations.failure(point, J, STATIONARY)
        d = interior.measured(scaling, point.x, g)
        newton = _newton_step(equations, J, point)
        damped = partial(_damped_step, equations, J, point.x, f, g, unit, interior)
        model = Model(J, point.x, f, g, unit, d, newton, damped, interior, shorten)
        norms.append(point.norm)
        point, radius = _searched(equations, point, model, radius, interior)
        if len(norms) == PATIENCE and point.norm > (1 - LEAST_FALL) * norms[0]:
            raise equations.failure(point, equations.linearised(point), STATIONARY)
        yield point


STATIONARY = "a stationary point of norm(F) within the bounds, which is no root"
INCONSISTENT = "no step reduces norm(F) as its derivative predicts: fun is not smooth, or jac is wrong"


def _start(equations, point, interior):
    """Return a point strictly within the bounds to start from."""
    x = interior.moved(point.x)
    if not bool((x != point.x).any()):
        return point
    inside = equations.at(x)
    if point.norm < NEARLY_ROOT * inside.norm:
        at_start = equations.failure(point, equations.linearised(inside), STATIONARY)
        if isinstance(at_start, AtRounding):
            raise at_start
    return inside


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


def _damped_step(equations, J, x, f, g, unit, interior):
    """Return the least-squares step of Coleman and Li, damped where -g points to a bound.

    With D their scaling and C the distances' derivative times g, it minimises ``norm(F + J p)**2 +
    norm(sqrt(C / D) p)**2``. Newton's step is its limit at a root, where g is zero.
    """
    d = interior.measured(coleman_li, x, g)
    c = interior.slopes(x, g)
    p = equations.solver.damped(J, f * unit, d**0.5, c**0.5 * unit)
    equations.raise_failure()
    return p


def _searched(equations, point, model, radius, interior):
    """Return the next point and the next radius."""
    eps, norm = float(np.finfo(point.x.dtype).eps), point.norm / equations.first.norm
    reason = STATIONARY
    for _ in range(MOST_TRIALS):
        step = model.step(radius)
        share = step.decrease / norm**2
        if not share > eps:
            break
        trial = equations.at(interior.end(point.x, step.p))
        gain = (1 - (trial.norm / point.norm) ** 2) / share
        size = model.size(step.p)
        if gain >= ACCEPT:
            return trial, max(radius, 2 * size) if gain >= GROW else radius
        radius = min(radius / 4, size / 2)
        reason = INCONSISTENT if share > eps**0.5 else reason
    raise equations.failure(point, model.J, reason)


def _decrease(step):
    return step.decrease


def _dot(x, y):
    return read_sum(kernels_for(x).dot(x, y))


def _larger_root(a, b, c):
    """Return the larger root of ``a t^2 + b t + c``, where c <= 0 <= a, without cancellation."""
    root = sqrt(max(b * b - 4 * a * c, 0.0))
    if b > 0:
        return -2 * c / (b + root) if b + root > 0 else inf
    return (root - b) / (2 * a) if a > 0 else inf
