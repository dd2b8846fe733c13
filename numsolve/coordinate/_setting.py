"""The setting of a run of block coordinate descent: problem, blocks and random numbers."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ._datafits import Datafit
from ._iterates import Problem
from ._penalties import NoPenalty, Separable


@dataclass(frozen=True, eq=False)
class Setting:
    """What a selection or an update is made from.

    Attributes
    ----------
    problem : Problem
        Datafit and penalty.
    blocks : list of arrays, or None
        The blocks of a fixed partition, on the host; None for variable blocks.
    block_size : int
        Number of coefficients of a variable block, largest number of a fixed one.
    rng : numpy.random.Generator
        The source of random choices, drawn on the host.
    norm : {1, 2}
        The norm in which the scores of the coefficients of a block are combined.
    """

    problem: Problem
    blocks: list[Any] | None
    block_size: int
    rng: np.random.Generator
    norm: int = 2

    @cached_property
    def device_blocks(self) -> list[Any]:
        """The fixed blocks in the library of the problem."""
        return [self.problem.index(block) for block in self.blocks or ()]

    @cached_property
    def is_single(self) -> bool:
        """Whether each block is one coefficient."""
        return self.block_size == 1

    @cached_property
    def is_even(self) -> bool:
        """Whether all fixed blocks have the same size."""
        return self.blocks is not None and len({len(block) for block in self.blocks}) == 1

    @cached_property
    def constants(self) -> Any:
        """For each coefficient the largest eigenvalue of the Hessian bound of its fixed block."""
        if self.is_single:
            return self.problem.curvatures
        found = self.problem.curvatures.copy()
        for block in self.device_blocks:
            found[block] = self.problem.largest_eigenvalue(block)
        return found

    def constant(self, block) -> Any:
        """Return the largest eigenvalue of the Hessian bound of a block."""
        if self.blocks is None and not self.is_single:
            return self.problem.largest_eigenvalue(block)
        return self.constants[block[:1]]


def lacks(setting: Setting, *needs) -> str | None:
    """Return what a rule needs that a setting does not have, with a remedy; None if it has everything."""
    for need in needs:
        found = _LACKS[need](setting)
        if found:
            return found
    return None


def _fixed(setting):
    if setting.blocks is None and not setting.is_single:
        return "needs fixed blocks: pass partition='order', or select='gs' or 'gsd'"
    return None


def _variable(setting):
    if setting.blocks is not None and not setting.is_single:
        return "needs variable blocks: pass partition='variable'"
    return None


def _bounds(setting):
    if not setting.problem.has_bounds():
        name = type(setting.problem.datafit).__name__
        return (
            f"needs bounds of the second derivatives, which {name} does not have: "
            "pass update='newton-line-search' or 'line-search-gradient', and select='gsl' or 'cyclic'"
        )
    return None


def _no_penalty(setting):
    if not isinstance(setting.problem.penalty, NoPenalty):
        return "is defined without a penalty only: pass select='gsq-nn' or 'gs'"
    return None


def _separable(setting):
    if not isinstance(setting.problem.penalty, Separable):
        return "needs a separable penalty: pass select='gs' and update='gradient' or 'newton'"
    return None


def _method(name):
    def check(setting):
        datafit = setting.problem.datafit
        if getattr(type(datafit), name) is getattr(Datafit, name):
            return f"needs the method {name}, which {type(datafit).__name__} does not have"
        return None

    return check


_LACKS = {
    "fixed": _fixed,
    "variable": _variable,
    "bounds": _bounds,
    "no penalty": _no_penalty,
    "separable": _separable,
    "row_sums": _method("hessian_row_sums"),
    "product": _method("hessian_product"),
}
