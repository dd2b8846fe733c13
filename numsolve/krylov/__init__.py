"""Krylov methods for linear systems and least squares."""

from ._cg import cg
from ._fgmres import fgmres
from ._gmres import gmres
from ._least_squares import LeastSquaresResult
from ._lsmr import lsmr
from ._lsqr import lsqr

__all__ = ["LeastSquaresResult", "cg", "fgmres", "gmres", "lsmr", "lsqr"]
