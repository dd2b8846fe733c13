"""Reductions that were made, each with the way back.

A step has ``primal(x, A, homogeneous)``, which sets the variables that the step removed, and
``dual(y, s, A, homogeneous)``, which sets multipliers. They are called in the reverse order of the steps.
With `homogeneous` they act on rays: all data but the matrix count as zero.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class FixedColumns:
    """Variables that have a value.

    Attributes
    ----------
    columns, values, costs : arrays
        The variables, their values, and their costs at that time.
    """

    columns: Any
    values: Any
    costs: Any

    def primal(self, x, _, homogeneous):
        """Set the variables."""
        x[self.columns] = 0.0 if homogeneous else self.values

    def dual(self, y, s, A, homogeneous):
        """Set the reduced costs."""
        costs = 0.0 if homogeneous else self.costs
        s[self.columns] = costs - A.by_columns(self.columns) @ y


@dataclass(frozen=True, eq=False)
class SingletonRows:
    """Rows of one variable, which became its bounds.

    Attributes
    ----------
    columns : array
        The variables.
    lower, upper : arrays
        The row that gave each bound, or -1.
    lower_entry, upper_entry : arrays
        The coefficients.
    """

    columns: Any
    lower: Any
    upper: Any
    lower_entry: Any
    upper_entry: Any

    def primal(self, x, A, homogeneous):
        """Change nothing."""

    def dual(self, y, s, _, homogeneous):  # noqa: ARG002 - all steps are called alike
        """Give the reduced cost to the row whose bound it belongs to."""
        found = s[self.columns]
        for chosen, rows, entries in (
            ((found > 0) & (self.lower >= 0), self.lower, self.lower_entry),
            ((found < 0) & (self.upper >= 0), self.upper, self.upper_entry),
        ):
            y[rows[chosen]] = found[chosen] / entries[chosen]
            s[self.columns[chosen]] = 0.0


@dataclass(frozen=True, eq=False)
class FreeColumns:
    """Variables without bounds that occur in one row, which was removed with them.

    Attributes
    ----------
    columns, rows, entries : arrays
        The variables, their rows, and the coefficients.
    lower, upper : arrays
        The bounds of the rows' values.
    multipliers : array
        The multipliers of the rows.
    """

    columns: Any
    rows: Any
    entries: Any
    lower: Any
    upper: Any
    multipliers: Any

    def primal(self, x, A, homogeneous):
        """Set the variables so that the rows have their values."""
        x[self.columns] = 0.0
        rest = A.by_rows(self.rows) @ x
        lower, upper = (
            np.where(np.isfinite(b), 0.0, b) if homogeneous else b for b in (self.lower, self.upper)
        )
        x[self.columns] = (np.clip(rest, lower, upper) - rest) / self.entries

    def dual(self, y, s, _, homogeneous):
        """Set the multipliers."""
        y[self.rows] = 0.0 if homogeneous else self.multipliers
        s[self.columns] = 0.0


@dataclass(frozen=True, eq=False)
class ForcingRows:
    """Rows that only one point of the bounds of their variables satisfies.

    Attributes
    ----------
    rows : array
        The rows; each variable is in one of them.
    at_lower : array of bool
        Whether the lower bound of the row is the reason.
    columns, values, costs : arrays
        The variables, their values, and their costs at that time.
    row_of, entries : arrays
        The row of each variable, as an index into `rows`, and the coefficient.
    """

    rows: Any
    at_lower: Any
    columns: Any
    values: Any
    costs: Any
    row_of: Any
    entries: Any

    def primal(self, x, _, homogeneous):
        """Set the variables."""
        x[self.columns] = 0.0 if homogeneous else self.values

    def dual(self, y, s, A, homogeneous):
        """Set the multipliers of the rows so that all reduced costs have the signs that bounds allow."""
        costs = 0.0 if homogeneous else self.costs
        found = costs - A.by_columns(self.columns) @ y
        ratios = found / self.entries
        largest, smallest = np.zeros(len(self.rows)), np.zeros(len(self.rows))
        np.maximum.at(largest, self.row_of, ratios)
        np.minimum.at(smallest, self.row_of, ratios)
        multipliers = np.where(self.at_lower, largest, smallest)
        y[self.rows] = multipliers
        s[self.columns] = found - self.entries * multipliers[self.row_of]
