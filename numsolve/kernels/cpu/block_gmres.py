"""The work of block GMRES; see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._jit import inline, paste, prefetch
from ._rows import (
    add_scaled,
    add_to_gram,
    block_kernel,
    columns,
    fold_grams,
    load_row,
    store_row,
    versions,
    width,
    zero_row,
)
from .vector import chunks_of, span

ROWS = 128  # of U and W in the first caches while the basis passes; the next ones of the basis are asked for

AHEAD = np.uint64(64)


def block_project(j, V):
    return _block_project(j, V, V[j + 1], width(V[0])).reshape(2, -1, V.shape[2])


@block_kernel
def _block_project(j, V, W, width):
    chunks = chunks_of(len(W))
    grams = np.zeros((chunks, 2, j + 1, W.shape[1], W.shape[1]), V.dtype)
    for c in prange(chunks):
        first, last = span(c, len(W))
        _project(first, last, np.uint64(j), V, W, grams[c], width)
    return fold_grams(grams)


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

    Four columns of V at a time: eight sums, as many as it takes to keep the processor busy.
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
    return _block_advance(j, ST, C, V, V[j + 1], width(C))


@block_kernel
def _block_advance(j, ST, C, V, W, width):
    chunks, k = chunks_of(len(W)), len(C)
    grams = np.zeros((chunks, k, k), V.dtype)
    S, T = -ST[0], -ST[1]
    mixed, gamma = np.zeros_like(C), np.zeros_like(C)  # C gamma C, less than zero, is what W takes from U
    _add_product(gamma, k, T[j * k :], C)
    _add_product(mixed, k, C, gamma)
    for c in prange(chunks):
        first, last = span(c, len(W))
        _advance(first, last, np.uint64(j), S, T, C, mixed, V, W, grams[c], width)
    return fold_grams(grams)


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

    Four rows at a time, for the same reason; what lies beyond the last is the last again.
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
    for c in prange(chunks_of(len(W))):
        first, last = span(c, len(W))
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


@inline
def block_correct(live, j, ST, L, H, R, Q, E, G, C):
    p, k = E.shape[1:]
    rows = j * p
    S, T, D = ST[0], ST[1], np.zeros_like(C)
    rank = _orthonormal(rows, S, C, D)
    if j == 0:
        before = E[0].copy()
        E[0] = 0
        _add_product(E[0], p, D, before)
    else:
        _add_product(H[j - 1], rows, S, L)
        H[j - 1, rows : rows + p] = 0
        _add_product(H[j - 1, rows:], p, D, L)
        _triangularise(j - 1, H, R, Q, E, G)
    for c in range(k):
        if not live[c]:
            E[j, :, c] = 0
        elif rank == 0:
            E[j, :, c] = np.nan
    gamma = T[rows:].copy()
    for l in range(rows):
        for a in range(p):
            for c in range(p):
                gamma[a, c] -= np.conj(S[l, a]) * T[l, c]
    T[rows:] = 0
    for l in range(p):
        for a in range(p):
            for c in range(p):
                T[rows + a, c] += np.conj(C[l, a]) * gamma[l, c]
    column, minus = T.copy(), -S[:rows]
    for i in range(j):
        _add_product(column, min((i + 2) * p, rows + p), H[i], minus[i * p :])
    H[j, : rows + p] = 0
    _add_product(H[j], rows + p, column, C)


@inline
def block_reduce(j, F, H, R, Q, E, G, L, C):
    p, k = E.shape[1:]
    _scale(F, L, C)
    H[j, (j + 1) * p : (j + 2) * p] = L
    _triangularise(j, H, R, Q, E, G)
    rr = np.zeros(k, F.real.dtype)
    for a in range(p):
        for c in range(k):
            rr[c] += E[j + 1, a, c].real ** 2 + E[j + 1, a, c].imag ** 2
    return rr


@inline
def _add_product(to, rows, A, B):
    """Add to the first rows of `to` those of ``A B``; what A has in columns or B in rows too much is left."""
    for a in range(rows):
        for l in range(min(A.shape[1], len(B))):
            for c in range(B.shape[1]):
                to[a, c] += A[a, l] * B[l, c]


@inline
def _orthonormal(rows, S, C, D):
    """Write D and C; the last block of S is alpha. Return how many columns are left."""
    p, rank = len(C), 0
    C[:] = 0
    column = np.empty(p, C.dtype)
    for c in range(p):
        whole = S[rows + c, c].real
        left = whole
        for a in range(c + 1):
            column[a] = S[rows + a, c]
            for l in range(rows):
                column[a] -= np.conj(S[l, a]) * S[l, c]
        left = column[c].real
        for b in range(c):
            for a in range(b + 1):
                D[b, c] += np.conj(C[a, b]) * column[a]
            left -= D[b, c].real ** 2 + D[b, c].imag ** 2
        if left > whole / 4:
            rank += 1
            D[c, c] = np.sqrt(left)
            C[c, c] = 1
            for b in range(c):
                for a in range(b + 1):
                    C[a, c] -= C[a, b] * D[b, c]
            for a in range(c + 1):
                C[a, c] /= D[c, c]
    return rank


@inline
def _scale(F, L, C):
    p = len(F)
    size, done = np.empty(p, F.real.dtype), np.zeros(p, np.bool_)
    floor = 8 * p * np.finfo(size.dtype).eps
    L[:] = 0
    C[:] = 0
    for c in range(p):
        size[c] = F[c, c].real
        if not np.isfinite(size[c]):
            L[:] = np.nan
            return
    left = size.copy()
    for r in range(p):
        best = -1
        for c in range(p):
            if not done[c] and size[c] > 0 and (best < 0 or left[c] / size[c] > left[best] / size[best]):
                best = c
        if best < 0:
            return
        least = floor * size[best]
        pivot = np.sqrt(max(left[best], least))
        for c in range(p):
            if left[best] > least and not done[c] and c != best:
                value = F[best, c]
                for l in range(r):
                    value -= np.conj(L[l, best]) * L[l, c]
                L[r, c] = value / pivot
                left[c] -= L[r, c].real ** 2 + L[r, c].imag ** 2
        L[r, best], done[best], C[best, r] = pivot, True, 1
        for l in range(r):
            for a in range(p):
                C[a, r] -= C[a, l] * L[l, best]
        for a in range(p):
            C[a, r] /= pivot


@inline
def _triangularise(j, H, R, Q, E, G):
    p = E.shape[1]
    two = 2 * p
    column, rotated = H[j, : (j + 2) * p].copy(), np.empty((two, p), H.dtype)
    for i in range(j):
        rotated[:] = 0
        _add_product(rotated, two, Q[i], column[i * p :])
        column[i * p : (i + 2) * p] = rotated
    last, both = column[j * p :], Q[j]
    for a in range(two):
        for c in range(two):
            both[a, c] = a == c
    v = np.empty(two, H.dtype)
    for c in range(p):
        norm2 = H.real.dtype.type(0)
        for a in range(c, two):
            v[a] = last[a, c]
            norm2 += v[a].real ** 2 + v[a].imag ** 2
        if norm2 == 0:
            continue
        norm, head = np.sqrt(norm2), abs(v[c])
        v[c] += norm * (v[c] / head if head > 0 else v[c] + 1)
        factor = np.sqrt(2 / (norm2 - head**2 + (norm + head) ** 2))
        v[c:] *= factor
        _reflect(c, v, last)
        _reflect(c, v, both)
    R[j, : (j + 1) * p] = column[: (j + 1) * p]
    G[j] = 0
    E[j + 1] = 0
    _add_product(G[j], p, both, E[j])
    _add_product(E[j + 1], p, both[p:], E[j])


@inline
def _reflect(c, v, A):
    """Take ``v v^H A`` from the rows of A from c on."""
    for column in range(A.shape[1]):
        value = A.dtype.type(0)
        for a in range(c, len(A)):
            value += np.conj(v[a]) * A[a, column]
        for a in range(c, len(A)):
            A[a, column] -= v[a] * value
