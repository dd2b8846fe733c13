"""Products with a matrix in compressed sparse rows.

Indices are cast to unsigned in the inner loop: signed ones cost 1.3-1.5 times as much, because Numba
tests each for a negative value. Entries are prefetched one page ahead: the hardware prefetcher stops at the
end of each page, and with so many streams one thread reached less than half of the memory's bandwidth.
"""

import numpy as np
from numba import prange

from ._chunks import total
from ._jit import inline, kernel, paste, prefetch
from ._rows import (
    TILE,
    add_scaled,
    add_to_gram,
    block_kernel,
    columns,
    load_row,
    store_row,
    sum_grams,
    versions,
    width,
    zero_row,
)

WORK = 1 << 14  # rows and entries in a chunk
WIDEST = 8  # columns of a block that are multiplied at a time
AHEAD = np.uint64(512)  # entries: a page of double precision values
FAR = np.uint64(
    111
)  # entries by which a row of a block is prefetched: in a stencil one that was not read before


def _work(*args):
    """Return the number of rows of five entries that are as much work: long rows gain from threads sooner."""
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


@kernel(items=_work)
def row_terms(indptr, indices, data, x, terms, sizes):
    if data.size == 0:
        terms[:] = 0
        sizes[:] = 0
        return
    bounds = _bounds(indptr)
    for c in prange(bounds.size - 1):
        start = np.uint64(indptr[bounds[c]])
        for i in range(np.uint64(bounds[c]), np.uint64(bounds[c + 1])):
            end = np.uint64(indptr[i + np.uint64(1)])
            found, size = terms.dtype.type(0), terms.dtype.type(0)
            for k in range(start, end):
                entry = abs(data[k])
                found += entry * abs(x[np.uint64(indices[k])])
                size += entry
            terms[i], sizes[i] = found, size
            start = end


