"""The vector work of GMRES."""

import cupy

from ._launch import blocks, launch, pieces
from .vector import fold


def gmres_project(j, V):
    n = V.shape[1]
    partial = cupy.empty((2 * (j + 1), blocks(n)), V.dtype)
    launch("gmres_project", blocks(n), V, partial, j, n)
    return fold(partial).reshape(2, j + 1)


def gmres_advance(j, ST, V):
    n = V.shape[1]
    uu = pieces(V, blocks(n))
    launch("gmres_advance", uu.size, ST, V, uu, j, n)
    return uu


def gmres_residual(live, kept, linear, j, ST, uu, H, R, G, rot):
    rr = pieces(H, 1)
    launch("gmres_residual", 1, live, ST, uu, H, R, G, rot, rr, kept, linear, j, H.shape[1])
    return rr
