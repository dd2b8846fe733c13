"""Products with the matrix of the normal equations; see the reference for what the kernel means.

The four rows of A that were multiplied are still in the cache when they are added, so memory is read once.
"""

import numpy as np
from numba import prange

from ._jit import inline, kernel

CHUNKS = 64  # at most, each with a sum of its own


@kernel(items=lambda *args: args[0].size)
def normal_product(A, x, y):
    m, n = A.shape
    rows = 4 * max(4, (m + 4 * CHUNKS - 1) // (4 * CHUNKS))
    sums = np.zeros((max((m + rows - 1) // rows, 1), n), y.dtype)
    for c in prange(len(sums)):
        _add_rows(c * rows, min((c + 1) * rows, m), A, x, sums[c])
    for j in range(n):
        y[j] = sums[0, j]
    for c in range(1, len(sums)):
        for j in range(n):
            y[j] += sums[c, j]


@inline
def _add_rows(first, last, A, x, g):
    """Add ``conj(a) (a x)`` to `g` for some rows a of A."""
    n, one = np.uint64(x.size), np.uint64(1)
    i, last = np.uint64(first), np.uint64(last)
    while i + np.uint64(3) < last:
        i1 = i + one
        i2 = i1 + one
        i3 = i2 + one
        t0 = t1 = t2 = t3 = x.dtype.type(0)
        for c in range(n):
            value = x[c]
            t0 += A[i, c] * value
            t1 += A[i1, c] * value
            t2 += A[i2, c] * value
            t3 += A[i3, c] * value
        for c in range(n):
            g[c] += (np.conj(A[i, c]) * t0 + np.conj(A[i1, c]) * t1) + (
                np.conj(A[i2, c]) * t2 + np.conj(A[i3, c]) * t3
            )
        i = i3 + one
    while i < last:
        t0 = x.dtype.type(0)
        for c in range(n):
            t0 += A[i, c] * x[c]
        for c in range(n):
            g[c] += np.conj(A[i, c]) * t0
        i += one
