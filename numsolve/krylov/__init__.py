"""Krylov methods for linear systems."""

from ._cg import cg
from ._fgmres import fgmres
from ._gmres import gmres
from ._minres import minres

__all__ = ["cg", "fgmres", "gmres", "minres"]
