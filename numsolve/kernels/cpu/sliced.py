"""Products with a matrix in sliced diagonals, and the conversion from compressed sparse rows.

The inner loop runs over contiguous parts of three arrays, without column indices, so that the compiler
vectorises it. The part of the product that belongs to a slice stays in the first cache.
"""

import numpy as np
from numba import prange

from ._chunks import total
from ._jit import inline, kernel, prefetch

LINE = 64  # bytes of a cache line
AHEAD = 8192  # bytes: two pages


@kernel
def sliced_spmv(starts, offsets, data, x, y):
    for s in prange(starts.size - 1):
        _product(s, starts, offsets, data, x, y)


@kernel
def sliced_spmv_dot(starts, offsets, data, p, q):
    sums = np.zeros(starts.size - 1, q.real.dtype)
    for s in prange(starts.size - 1):
        _product(s, starts, offsets, data, p, q)
        found = sums[s]
        for i in range(np.uint64(s * data.shape[1]), np.uint64(min((s + 1) * data.shape[1], q.size))):
            found += p[i].real * q[i].real + p[i].imag * q[i].imag
        sums[s] = found
    return total(sums)


@inline
def _product(s, starts, offsets, data, x, y):
    """Write the product of a slice's rows with `x`, one diagonal after the other."""
    rows = data.shape[1]
    first = s * rows
    last = min(first + rows, y.size)
    for i in range(np.uint64(first), np.uint64(last)):
        y[i] = 0
    step, ahead = np.uint64(LINE // data.itemsize), np.uint64(AHEAD // data.itemsize)
    for k in range(starts[s], starts[s + 1]):
        for j in range(np.uint64(0), np.uint64(rows), step):
            prefetch(data, np.uint64(k * rows) + j + ahead)
        offset = int(offsets[k])
        low, high = max(first, -offset), min(last, x.size - offset)  # rows whose column exists
        values, column = data[k], np.uint64(low + offset)
        row, place = np.uint64(low), np.uint64(low - first)
        for i in range(np.uint64(0), np.uint64(max(0, high - low))):
            y[row + i] += values[place + i] * x[column + i]


def _stored(*args):
    """Return the number of entries, which is the size of the third argument."""
    return args[2].size


@kernel(items=_stored)
def sliced_find(rows, indptr, indices, data, counts, offsets):
    n = indptr.size - 1
    for s in prange(counts.size):
        counts[s] = _merge(s * rows, min((s + 1) * rows, n), indptr, indices, data, offsets[s])


@inline
def _merge(first, last, indptr, indices, data, found):
    """Write the distinct offsets of some rows, ascending; return their number, at most room + 1."""
    count = 0
    for i in range(first, last):
        place = 0
        for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
            if data[k] == 0:
                continue
            offset = int(indices[k]) - i
            while place < count and found[np.uint64(place)] < offset:
                place += 1
            if place < count and found[np.uint64(place)] == offset:
                continue
            if count == found.size:
                found[:] = 0
                return count + 1
            for j in range(count, place, -1):
                found[j] = found[j - 1]
            found[place] = offset
            count += 1
    return count


@kernel(items=_stored)
def sliced_fill(indptr, indices, data, starts, offsets, sliced):
    n, rows = indptr.size - 1, sliced.shape[1]
    for s in prange(starts.size - 1):
        for row in range(rows):
            i = s * rows + row
            k = np.uint64(indptr[min(i, n)])
            end = np.uint64(indptr[min(i + 1, n)])
            for d in range(starts[s], starts[s + 1]):
                value = sliced.dtype.type(0)
                while k < end and data[k] == 0:
                    k += np.uint64(1)
                if k < end and int(indices[k]) - i == offsets[np.uint64(d)]:
                    value = data[k]
                    k += np.uint64(1)
                sliced[np.uint64(d), np.uint64(row)] = value
