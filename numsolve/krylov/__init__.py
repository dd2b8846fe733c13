"""Krylov methods for linear systems."""

from ._cg import cg
from ._gmres import gmres

__all__ = ["cg", "gmres"]
