"""The vector work of GMRES."""

import cupy

from ._launch import blocks, launch, pieces, real
from .vector import row_sums


def gmres_shift(uw, uu, sigma, u, w):
    launch("gmres_shift", blocks(w.size), uw, uu, sigma, u, w, w.size)


def gmres_project(j, count, V):
    n = V.shape[1]
    partial = cupy.empty((count * (j + count), blocks(n)), V.dtype)
    launch("gmres_project", blocks(n), V, partial, j, count, n)
    return row_sums(partial).reshape(count, j + count)


def gmres_factor(live, p, j, ST, sigma):
    count = len(ST)
    F = cupy.empty((count + 1, j + count), ST.dtype)
    launch("gmres_factor", 1, live, ST, sigma, F, p, j, count)
    return F


def gmres_advance(j, F, V):
    n, count = V.shape[1], len(F) - 1
    squares = cupy.empty((count, blocks(n)), real(V.dtype))
    launch("gmres_advance", blocks(n), F, V, squares, j, count, n)
    return squares


def gmres_residual(live, kept, p, j, step, F, uu, H, R, Y, G, rot):
    rr = pieces(H, 1)
    count = len(F) - 1
    launch("gmres_residual", 1, live, F, uu, H, R, Y, G, rot, rr, kept, p, j, step, count, H.shape[1])
    return rr
