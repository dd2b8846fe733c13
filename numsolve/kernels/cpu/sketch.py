"""Products with sketching matrices; see the reference for what each kernel means.

Each row of a result collects the rows of A that it needs. No two threads write to one row, and the order of a
sum does not depend on the number of threads.
"""

import numpy as np
from numba import prange

from ._jit import inline, kernel

ROWS = 32  # rows of the sketch in a chunk
PANEL = 64  # columns that are transformed together: some hundred rows of them fit in the second cache


def _work(*args):
    """Return the number of products of an entry of the sketch with an entry of A."""
    return args[1].size * args[-1].shape[1]


@kernel(items=_work)
def sketch_rows(indptr, places, scale, A, Y):
    for c in prange((len(Y) + ROWS - 1) // ROWS):
        _collect(c * ROWS, min((c + 1) * ROWS, len(Y)), indptr, places, Y.dtype.type(scale), A, Y)


@kernel(items=_work)
def sketch_sparse(indptr, places, scale, A_indptr, A_indices, A_data, Y):
    for c in prange((len(Y) + ROWS - 1) // ROWS):
        first, last = c * ROWS, min((c + 1) * ROWS, len(Y))
        _collect_sparse(first, last, indptr, places, Y.dtype.type(scale), A_indptr, A_indices, A_data, Y)


@kernel(items=lambda X: X.size * 8)
def hadamard(X):
    n, k = X.shape
    inner = 1
    while inner * inner < n:
        inner *= 2
    panels, outer = (k + PANEL - 1) // PANEL, n // inner
    for t in prange(outer * panels):
        block, first = t // panels, t % panels * PANEL
        _transform(X, block * inner, 1, inner, first, min(first + PANEL, k))
    for t in prange(inner * panels if outer > 1 else 0):
        block, first = t // panels, t % panels * PANEL
        _transform(X, block, inner, outer, first, min(first + PANEL, k))


@inline
def _collect(first, last, indptr, places, scale, A, Y):
    """Write some rows of the product; four rows of A are added at a time, so that Y is read less often."""
    k, zero = np.uint64(Y.shape[1]), Y.dtype.type(0)
    for i in range(np.uint64(first), np.uint64(last)):
        e, end = indptr[i], indptr[i + np.uint64(1)]
        for c in range(k):
            Y[i, c] = zero
        while e + 4 <= end:
            j0, s0 = _entry(places[e], scale)
            j1, s1 = _entry(places[e + 1], scale)
            j2, s2 = _entry(places[e + 2], scale)
            j3, s3 = _entry(places[e + 3], scale)
            for c in range(k):
                Y[i, c] += (s0 * A[j0, c] + s1 * A[j1, c]) + (s2 * A[j2, c] + s3 * A[j3, c])
            e += 4
        while e < end:
            j0, s0 = _entry(places[e], scale)
            for c in range(k):
                Y[i, c] += s0 * A[j0, c]
            e += 1


@inline
def _collect_sparse(first, last, indptr, places, scale, A_indptr, A_indices, A_data, Y):
    """Write some rows of the product with a sparse matrix."""
    k, zero = np.uint64(Y.shape[1]), Y.dtype.type(0)
    for i in range(np.uint64(first), np.uint64(last)):
        for c in range(k):
            Y[i, c] = zero
        for e in range(indptr[i], indptr[i + np.uint64(1)]):
            j, s = _entry(places[e], scale)
            for q in range(np.uint64(A_indptr[j]), np.uint64(A_indptr[j + np.uint64(1)])):
                Y[i, np.uint64(A_indices[q])] += s * A_data[q]


@inline
def _entry(place, scale):
    """Return the column of an entry, and its value."""
    return (np.uint64(~place), -scale) if place < 0 else (np.uint64(place), scale)


@inline
def _transform(X, first, step, count, start, stop):
    """Transform `count` rows, `step` rows apart, in some columns."""
    one = np.uint64(1)
    h, step, count = one, np.uint64(step), np.uint64(count)
    while h < count:
        for group in range(np.uint64(0), count, h + h):
            for row in range(group, group + h):
                i = np.uint64(first) + row * step
                j = i + h * step
                for c in range(np.uint64(start), np.uint64(stop)):
                    a, b = X[i, c], X[j, c]
                    X[i, c], X[j, c] = a + b, a - b
        h = h + h
