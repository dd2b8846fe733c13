"""Selections: the rules that choose the block of a step.

A selection is a class. It is made once for a run, ``Rule(setting)``, and ``choose(iterate)`` returns the
indices of the next block. `SELECTIONS` has them by name.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Setting:
    """What a selection or an update is made from.

    Attributes
    ----------
    problem : Problem
        Datafit and penalty.
    blocks : list of arrays, or None
        The blocks of a fixed partition; None for variable blocks.
    block_size : int
        Number of coefficients of a block.
    rng : numpy.random.Generator
        The source of random choices, drawn on the host.
    norm : {1, 2}
        The norm in which the scores of the coefficients of a block are combined.
    """

    problem: Any
    blocks: list[Any] | None
    block_size: int
    rng: np.random.Generator
    norm: int = 2


class Selection(ABC):
    """A rule that chooses blocks.

    Attributes
    ----------
    reads_gradient : bool
        Whether each choice reads the full gradient; convergence is then checked at each step.
    """

    reads_gradient = False

    def __init__(self, setting: Setting):
        self.setting, self.problem = setting, setting.problem

    @classmethod
    def refusal(cls, setting: Setting) -> str | None:  # noqa: ARG003 - rules that need something override it
        """Return why the rule is not defined in a setting, with a remedy; None if it is."""
        return None

    @abstractmethod
    def choose(self, iterate) -> Any:
        """Return the indices of the next block, in the library of the problem."""


SELECTIONS: dict[str, type[Selection]] = {}
