"""Sums over vectors, and the residual norms that the iteration loop reads."""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range, total
from ._jit import inline, kernel


@kernel
def dot(x, y):
    chunks = chunk_count(x.size)
    sums = np.zeros(chunks, x.real.dtype)
    for c in prange(chunks):
        first, last = chunk_range(c, x.size)
        found = sums[c]
        for i in range(first, last):
            found += x[i].real * y[i].real + x[i].imag * y[i].imag
        sums[c] = found
    return total(sums)


@kernel
def vdot(x, y):
    chunks = chunk_count(x.size)
    sums = np.zeros(chunks, x.dtype)
    for c in prange(chunks):
        first, last = chunk_range(c, x.size)
        found = sums[c]
        for i in range(first, last):
            found += np.conj(x[i]) * y[i]
        sums[c] = found
    return total(sums)


@kernel
def projection(t, r):
    chunks = chunk_count(r.size)
    products, squares = np.zeros(chunks, r.dtype), np.zeros(chunks, r.real.dtype)
    for c in prange(chunks):
        first, last = chunk_range(c, r.size)
        product, square = products[c], squares[c]
        for i in range(first, last):
            product += np.conj(t[i]) * r[i]
            square += t[i].real * t[i].real + t[i].imag * t[i].imag
        products[c], squares[c] = product, square
    return total(products), total(squares)


@inline
def row_sums(pieces):
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