@kernel(items=lambda *args: (args[2].size + args[4].size) // 6)
def examine_rows(indptr, indices, data, x, b, sums, largest):
    bounds = _bounds(indptr)
    found = np.zeros((bounds.size - 1, sums.size), sums.dtype)
    tops = np.zeros((bounds.size - 1, largest.size), sums.dtype)
    for c in prange(bounds.size - 1):
        first, last = np.uint64(bounds[c]), np.uint64(bounds[c + 1])
        _examine(first, last, indptr, indices, data, x, b, found[c], tops[c])
    for j in range(sums.size):
        sums[j] = total(found[:, j])
    for j in range(largest.size):
        top = tops[0, j]
        for c in range(1, bounds.size - 1):
            top = max(top, tops[c, j])
        largest[j] = top


@inline
def _examine(first, last, indptr, indices, data, x, b, sums, largest):
    """Write the sums and the largest values of `examine_rows` for some rows."""
    zero, half, one = sums.dtype.type(0), sums.dtype.type(0.5), sums.dtype.type(1)
    rr, xx, bb, scaled, given, real, imag = zero, zero, zero, zero, zero, zero, zero
    rows, squares, above, below = zero, zero, zero, zero
    far = sums.dtype.type(np.inf)
    error, beside, same, least, most = zero, zero, zero, far, zero
    start, none = np.uint64(indptr[first]), x.dtype.type(0)
    for i in range(first, last):
        end = np.uint64(indptr[i + np.uint64(1)])
        r, w, d, t, s, low, high = b[i], none, none, zero, zero, far, zero
        prefetch(data, start + AHEAD)
        prefetch(indices, start + AHEAD)
        for k in range(start, end):
            j, entry = np.uint64(indices[k]), data[k]
            magnitude = abs(entry)
            r -= entry * x[j]
            w += entry
            t += magnitude * abs(x[j])
            s += magnitude
            low = magnitude if magnitude < low else low
            high = magnitude if magnitude > high else high
            d += entry if j == i else none
        start = end
        least, most = low if low < least else least, high if high > most else most
        by, size, left = one / s if s > 0 else one, abs(b[i]), abs(r)
        rr += left * left
        xx += x[i].real * x[i].real + x[i].imag * x[i].imag
        bb += size * size
        scaled += (left * by) * (left * by)
        given += (size * by) * (size * by)
        real += r.real
        imag += r.imag
        rows += abs(w)
        squares += abs(w) * abs(w)
        above += one if d.real > 0 else zero
        below += one if d.real < 0 else zero
        share = left / (t + size) if t + size > 0 else left
        error = share if share > error else error
        share = one + ((w.real if d.real > 0 else -w.real) - abs(d) - abs(d)) * by if s > 0 else zero
        same = share if share > same else same
        share = one - abs(d) * by if s > 0 else half
        beside = share if share > beside else beside
    values = (rr, xx, bb, scaled, given, real, imag, rows, squares, above, below)
    for j in range(sums.size):
        sums[j] = values[j]
    tops = (error, beside, same, one / least, most)
    for j in range(largest.size):
        largest[j] = tops[j]


def spmm(indptr, indices, data, X, Y):
    if data.size == 0:  # there is no column to prefetch
        Y[:] = 0
    elif X.shape[1] <= WIDEST:
        _spmm(indptr, indices, data, X, Y, width(X))
    else:
        for first in range(0, X.shape[1], WIDEST):
            some = np.ascontiguousarray(X[:, first : first + WIDEST])
            product = np.empty((len(Y), some.shape[1]), Y.dtype)
            _spmm(indptr, indices, data, some, product, width(some))
            Y[:, first : first + WIDEST] = product


def spmm_gram(indptr, indices, data, P, Q):
    if data.size == 0:
        Q[:] = 0
        return np.zeros((Q.shape[1], Q.shape[1]), Q.dtype)
    return _spmm_gram(indptr, indices, data, P, Q, width(P))


@block_kernel
def _spmm(indptr, indices, data, X, Y, width):
    bounds = _bounds(indptr)
    for c in prange(bounds.size - 1):
        _block_rows(np.uint64(bounds[c]), np.uint64(bounds[c + 1]), indptr, indices, data, X, Y, width)


@block_kernel
def _spmm_gram(indptr, indices, data, P, Q, width):
    bounds = _bounds(indptr)
    grams = np.zeros((bounds.size - 1, Q.shape[1], Q.shape[1]), Q.dtype)
    for c in prange(bounds.size - 1):
        first, last = np.uint64(bounds[c]), np.uint64(bounds[c + 1])
        _rows_and_gram(first, last, indptr, indices, data, P, Q, grams[c], width)
    return sum_grams(grams)


@versions
def _rows_and_gram(first, last, indptr, indices, data, P, Q, gram, width):
    for row in range(first, last, np.uint64(TILE)):
        end = min(row + np.uint64(TILE), last)
        _product_rows(row, end, indptr, indices, data, P, Q, width)
        add_to_gram(gram, row, end, P, Q, width)


@versions
def _block_rows(first, last, indptr, indices, data, X, Y, width):
    _product_rows(first, last, indptr, indices, data, X, Y, width)


@paste
def _product_rows(first, last, indptr, indices, data, X, Y, width):
    """Write the products of some rows with a block of vectors."""
    start, one, n_columns = np.uint64(indptr[first]), X.dtype.type(1), columns(width)
    for i in range(first, last):
        end = np.uint64(indptr[i + np.uint64(1)])
        prefetch(data, start + AHEAD)
        prefetch(indices, start + AHEAD)
        prefetch(X, n_columns * np.uint64(indices[min(end + FAR, np.uint64(data.size - 1))]))
        even, odd, k = zero_row(X, width), zero_row(X, width), start
        while k + np.uint64(1) < end:
            k1 = k + np.uint64(1)
            even = add_scaled(even, data[k], load_row(X, np.uint64(indices[k]), width))
            odd = add_scaled(odd, data[k1], load_row(X, np.uint64(indices[k1]), width))
            k += np.uint64(2)
        if k < end:
            even = add_scaled(even, data[k], load_row(X, np.uint64(indices[k]), width))
        store_row(Y, i, add_scaled(even, one, odd), width)
        start = end


@paste
def _row(start, end, indices, data, x):
    """Return the product of a row with `x`, two entries at a time; the matrix has at least one entry.

    A last entry is always loaded, if need be that of the next row, and dropped if the row has none: a branch
    is mispredicted in every other row, and cost a fifth of the time on irregular matrices.
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
    """Return the rows at which chunks begin, so that each has about the same number of rows plus entries."""
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
