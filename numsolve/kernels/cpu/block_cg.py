"""The work of block conjugate gradients; see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range
from ._jit import inline
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
from ._small import assign, product

STRIP = 128  # rows of P that one update leaves in the nearest cache for the next


def block_gram(X, Y):
    return _block_gram(X, Y, width(X))


@block_kernel
def _block_gram(X, Y, width):
    chunks = chunk_count(len(X))
    grams = np.zeros((chunks, X.shape[1], X.shape[1]), X.dtype)
    for c in prange(chunks):
        first, last = chunk_range(c, len(X))
        _gram(first, last, X, Y, grams[c], width)
    return sum_grams(grams)


@versions
def _gram(first, last, X, Y, gram, width):
    for row in range(first, last, np.uint64(TILE)):
        add_to_gram(gram, row, min(row + np.uint64(TILE), last), X, Y, width)


def block_residual(alpha, Z, W):
    return _block_residual(-alpha, Z, W, width(W))


@block_kernel
def _block_residual(minus, Z, W, width):
    chunks = chunk_count(len(W))
    grams = np.zeros((chunks, W.shape[1], W.shape[1]), W.dtype)
    for c in prange(chunks):
        first, last = chunk_range(c, len(W))
        _residual(first, last, minus, Z, W, grams[c], width)
    return sum_grams(grams)


@versions
def _residual(first, last, minus, Z, W, gram, width):
    k = columns(width)
    for row in range(first, last, np.uint64(TILE)):
        end = min(row + np.uint64(TILE), last)
        for i in range(row, end, np.uint64(2)):  # two rows at a time: those of `minus` are read less
            i1 = min(i + np.uint64(1), end - np.uint64(1))
            w, w1 = load_row(W, i, width), load_row(W, i1, width)
            for j in range(np.uint64(len(width))):
                if j < k:
                    a = load_row(minus, j, width)
                    w, w1 = add_scaled(w, Z[i, j], a), add_scaled(w1, Z[i1, j], a)
            store_row(W, i, w, width)
            store_row(W, i1, w1, width)
        add_to_gram(gram, row, end, W, W, width)


def block_step(moves, step, beta, C, W, Y, X, P):
    if X.shape[1] == P.shape[1]:
        _block_step(moves, step, beta, C, W, Y, X, P, width(P))
    else:
        _narrow_block_step(moves, step, beta, C, W, Y, X, width(X), P, width(P))


@block_kernel
def _block_step(moves, step, beta, C, W, Y, X, P, width):
    if not moves[0]:
        return
    for c in prange(chunk_count(len(P))):
        first, last = chunk_range(c, len(P))
        if moves[1]:
            _transform(first, last, C, W, Y, width)
        _step(first, last, step, beta, Y, X, P, width)


@block_kernel
def _narrow_block_step(moves, step, beta, C, W, Y, X, wide, P, width):
    """Do the same for fewer directions than columns."""
    if not moves[0]:
        return
    for c in prange(chunk_count(len(P))):
        start, stop = chunk_range(c, len(P))
        if moves[1]:
            _transform(start, stop, C, W, Y, width)
        for first in range(start, stop, np.uint64(STRIP)):
            last = min(first + np.uint64(STRIP), stop)
            _add_steps(first, last, step, P, X, wide)
            _replace(first, last, beta, Y, P, width)


@versions
def _step(first, last, step, beta, Y, X, P, width):
    k = columns(width)
    for i in range(first, last, np.uint64(2)):
        i1 = min(i + np.uint64(1), last - np.uint64(1))
        x, p = load_row(X, i, width), load_row(Y, i, width)
        x1, p1 = load_row(X, i1, width), load_row(Y, i1, width)
        for j in range(np.uint64(len(width))):
            if j < k:
                s, b = load_row(step, j, width), load_row(beta, j, width)
                x, p = add_scaled(x, P[i, j], s), add_scaled(p, P[i, j], b)
                x1, p1 = add_scaled(x1, P[i1, j], s), add_scaled(p1, P[i1, j], b)
        store_row(X, i, x, width)
        store_row(X, i1, x1, width)
        store_row(P, i, p, width)
        store_row(P, i1, p1, width)


@versions
def _transform(first, last, C, W, Y, width):
    """Write ``W C`` and ``Y C`` to some rows of W and Y, which may be the same array."""
    k = columns(width)
    for i in range(first, last):
        w, y = zero_row(W, width), zero_row(W, width)
        for j in range(np.uint64(len(width))):
            if j < k:
                w = add_scaled(w, W[i, j], load_row(C, j, width))
                y = add_scaled(y, Y[i, j], load_row(C, j, width))
        store_row(W, i, w, width)
        store_row(Y, i, y, width)


@versions
def _add_steps(first, last, step, P, X, width):
    """Add ``P step`` to some rows of X, two at a time: those of `step` are read less."""
    for i in range(first, last, np.uint64(2)):
        i1 = min(i + np.uint64(1), last - np.uint64(1))
        x, x1 = load_row(X, i, width), load_row(X, i1, width)
        for j in range(np.uint64(len(step))):
            s = load_row(step, j, width)
            x, x1 = add_scaled(x, P[i, j], s), add_scaled(x1, P[i1, j], s)
        store_row(X, i, x, width)
        store_row(X, i1, x1, width)


@versions
def _replace(first, last, beta, Y, P, width):
    """Write ``Y + P beta`` to some rows of P, two at a time."""
    k = columns(width)
    for i in range(first, last, np.uint64(2)):
        i1 = min(i + np.uint64(1), last - np.uint64(1))
        p, p1 = load_row(Y, i, width), load_row(Y, i1, width)
        for j in range(np.uint64(len(width))):
            if j < k:
                b = load_row(beta, j, width)
                p, p1 = add_scaled(p, P[i, j], b), add_scaled(p1, P[i1, j], b)
        store_row(P, i, p, width)
        store_row(P, i1, p1, width)


@inline
def block_alpha(live, G, H, S, alpha, step):
    assign(alpha, H)
    definite = _solve(G, alpha)
    for j in range(len(H)):
        definite = definite and (G[j, j] != 0 or H[j, j] == 0)
    if not definite:
        alpha[:] = np.nan
    assign(step, product(alpha, S))
    for c in range(live.size):
        if not live[c]:
            step[:, c] = 0


@inline
def block_beta(N, F, S, H, C, beta, rr, moves):
    m = len(N)
    old, definite = np.empty(m, rr.dtype), True
    for j in range(m):
        old[j] = H[j, j].real
        definite = definite and F[j, j].real >= 0
    assign(beta, F)
    definite = _solve(H, beta) and definite
    moves[0], moves[1] = True, False
    for c in range(rr.size):
        value = _form(N, S, c)
        rr[c] = np.nan if not definite else 0 if value < 0 else value
        moves[0] = moves[0] and rr[c] - rr[c] == 0
    if not moves[0]:
        return
    L, order = np.zeros_like(F), np.full(m, -1)
    rank, moves[1] = _pivoted(F, old, L, order)
    assign(H, F)
    if moves[1]:
        _inverse(L, order, rank, C)
        assign(S, product(L, S))
        assign(beta, product(beta, C))
        assign(H, product(_conjugate_transpose(C), product(F, C)))


@inline
def _conjugate_transpose(C):
    result = np.empty_like(C)
    for i in range(len(C)):
        for j in range(len(C)):
            result[i, j] = np.conj(C[j, i])
    return result


@inline
def _form(N, S, c):
    """Return ``S_c^H N S_c`` for column c."""
    result = N[0, 0].real * 0
    for i in range(len(N)):
        value = N[0, 0] * 0
        for j in range(len(N)):
            value += N[i, j] * S[j, c]
        result += S[i, c].real * value.real + S[i, c].imag * value.imag
    return result


@inline
def _solve(A, B):
    m, k = B.shape
    L = np.zeros_like(A)
    for j in range(m):
        if A[j, j] == 0:
            continue
        for i in range(j, m):
            value = A[i, j]
            for l in range(j):
                value -= L[i, l] * np.conj(L[j, l])
            if i > j:
                L[i, j] = value / L[j, j]
            elif value.real > 0:
                L[j, j] = np.sqrt(value.real)
            else:
                return False
    for c in range(k):
        for j in range(m):
            for l in range(j):
                B[j, c] -= L[j, l] * B[l, c]
            B[j, c] = B[j, c] / L[j, j] if L[j, j] != 0 else L[j, j]
        for j in range(m - 1, -1, -1):
            for l in range(j + 1, m):
                B[j, c] -= np.conj(L[l, j]) * B[l, c]
            B[j, c] = B[j, c] / L[j, j] if L[j, j] != 0 else L[j, j]
    return True


@inline
def _pivoted(F, old, L, order):
    """Factorise F; row r of L belongs to column ``order[r]``. Return the rank, and whether to renew W."""
    m = len(F)
    eps = np.finfo(old.dtype).eps
    low, high, negligible = eps**0.25, eps**-0.25, (1000 * eps) ** 2
    left, done = np.empty(m, old.dtype), np.zeros(m, np.bool_)
    rank_before, renew = 0, False
    for j in range(m):
        left[j] = F[j, j].real
        rank_before += old[j] > 0
    for r in range(m):
        best, most = -1, 8 * m * eps
        for j in range(m):
            if not done[j] and F[j, j].real > negligible * old[j] and left[j] > most * F[j, j].real:
                best, most = j, left[j] / F[j, j].real
        if best < 0:
            return r, renew or r < rank_before
        renew = renew or not (low <= left[best] <= high)
        pivot = np.sqrt(left[best])
        for i in range(m):
            if done[i]:
                continue
            value = F[best, i]
            for l in range(r):
                value -= np.conj(L[l, best]) * L[l, i]
            L[r, i] = value / pivot
            left[i] -= L[r, i].real ** 2 + L[r, i].imag ** 2
        L[r, best] = pivot
        order[r], done[best] = best, True
    return m, renew


@inline
def _inverse(L, order, rank, C):
    """Write the inverse of the triangle of L to C, such that L C is the identity on its first rows."""
    C[:] = 0
    for c in range(rank):
        for r in range(c, -1, -1):
            value = C[0, 0] * 0 + (r == c)
            for l in range(r + 1, c + 1):
                value -= L[r, order[l]] * C[order[l], c]
            C[order[r], c] = value / L[r, order[r]]
