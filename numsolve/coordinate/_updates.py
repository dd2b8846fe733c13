"""Updates: the step that is taken in the chosen block.

An update is a class. It is made once for a run, ``Rule(setting)``, and ``step(iterate, block)`` returns the
change of the coefficients of the block. `UPDATES` has them by name.
"""

from abc import ABC, abstractmethod
from typing import Any

from ._selections import Setting


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


UPDATES: dict[str, type[Update]] = {}
