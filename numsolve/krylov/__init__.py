"""Krylov methods for linear systems."""

from ._bicgstab import bicgstab
from ._block_gmres import block_gmres
from ._cg import cg
from ._chebyshev import chebyshev
from ._fgmres import fgmres
from ._gcrodr import gcrodr
from ._gmres import gmres
from ._idrs import idrs
from ._least_squares import LeastSquaresResult
from ._lsmr import lsmr
from ._lsqr import lsqr
from ._minres import minres
from ._refine import RefinementResult, refine
from .recycling.space import RecycledResult, RecycledSpace
from .sequences import SequenceRun, greedy_order, solve_sequence, write_dataset

__all__ = [
    "LeastSquaresResult",
    "RecycledResult",
    "RecycledSpace",
    "RefinementResult",
    "SequenceRun",
    "bicgstab",
    "block_gmres",
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
