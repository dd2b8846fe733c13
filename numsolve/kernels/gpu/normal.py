"""Products with the matrix of the normal equations."""

import cupy

from ._launch import BLOCKS, launch


def normal_product(A, x, y):
    m, n = A.shape
    pieces = cupy.empty((max(1, min(m, BLOCKS)), n), A.dtype)
    launch("normal_product", len(pieces), A, x, pieces, m, n)
    y[...] = pieces.sum(axis=0)
