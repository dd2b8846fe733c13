"""Linear programs: the data, what is said of an answer, the solver, and file formats."""

from ._certificate import Certificate
from ._kkt import KKT, kkt
from ._linprog import LinprogResult, linprog
from ._lp import LP
from ._mps_read import read_mps
from ._mps_write import write_mps
from ._result import LPResult
from ._solve_lp import solve_lp
from ._solve_lps import solve_lps

__all__ = [
    "KKT",
    "LP",
    "Certificate",
    "LPResult",
    "LinprogResult",
    "kkt",
    "linprog",
    "read_mps",
    "solve_lp",
    "solve_lps",
    "write_mps",
]
