"""Dirac's radial equation; see the reference for what each kernel means. Elements are the lanes of loops."""

import numpy as np
from numba import prange

from ._jit import inline, kernel
from .radial import _eliminate, _node, _substitute


@inline
def _coefficients(Z, shift, c, V, r, h, w, slope, square, diagonal):
    """Write the coefficients at the nodes: of G f G f, times r' and r'**2 (r' = 2 r / h), and of f f."""
    for i in range(np.uint64(r.shape[0])):
        for e in range(np.uint64(r.shape[1])):
            rate = 2 * r[i, e] / h[e]
            diagonal[i, e] = w[i, e] * ((V[i, e] - shift) * r[i, e] - Z)
            slope[i, e] = w[i, e] * c * c / (Z + (2 * c * c + shift - V[i, e]) * r[i, e]) * rate
            square[i, e] = slope[i, e] * rate


@inline
def _assemble(M, lift, slope, square, diagonal, r, h, D):
    """Write the lower triangles of the elements, by quadrature at the nodes."""
    q, E = np.uint64(r.shape[0]), np.uint64(r.shape[1])
    for i in range(q):
        ni = _node(i, q)
        for j in range(i + np.uint64(1)):
            nj = _node(j, q)
            ij, ji = lift * D[ni, nj], lift * D[nj, ni]
            for e in range(E):
                M[i, j, e] = ij * slope[ni, e] + ji * slope[nj, e]
            for k in range(q):
                both = D[k, ni] * D[k, nj]
                for e in range(E):
                    M[i, j, e] += both * square[k, e]
        for e in range(np.uint64(1), E):
            M[i, i, e] += diagonal[ni, e] + lift * lift * slope[ni, e] * h[e] / (2 * r[ni, e])


@inline
def _assemble_first(M, right, Z, shift, c, V, points, first, x):
    """Write the lower triangle and the right-hand side of the first element, by its own quadrature."""
    q = np.uint64(x.shape[0])
    B, G = first[0], first[1]
    for i in range(q):
        right[i, 0] = 0
        for j in range(i + np.uint64(1)):
            M[i, j, 0] = 0
    for k in range(q):
        potential, value = x.dtype.type(0), x.dtype.type(0)
        for i in range(q):
            potential += first[2, k, i] * V[i, 0]
            value += B[k, i] * x[i, 0]
        r, w = points[0, k], points[1, k]
        here = w * ((potential - shift) * r - Z)
        slope = w * c * c / (Z + (2 * c * c + shift - potential) * r)
        value *= w * r
        for i in range(q):
            ni = _node(i, q)
            right[ni, 0] += B[k, ni] * value
            g, b = slope * G[k, ni], here * B[k, ni]
            for j in range(i + np.uint64(1)):
                nj = _node(j, q)
                M[i, j, 0] += g * G[k, nj] + b * B[k, nj]


@inline
def _join(M, b, inverse, tiny):
    """Solve for the values where elements begin; return the number of negative pivots."""
    q, E = b.shape
    left, right, negative = q - 2, q - 1, 0
    for g in range(E):
        pivot, value = M[left, left, g], b[left, g]
        if g > 0:
            factor = M[right, left, g - 1] * inverse[g - 1]
            pivot += M[right, right, g - 1] - factor * M[right, left, g - 1]
            value += b[right, g - 1] - factor * b[left, g - 1]
        pivot = pivot if pivot != 0 else tiny
        negative += pivot < 0
        inverse[g] = 1 / pivot
        b[left, g] = value
    b[right, E - 1] = 0
    for g in range(E - 1, -1, -1):
        b[left, g] = inverse[g] * (b[left, g] - M[right, left, g] * b[right, g])
        if g > 0:
            b[right, g - 1] = b[left, g]
    return negative


@inline
def _small(lift, Z, shift, c, V, r, h, D, f, g):
    """Write the second component."""
    q, E = np.uint64(f.shape[0]), np.uint64(f.shape[1])
    for i in range(q):
        for e in range(E):
            g[i, e] = 0
        for j in range(q):
            for e in range(E):
                g[i, e] += D[i, j] * f[j, e]
        for e in range(E):
            d = Z + (2 * c * c + shift - V[i, e]) * r[i, e]
            value = c * (g[i, e] * 2 * r[i, e] / h[e] + lift * f[i, e])
            g[i, e] = value / d if d != 0 else d


