"""Sums over vectors, and the residual norms that the iteration loop reads."""

import cupy

from ._launch import blocks, launch, pieces


def dot(x, y):
    xy = pieces(x, blocks(x.size))
    launch("dot", xy.size, x, y, xy, x.size)
    return xy


def vdot(x, y):
    xy = cupy.empty(blocks(x.size), x.dtype)
    launch("vdot", xy.size, x, y, xy, x.size)
    return xy


def projection(t, r):
    tr, tt = cupy.empty(blocks(r.size), r.dtype), pieces(r, blocks(r.size))
    launch("projection", tt.size, t, r, tr, tt, r.size)
    return tr, tt


def row_sums(pieces):
    rows, length = pieces.shape
    sums = cupy.empty(rows, pieces.dtype)
    launch("row_sums", blocks(rows, 256), pieces, sums, length, rows)
    return sums


def residual_norm(rr, tol, step, norms, live):
    launch("residual_norm", 1, rr, tol, step, norms, live)


def residual_norms(rr, tol, step, norms, live):
    launch("residual_norms", 1, rr, tol, step, norms, live, rr.size)
