"""Products of small matrices, by one thread."""

import numpy as np

from ._jit import inline


@inline
def assign(to, A):
    """Copy A to `to`: for ``to[:] = A`` Numba compiles the texts of its errors too, which takes a second."""
    for a in range(to.shape[0]):
        for c in range(to.shape[1]):
            to[a, c] = A[a, c]


@inline
def add_product(to, rows, A, B):
    """Add the first rows of ``A B`` to those of `to`; columns of A or rows of B in excess are left out."""
    for a in range(rows):
        for l in range(min(A.shape[1], len(B))):
            for c in range(B.shape[1]):
                to[a, c] += A[a, l] * B[l, c]


@inline
def product(A, B):
    """Return ``A B``."""
    result = np.zeros((A.shape[0], B.shape[1]), A.dtype)
    add_product(result, len(A), A, B)
    return result
