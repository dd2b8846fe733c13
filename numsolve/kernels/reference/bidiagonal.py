"""Half a step of Golub and Kahan's bidiagonalisation; vectors are normalised when they are next used."""

import numpy as np

from .sparse import spmv


def bidiagonal(xx, yy, w, y):
    """Turn `y` into ``w / |x| - (|x| / |y|) y``, return the squared norm; if x is zero, return zero.

    `w` is the product with x; `xx` and `yy` are the squared norms of x and of y.
    """
    if not xx > 0:
        return xx * 0
    y *= -np.sqrt(xx) / np.sqrt(yy)
    y += w / np.sqrt(xx)
    return np.vdot(y, y).real


def bidiagonal_csr(indptr, indices, data, xx, yy, x, y):
    """Do the same for ``w = A @ x`` with the rows of A."""
    w = np.empty_like(y)
    spmv(indptr, indices, data, x, w)
    return bidiagonal(xx, yy, w, y)
