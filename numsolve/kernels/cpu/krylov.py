"""The vector work of conjugate gradients and of GMRES; see the reference for what each one means."""

import numpy as np
from numba import prange

from ._jit import inline, kernel
from .vector import chunks_of, fold, span


@kernel
def cg_update(live, rz, pq, p, q, x, r):
    chunks = chunks_of(r.size)
    sums = np.zeros(chunks, r.real.dtype)
    if not (live[0] and rz > 0 and pq > 0):
        return pq * np.nan
    alpha = sums.dtype.type(rz / pq)
    for c in prange(chunks):
        first, last = span(c, r.size)
        total = sums[c]
        for i in range(first, last):
            x[i] += alpha * p[i]
            r[i] -= alpha * q[i]
            total += r[i].real * r[i].real + r[i].imag * r[i].imag
        sums[c] = total
    return sums.sum()


@kernel
def cg_direction(live, rz, rz_old, z, p):
    if live[0]:
        beta = p.real.dtype.type(rz / rz_old)
        for c in prange(chunks_of(p.size)):
            first, last = span(c, p.size)
            for i in range(first, last):
                p[i] = z[i] + beta * p[i]


@kernel
def gmres_project(j, V):
    n = V.shape[1]
    chunks = chunks_of(n)
    pieces = np.zeros((2 * (j + 1), chunks), V.dtype)
    zero = V.dtype.type(0)
    for c in prange(chunks):
        first, last = span(c, n)
        u, w = V[j, first:last], V[j + 1, first:last]
        for k in range(j + 1):
            v = V[k, first:last]
            s, t = zero, zero
            for i in range(np.uint64(v.size)):
                conjugate = np.conj(v[i])
                s += conjugate * u[i]
                t += conjugate * w[i]
            pieces[k, c] = s
            pieces[j + 1 + k, c] = t
    return fold(pieces).reshape(2, j + 1)


@kernel
def gmres_advance(j, ST, V):
    n = V.shape[1]
    chunks = chunks_of(n)
    sums = np.zeros(chunks, V.real.dtype)
    nu, gamma = _scales(j, ST)
    if not nu > 0:
        return nu
    inverse = sums.dtype.type(1 / nu)
    for c in prange(chunks):
        first, last = span(c, n)
        u, w = V[j, first:last], V[j + 1, first:last]
        for k in range(j):
            v, s, t = V[k, first:last], ST[0, k], ST[1, k]
            for i in range(np.uint64(v.size)):
                u[i] -= s * v[i]
                w[i] -= t * v[i]
        total = sums[c]
        for i in range(np.uint64(u.size)):
            u[i] *= inverse
            w[i] = (w[i] - gamma * u[i]) * inverse
            total += w[i].real * w[i].real + w[i].imag * w[i].imag
        sums[c] = total
    return sums.sum()


@inline
def gmres_residual(live, j, ST, uu, H, R, G, rot):
    nu, gamma = _scales(j, ST)
    if not (live[0] and nu > 0):
        return nu * np.nan
    if j == 0:
        G[0, 0] = nu
    else:
        for k in range(j):
            H[j - 1, k] += ST[0, k]
        H[j - 1, j] = nu
        _rotate(j - 1, H, R, G, rot)
    for k in range(j + 1):
        value = ST[1, k] if k < j else gamma
        for i in range(max(k - 1, 0), j):
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
