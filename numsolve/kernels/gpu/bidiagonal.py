"""Half a step of Golub and Kahan's bidiagonalisation."""

from ._launch import blocks, launch, pieces
from .sparse import _lanes


def bidiagonal(xx, yy, w, y):
    squares = pieces(y, blocks(y.size))
    launch("bidiagonal", squares.size, xx, yy, w, y, squares, y.size)
    return squares


def bidiagonal_csr(indptr, indices, data, xx, yy, x, y):
    lanes = _lanes(data.size, y.size)
    squares = pieces(y, blocks(y.size, lanes))
    launch("bidiagonal_csr", squares.size, indptr, indices, data, xx, yy, x, y, squares, lanes, y.size)
    return squares
