"""The vector work of GMRES; see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._jit import inline, kernel
from .vector import CHUNK, fold, total

STRIP = 8192  # items of a chunk where there are many: each row of the basis is a stream to start anew


@inline
def _strips(n):
    """Return the size of a chunk of `n` items, which depends on nothing else, and how many there are."""
    strip = STRIP if n >= 8 * STRIP else CHUNK
    return strip, (n + strip - 1) // strip


@kernel
def gmres_project(j, V):
    n = V.shape[1]
    strip, chunks = _strips(n)
    pieces = np.zeros((2 * (j + 4), chunks), V.dtype)  # room for the last four rows
    u, w, one, below = np.uint64(j), np.uint64(j + 1), np.uint64(1), np.uint64(j + 4)
    for c in prange(chunks):
        first, last = np.uint64(c * strip), np.uint64(min((c + 1) * strip, n))
        for four in range(np.uint64(j // 4 + 1)):  # four rows at a time; what lies beyond w is w again
            k = np.uint64(4) * four
            k1, k2, k3 = k + one, min(k + one + one, w), min(k + one + one + one, w)
            s = t = s1 = t1 = s2 = t2 = s3 = t3 = V.dtype.type(0)
            for i in range(first, last):
                p, q = V[u, i], V[w, i]
                v, v1, v2, v3 = np.conj(V[k, i]), np.conj(V[k1, i]), np.conj(V[k2, i]), np.conj(V[k3, i])
                s += v * p
                t += v * q
                s1 += v1 * p
                t1 += v1 * q
                s2 += v2 * p
                t2 += v2 * q
                s3 += v3 * p
                t3 += v3 * q
            pieces[k, c], pieces[k + below, c] = s, t
            pieces[k + one, c], pieces[k + one + below, c] = s1, t1
            pieces[k + one + one, c], pieces[k + one + one + below, c] = s2, t2
            pieces[k + one + one + one, c], pieces[k + one + one + one + below, c] = s3, t3
    return fold(pieces).reshape(2, j + 4)[:, : j + 1].copy()


@kernel
def gmres_advance(j, ST, V):
    n = V.shape[1]
    strip, chunks = _strips(n)
    sums = np.zeros(chunks, V.real.dtype)
    nu, gamma = _scales(j, ST)
    if not nu > 0:
        return nu
    inverse = sums.dtype.type(1 / nu)
    u, w, one = np.uint64(j), np.uint64(j + 1), np.uint64(1)
    for c in prange(chunks):
        first, last = np.uint64(c * strip), np.uint64(min((c + 1) * strip, n))
        for four in range(np.uint64(j // 4)):  # four rows at a time: u and w are read and written less
            k = np.uint64(4) * four
            k1, k2, k3 = k + one, k + one + one, k + one + one + one
            s, s1, s2, s3 = ST[0, k], ST[0, k1], ST[0, k2], ST[0, k3]
            t, t1, t2, t3 = ST[1, k], ST[1, k1], ST[1, k2], ST[1, k3]
            for i in range(first, last):
                v, v1, v2, v3 = V[k, i], V[k1, i], V[k2, i], V[k3, i]
                V[u, i] -= s * v + s1 * v1 + s2 * v2 + s3 * v3
                V[w, i] -= t * v + t1 * v1 + t2 * v2 + t3 * v3
        for k in range(np.uint64(j - j % 4), u):
            s, t = ST[0, k], ST[1, k]
            for i in range(first, last):
                V[u, i] -= s * V[k, i]
                V[w, i] -= t * V[k, i]
        found = sums[c]
        for i in range(first, last):
            v = V[u, i] * inverse
            z = (V[w, i] - gamma * v) * inverse
            V[u, i], V[w, i] = v, z
            found += z.real * z.real + z.imag * z.imag
        sums[c] = found
    return total(sums)


@inline
def gmres_residual(live, kept, linear, j, ST, uu, H, R, G, rot):
    nu, gamma = _scales(j, ST)
    if not (live[0] and nu > 0):
        return nu * np.nan
    if j == kept:
        for k in range(j):
            G[1, k] += ST[0, k]
        G[0, j] = nu
    else:
        for k in range(j):
            H[j - 1, k] += ST[0, k]
        H[j - 1, j] = nu
        _rotate(j - 1, H, R, G, rot)
    for k in range(j + 1):
        value = ST[1, k] if k < j else gamma
        for i in range(max(k - 1, kept), j if linear else 0):
            value -= ST[0, i] * H[i, k]
        H[j, k] = value / nu
    H[j, j + 1] = np.sqrt(uu)
    return _rotate(j, H, R, G, rot)


@inline
def _scales(j, ST):
    alpha = ST[0, j].real
    nu2, gamma = alpha, ST[1, j]
    for k in range(j):
        s = ST[0, k]
        nu2 -= s.real * s.real + s.imag * s.imag
        gamma -= np.conj(s) * ST[1, k]
    if not nu2 > alpha / 4:
        return alpha * np.nan, gamma * np.nan
    nu = np.sqrt(nu2)
    return nu, gamma / nu


@inline
def _rotate(j, H, R, G, rot):
    low = H[j, 0]
    for k in range(j):
        c, s = rot[0, k], rot[1, k]
        high = H[j, k + 1]
        R[j, k] = c * low + s * high
        low = c * high - np.conj(s) * low
    b = H[j, j + 1].real
    size = abs(low)
    rho = np.hypot(size, b)
    if not rho > 0:
        return rho * np.nan
    phase = low / size if size > 0 else low + 1
    c, s = size / rho, phase * (b / rho)
    rot[0, j], rot[1, j] = c, s
    R[j, j] = phase * rho
    G[1, j] = c * G[0, j]
    G[0, j + 1] = -np.conj(s) * G[0, j]
    return abs(G[0, j + 1]) ** 2
