"""The work of block GMRES on its basis; see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range
from ._jit import paste, prefetch
from ._rows import (
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
from ._small import add_product

ROWS = 128  # rows of U and W that stay in the first caches while those of the basis are read


def block_project(j, V):
    return _block_project(j, V, V[j + 1], width(V[0])).reshape(2, -1, V.shape[2])


@block_kernel
def _block_project(j, V, W, width):
    chunks = chunk_count(len(W))
    grams = np.zeros((chunks, 2, j + 1, W.shape[1], W.shape[1]), V.dtype)
    for c in prange(chunks):
        first, last = chunk_range(c, len(W))
        _project(first, last, np.uint64(j), V, W, grams[c], width)
    return sum_grams(grams)


@versions
def _project(first, last, j, V, W, grams, width):
    U = V[j]
    for row in range(first, last, np.uint64(ROWS)):
        end = min(row + np.uint64(ROWS), last)
        for i in range(j + np.uint64(1)):
            _add_to_grams(grams[0, i], grams[1, i], row, end, V[i], U, W, width)


@paste
def _add_to_grams(S, T, first, last, V, U, W, width):
    """Add to S and T the products of the columns of V, conjugated, with those of U and of W, over some rows.

    Four columns of V at a time: eight independent sums hide the latency of additions.
    """
    k = columns(width)
    for four in range(k // np.uint64(4)):
        l = np.uint64(4) * four
        l1, l2, l3 = l + np.uint64(1), l + np.uint64(2), l + np.uint64(3)
        s, s1 = load_row(S, l, width), load_row(S, l1, width)
        s2, s3 = load_row(S, l2, width), load_row(S, l3, width)
        t, t1 = load_row(T, l, width), load_row(T, l1, width)
        t2, t3 = load_row(T, l2, width), load_row(T, l3, width)
        for i in range(first, last):
            prefetch(V, (i + np.uint64(ROWS)) * k + l)
            u, w = load_row(U, i, width), load_row(W, i, width)
            v, v1, v2, v3 = np.conj(V[i, l]), np.conj(V[i, l1]), np.conj(V[i, l2]), np.conj(V[i, l3])
            s, t = add_scaled(s, v, u), add_scaled(t, v, w)
            s1, t1 = add_scaled(s1, v1, u), add_scaled(t1, v1, w)
            s2, t2 = add_scaled(s2, v2, u), add_scaled(t2, v2, w)
            s3, t3 = add_scaled(s3, v3, u), add_scaled(t3, v3, w)
        store_row(S, l, s, width)
        store_row(S, l1, s1, width)
        store_row(S, l2, s2, width)
        store_row(S, l3, s3, width)
        store_row(T, l, t, width)
        store_row(T, l1, t1, width)
        store_row(T, l2, t2, width)
        store_row(T, l3, t3, width)
    for l in range(k // np.uint64(4) * np.uint64(4), k):
        s, t = load_row(S, l, width), load_row(T, l, width)
        for i in range(first, last):
            v = np.conj(V[i, l])
            s, t = add_scaled(s, v, load_row(U, i, width)), add_scaled(t, v, load_row(W, i, width))
        store_row(S, l, s, width)
        store_row(T, l, t, width)


def block_advance(j, ST, C, V):
    return _block_advance(j, -ST, C, V, V[j + 1], width(C))


@block_kernel
def _block_advance(j, minus, C, V, W, width):
    chunks, k = chunk_count(len(W)), len(C)
    grams = np.zeros((chunks, k, k), V.dtype)
    S, T = minus[0], minus[1]
    mixed, gamma = np.zeros_like(C), np.zeros_like(C)  # C gamma C, less than zero, is what W takes from U
    add_product(gamma, k, T[j * k :], C)
    add_product(mixed, k, C, gamma)
    for c in prange(chunks):
        first, last = chunk_range(c, len(W))
        _advance(first, last, np.uint64(j), S, T, C, mixed, V, W, grams[c], width)
    return sum_grams(grams)


@versions
def _advance(first, last, j, S, T, C, mixed, V, W, gram, width):
    U, k = V[j], columns(width)
    for row in range(first, last, np.uint64(ROWS)):
        end = min(row + np.uint64(ROWS), last)
        for b in range(j):
            _add_products(row, end, V[b], b * k, S, T, U, W, width)
        for i in range(row, end, np.uint64(2)):
            i1 = min(i + np.uint64(1), end - np.uint64(1))
            u = w = u1 = w1 = zero_row(W, width)
            for l in range(np.uint64(len(width))):
                if l < k:
                    d, g = load_row(C, l, width), load_row(mixed, l, width)
                    u, w = add_scaled(u, U[i, l], d), add_scaled(w, U[i, l], g)
                    u1, w1 = add_scaled(u1, U[i1, l], d), add_scaled(w1, U[i1, l], g)
                    w, w1 = add_scaled(w, W[i, l], d), add_scaled(w1, W[i1, l], d)
            store_row(U, i, u, width)
            store_row(W, i, w, width)
            store_row(U, i1, u1, width)
            store_row(W, i1, w1, width)
        add_to_gram(gram, row, end, W, W, width)


@paste
def _add_products(first, last, V, begin, S, T, U, W, width):
    """Add to U and W the columns of V times the rows of S and of T that begin at `begin`, in some rows.

    Four rows at a time, for the same reason; in place of rows beyond the last the last is taken again.
    """
    one, end, k = np.uint64(1), last - np.uint64(1), columns(width)
    for i in range(first, last, np.uint64(4)):
        i1, i2, i3 = min(i + one, end), min(i + one + one, end), min(i + one + one + one, end)
        u, w = load_row(U, i, width), load_row(W, i, width)
        u1, w1 = load_row(U, i1, width), load_row(W, i1, width)
        u2, w2 = load_row(U, i2, width), load_row(W, i2, width)
        u3, w3 = load_row(U, i3, width), load_row(W, i3, width)
        for l in range(np.uint64(len(width))):
            if l < k:
                s, t = load_row(S, begin + l, width), load_row(T, begin + l, width)
                prefetch(V, (i + np.uint64(ROWS)) * k + np.uint64(4) * l)
                v, v1, v2, v3 = V[i, l], V[i1, l], V[i2, l], V[i3, l]
                u, w = add_scaled(u, v, s), add_scaled(w, v, t)
                u1, w1 = add_scaled(u1, v1, s), add_scaled(w1, v1, t)
                u2, w2 = add_scaled(u2, v2, s), add_scaled(w2, v2, t)
                u3, w3 = add_scaled(u3, v3, s), add_scaled(w3, v3, t)
        store_row(U, i, u, width)
        store_row(U, i1, u1, width)
        store_row(U, i2, u2, width)
        store_row(U, i3, u3, width)
        store_row(W, i, w, width)
        store_row(W, i1, w1, width)
        store_row(W, i2, w2, width)
        store_row(W, i3, w3, width)


def block_transform(C, W):
    _block_transform(C, W, width(W))


@block_kernel
def _block_transform(C, W, width):
    for c in prange(chunk_count(len(W))):
        first, last = chunk_range(c, len(W))
        _transform(first, last, C, W, width)


@versions
def _transform(first, last, C, W, width):
    k = columns(width)
    for i in range(first, last):
        w = zero_row(W, width)
        for l in range(np.uint64(len(width))):
            if l < k:
                w = add_scaled(w, W[i, l], load_row(C, l, width))
        store_row(W, i, w, width)
