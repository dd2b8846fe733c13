"""Linear programs: the data, what is said of an answer, the solver, and file formats."""

from ._certificate import Certificate
from ._kkt import KKT, kkt
from ._lp import LP
from ._result import LPResult

__all__ = ["KKT", "LP", "Certificate", "LPResult", "kkt"]
