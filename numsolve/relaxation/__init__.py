"""Relaxation: methods that set one row after the other right, and learners of how far to go."""

from ..learners import ChebCB, EstimatedOmega, FixedOmega, TsallisINF, TsallisINFCB, omega_opt
from ._colouring import colouring
from ._gauss_seidel import gauss_seidel
from ._jacobi import jacobi
from ._run import RelaxationResult
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
