"""The small matrices of block GMRES; see the reference for what each kernel means."""

import numpy as np

from ._jit import inline
from ._small import add_product, assign


@inline
def block_correct(live, j, ST, L, H, R, Q, E, G, C):
    p, k = E.shape[1:]
    rows = j * p
    S, T, D = ST[0], ST[1], np.zeros_like(C)
    rank = _orthonormal(rows, S, C, D)
    if j == 0:
        before = E[0].copy()
        E[0] = 0
        add_product(E[0], p, D, before)
    else:
        add_product(H[j - 1], rows, S, L)
        H[j - 1, rows : rows + p] = 0
        add_product(H[j - 1, rows:], p, D, L)
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
        add_product(column, min((i + 2) * p, rows + p), H[i], minus[i * p :])
    H[j, : rows + p] = 0
    add_product(H[j], rows + p, column, C)


@inline
def block_reduce(j, F, H, R, Q, E, G, L, C):
    p, k = E.shape[1:]
    _scale(F, L, C)
    assign(H[j, (j + 1) * p : (j + 2) * p], L)
    _triangularise(j, H, R, Q, E, G)
    rr = np.zeros(k, F.real.dtype)
    for a in range(p):
        for c in range(k):
            rr[c] += E[j + 1, a, c].real ** 2 + E[j + 1, a, c].imag ** 2
    return rr


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
def _next_pivot(size, left, done):
    """Return the column with the largest part left, of those not done and not zero; -1 if there is none."""
    best = -1
    for c in range(size.size):
        if not done[c] and size[c] > 0 and (best < 0 or left[c] / size[c] > left[best] / size[best]):
            best = c
    return best


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
        best = _next_pivot(size, left, done)
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
        add_product(rotated, two, Q[i], column[i * p :])
        assign(column[i * p : (i + 2) * p], rotated)
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
        for a in range(c, two):
            v[a] *= factor
        _reflect(c, v, last)
        _reflect(c, v, both)
    assign(R[j, : (j + 1) * p], column)
    G[j] = 0
    E[j + 1] = 0
    add_product(G[j], p, both, E[j])
    add_product(E[j + 1], p, both[p:], E[j])


@inline
def _reflect(c, v, A):
    """Take ``v v^H A`` from the rows of A from c on."""
    for column in range(A.shape[1]):
        value = A.dtype.type(0)
        for a in range(c, len(A)):
            value += np.conj(v[a]) * A[a, column]
        for a in range(c, len(A)):
            A[a, column] -= v[a] * value
