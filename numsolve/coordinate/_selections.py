"""Selections: the rules that choose the block of a step.

A selection is a class. It is made once for a run, ``Rule(setting)``, and ``choose(iterate)`` returns the
indices of the next block. `SELECTIONS` has them by name. The scores of greedy rules are those of the paper
(Nutini, Laradji, Schmidt, sections 3 and 4), with the distance of the negative gradient to the
subdifferential of the penalty in place of the gradient.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from .._array import to_host
from ._partitions import cut
from ._setting import Setting, lacks

HARD_THRESHOLDING_STEPS = 10


class Selection(ABC):
    """A rule that chooses blocks.

    Attributes
    ----------
    reads_gradient : bool
        Whether each choice reads the full gradient; convergence is then checked at each step.
    is_random : bool
        Whether the next choice may differ although the iterate is the same.
    """

    reads_gradient = False
    is_random = False

    def __init__(self, setting: Setting):
        self.setting, self.problem = setting, setting.problem

    @classmethod
    def refusal(cls, setting: Setting) -> str | None:  # noqa: ARG003 - rules that need something override it
        """Return why the rule is not defined in a setting, with a remedy; None if it is."""
        return None

    @abstractmethod
    def choose(self, iterate) -> Any:
        """Return the indices of the next block, in the library of the problem."""


class Random(Selection):
    """Each block, or each set of coefficients, with the same probability."""

    is_random = True

    def choose(self, iterate):  # noqa: ARG002 - the protocol
        setting = self.setting
        if setting.blocks is not None:
            return setting.device_blocks[setting.rng.integers(len(setting.blocks))]
        chosen = setting.rng.choice(self.problem.n, setting.block_size, replace=False, shuffle=False)
        return self.problem.index(np.sort(chosen))


class Cyclic(Selection):
    """One block after the other; variable blocks are the pieces of a random permutation."""

    def __init__(self, setting):
        super().__init__(setting)
        self._order, self._at = self.sweep(), 0

    def sweep(self) -> list[Any]:
        """Return the blocks in the order of a sweep."""
        return self.setting.device_blocks if self.setting.blocks is not None else self.pieces()

    def pieces(self) -> list[Any]:
        """Return the pieces of a random permutation of the coefficients."""
        permuted = self.setting.rng.permutation(self.problem.n)
        return [self.problem.index(piece) for piece in cut(permuted, self.setting.block_size)]

    def choose(self, iterate):  # noqa: ARG002 - the protocol
        if self._at == len(self._order):
            self._order, self._at = self.next_sweep(), 0
        self._at += 1
        return self._order[self._at - 1]

    def next_sweep(self):
        """Return the blocks in the order of the next sweep."""
        return self._order


class Permuted(Cyclic):
    """One block after the other, in a random order that is drawn anew for each sweep."""

    def sweep(self):
        if self.setting.blocks is None:
            return self.pieces()
        blocks = self.setting.device_blocks
        return [blocks[b] for b in self.setting.rng.permutation(len(blocks))]

    def next_sweep(self):
        return self.sweep()


class Lipschitz(Selection):
    """Random, with probabilities in proportion to the curvature bounds."""

    is_random = True

    @classmethod
    def refusal(cls, setting):
        return lacks(setting, "bounds")

    def __init__(self, setting):
        super().__init__(setting)
        if setting.blocks is None:
            constants = to_host(self.problem.curvatures)
        else:
            firsts = self.problem.index([block[0] for block in setting.blocks])
            constants = to_host(setting.constants[firsts])
        self._probabilities = constants.astype(float) / constants.sum(dtype=float)
        self._cumulative = np.cumsum(self._probabilities)

    def choose(self, iterate):  # noqa: ARG002 - the protocol
        setting = self.setting
        if setting.blocks is None and setting.block_size > 1:
            chosen = setting.rng.choice(
                self.problem.n, setting.block_size, replace=False, p=self._probabilities, shuffle=False
            )
            return self.problem.index(np.sort(chosen))
        at = np.searchsorted(self._cumulative, setting.rng.random() * self._cumulative[-1], side="right")
        at = min(int(at), len(self._cumulative) - 1)
        return self.problem.index([at]) if setting.blocks is None else setting.device_blocks[at]


class Greedy(Selection):
    """The block of the largest score: the violations times a factor for each coefficient."""

    reads_gradient = True

    def __init__(self, setting):
        super().__init__(setting)
        self._factors = self.factors()
        self._table: Any = None if setting.is_single else self._padded()

    def factors(self) -> Any:
        """Return the factors of the violations."""
        return 1.0

    def scores(self, iterate) -> Any:
        """Return the scores of the coefficients, >= 0."""
        return iterate.violations() * self._factors

    def choose(self, iterate):
        return self.largest(self.scores(iterate), self.setting.norm)

    def largest(self, scores, power) -> Any:
        """Return the block of the largest sum of the scores to a power, or the largest coefficients."""
        setting, xp = self.setting, self.problem.xp
        if setting.is_single:
            return xp.argmax(scores).reshape(1)
        if setting.blocks is None:
            return top(scores, setting.block_size, xp)
        scores = scores if power == 1 else scores * scores
        if setting.is_even:
            sums = scores[self._table].sum(axis=1)
        else:
            sums = xp.concatenate((scores, xp.zeros(1, scores.dtype)))[self._table].sum(axis=1)
        return self.block_at(xp.argmax(sums))

    def block_at(self, place) -> Any:
        """Return the block with a number that may be on the device."""
        setting = self.setting
        return self._table[place] if setting.is_even else setting.device_blocks[int(place)]

    def _padded(self):
        """Return the blocks as rows; a short one is filled with n, the place of a score zero."""
        setting = self.setting
        if setting.blocks is None:
            return None
        table = np.full((len(setting.blocks), max(map(len, setting.blocks))), self.problem.n)
        for row, block in zip(table, setting.blocks, strict=True):
            row[: len(block)] = block
        return self.problem.index(table)


class GaussSouthwell(Greedy):
    """GS: the largest norm of the gradient."""


class GaussSouthwellLipschitz(Greedy):
    """GSL: the largest norm of the gradient over the root of the block's constant; fixed blocks."""

    @classmethod
    def refusal(cls, setting):
        return lacks(setting, "fixed")

    def factors(self):
        return 1 / self.problem.xp.sqrt(self.setting.constants)


