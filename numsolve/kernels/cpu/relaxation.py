"""Sweeps over the rows of a matrix; see the reference for what each kernel means.

In the natural order one thread takes the rows, because each depends on the one before; the terms of a row
that depend on it are added last. The rows of a section are distributed over the threads in fixed chunks.
"""

import numpy as np
from numba import prange

from ._chunks import CHUNK, chunk_count, chunk_range, total
from ._jit import inline, kernel, paste, prefetch
from .sparse import AHEAD, _row
from .triangular import _mean_level, _relax_in_turn

ONE = np.uint64(1)


def sor_sweep(live, bounds, indptr, indices, data, scale, b, x, y):
    if bounds is None:
        return _natural(live, indptr, indices, data, scale, b, x, y)
    return _sections(bounds, live, indptr, indices, data, scale, b, x, y)


def block_sweep(live, bounds, starts, indptr, indices, data, inverses, b, x, y, r):
    if bounds is None:
        return _block_natural(live, starts, indptr, indices, data, inverses, b, x, y, r)
    return _block_sections(bounds, live, starts, indptr, indices, data, inverses, b, x, y, r)


def colour_sweep(live, bounds, reverse, indptr, indices, data, scale, b, x):
    if not live[0]:
        return
    if bounds is None:
        _relax_in_turn(reverse, indptr, indices, data, scale, b, x)
    elif data.size:
        _in_place(bounds, reverse, indptr, indices, data, scale, b, x)


@inline
def _natural(live, indptr, indices, data, scale, b, x, y):
    rr = x.real.dtype.type(0)
    if not live[0]:
        return rr * np.nan
    start = np.uint64(0)
    for i in range(np.uint64(x.size)):
        end = np.uint64(indptr[i + ONE])
        old, new = _residuals(start, end, i, indices, data, b[i], x, y)
        y[i] = x[i] + scale[i] * new
        rr += old.real * old.real + old.imag * old.imag
        start = end
    return rr


@kernel(items=_mean_level)
def _sections(bounds, live, indptr, indices, data, scale, b, x, y):
    before = np.zeros(bounds.size, np.int64)  # chunks of the sections before
    for c in range(bounds.size - 1):
        before[c + 1] = before[c] + chunk_count(bounds[c + 1] - bounds[c])
    sums = np.zeros(before[-1], x.real.dtype)
    if not live[0]:
        return sums.dtype.type(np.nan)
    for c in range(bounds.size - 1):
        first, size = np.uint64(bounds[c]), bounds[c + 1] - bounds[c]
        for chunk in prange(chunk_count(size)):
            begin, finish = chunk_range(chunk, size)
            found = sums[before[c] + chunk]
            start = np.uint64(indptr[first + begin])
            for i in range(first + begin, first + finish):
                end = np.uint64(indptr[i + ONE])
                prefetch(data, start + AHEAD)
                prefetch(indices, start + AHEAD)
                old, new = _residuals(start, end, first, indices, data, b[i], x, y)
                y[i] = x[i] + scale[i] * new
                found += old.real * old.real + old.imag * old.imag
                start = end
            sums[before[c] + chunk] = found
    return total(sums)


@paste
def _residuals(start, end, first, indices, data, value, x, y):
    """Return the residual of a row at `x`, and that with the values in `y` of the rows before `first`."""
    k = end
    while k > start and np.uint64(indices[k - ONE]) >= first:
        k -= ONE
        value -= data[k] * x[np.uint64(indices[k])]
    old, new, split = value, value, k
    for k in range(start, split):
        j = np.uint64(indices[k])
        old -= data[k] * x[j]
        new -= data[k] * y[j]
    return old, new


@inline
def _block_natural(live, starts, indptr, indices, data, inverses, b, x, y, r):
    rr = x.real.dtype.type(0)
    if not live[0]:
        return rr * np.nan
    for k in range(np.uint64(starts.size - 1)):
        first = np.uint64(starts[k])
        rr += _relax_block(k, first, starts, indptr, indices, data, inverses, b, x, y, r)
    return rr


@kernel(items=_mean_level)
def _block_sections(bounds, live, starts, indptr, indices, data, inverses, b, x, y, r):
    each = max(1, CHUNK // max(1, inverses.shape[1]))  # blocks in a chunk
    before = np.zeros(bounds.size, np.int64)  # chunks of the sections before
    for c in range(bounds.size - 1):
        before[c + 1] = before[c] + (bounds[c + 1] - bounds[c] + each - 1) // each
    sums = np.zeros(before[-1], x.real.dtype)
    if not live[0]:
        return sums.dtype.type(np.nan)
    for c in range(bounds.size - 1):
        first = np.uint64(starts[bounds[c]])
        for chunk in prange(before[c + 1] - before[c]):
            begin = bounds[c] + chunk * each
            found = sums[before[c] + chunk]
            for k in range(np.uint64(begin), np.uint64(min(begin + each, bounds[c + 1]))):
                found += _relax_block(k, first, starts, indptr, indices, data, inverses, b, x, y, r)
            sums[before[c] + chunk] = found
    return total(sums)


@inline
def _relax_block(k, first, starts, indptr, indices, data, inverses, b, x, y, r):
    """Relax a block, return the square of its residual at `x`."""
    begin, finish = np.uint64(starts[k]), np.uint64(starts[k + ONE])
    found, start = x.real.dtype.type(0), np.uint64(indptr[begin])
    for i in range(begin, finish):
        end = np.uint64(indptr[i + ONE])
        old, new = _residuals(start, end, first, indices, data, b[i], x, y)
        r[i] = new
        found += old.real * old.real + old.imag * old.imag
        start = end
    for i in range(begin, finish):
        value = x[i]
        for j in range(begin, finish):
            value += inverses[k, i - begin, j - begin] * r[j]
        y[i] = value
    return found


@kernel(items=_mean_level)
def _in_place(bounds, reverse, indptr, indices, data, scale, b, x):
    for step in range(bounds.size - 1):
        c = bounds.size - 2 - step if reverse else step
        first, size = np.uint64(bounds[c]), bounds[c + 1] - bounds[c]
        for chunk in prange(chunk_count(size)):
            begin, finish = chunk_range(chunk, size)
            start = np.uint64(indptr[first + begin])
            for i in range(first + begin, first + finish):
                end = np.uint64(indptr[i + ONE])
                x[i] += scale[i] * (b[i] - _row(start, end, indices, data, x))
                start = end
