"""Updates: the step that is taken in the chosen block.

An update is a class. It is made once for a run, ``Rule(setting)``, and ``step(iterate, block)`` returns the
change of the coefficients of the block, or None where nothing is to be gained. `UPDATES` has them by name.
The objective does not rise with any of them.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from ._block_models import generalized_inverse_step, minimize_model
from ._penalties import Box, NoPenalty
from ._setting import Setting, lacks

DOUBLINGS = 60  # of the local constant, or halvings of a step, before a line search gives up
DECREASE = 1e-4  # the share of the predicted decrease that a step has to reach
KEPT_ENTRIES = 2**24  # of the Hessians of fixed blocks


class Update(ABC):
    """A rule that returns the change of a block."""

    def __init__(self, setting: Setting):
        self.setting, self.problem = setting, setting.problem

    @classmethod
    def refusal(cls, setting: Setting) -> str | None:  # noqa: ARG003 - rules that need something override it
        """Return why the rule is not defined in a setting, with a remedy; None if it is."""
        return None

    @abstractmethod
    def step(self, iterate, block) -> Any:
        """Return the change of the coefficients of a block."""

    def proximal_step(self, iterate, block, g, L) -> Any:
        """Return the change of a proximal gradient step of length 1 / L, where L may be an array."""
        x, penalty = iterate.x[block], self.problem.penalty
        if isinstance(penalty, NoPenalty):
            return -g / L
        return penalty.prox(x - g / L, 1 / L, block) - x

    def penalty_change(self, iterate, block, d) -> float:
        """Return by how much the change of a block raises the penalty."""
        penalty, x = self.problem.penalty, iterate.x[block]
        return penalty.value(self.problem.moved(x, d, block), block) - penalty.value(x, block)


class Gradient(Update):
    """Lb: a (proximal) gradient step with the constant of the block."""

    @classmethod
    def refusal(cls, setting):
        return lacks(setting, "bounds")

    def step(self, iterate, block):
        return self.proximal_step(iterate, block, iterate.block_gradient(block), self.setting.constant(block))


class Diagonal(Update):
    """A step with the diagonal of the Hessian bound, scaled until it bounds the Hessian of the block."""

    @classmethod
    def refusal(cls, setting):
        return lacks(setting, "bounds", "separable")

    def step(self, iterate, block):
        L = self.problem.curvatures[block]
        if not self.setting.is_single:
            root = self.problem.xp.sqrt(L)
            H = self.problem.datafit.block_hessian(block) / (root[:, None] * root)
            L = L * self.problem.xp.maximum(self.problem.xp.linalg.eigvalsh(H)[-1], 1e-12)
        return self.proximal_step(iterate, block, iterate.block_gradient(block), L)


class LineSearchGradient(Update):
    """LA: a (proximal) gradient step with a local constant, doubled until it gives enough decrease.

    The constants of a block's coefficients begin with their second derivatives at the first visit, and are
    kept; a block takes the largest one.
    """

    def __init__(self, setting):
        super().__init__(setting)
        self._constants = self.problem.xp.zeros(self.problem.n, self.problem.datafit.dtype)

    def step(self, iterate, block):
        g, x = iterate.block_gradient(block), iterate.x[block]
        L, eps = self._first(iterate, block), float(np.finfo(x.dtype).eps)
        before = iterate.objective
        for _ in range(DOUBLINGS):
            d = self.proximal_step(iterate, block, g, L)
            predicted = float(g @ d) + L / 2 * float(d @ d) + self.penalty_change(iterate, block, d)
            objective = iterate.along(block, d)
            if objective(1.0) <= before + predicted + eps * abs(before):
                self._constants[block] = L
                return d
            L *= 2
        return None

    def _first(self, iterate, block):
        """Return the constant with which the search begins."""
        known = float(self._constants[block].max())
        if known > 0:
            return known
        H = self.problem.datafit.block_hessian(block, iterate.state)
        return float(H.diagonal().max()) or 1.0


class Newton(Update):
    """Hb: the minimiser of the quadratic model with the Hessian bound of the block, and the penalty."""

    @classmethod
    def refusal(cls, setting):
        return lacks(setting, "bounds")

    def __init__(self, setting):
        super().__init__(setting)
        self._kept: dict[int, Any] = {}
        entries = 0 if setting.blocks is None else sum(len(block) ** 2 for block in setting.blocks)
        self._keeps = 0 < entries <= KEPT_ENTRIES and self.problem.xp is np

    def step(self, iterate, block):
        g, penalty = iterate.block_gradient(block), self.problem.penalty
        if self.setting.is_single:
            return self.proximal_step(iterate, block, g, self.problem.curvatures[block])
        H = self.hessian(block)
        if isinstance(penalty, NoPenalty):
            return generalized_inverse_step(H, g, self.problem.xp)
        return minimize_model(H, g, iterate.x[block], penalty, block, self.setting.constant(block))

    def hessian(self, block) -> Any:
        """Return the Hessian bound of a block, kept for fixed blocks on the host."""
        if not self._keeps:
            return self.problem.datafit.block_hessian(block)
        key = int(block[0])
        if key not in self._kept:
            self._kept[key] = self.problem.datafit.block_hessian(block)
        return self._kept[key]


class NewtonLineSearch(Update):
    """LS: the minimiser of the model with the true Hessian of the block, and a backtracking line search."""

    @classmethod
    def refusal(cls, setting):
        if not setting.problem.penalty.is_convex:
            return "needs a convex penalty: pass update='gradient' or 'newton'"
        return None

    def step(self, iterate, block):
        g, x, penalty, xp = iterate.block_gradient(block), iterate.x, self.problem.penalty, self.problem.xp
        H = self.problem.datafit.block_hessian(block, iterate.state)
        size = float(xp.maximum(abs(H.diagonal()).max(), 0))
        least = (size or 1.0) * 1e-10
        if self.problem.has_bounds():
            least = max(least, 1e-6 * float(self.problem.curvatures[block].max()))
        H = H + least * xp.eye(len(block), dtype=H.dtype)
        if isinstance(penalty, NoPenalty):
            d = -xp.linalg.solve(H, g)
        else:
            d = minimize_model(H, g, x[block], penalty, block, float(xp.linalg.eigvalsh(H)[-1]))
        return backtracked(iterate, block, d, -float(d @ (H @ d)) / 2)


class TwoMetric(Update):
    """TMP: Newton on the free coefficients, diagonal on those near a bound; projected, with a line search.

    D. P. Bertsekas, SIAM J. Control Optim. 20, 1982, 221-246.
    """

    near = 1e-4  # distance to a bound within which a coefficient counts as near

    @classmethod
    def refusal(cls, setting):
        return needs_box(setting)

    def step(self, iterate, block):
        g, x, xp = iterate.block_gradient(block), iterate.x[block], self.problem.xp
        penalty: Box = self.problem.penalty
        H = self.problem.datafit.block_hessian(block, iterate.state)
        diagonal = xp.maximum(H.diagonal(), H.diagonal().max() * 1e-12)
        if not float(diagonal.max()) > 0:
            diagonal = xp.ones_like(diagonal)
        at_once = penalty.prox(x - g / diagonal, 1.0, block)
        near = min(self.near, float(abs(at_once - x).max()))
        lower, upper = penalty.bounds(block)
        bound = ((x <= lower + near) & (g > 0)) | ((x >= upper - near) & (g < 0))
        free = ~bound
        coupled = H * (free[:, None] & free) + (diagonal * 1e-10) * xp.eye(len(x), dtype=H.dtype)
        coupled = coupled + xp.where(bound, diagonal, 0) * xp.eye(len(x), dtype=H.dtype)
        direction = -xp.linalg.solve(coupled, g)
        return self._searched(iterate, block, direction, g, bound)

    def _searched(self, iterate, block, direction, g, bound):
        """Return the projected step along a direction that gives enough decrease."""
        x, penalty, xp = iterate.x[block], self.problem.penalty, self.problem.xp
        before, factor = iterate.objective, 1.0
        slack = float(np.finfo(x.dtype).eps) * abs(before)
        slope = float(xp.where(bound, 0, g * direction).sum())
        for _ in range(DOUBLINGS):
            d = penalty.prox(x + factor * direction, 1.0, block) - x
            predicted = factor * slope + float(xp.where(bound, g * d, 0).sum())
            after = iterate.along(block, d)(1.0)
            if after <= before + DECREASE * predicted + slack:
                return d
            factor /= 2
        return None


class ProjectedGradient(Gradient):
    """PG: the gradient step, projected on the bounds."""

    @classmethod
    def refusal(cls, setting):
        return needs_box(setting) or super().refusal(setting)


class ProjectedNewton(Newton):
    """PN: the quadratic model of the block is minimised within the bounds."""

    @classmethod
    def refusal(cls, setting):
        return needs_box(setting) or super().refusal(setting)


def backtracked(iterate, block, d, slope) -> Any:
    """Return ``2**-j d`` with the least j that gives enough decrease; None if there is none.

    The slope of the objective with its penalty is at most `slope`.
    """
    if not slope < 0:
        return None
    objective, before, factor = iterate.along(block, d), iterate.objective, 1.0
    slack = float(np.finfo(d.dtype).eps) * abs(before)  # the values agree to rounding error
    for _ in range(DOUBLINGS):
        after = objective(factor)
        if after <= before + DECREASE * factor * slope + slack:
            return factor * d
        factor /= 2
    return None


def needs_box(setting) -> str | None:
    """Return the refusal of a setting whose penalty is not a box."""
    if not isinstance(setting.problem.penalty, Box):
        return "needs the penalty Box, as for x >= 0: pass update='gradient' or 'newton'"
    return None


UPDATES: dict[str, type[Update]] = {
    "gradient": Gradient,
    "diagonal": Diagonal,
    "line-search-gradient": LineSearchGradient,
    "newton": Newton,
    "newton-line-search": NewtonLineSearch,
    "two-metric": TwoMetric,
    "projected-gradient": ProjectedGradient,
    "projected-newton": ProjectedNewton,
}
