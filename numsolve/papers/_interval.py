"""Numbers of which only bounds may be known: iterations of runs that ended at a limit, and their ratios."""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Interval:
    """A positive number, or bounds of it.

    Attributes
    ----------
    low, high : float
        The bounds; equal if the number is known, `high` infinite if it is a lower bound alone.
    """

    low: float
    high: float

    @classmethod
    def measured(cls, value, complete):
        """Return what was measured: the number itself if the run was `complete`, else a lower bound."""
        return cls(float(value), float(value) if complete else inf)

    @property
    def is_bound(self):
        """Whether only a lower bound is known."""
        return self.high == inf

    def __truediv__(self, other):
        return Interval(self.low / other.high, self.high / other.low)

    def __rsub__(self, number):
        return Interval(number - self.high, number - self.low)

    def __format__(self, spec):
        if self.is_bound:
            return f"> {self.low:{spec}}"
        if self.low == -inf:
            return f"< {self.high:{spec}}"
        text = f"{self.high:{spec}}"
        return text if self.low == self.high else f"{self.low:{spec}} to {text}"

    def __str__(self):
        return format(self, "")
