"""The work of block GMRES on its basis."""

import cupy

from ._launch import BLOCKS, TILE, gram_pieces, launch
from .vector import row_sums


def _tiles(n):
    """Return the size of the grid for n rows."""
    return max(1, min(-(-n // TILE), BLOCKS))


def block_project(j, V):
    _, n, p = V.shape
    pieces = cupy.empty((2 * (j + 1) * p * p, _tiles(n)), V.dtype)
    launch("block_project", pieces.shape[1], V, pieces, j, p, n)
    return row_sums(pieces).reshape(2, (j + 1) * p, p)


def block_advance(j, ST, C, V):
    pieces = gram_pieces(V[0])
    launch("block_advance", pieces.shape[1], ST, C, V, pieces, j, V.shape[2], V.shape[1])
    return row_sums(pieces).reshape(C.shape)


def block_transform(C, W):
    launch("block_transform", _tiles(len(W)), C, W, W.shape[1], len(W))
