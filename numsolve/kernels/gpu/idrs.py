"""The vector work of IDR(s)."""

import cupy

from ._launch import blocks, launch, pieces
from .vector import row_sums


def idrs_project(P, w):
    s, n = P.shape
    partial = cupy.empty((s + 1, blocks(n)), P.dtype)
    launch("idrs_project", blocks(n), P, w, partial, s, n)
    return row_sums(partial)


def idrs_begin(h, S, f, c):
    launch("idrs_begin", 1, h, S, f, c, f.size)


def idrs_solve(k, eps, h, S, f, a, c):
    launch("idrs_solve", 1, eps, h, S, f, a, c, k, f.size)


def idrs_shift(k, c, G, r, v):
    launch("idrs_shift", blocks(v.size), c, G, r, v, k, c.size, v.size)


def idrs_direction(k, c, omega, v, U):
    launch("idrs_direction", blocks(v.size), c, omega, v, U, k, c.size, v.size)


def idrs_advance(live, k, a, G, U, x, r):
    rr = pieces(r, blocks(r.size))
    launch("idrs_advance", rr.size, live, a, G, U, x, r, rr, k, r.size)
    return rr


def idrs_reduce(live, tr, tt, before, kappa, omega, v, t, x, r):
    rr = pieces(r, blocks(r.size))
    launch("idrs_reduce", rr.size, live, tr, tt, before, kappa, omega, v, t, x, r, rr, r.size)
    return rr
