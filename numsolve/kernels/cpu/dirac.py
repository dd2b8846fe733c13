"""Dirac's radial equation; see the reference for what each kernel means. Inner loops are over elements."""

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
    q = np.uint64(x.shape[1])
    B, G = first[0], first[1]
    for i in range(q):
        right[i, 0] = 0
        for j in range(i + np.uint64(1)):
            M[i, j, 0] = 0
    for k in range(q):
        potential, large, small = x.dtype.type(0), x.dtype.type(0), x.dtype.type(0)
        for i in range(q):
            potential += first[2, k, i] * V[i, 0]
            large += B[k, i] * x[0, i, 0]
            small += B[k, i] * x[1, i, 0]
        r, w = points[0, k], points[1, k]
        d = Z + (2 * c * c + shift - potential) * r
        here, slope = w * ((potential - shift) * r - Z), w * c * c / d
        large, small = w * r * large, w * r * c / d * small
        for i in range(q):
            ni = _node(i, q)
            right[ni, 0] += B[k, ni] * large + G[k, ni] * small
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
def _source(right, lift, slope, r, h, w, c, D, x):
    """Write the right-hand side, by quadrature at the nodes; `slope` is c**2 w / d times r'."""
    q, E = np.uint64(r.shape[0]), np.uint64(r.shape[1])
    for i in range(q):
        for e in range(E):
            pull = slope[i, e] * h[e] / (2 * c) * x[1, i, e]
            right[i, e] = w[i, e] * r[i, e] * x[0, i, e] + lift * pull
    for k in range(q):
        for i in range(q):
            for e in range(E):
                right[i, e] += D[k, i] * slope[k, e] * r[k, e] / c * x[1, k, e]


@inline
def _small(lift, Z, shift, c, V, r, h, D, f, before, g):
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
            value = c * (g[i, e] * 2 * r[i, e] / h[e] + lift * f[i, e]) - r[i, e] * before[i, e]
            g[i, e] = value / d if d != 0 else d


@inline
def _products(Z, shift, c, V, r, w, points, first, x, y):
    """Return the integrals of y y, y x, x x and y (H - shift) y, over both components."""
    q, E = np.uint64(r.shape[0]), np.uint64(r.shape[1])
    yy, yx, xx, yhy = x.dtype.type(0), x.dtype.type(0), x.dtype.type(0), x.dtype.type(0)
    for i in range(q):
        for e in range(np.uint64(1), E):
            f, g, level = y[0, i, e], y[1, i, e], (V[i, e] - shift) * r[i, e] - Z
            rest = 2 * c * c * r[i, e] * g + 2 * r[i, e] * x[1, i, e]
            yhy += w[i, e] * (level * (f * f - g * g) + rest * g)
    for part in range(2):
        for i in range(q):
            for e in range(np.uint64(1), E):
                weight = w[i, e] * r[i, e]
                yy += weight * y[part, i, e] * y[part, i, e]
                yx += weight * y[part, i, e] * x[part, i, e]
                xx += weight * x[part, i, e] * x[part, i, e]
    for k in range(q):
        potential, f, g = x.dtype.type(0), x.dtype.type(0), x.dtype.type(0)
        large, small = x.dtype.type(0), x.dtype.type(0)
        for i in range(q):
            potential += first[2, k, i] * V[i, 0]
            f += first[0, k, i] * y[0, i, 0]
            g += first[1, k, i] * y[0, i, 0]
            large += first[0, k, i] * x[0, i, 0]
            small += first[0, k, i] * x[1, i, 0]
        radius = points[0, k]
        level, rest = (potential - shift) * radius - Z, 2 * c * c * radius
        g = (c * g - radius * small) / (rest - level)
        weight = points[1, k] * radius
        yhy += points[1, k] * (level * (f * f - g * g) + (rest * g + 2 * radius * small) * g)
        yy += weight * (f * f + g * g)
        yx += weight * (f * large + g * small)
        xx += weight * (large * large + small * small)
    return yy, yx, xx, yhy


@inline
def _state(lift, Z, shift, c, V, r, h, w, D, points, first, x, y, found):
    """Solve for one state, see `dirac_solve`."""
    q, E = r.shape
    M, b, right = np.empty((q, q, E), y.dtype), np.empty((q, E), y.dtype), np.empty((q, E), y.dtype)
    slope, inverse, diagonal = np.empty((q, E), y.dtype), np.empty((q, E), y.dtype), np.empty((q, E), y.dtype)
    row = np.empty(E, y.dtype)
    _coefficients(Z, shift, c, V, r, h, w, slope, inverse, diagonal)
    _assemble(M, lift, slope, inverse, diagonal, r, h, D)
    _source(right, lift, slope, r, h, w, c, D, x)
    _assemble_first(M, right, Z, shift, c, V, points, first, x)
    for i in range(np.uint64(q)):
        n = _node(i, np.uint64(q))
        for e in range(np.uint64(E)):
            b[i, e] = right[n, e]
    tiny = np.finfo(y.dtype).eps * abs(M[0, 0, 0])
    negative = _eliminate(M, b, inverse, row, tiny)
    negative += _join(M, b, row, tiny)
    _substitute(M, b, inverse)
    for i in range(np.uint64(q)):
        n = _node(i, np.uint64(q))
        for e in range(np.uint64(E)):
            y[0, n, e] = b[i, e]
    _small(lift, Z, shift, c, V, r, h, D, y[0], x[1], y[1])
    yy, yx, xx, yhy = _products(Z, shift, c, V, r, w, points, first, x, y)
    scale = 1 / np.sqrt(yy)
    for part in range(2):
        for i in range(np.uint64(q)):
            for e in range(np.uint64(E)):
                y[part, i, e] *= scale
    found[0], found[1], found[2] = negative, yhy / yy, xx / yy - (yx / yy) * (yx / yy)


@kernel(items=lambda *args: args[14].size)
def dirac_solve(live, system, rule, lift, Z, shift, c, V, r, h, w, D, points, first, x, y, found):
    for s in prange(shift.size):
        t, k = system[s], rule[s]
        if live[t]:
            mesh = r[t], h[t], w[k], D, points[k], first[k]
            _state(lift[k], Z[k], shift[s], c, V[t], *mesh, x[s], y[s], found[s])


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
