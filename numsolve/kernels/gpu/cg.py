"""The vector work of conjugate gradients."""

from ._launch import blocks, launch, pieces


def cg_update(live, rz, pq, p, q, x, r):
    rr = pieces(r, blocks(r.size))
    launch("cg_update", rr.size, live, rz, pq, p, q, x, r, rr, r.size)
    return rr


def cg_direction(live, rz, rz_old, z, p):
    launch("cg_direction", blocks(p.size), live, rz, rz_old, z, p, p.size)
