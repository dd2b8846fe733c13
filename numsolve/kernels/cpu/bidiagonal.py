"""Half a step of Golub and Kahan's bidiagonalisation; see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range, total
from ._jit import kernel
from .sparse import _bounds, _row


@kernel
def bidiagonal(xx, yy, w, y):
    chunks = chunk_count(y.size)
    sums = np.zeros(chunks, y.real.dtype)
    if not xx > 0:
        return xx * 0
    inverse, back = sums.dtype.type(1 / np.sqrt(xx)), sums.dtype.type(np.sqrt(xx) / np.sqrt(yy))
    for c in prange(chunks):
        first, last = chunk_range(c, y.size)
        found = sums[c]
        for i in range(first, last):
            value = inverse * w[i] - back * y[i]
            y[i] = value
            found += value.real * value.real + value.imag * value.imag
        sums[c] = found
    return total(sums)


@kernel
def bidiagonal_csr(indptr, indices, data, xx, yy, x, y):
    bounds = _bounds(indptr)
    sums = np.zeros(bounds.size - 1, y.real.dtype)
    if not xx > 0:
        return xx * 0
    inverse, back = sums.dtype.type(1 / np.sqrt(xx)), sums.dtype.type(np.sqrt(xx) / np.sqrt(yy))
    stored = data.size > 0
    for c in prange(bounds.size - 1):
        start = np.uint64(indptr[bounds[c]])
        found = sums[c]
        for i in range(np.uint64(bounds[c]), np.uint64(bounds[c + 1])):
            end = np.uint64(indptr[i + np.uint64(1)])
            value = -back * y[i]
            if stored:
                value += inverse * _row(start, end, indices, data, x)
            start = end
            y[i] = value
            found += value.real * value.real + value.imag * value.imag
        sums[c] = found
    return total(sums)
