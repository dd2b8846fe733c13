"""Work on a few long vectors; see the reference for what each kernel means.

BLAS is not used: after a call its threads keep running for a while and slow down the next kernels.
"""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range
from ._jit import inline, kernel, paste
from .vector import row_sums

STRIP = np.uint64(256)  # items of each row that are in the cache at a time


@kernel
def rows_gram(X, Y):
    p, q = len(X), len(Y)
    chunks = chunk_count(X.shape[1])
    pieces = np.zeros((p * q, chunks), X.dtype)
    for c in prange(chunks):
        first, last = chunk_range(c, X.shape[1])
        for a in range(0, p, 4):
            for b in range(0, q, 2):
                _four_by_two(np.uint64(a), np.uint64(b), first, last, X, Y, pieces[:, c])
    return row_sums(pieces).reshape(p, q)


@inline
def _four_by_two(a, b, first, last, X, Y, found):
    """Write the products of four rows with two; in place of rows beyond the last the last is taken again."""
    one, p, q = np.uint64(1), np.uint64(len(X) - 1), np.uint64(len(Y) - 1)
    a1, a2, a3, b1 = min(a + one, p), min(a + one + one, p), min(a + one + one + one, p), min(b + one, q)
    s = s1 = s2 = s3 = t = t1 = t2 = t3 = X.dtype.type(0)
    for i in range(first, last):
        y, z = Y[b, i], Y[b1, i]
        x, x1, x2, x3 = np.conj(X[a, i]), np.conj(X[a1, i]), np.conj(X[a2, i]), np.conj(X[a3, i])
        s += x * y
        s1 += x1 * y
        s2 += x2 * y
        s3 += x3 * y
        t += x * z
        t1 += x1 * z
        t2 += x2 * z
        t3 += x3 * z
    width = np.uint64(len(Y))
    found[a * width + b], found[a * width + b1] = s, t
    found[a1 * width + b], found[a1 * width + b1] = s1, t1
    found[a2 * width + b], found[a2 * width + b1] = s2, t2
    found[a3 * width + b], found[a3 * width + b1] = s3, t3


@kernel
def rows_combine(fresh, T, X, Y):
    for c in prange(chunk_count(X.shape[1])):
        start, end = chunk_range(c, X.shape[1])
        _combine(start, end, fresh, T, X, Y)


@inline
def _combine(start, end, fresh, T, X, Y):
    """Write multiples of the rows of X to those of Y, over some items."""
    k, p = T.shape
    found = np.empty((k, STRIP), Y.dtype)  # Y may be part of X
    for first in range(start, end, STRIP):
        last = min(first + STRIP, end)
        for o in range(np.uint64(k)):
            for i in range(last - first):
                found[o, i] = 0 if fresh else Y[o, first + i]
        for o in range(np.uint64(0), np.uint64(k), np.uint64(4)):
            for q in range(np.uint64(0), np.uint64(p), np.uint64(4)):
                _add(o, q, first, last - first, T, X, found)
        for o in range(np.uint64(k)):
            for i in range(last - first):
                Y[o, first + i] = found[o, i]


@paste
def _add(o, q, first, n, T, X, Y):
    """Add multiples of up to four rows of X, from item `first` on, to up to four rows of Y."""
    one, k, p = np.uint64(1), np.uint64(len(Y)), np.uint64(len(X))
    four = np.uint64(4)
    if o + four <= k and q + four <= p:
        _add_to_four(o, q, first, n, T, X, Y)
    else:
        for row in range(o, min(o + four, k)):
            if q + four <= p:
                q1, q2, q3 = q + one, q + one + one, q + one + one + one
                t, t1, t2, t3 = T[row, q], T[row, q1], T[row, q2], T[row, q3]
                for i in range(n):
                    Y[row, i] += (
                        t * X[q, first + i]
                        + t1 * X[q1, first + i]
                        + t2 * X[q2, first + i]
                        + t3 * X[q3, first + i]
                    )
            else:
                for other in range(q, p):
                    t = T[row, other]
                    for i in range(n):
                        Y[row, i] += t * X[other, first + i]


@inline
def _add_to_four(o, q, first, n, T, X, Y):
    one = np.uint64(1)
    o1, o2, o3 = o + one, o + one + one, o + one + one + one
    q1, q2, q3 = q + one, q + one + one, q + one + one + one
    t00, t01, t02, t03 = T[o, q], T[o, q1], T[o, q2], T[o, q3]
    t10, t11, t12, t13 = T[o1, q], T[o1, q1], T[o1, q2], T[o1, q3]
    t20, t21, t22, t23 = T[o2, q], T[o2, q1], T[o2, q2], T[o2, q3]
    t30, t31, t32, t33 = T[o3, q], T[o3, q1], T[o3, q2], T[o3, q3]
    for i in range(n):
        x, x1, x2, x3 = X[q, first + i], X[q1, first + i], X[q2, first + i], X[q3, first + i]
        Y[o, i] += t00 * x + t01 * x1 + t02 * x2 + t03 * x3
        Y[o1, i] += t10 * x + t11 * x1 + t12 * x2 + t13 * x3
        Y[o2, i] += t20 * x + t21 * x1 + t22 * x2 + t23 * x3
        Y[o3, i] += t30 * x + t31 * x1 + t32 * x2 + t33 * x3
