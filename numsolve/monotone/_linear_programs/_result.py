"""The result of a linear program."""

from dataclasses import dataclass
from math import nan
from typing import Any

from ..._result import Result
from ._certificate import Certificate
from ._kkt import KKT

_UNKNOWN = KKT(nan, nan, nan, nan, nan)


@dataclass(frozen=True, eq=False, repr=False)
class LPResult(Result):
    """Result of a linear program.

    Attributes
    ----------
    x : array, shape (n,)
        The variables, within their bounds.
    residuals : numpy.ndarray of floats
        The largest of the three relative residuals of `kkt`, at each check.
    y : array, shape (m,)
        Multipliers of the rows: derivatives of the objective by the active bounds of rows.
    s : array, shape (n,)
        Multipliers of the bounds of variables (reduced costs).
    kkt : KKT
        The residuals at x, y, s in the caller's units, computed again at the end.
    certificate : Certificate or None
        The proof, if the program is infeasible or unbounded.
    iterations : int
        Number of iterations.
    """

    y: Any = None
    s: Any = None
    kkt: KKT = _UNKNOWN
    certificate: Certificate | None = None
    iterations: int = 0

    @property
    def nit(self):
        """Number of iterations."""
        return self.iterations

    @property
    def objective(self) -> float:
        """Value of the objective at x."""
        return self.kkt.objective
