"""Numba twins: serial below a grain, threaded above it, the same bits for any number of threads."""

from .krylov import cg_direction, cg_update, gmres_advance, gmres_project, gmres_residual
from .sparse import spmv, spmv_dot
from .vector import dot, fold, residual_norm

__all__ = [
    "cg_direction",
    "cg_update",
    "dot",
    "fold",
    "gmres_advance",
    "gmres_project",
    "gmres_residual",
    "residual_norm",
    "spmv",
    "spmv_dot",
]
