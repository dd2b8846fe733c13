"""The work of block GMRES on its basis; see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range
from ._jit import paste, prefetch
from ._rows import add_scaled, add_to_gram, block_kernel, load_row, store_row, sum_grams, width, zero_row
from ._small import add_product

ROWS = 128  # rows of U and W that stay in the first caches while those of the basis are read


def block_project(j, V):
    return _block_project(j, V, V[j + 1], width(V[0])).reshape(2, -1, V.shape[2])


@block_kernel
def _block_project(j, V, W, width):
    chunks = chunk_count(len(W))
    grams = np.zeros((chunks, 2, j + 1, len(width), len(width)), V.dtype)
    U = V[j]
    for c in prange(chunks):
        first, last = chunk_range(c, len(W))
        for row in range(first, last, np.uint64(ROWS)):
            end = min(row + np.uint64(ROWS), last)
            for i in range(np.uint64(j + 1)):
                _add_to_grams(grams[c, 0, i], grams[c, 1, i], row, end, V[i], U, W, width)
    return sum_grams(grams)


@paste
def _add_to_grams(S, T, first, last, V, U, W, width):
    """Add to S and T the products of the columns of V, conjugated, with those of U and of W, over some rows.

    Four columns of V at a time: eight independent sums hide the latency of additions.
    """
    for four in range(np.uint64(len(width) // 4)):
        l = np.uint64(4) * four
        l1, l2, l3 = l + np.uint64(1), l + np.uint64(2), l + np.uint64(3)
        s, s1 = load_row(S, l, width), load_row(S, l1, width)
        s2, s3 = load_row(S, l2, width), load_row(S, l3, width)
        t, t1 = load_row(T, l, width), load_row(T, l1, width)
        t2, t3 = load_row(T, l2, width), load_row(T, l3, width)
        for i in range(first, last):
            prefetch(V, (i + np.uint64(ROWS)) * np.uint64(len(width)) + l)
            u, w = load_row(U, i, width), load_row(W, i, width)
            v, v1, v2, v3 = np.conj(V[i, l]), np.conj(V[i, l1]), np.conj(V[i, l2]), np.conj(V[i, l3])
            s, t = add_scaled(s, v, u), add_scaled(t, v, w)
            s1, t1 = add_scaled(s1, v1, u), add_scaled(t1, v1, w)
            s2, t2 = add_scaled(s2, v2, u), add_scaled(t2, v2, w)
            s3, t3 = add_scaled(s3, v3, u), add_scaled(t3, v3, w)
        store_row(S, l, s)
        store_row(S, l1, s1)
        store_row(S, l2, s2)
        store_row(S, l3, s3)
        store_row(T, l, t)
        store_row(T, l1, t1)
        store_row(T, l2, t2)
        store_row(T, l3, t3)
    for l in range(np.uint64(len(width) // 4 * 4), np.uint64(len(width))):
        s, t = load_row(S, l, width), load_row(T, l, width)
        for i in range(first, last):
            v = np.conj(V[i, l])
            s, t = add_scaled(s, v, load_row(U, i, width)), add_scaled(t, v, load_row(W, i, width))
        store_row(S, l, s)
        store_row(T, l, t)


def block_advance(j, ST, C, V):
    return _block_advance(j, ST, C, V, V[j + 1], width(C))


@block_kernel
def _block_advance(j, ST, C, V, W, width):
    chunks, U = chunk_count(len(W)), V[j]
    grams = np.zeros((chunks, len(width), len(width)), V.dtype)
    S, T = -ST[0], -ST[1]
    mixed, gamma = np.zeros_like(C), np.zeros_like(C)  # mixed is -C gamma C, by which U is multiplied for W
    add_product(gamma, len(width), T[j * len(width) :], C)
    add_product(mixed, len(width), C, gamma)
    for c in prange(chunks):
        first, last = chunk_range(c, len(W))
        for row in range(first, last, np.uint64(ROWS)):
            end = min(row + np.uint64(ROWS), last)
            for b in range(np.uint64(j)):
                _add_products(row, end, V[b], b * np.uint64(len(width)), S, T, U, W, width)
            for i in range(row, end, np.uint64(2)):
                i1 = min(i + np.uint64(1), end - np.uint64(1))
                u = w = u1 = w1 = zero_row(W, width)
                for l in range(np.uint64(len(width))):
                    d, g = load_row(C, l, width), load_row(mixed, l, width)
                    u, w = add_scaled(u, U[i, l], d), add_scaled(w, U[i, l], g)
                    u1, w1 = add_scaled(u1, U[i1, l], d), add_scaled(w1, U[i1, l], g)
                    w, w1 = add_scaled(w, W[i, l], d), add_scaled(w1, W[i1, l], d)
                store_row(U, i, u)
                store_row(W, i, w)
                store_row(U, i1, u1)
                store_row(W, i1, w1)
            add_to_gram(grams[c], row, end, W, W, width)
    return sum_grams(grams)


@paste
def _add_products(first, last, V, begin, S, T, U, W, width):
    """Add to U and W the columns of V times the rows of S and of T that begin at `begin`, in some rows.

    Four rows at a time, for the same reason; in place of rows beyond the last the last is taken again.
    """
    one, end = np.uint64(1), last - np.uint64(1)
    for i in range(first, last, np.uint64(4)):
        i1, i2, i3 = min(i + one, end), min(i + one + one, end), min(i + one + one + one, end)
        u, w = load_row(U, i, width), load_row(W, i, width)
        u1, w1 = load_row(U, i1, width), load_row(W, i1, width)
        u2, w2 = load_row(U, i2, width), load_row(W, i2, width)
        u3, w3 = load_row(U, i3, width), load_row(W, i3, width)
        for l in range(np.uint64(len(width))):
            s, t = load_row(S, begin + l, width), load_row(T, begin + l, width)
            prefetch(V, (i + np.uint64(ROWS)) * np.uint64(len(width)) + np.uint64(4) * l)
            v, v1, v2, v3 = V[i, l], V[i1, l], V[i2, l], V[i3, l]
            u, w = add_scaled(u, v, s), add_scaled(w, v, t)
            u1, w1 = add_scaled(u1, v1, s), add_scaled(w1, v1, t)
            u2, w2 = add_scaled(u2, v2, s), add_scaled(w2, v2, t)
            u3, w3 = add_scaled(u3, v3, s), add_scaled(w3, v3, t)
        store_row(U, i, u)
        store_row(U, i1, u1)
        store_row(U, i2, u2)
        store_row(U, i3, u3)
        store_row(W, i, w)
        store_row(W, i1, w1)
        store_row(W, i2, w2)
        store_row(W, i3, w3)


def block_transform(C, W):
    _block_transform(C, W, width(W))


@block_kernel
def _block_transform(C, W, width):
    for c in prange(chunk_count(len(W))):
        first, last = chunk_range(c, len(W))
        for i in range(first, last):
            w = zero_row(W, width)
            for l in range(np.uint64(len(width))):
                w = add_scaled(w, W[i, l], load_row(C, l, width))
            store_row(W, i, w)
