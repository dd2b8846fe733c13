"""Krylov methods for linear systems."""

from ._bicgstab import bicgstab as bicgstab
from ._block_gmres import block_gmres as block_gmres
from ._cg import cg as cg
from ._chebyshev import chebyshev as chebyshev
from ._fgmres import fgmres as fgmres
from ._gcrodr import gcrodr as gcrodr
from ._gcrotmk import gcrotmk
from ._gmres import gmres as gmres
from ._idrs import idrs as idrs
from ._least_squares import LeastSquaresResult
from ._lgmres import lgmres
from ._lsmr import lsmr as lsmr
from ._lsqr import lsqr as lsqr
from ._minres import minres as minres
from ._refine import RefinementResult
from ._refine import refine as refine
from ._registry import METHODS
from .recycling.space import RecycledResult, RecycledSpace
from .sequences import SequenceRun, greedy_order, solve_sequence, write_dataset

__all__ = [
    "LeastSquaresResult",
    "RecycledResult",
    "RecycledSpace",
    "RefinementResult",
    "SequenceRun",
    "gcrotmk",
    "greedy_order",
    "lgmres",
    "solve_sequence",
    "write_dataset",
]
__all__ += list(METHODS)  # pyright: ignore
