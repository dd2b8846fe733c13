"""The residuals at a point of the iteration, in the caller's units, from products that are there already."""

from typing import Any, NamedTuple

from ..._array import namespace
from ._kkt import KKT, admissible, norm_of_bounds

NEAR = 1e-2  # largest residual of rows and gradients from which on points are combined


class Measured(NamedTuple):
    """A point in the caller's units, with its residuals and the products that belong to it."""

    kkt: KKT
    x: Any
    y: Any
    s: Any
    Ax: Any
    gradient: Any

    @property
    def gap(self):
        """The difference of the objectives, with its sign."""
        return self.kkt.objective - self.kkt.dual_objective

    @property
    def feasibility(self):
        """The larger residual but for the gap."""
        return max(self.kkt.primal, self.kkt.dual)


class Measure:
    """The residuals of `kkt` at points of the iteration, without another product with the matrix.

    They are relative to the bounds and costs of the whole program, before it was reduced.
    """

    def __init__(self, lp, problem, whole):
        xp = namespace(lp.c)
        self.lp, self.problem = lp, problem
        self.sense = -1.0 if lp.maximize else 1.0
        self.c, self.offset = self.sense * lp.c, self.sense * lp.offset
        self.to_rows = 1 / (problem.rows * problem.of_bounds)
        self.to_gradient = 1 / (problem.columns * problem.of_costs)
        self.unit_primal = 1 + norm_of_bounds(whole.rl, whole.ru)
        self.unit_dual = 1 + _norm(whole.c)
        self.earlier: dict[bool, Measured] = {}  # the most feasible point for each sign of the gap
        self.finite = [xp.where(xp.isfinite(b), b, 0.0) for b in (lp.rl, lp.ru, lp.l, lp.u)]

    def at(self, point):
        """Return the residuals and a point ``(x, y, s)``, y and s in the sense of minimisation.

        Two choices of s are tried: the gradient where a bound allows it, and the multipliers of the step. The
        gap is often the last residual to fall, and changes its sign. So the point is combined with the best
        earlier one whose gap has the other sign: the other residuals of a combination are no larger than the
        larger ones of both, and the gap can vanish.
        """
        lp, xp = self.lp, namespace(self.c)
        x = xp.minimum(xp.maximum(self.problem.to_x(point.x), lp.l), lp.u)
        y, Ax = self.problem.to_y(point.y), self.to_rows * point.Ax
        gradient = self.c - self.to_gradient * point.Aty
        steps = admissible(gradient, lp.l, lp.u), self.to_gradient * point.s
        found = min((self.measured(x, y, s, Ax, gradient) for s in steps), key=lambda m: m.kkt.worst)
        best = self.combined(found)
        return best.kkt, (best.x, best.y, best.s)

    def measured(self, x, y, s, Ax, gradient):
        """Return a point with its residuals."""
        lp, xp = self.lp, namespace(self.c)
        rl, ru, l, u = self.finite
        outside = Ax - xp.minimum(xp.maximum(Ax, lp.rl), lp.ru)
        value = float(self.c @ x) + self.offset
        bound = float(y @ xp.where(y > 0, rl, ru)) + float(s @ xp.where(s > 0, l, u)) + self.offset
        gap = abs(value - bound) / (1 + abs(value) + abs(bound))
        primal, dual = _norm(outside) / self.unit_primal, _norm(gradient - s) / self.unit_dual
        return Measured(KKT(primal, dual, gap, value, bound), x, y, s, Ax, gradient)

    def combined(self, found):
        """Return the best combination with an earlier point, and keep the point."""
        gap = found.gap
        sign, other = gap < 0, self.earlier.get(gap >= 0)
        own = self.earlier.get(sign)
        if own is None or found.feasibility <= own.feasibility:
            self.earlier[sign] = found
        if other is None or not found.feasibility < NEAR:
            return found
        part = other.gap / (other.gap - gap)
        pairs = zip(found[1:], other[1:], strict=True)
        return min(
            found, self.measured(*(part * a + (1 - part) * b for a, b in pairs)), key=lambda m: m.kkt.worst
        )


def _norm(v) -> float:
    return float(v @ v) ** 0.5
