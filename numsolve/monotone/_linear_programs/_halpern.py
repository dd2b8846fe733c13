"""The restarted, reflected Halpern iteration of the primal-dual hybrid gradient method."""

from typing import Any, NamedTuple

from ..._array import namespace
from ...kernels import kernels_for
from ._scaling import Scaled, product

AT_ONCE = 1 << 18  # entries and unknowns up to which many steps are one call


class Point(NamedTuple):
    """A plain step from the iterate, with the products that belong to it.

    Attributes
    ----------
    x, y : arrays
        The point ``T(z)`` after the step from the iterate z.
    Ax, Aty : arrays
        ``A x`` and ``A^T y``.
    Aty_before : array
        ``A^T y`` at the iterate z.
    s : array
        Multipliers of the bounds of variables that the step itself gives.
    dx, dy : arrays
        The step ``T(z) - z``.
    error : float
        The distance ``|T(z) - z|`` in the norm in which T is nonexpansive, times the step.
    """

    x: Any
    y: Any
    Ax: Any
    Aty: Any
    Aty_before: Any
    s: Any
    dx: Any
    dy: Any
    error: float


class Iteration:
    """The iterate, the anchor of the last restart, and the weight of the primal against the dual step.

    Attributes
    ----------
    x, y : arrays
        The iterate z.
    x_anchor, y_anchor : arrays
        The point at the last restart.
    weight : float
        The primal step is ``step / weight`` and the dual one ``step * weight``.
    done : int
        Steps since the last restart.
    total : int
        All steps.
    """

    def __init__(self, problem: Scaled, x, y):
        self.problem, self.weight, self.total = problem, 1.0, 0
        xp = namespace(x)
        self.x, self.y = xp.clip(x, problem.l, problem.u), y.copy()
        self.ahead = xp.empty_like(self.x)
        self.restart(self.x, self.y)

    def restart(self, x, y):
        """Go on from a point, which is the new anchor."""
        self.x[...], self.y[...] = x, y
        self.x_anchor, self.y_anchor, self.done = self.x.copy(), self.y.copy(), 0

    def advance(self, count):
        """Take steps: two products with the matrix each, and no read from the device."""
        p = self.problem
        At = p.At.indptr, p.At.indices, p.At.data
        A = p.A.indptr, p.A.indices, p.A.data
        tau, sigma = p.step / self.weight, p.step * self.weight
        if namespace(self.x).__name__ == "numpy" and A[2].size + sum(p.A.shape) <= AT_ONCE:
            from ...kernels.host.halpern import lp_steps

            bounds = p.c, p.l, p.u, p.rl, p.ru
            anchors = self.x_anchor, self.y_anchor
            lp_steps(count, self.done, tau, sigma, *At, *A, *bounds, *anchors, self.x, self.y, self.ahead)
        else:
            kernels = kernels_for(self.x)
            for k in range(self.done, self.done + count):
                keep = (k + 1) / (k + 2)
                kernels.lp_primal(tau, keep, *At, self.y, p.c, p.l, p.u, self.x_anchor, self.x, self.ahead)
                kernels.lp_dual(sigma, keep, *A, self.ahead, p.rl, p.ru, self.y_anchor, self.y)
        self.done += count
        self.total += count

    def point(self) -> Point:
        """Take a plain step from the iterate, which stays; four products with the matrix."""
        p, xp = self.problem, namespace(self.x)
        tau, sigma = p.step / self.weight, p.step * self.weight
        Aty_before = product(p.At, self.y)
        target = self.x - tau * (p.c - Aty_before)
        x = xp.minimum(xp.maximum(target, p.l), p.u)
        dx, Ax = x - self.x, product(p.A, x)
        w = self.y - sigma * (product(p.A, x + dx))
        y = w - xp.minimum(xp.maximum(w, -sigma * p.ru), -sigma * p.rl)
        dy, Aty = y - self.y, product(p.At, y)
        squared = self.weight * (dx @ dx) + (dy @ dy) / self.weight + 2 * p.step * (dx @ (Aty - Aty_before))
        return Point(x, y, Ax, Aty, Aty_before, (x - target) / tau, dx, dy, max(float(squared), 0.0) ** 0.5)