class GaussSouthwellDiagonal(Greedy):
    """GSD: the gradients over the roots of the coefficients' own constants."""

    def factors(self):
        return 1 / self.problem.xp.sqrt(self.problem.curvatures)


class GaussSouthwellRowSums(Greedy):
    """GSDHb: the gradients over the roots of the row sums of the absolute Hessian bound; variable blocks."""

    @classmethod
    def refusal(cls, setting):
        return lacks(setting, "variable", "bounds", "row_sums")

    def factors(self):
        sums = self.problem.datafit.hessian_row_sums()
        return 1 / self.problem.xp.sqrt(self.problem.xp.maximum(sums, self.problem.curvatures))


class GaussSouthwellQuadratic(Greedy):
    """GSQ: the largest decrease of the quadratic model of a block; fixed blocks, no penalty."""

    @classmethod
    def refusal(cls, setting):
        return lacks(setting, "fixed", "bounds", "no penalty")

    def __init__(self, setting):
        super().__init__(setting)
        if setting.is_single:
            return
        width = self._table.shape[1]
        inverses = np.zeros((len(setting.blocks), width, width), self.problem.datafit.dtype)
        for each, block in zip(inverses, setting.blocks, strict=True):
            H = to_host(self.problem.datafit.block_hessian(self.problem.index(block)))
            each[: len(block), : len(block)] = np.linalg.pinv(H, rcond=1e-10, hermitian=True)
        self._inverses = self.problem.index(inverses)

    def choose(self, iterate):
        gradient, xp = iterate.gradient, self.problem.xp
        if self.setting.is_single:
            return xp.argmax(gradient * gradient / self.problem.curvatures).reshape(1)
        if not self.setting.is_even:
            gradient = xp.concatenate((gradient, xp.zeros(1, gradient.dtype)))
        parts = gradient[self._table]
        return self.block_at(xp.argmax((parts * xp.einsum("bij,bj->bi", self._inverses, parts)).sum(axis=1)))


