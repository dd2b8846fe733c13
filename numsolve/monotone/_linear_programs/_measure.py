"""The residuals at a point of the iteration, in the caller's units, from products that are there already."""

from ..._array import namespace
from ._kkt import KKT, admissible, norm_of_bounds


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
        self.finite = [xp.where(xp.isfinite(b), b, 0.0) for b in (lp.rl, lp.ru, lp.l, lp.u)]

    def at(self, point):
        """Return the residuals and the point ``(x, y, s)``, y and s in the sense of minimisation.

        Two choices of s are tried: the gradient where a bound allows it, and the multipliers of the step.
        """
        lp, xp = self.lp, namespace(self.c)
        x = xp.minimum(xp.maximum(self.problem.to_x(point.x), lp.l), lp.u)
        y, Ax = self.problem.to_y(point.y), self.to_rows * point.Ax
        gradient = self.c - self.to_gradient * point.Aty
        outside = Ax - xp.minimum(xp.maximum(Ax, lp.rl), lp.ru)
        primal, value = _norm(outside) / self.unit_primal, float(self.c @ x) + self.offset
        rl, ru, l, u = self.finite
        fixed = float(y @ xp.where(y > 0, rl, ru)) + self.offset
        best = None
        for s in (admissible(gradient, lp.l, lp.u), self.to_gradient * point.s):
            bound = fixed + float(s @ xp.where(s > 0, l, u))
            gap = abs(value - bound) / (1 + abs(value) + abs(bound))
            found = KKT(primal, _norm(gradient - s) / self.unit_dual, gap, value, bound)
            if best is None or found.worst < best[0].worst:
                best = found, (x, y, s)
        return best


def _norm(v) -> float:
    return float(v @ v) ** 0.5
