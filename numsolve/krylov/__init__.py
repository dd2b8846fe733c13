"""Krylov methods for linear systems."""

from ._cg import cg
from ._chebyshev import chebyshev
from ._fgmres import fgmres
from ._gmres import gmres
from ._minres import minres

__all__ = ["cg", "chebyshev", "fgmres", "gmres", "minres"]
