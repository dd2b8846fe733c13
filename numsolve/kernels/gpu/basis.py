"""Work on a few long vectors, the rows of an array."""

import cupy

from ._launch import blocks, launch
from .vector import row_sums


def rows_gram(X, Y):
    (p, n), q = X.shape, len(Y)
    pieces = cupy.empty((p * q, blocks(n)), X.dtype)
    launch("rows_gram", blocks(n), X, Y, pieces, p, q, n)
    return row_sums(pieces).reshape(p, q)


def rows_combine(fresh, T, X, Y):
    k, p = T.shape
    found = Y.copy()  # Y may be part of X
    launch("rows_combine", blocks(X.shape[1]), T, X, found, fresh, k, p, X.shape[1])
    Y[...] = found
