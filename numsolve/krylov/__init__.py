"""Krylov methods for linear systems."""

from ._bicgstab import bicgstab
from ._cg import cg
from ._chebyshev import chebyshev
from ._dataset import write_dataset
from ._fgmres import fgmres
from ._gcrodr import gcrodr
from ._gmres import gmres
from ._idrs import idrs
from ._least_squares import LeastSquaresResult
from ._lsmr import lsmr
from ._lsqr import lsqr
from ._minres import minres
from ._order import greedy_order
from ._recycle import RecycledResult, RecycledSpace
from ._refine import RefinementResult, refine
from ._sequence import SequenceRun, solve_sequence

__all__ = [
    "LeastSquaresResult",
    "RecycledResult",
    "RecycledSpace",
    "RefinementResult",
    "SequenceRun",
    "bicgstab",
    "cg",
    "chebyshev",
    "fgmres",
    "gcrodr",
    "gmres",
    "greedy_order",
    "idrs",
    "lsmr",
    "lsqr",
    "minres",
    "refine",
    "solve_sequence",
    "write_dataset",
]
