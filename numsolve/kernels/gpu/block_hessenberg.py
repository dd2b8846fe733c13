"""The small matrices of block GMRES."""

import cupy

from ._launch import launch, real


def block_correct(live, j, ST, L, H, R, Q, E, G, C):
    m, p, k = G.shape
    launch("block_correct", 1, live, ST, L, H, R, Q, E, G, C, j, m, p, k)


def block_reduce(j, F, H, R, Q, E, G, L, C):
    m, p, k = G.shape
    rr = cupy.empty(k, real(F.dtype))
    launch("block_reduce", 1, F, H, R, Q, E, G, L, C, rr, j, m, p, k)
    return rr
