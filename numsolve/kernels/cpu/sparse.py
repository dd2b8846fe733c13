"""Products with a matrix in compressed sparse rows.

Indices are cast to unsigned in the inner loop: signed ones cost 1.3-1.5 times as much, because Numba
tests each for a negative value. Entries are asked for a page ahead: the processor's own prefetch stops at
the end of each page, and so many streams at once kept one thread below half of the memory's bandwidth.
"""

import numpy as np
from numba import prange

from ._jit import inline, kernel, paste, prefetch
from .vector import total

WORK = 1 << 14  # rows and entries in a chunk
AHEAD = np.uint64(512)  # entries: a page of double precision values


def _work(*args):
    """Return the work of a product in rows of five entries: long rows are worth a second thread sooner."""
    return (args[2].size + args[-1].size) // 6


@kernel(items=_work)
def spmv(indptr, indices, data, x, y):
    if data.size == 0:
        y[:] = 0
        return
    bounds = _bounds(indptr)
    for c in prange(bounds.size - 1):
        start = np.uint64(indptr[bounds[c]])
        for i in range(np.uint64(bounds[c]), np.uint64(bounds[c + 1])):
            end = np.uint64(indptr[i + np.uint64(1)])
            y[i] = _row(start, end, indices, data, x)
            start = end


@kernel(items=_work)
def spmv_dot(indptr, indices, data, p, q):
    bounds = _bounds(indptr)
    sums = np.zeros(bounds.size - 1, q.real.dtype)
    if data.size == 0:
        q[:] = 0
        return total(sums)
    for c in prange(bounds.size - 1):
        start = np.uint64(indptr[bounds[c]])
        found = sums[c]
        for i in range(np.uint64(bounds[c]), np.uint64(bounds[c + 1])):
            end = np.uint64(indptr[i + np.uint64(1)])
            value = _row(start, end, indices, data, p)
            start = end
            q[i] = value
            found += p[i].real * value.real + p[i].imag * value.imag
        sums[c] = found
    return total(sums)


@paste
def _row(start, end, indices, data, x):
    """Return the product of a row with `x`, two entries at a time; at least one entry is stored.

    An odd last entry is always loaded (that of the next row if there is none) and then perhaps dropped:
    a branch on it is mispredicted every other row, and cost a fifth of the time on irregular matrices.
    """
    prefetch(data, start + AHEAD)
    prefetch(indices, start + AHEAD)
    zero = x.dtype.type(0)
    even, odd = zero, zero
    k = start
    while k + np.uint64(1) < end:
        even += data[k] * x[np.uint64(indices[k])]
        odd += data[k + np.uint64(1)] * x[np.uint64(indices[k + np.uint64(1)])]
        k += np.uint64(2)
    spare = min(k, np.uint64(data.size - 1))
    last = data[spare] * x[np.uint64(indices[spare])]
    even += last if k < end else zero
    return even + odd


@inline
def _bounds(indptr):
    """Return the rows at which chunks begin, so that rows and entries together are shared out evenly."""
    n = indptr.size - 1
    work = int(indptr[n]) + n
    chunks = max(1, work // WORK)
    bounds = np.empty(chunks + 1, np.int64)
    for c in range(chunks + 1):
        goal = work * c // chunks
        low, high = 0, n
        while low < high:
            middle = (low + high) // 2
            if int(indptr[middle]) + middle < goal:
                low = middle + 1
            else:
                high = middle
        bounds[c] = low
    return bounds