class HardThresholding(Greedy):
    """GSQ for variable blocks: iterative hard thresholding of the quadratic model; no penalty.

    The steps are taken in the variables ``sqrt(L_i) d_i``, in which the Hessian bound has a unit diagonal and
    the first step from zero selects as GSD. The set is used if its model falls below that of the first one.
    """

    @classmethod
    def refusal(cls, setting):
        return lacks(setting, "variable", "bounds", "no penalty", "product")

    def __init__(self, setting):
        super().__init__(setting)
        self._roots = self.problem.xp.sqrt(self.problem.curvatures)
        self._largest = 1.0
        if not setting.is_single:  # blocks of k coefficients have no eigenvalue above k
            largest = self.problem.largest_scaled_eigenvalue(self._roots)
            self._largest = min(largest, float(setting.block_size))

    def choose(self, iterate):
        xp, k, roots = self.problem.xp, self.setting.block_size, self._roots
        g = iterate.gradient / roots
        if self.setting.is_single:
            return xp.argmax(abs(g)).reshape(1)
        first = chosen = top(abs(g), k, xp)
        d = xp.zeros_like(g)
        d[chosen] = -g[chosen] / self._largest
        for _ in range(HARD_THRESHOLDING_STEPS):
            v = d - (g + self.problem.datafit.hessian_product(d / roots) / roots) / self._largest
            chosen = top(abs(v), k, xp)
            d = xp.zeros_like(g)
            d[chosen] = v[chosen]
        falls = self._decrease(iterate, chosen) >= self._decrease(iterate, first)
        return xp.where(falls, chosen, first)

    def _decrease(self, iterate, block):
        """Return twice the decrease of the model of a block."""
        xp, g = self.problem.xp, iterate.gradient[block]
        H = self.problem.datafit.block_hessian(block)
        ridge = 1e-10 * H.diagonal().max() * xp.eye(len(block), dtype=H.dtype)
        return g @ xp.linalg.solve(H + ridge, g)


class ProjectedDecrease(Greedy):
    """GSQ-NN: the largest decrease of the diagonal model with the penalty, as for x >= 0."""

    @classmethod
    def refusal(cls, setting):
        return lacks(setting, "bounds", "separable")

    def scores(self, iterate):
        L, penalty, g = self.problem.curvatures, self.problem.penalty, iterate.gradient
        moved = penalty.prox(iterate.x - g / L, 1 / L)
        d = moved - iterate.x
        change = d * (g + L / 2 * d) + penalty.values(moved) - penalty.values(iterate.x)
        return self.problem.xp.maximum(-change, 0)

    def choose(self, iterate):
        return self.largest(self.scores(iterate), 1)


def top(scores, k, xp) -> Any:
    """Return the indices of the k largest scores, sorted."""
    if k >= len(scores):
        return xp.arange(len(scores))
    if xp is np:
        return np.sort(np.argpartition(scores, len(scores) - k)[-k:])
    return xp.sort(xp.argsort(-scores)[:k])


SELECTIONS: dict[str, type[Selection]] = {
    "random": Random,
    "cyclic": Cyclic,
    "permuted": Permuted,
    "lipschitz": Lipschitz,
    "gs": GaussSouthwell,
    "gsl": GaussSouthwellLipschitz,
    "gsd": GaussSouthwellDiagonal,
    "gsdhb": GaussSouthwellRowSums,
    "gsq": GaussSouthwellQuadratic,
    "gsq-nn": ProjectedDecrease,
    "iht": HardThresholding,
}
