"""Relaxation: Jacobi, Gauss-Seidel and over-relaxation, by rows, colours or blocks.

The names of `numsolve.learners` are repeated here.
"""

from ..learners import ChebCB, EstimatedOmega, FixedOmega, TsallisINF, TsallisINFCB, omega_opt
from ._colouring import colouring
from ._gauss_seidel import gauss_seidel
from ._jacobi import jacobi
from ._solve import RelaxationResult
from ._sor import sor
from ._ssor import ssor

__all__ = [
    "ChebCB",
    "EstimatedOmega",
    "FixedOmega",
    "RelaxationResult",
    "TsallisINF",
    "TsallisINFCB",
    "colouring",
    "gauss_seidel",
    "jacobi",
    "omega_opt",
    "sor",
    "ssor",
]