@inline
def _square(Z, shift, c, V, r, w, points, first, f, g):
    """Return the integral of P**2 + Q**2."""
    q, E = np.uint64(f.shape[0]), np.uint64(f.shape[1])
    total = f.dtype.type(0)
    for i in range(q):
        for e in range(np.uint64(1), E):
            total += w[i, e] * r[i, e] * (f[i, e] * f[i, e] + g[i, e] * g[i, e])
    for k in range(q):
        potential, p, s = f.dtype.type(0), f.dtype.type(0), f.dtype.type(0)
        for i in range(q):
            potential += first[2, k, i] * V[i, 0]
            p += first[0, k, i] * f[i, 0]
            s += first[1, k, i] * f[i, 0]
        s *= c / (Z + (2 * c * c + shift - potential) * points[0, k])
        total += points[1, k] * points[0, k] * (p * p + s * s)
    return total


@inline
def _state(lift, Z, shift, c, V, r, h, w, D, points, first, x, y, found):
    """Do what `dirac_solve` does for one state."""
    q, E = r.shape
    M, b, right = np.empty((q, q, E), y.dtype), np.empty((q, E), y.dtype), np.empty((q, E), y.dtype)
    slope, inverse, diagonal = np.empty((q, E), y.dtype), np.empty((q, E), y.dtype), np.empty((q, E), y.dtype)
    row = np.empty(E, y.dtype)
    _coefficients(Z, shift, c, V, r, h, w, slope, inverse, diagonal)
    _assemble(M, lift, slope, inverse, diagonal, r, h, D)
    for i in range(np.uint64(q)):
        for e in range(np.uint64(E)):
            right[i, e] = w[i, e] * r[i, e] * x[0, i, e]
    _assemble_first(M, right, Z, shift, c, V, points, first, x[0])
    for i in range(np.uint64(q)):
        n = _node(i, np.uint64(q))
        for e in range(np.uint64(E)):
            b[i, e] = right[n, e]
    tiny = np.finfo(y.dtype).eps * abs(M[0, 0, 0])
    negative = _eliminate(M, b, inverse, row, tiny)
    negative += _join(M, b, row, tiny)
    _substitute(M, b, inverse)
    xx, yx = y.dtype.type(0), y.dtype.type(0)
    for i in range(np.uint64(q)):
        n = _node(i, np.uint64(q))
        for e in range(np.uint64(E)):
            y[0, n, e] = b[i, e]
            yx += right[n, e] * b[i, e]
            xx += right[n, e] * x[0, n, e]
    _small(lift, Z, shift, c, V, r, h, D, y[0], y[1])
    yy = _square(Z, shift, c, V, r, w, points, first, y[0], y[1])
    scale = 1 / np.sqrt(yy)
    for i in range(np.uint64(q)):
        for e in range(np.uint64(E)):
            y[0, i, e] *= scale
            y[1, i, e] *= scale
    gain = yx / yy
    found[0], found[1], found[2] = negative, gain, xx / yy - gain * gain


@kernel(items=lambda *args: args[14].size)
def dirac_solve(live, system, rule, lift, Z, shift, c, V, r, h, w, D, points, first, x, y, found):
    for s in prange(shift.size):
        t, k = system[s], rule[s]
        if live[t]:
            _state(
                lift[k], Z[k], shift[s], c, V[t], r[t], h[t], w[k], D, points[k], first[k], x[s], y[s], found[s]
            )  # fmt: skip


@kernel(items=lambda *args: 8 * args[0].size)
def relativistic_exchange(n, c, e, v):
    flat, energy, potential = n.reshape(-1), e.reshape(-1), v.reshape(-1)
    for i in prange(flat.size):
        if flat[i] > 0:
            k = np.cbrt(3 * np.pi * np.pi * flat[i])
            beta = k / c
            mu, area = np.sqrt(1 + beta * beta), np.arcsinh(beta)
            ratio = (beta * mu - area) / (beta * beta)
            energy[i] += 1.125 / np.pi * k * ratio * ratio
            potential[i] -= 1.5 / np.pi * k * (area / (beta * mu) - 1)
