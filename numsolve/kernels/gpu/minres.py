"""The vector work of MINRES."""

import cupy

from ._launch import blocks, launch, pieces, real


def minres_lanczos(live, aa, bb, bb_old, overlap, q, z, u, u_old):
    found = cupy.empty((3, blocks(u.size)), real(u.dtype))
    args = live, aa, bb, bb_old, overlap, q, z, u, u_old, found
    launch("minres_lanczos", blocks(u.size), *args, u.size)
    return found


def minres_update(live, step, alpha, bb, bb_next, state, z, w_old, w, x):
    rr = pieces(x, 1)
    args = live, alpha, bb, bb_next, state, z, w_old, w, x, rr
    launch("minres_update", blocks(x.size), *args, step, x.size)
    return rr


def minres_update_residual(live, step, alpha, bb, bb_next, state, z, w_old, w, x, u_next, r):
    rr = pieces(x, blocks(x.size))
    args = live, alpha, bb, bb_next, state, z, w_old, w, x, u_next, r, rr
    launch("minres_update_residual", rr.size, *args, step, x.size)
    return rr
