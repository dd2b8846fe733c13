"""The vector work of MINRES."""

from ._launch import blocks, launch, pieces


def minres_lanczos(live, aa, bb, bb_old, q, u, u_old):
    uu = pieces(u, blocks(u.size))
    launch("minres_lanczos", uu.size, live, aa, bb, bb_old, q, u, u_old, uu, u.size)
    return uu


def minres_update(live, step, aa, bb, bb_next, state, z, w_old, w, x):
    rr = pieces(x, 1)
    args = live, aa, bb, bb_next, state, z, w_old, w, x, rr
    launch("minres_update", blocks(x.size), *args, step, x.size)
    return rr


def minres_update_residual(live, step, aa, bb, bb_next, state, z, w_old, w, x, u_next, r):
    rr = pieces(x, blocks(x.size))
    args = live, aa, bb, bb_next, state, z, w_old, w, x, u_next, r, rr
    launch("minres_update_residual", rr.size, *args, step, x.size)
    return rr
