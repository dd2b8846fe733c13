"""Linear programs: the data, what is said of an answer, the solver, and file formats."""

from ._certificate import Certificate
from ._kkt import KKT, kkt
from ._lp import LP
from ._result import LPResult
from ._solve_lp import solve_lp

__all__ = ["KKT", "LP", "Certificate", "LPResult", "kkt", "solve_lp"]
