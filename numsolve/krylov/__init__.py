"""Krylov methods for linear systems."""

from ._cg import cg
from ._fgmres import fgmres
from ._gmres import gmres
from ._refine import RefinementResult, refine

__all__ = ["RefinementResult", "cg", "fgmres", "gmres", "refine"]
