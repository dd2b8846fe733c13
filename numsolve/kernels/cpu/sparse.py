"""Products with a matrix in compressed sparse rows.

Indices are cast to unsigned in the inner loop: signed ones cost 1.3-1.5 times as much, because Numba
tests each for a negative value.
"""

import numpy as np
from numba import prange

from ._jit import inline, kernel, paste

CHUNK = 4096  # rows and entries, together, of the smallest unit of work


@kernel
def spmv(indptr, indices, data, x, y):
    chunks = _count(indptr)
    for c in prange(chunks):
        first, last = _first_row(indptr, c, chunks), _first_row(indptr, c + 1, chunks)
        start = np.uint64(indptr[first])
        for i in range(first, last):
            end = np.uint64(indptr[i + np.uint64(1)])
            y[i] = _row(start, end, indices, data, x)
            start = end


@kernel
def spmv_dot(indptr, indices, data, p, q):
    chunks = _count(indptr)
    sums = np.zeros(chunks, q.real.dtype)
    for c in prange(chunks):
        first, last = _first_row(indptr, c, chunks), _first_row(indptr, c + 1, chunks)
        start = np.uint64(indptr[first])
        total = sums[c]
        for i in range(first, last):
            end = np.uint64(indptr[i + np.uint64(1)])
            value = _row(start, end, indices, data, p)
            start = end
            q[i] = value
            total += p[i].real * value.real + p[i].imag * value.imag
        sums[c] = total
    return sums.sum()


@paste
def _row(start, end, indices, data, x):
    """Return the product of one row with `x`; two sums at a time keep short rows off one chain of adds."""
    even, odd = x.dtype.type(0), x.dtype.type(0)
    k = start
    while k + np.uint64(1) < end:
        even += data[k] * x[np.uint64(indices[k])]
        odd += data[k + np.uint64(1)] * x[np.uint64(indices[k + np.uint64(1)])]
        k += np.uint64(2)
    if k < end:
        even += data[k] * x[np.uint64(indices[k])]
    return even + odd


@inline
def _count(indptr):
    return max(1, (int(indptr[-1]) + indptr.size) // (8 * CHUNK))


@inline
def _first_row(indptr, c, chunks):
    """Return the row at which chunk `c` begins, so that rows and entries are shared out evenly."""
    n = indptr.size - 1
    goal = (int(indptr[n]) + n) * c // chunks
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if int(indptr[middle]) + middle < goal:
            low = middle + 1
        else:
            high = middle
    return np.uint64(low)
