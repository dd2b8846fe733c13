"""Sums over vectors, and the norm that the loop looks at."""

import numpy as np
from numba import prange

from ._jit import inline, kernel

CHUNK = 2048  # items summed in one go; a sum's bits depend on it and on nothing else


@inline
def span(c, n):
    """Return the range of chunk `c` of `n` items, unsigned."""
    return np.uint64(c * CHUNK), np.uint64(min((c + 1) * CHUNK, n))


@inline
def chunks_of(n):
    """Return the number of chunks of `n` items."""
    return (n + CHUNK - 1) // CHUNK


@inline
def total(sums):
    """Return the sum of the chunks' sums, in order: Numba would share out ``sums.sum()`` among threads."""
    result = sums.dtype.type(0)
    for c in range(sums.size):
        result += sums[c]
    return result


@kernel
def dot(x, y):
    chunks = chunks_of(x.size)
    sums = np.zeros(chunks, x.real.dtype)
    for c in prange(chunks):
        first, last = span(c, x.size)
        found = sums[c]
        for i in range(first, last):
            found += x[i].real * y[i].real + x[i].imag * y[i].imag
        sums[c] = found
    return total(sums)


@kernel
def vdot(x, y):
    chunks = chunks_of(x.size)
    sums = np.zeros(chunks, x.dtype)
    for c in prange(chunks):
        first, last = span(c, x.size)
        found = sums[c]
        for i in range(first, last):
            found += np.conj(x[i]) * y[i]
        sums[c] = found
    return total(sums)


@kernel
def projection(t, r):
    chunks = chunks_of(r.size)
    products, squares = np.zeros(chunks, r.dtype), np.zeros(chunks, r.real.dtype)
    for c in prange(chunks):
        first, last = span(c, r.size)
        product, square = products[c], squares[c]
        for i in range(first, last):
            product += np.conj(t[i]) * r[i]
            square += t[i].real * t[i].real + t[i].imag * t[i].imag
        products[c], squares[c] = product, square
    return total(products), total(squares)


@inline
def fold(pieces):
    sums = np.zeros(pieces.shape[0], pieces.dtype)
    for row in range(pieces.shape[0]):
        for piece in range(pieces.shape[1]):
            sums[row] += pieces[row, piece]
    return sums


@inline
def residual_norm(rr, tol, step, norms, live):
    norms[step] = np.sqrt(rr)
    live[0] = norms[step] > tol


@inline
def residual_norms(rr, tol, step, norms, live):
    for c in range(rr.size):
        norms[step, c] = np.sqrt(rr[c]) if live[c] else 0
        live[c] = norms[step, c] > tol[c]
