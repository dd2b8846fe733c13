"""The vector work of IDR(s); see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range, total
from ._jit import inline, kernel
from .vector import row_sums


@kernel
def idrs_project(P, w):
    s, n = P.shape
    chunks = chunk_count(n)
    pieces = np.zeros((s + 1, chunks), P.dtype)
    one = np.uint64(1)
    for c in prange(chunks):
        first, last = chunk_range(c, n)
        for pair in range(np.uint64(s // 2)):  # two rows at a time
            k = pair + pair
            even, odd = pieces[k, c], pieces[k + one, c]
            for i in range(first, last):
                even += np.conj(P[k, i]) * w[i]
                odd += np.conj(P[k + one, i]) * w[i]
            pieces[k, c], pieces[k + one, c] = even, odd
        square = pieces[s, c]
        if s % 2:
            k = np.uint64(s - 1)
            even = pieces[k, c]
            for i in range(first, last):
                even += np.conj(P[k, i]) * w[i]
            pieces[k, c] = even
        for i in range(first, last):
            square += np.conj(w[i]) * w[i]
        pieces[s, c] = square
    return row_sums(pieces)


@inline
def idrs_begin(h, S, f, c):
    for i in range(f.size):
        f[i] = h[i]
    _forward(0, S, f, c)


@inline
def idrs_solve(k, eps, h, S, f, a, c):
    s = f.size
    for i in range(k):
        a[i] = h[i]
        for j in range(i):
            a[i] -= S[i, j] * a[j]
        a[i] /= S[i, i]
    size = np.sqrt(h[s].real)
    for i in range(k, s):
        S[i, k] = h[i]
        for j in range(k):
            S[i, k] -= S[i, j] * a[j]
    for j in range(k):
        size += abs(S[k, j]) * abs(a[j])
    if not (abs(S[k, k]) > eps * size and size < np.inf):
        a[k] = np.nan
        S[k, k] = 1
        return
    a[k] = f[k] / S[k, k]
    f[k] = 0
    for i in range(k + 1, s):
        f[i] -= a[k] * S[i, k]
    _forward(k + 1, S, f, c)


@kernel
def idrs_shift(k, c, G, r, v):
    s, n = G.shape
    u = np.uint64(k)
    for chunk in prange(chunk_count(n)):
        first, last = chunk_range(chunk, n)
        own = c[u]
        for i in range(first, last):
            v[i] = r[i] - own * G[u, i]
        for row in range(k + 1, s):
            j, other = np.uint64(row), c[row]
            for i in range(first, last):
                v[i] -= other * G[j, i]


@kernel
def idrs_direction(k, c, omega, v, U):
    s, n = U.shape
    u = np.uint64(k)
    for chunk in prange(chunk_count(n)):
        first, last = chunk_range(chunk, n)
        own, step = c[u], omega[0]
        for i in range(first, last):
            U[u, i] = own * U[u, i] + step * v[i]
        for row in range(k + 1, s):
            j, other = np.uint64(row), c[row]
            for i in range(first, last):
                U[u, i] += other * U[j, i]


@kernel
def idrs_advance(live, k, a, G, U, x, r):
    n = r.size
    chunks = chunk_count(n)
    sums = np.zeros(chunks, r.real.dtype)
    u, beta = np.uint64(k), a[k]
    if not (live[0] and abs(beta) < np.inf):
        return sums.dtype.type(np.nan)
    for chunk in prange(chunks):
        first, last = chunk_range(chunk, n)
        for row in range(k):
            j, other = np.uint64(row), a[row]
            for i in range(first, last):
                G[u, i] -= other * G[j, i]
            for i in range(first, last):
                U[u, i] -= other * U[j, i]
        found = sums[chunk]
        for i in range(first, last):
            x[i] += beta * U[u, i]
            value = r[i] - beta * G[u, i]
            r[i] = value
            found += value.real * value.real + value.imag * value.imag
        sums[chunk] = found
    return total(sums)


@kernel
def idrs_reduce(live, tr, tt, before, kappa, omega, v, t, x, r):
    chunks = chunk_count(r.size)
    sums = np.zeros(chunks, r.real.dtype)
    if not (live[0] and tt > 0 and tt < np.inf and abs(tr) < np.inf):
        return sums.dtype.type(np.nan)
    least = sums.dtype.type(kappa * np.sqrt(before) / np.sqrt(tt))
    size = abs(tr) / tt
    w = r.dtype.type(tr / tt)
    if size < least:
        w = r.dtype.type(tr / abs(tr) * least if size > 0 else least)
    omega[0] = w
    for chunk in prange(chunks):
        first, last = chunk_range(chunk, r.size)
        for i in range(first, last):  # a separate loop, because v may be r
            x[i] += w * v[i]
        found = sums[chunk]
        for i in range(first, last):
            r[i] -= w * t[i]
            found += r[i].real * r[i].real + r[i].imag * r[i].imag
        sums[chunk] = found
    return total(sums)


@inline
def _forward(k, S, f, c):
    for i in range(k, f.size):
        c[i] = f[i]
        for j in range(k, i):
            c[i] -= S[i, j] * c[j]
        c[i] /= S[i, i]
