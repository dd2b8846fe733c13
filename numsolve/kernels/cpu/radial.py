"""Radial atoms; see the reference for what each kernel means. Inner loops are over elements."""

import numpy as np
from numba import prange

from ..reference.radial import VWN
from ._jit import inline, kernel

A, X0, B, C = VWN
Q = (4 * C - B * B) ** 0.5
FAR = X0 * X0 + B * X0 + C
EXCHANGE = -0.75 * (9 / (4 * np.pi**2)) ** (1 / 3)


@inline
def _node(a, q):
    """Return the a-th node in the order of elimination: the inner ones, the left, the right end."""
    return a + np.uint64(1) if a < q - np.uint64(2) else np.uint64(0) if a == q - np.uint64(2) else a


@inline
def _assemble(M, b, level, shift, V, c, w, h, K, x):
    """Write the lower triangle of H - shift and the right-hand side of each element."""
    q, E = np.uint64(x.shape[0]), np.uint64(x.shape[1])
    for i in range(q):
        ni = _node(i, q)
        for j in range(i):
            stiff = K[ni, _node(j, q)]
            for e in range(E):
                M[i, j, e] = stiff / h[e]
        stiff = K[ni, ni]
        for e in range(E):
            M[i, i, e] = stiff / h[e] + (V[ni, e] + level * c[ni, e] - shift) * w[ni, e]
            b[i, e] = w[ni, e] * x[ni, e]


@inline
def _eliminate(M, b, inverse, row, tiny):
    """Replace M by its factor, up to the ends of the elements; return the number of negative pivots."""
    q, E = np.uint64(b.shape[0]), np.uint64(b.shape[1])
    negative = 0
    for k in range(q - np.uint64(2)):
        for e in range(E):
            pivot = M[k, k, e] if M[k, k, e] != 0 else tiny
            negative += pivot < 0
            inverse[k, e] = 1 / pivot
        for back in range(q - np.uint64(1) - k):
            i = q - np.uint64(1) - back
            for e in range(E):
                row[e] = M[i, k, e] * inverse[k, e]
            for j in range(k + np.uint64(1), i + np.uint64(1)):
                for e in range(E):
                    M[i, j, e] -= row[e] * M[j, k, e]
            for e in range(E):
                M[i, k, e] = row[e]
                b[i, e] -= row[e] * b[k, e]
    return negative


@inline
def _join(M, b, inverse, tiny):
    """Solve for the values where elements meet; return the number of negative pivots."""
    q, E = b.shape
    left, right, negative = q - 2, q - 1, 0
    for g in range(E - 1):
        pivot = M[right, right, g] + M[left, left, g + 1]
        value = b[right, g] + b[left, g + 1]
        if g > 0:
            factor = M[right, left, g] * inverse[g - 1]
            pivot -= factor * M[right, left, g]
            value -= factor * b[right, g - 1]
        pivot = pivot if pivot != 0 else tiny
        negative += pivot < 0
        inverse[g] = 1 / pivot
        b[right, g] = value
    b[right, E - 1] = 0
    for g in range(E - 2, -1, -1):
        b[right, g] = inverse[g] * (b[right, g] - M[right, left, g + 1] * b[right, g + 1])
        b[left, g + 1] = b[right, g]
    b[left, 0] = 0
    return negative


@inline
def _substitute(M, b, inverse):
    """Solve for the inner nodes."""
    q, E = np.uint64(b.shape[0]), np.uint64(b.shape[1])
    for back in range(q - np.uint64(2)):
        k = q - np.uint64(3) - back
        for e in range(E):
            b[k, e] *= inverse[k, e]
        for i in range(k + np.uint64(1), q):
            for e in range(E):
                b[k, e] -= M[i, k, e] * b[i, e]


@inline
def _state(l, shift, V, c, w, h, K, x, y, found):
    """Solve for one state, see `radial_solve`."""
    q, E = y.shape
    M, b = np.empty((q, q, E), y.dtype), np.empty((q, E), y.dtype)
    inverse, row = np.empty((q, E), y.dtype), np.empty(E, y.dtype)
    tiny = K[1, 1] / h[0] * np.finfo(y.dtype).eps
    _assemble(M, b, l * (l + 1) / 2, shift, V, c, w, h, K, x)
    negative = _eliminate(M, b, inverse, row, tiny)
    negative += _join(M, b, row, tiny)
    _substitute(M, b, inverse)
    yy, yx = y.dtype.type(0), y.dtype.type(0)
    for i in range(np.uint64(q)):
        n = _node(i, np.uint64(q))
        for e in range(np.uint64(E)):
            yy += w[n, e] * b[i, e] * b[i, e]
            yx += w[n, e] * b[i, e] * x[n, e]
    scale = 1 / np.sqrt(yy)
    for i in range(np.uint64(q)):
        n = _node(i, np.uint64(q))
        for e in range(np.uint64(E)):
            y[n, e] = b[i, e] * scale
    gain = yx * scale * scale
    found[0], found[1], found[2] = negative, gain, scale * scale - gain * gain


def _unknowns(*args):
    """Return the number of values of all states."""
    return args[9].size


@kernel(items=_unknowns)
def radial_solve(live, system, l, shift, V, c, w, h, K, x, y, found):
    for s in prange(shift.size):
        t = system[s]
        if live[t]:
            _state(l[s], shift[s], V[t], c[t], w[t], h[t], K, x[s], y[s], found[s])


@inline
def _density(f, r, h, D, J, y, u, n, V):
    """Write the density of one system with the states y, see `radial_density`."""
    q, E = np.uint64(u.shape[0]), np.uint64(u.shape[1])
    center = u.dtype.type(0)
    u[...] = 0
    for s in range(np.uint64(f.size)):
        slope = u.dtype.type(0)
        for i in range(q):
            slope += D[0, i] * y[s, i, 0]
            for e in range(E):
                u[i, e] += f[s] * y[s, i, e] * y[s, i, e]
        slope *= 2 / h[0]
        center += f[s] * slope * slope
    over = np.empty((q, E), u.dtype)
    for i in range(q):
        for e in range(E):
            inverse = 1 / r[i, e] if r[i, e] > 0 else u.dtype.type(0)
            over[i, e] = u[i, e] * inverse
            n[i, e] = over[i, e] * inverse / (4 * np.pi)
    n[0, 0] = center / (4 * np.pi)
    near, far = _antiderivative(h, J, u), _antiderivative(h, J, over)
    for i in range(q):
        for e in range(E):
            inverse = 1 / r[i, e] if r[i, e] > 0 else u.dtype.type(0)
            V[i, e] = near[i, e] * inverse + (far[-1, -1] - far[i, e])


@inline
def _antiderivative(h, J, u):
    """Return the integral of `u` from the first node to each node."""
    q, E = np.uint64(u.shape[0]), np.uint64(u.shape[1])
    total, before = np.zeros((q, E), u.dtype), u.dtype.type(0)
    for i in range(q):
        for j in range(q):
            for e in range(E):
                total[i, e] += J[i, j] * u[j, e]
    for e in range(E):
        for i in range(q):
            total[i, e] = total[i, e] * h[e] / 2 + before
        before = total[-1, e]
    return total


@kernel(items=lambda *args: args[7].size)
def radial_density(live, starts, f, r, h, D, J, y, u, n, V):
    for b in prange(live.size):
        if live[b]:
            first, last = starts[b], starts[b + 1]
            _density(f[first:last], r[b], h[b], D, J, y[first:last], u[b], n[b], V[b])


@inline
def _vwn(n):
    """Return energy per electron and potential at one density."""
    if not n > 0:
        return n * 0, n * 0
    x2 = np.cbrt(3 / (4 * np.pi * n))
    x = np.sqrt(x2)
    X = x2 + B * x + C
    angle = np.arctan(Q / (2 * x + B)) / Q
    ec = np.log(x2 / X) + 2 * B * angle
    ec = A * (ec - B * X0 / FAR * (np.log((x - X0) * (x - X0) / X) + 2 * (B + 2 * X0) * angle))
    return EXCHANGE / x2 + ec, 4 / 3 * EXCHANGE / x2 + ec - A / 3 * (C * (x - X0) - B * X0 * x) / (
        (x - X0) * X
    )


@kernel(items=lambda *args: 8 * args[0].size)
def lda_vwn(n, e, v):
    flat, energy, potential = n.reshape(-1), e.reshape(-1), v.reshape(-1)
    for i in prange(flat.size):
        energy[i], potential[i] = _vwn(flat[i])


@inline
def _least_squares(G, z):
    """Solve with the Gram matrix G, whose lower triangle is overwritten; dependent directions get a zero."""
    limit = 1e3 * np.finfo(G.dtype).eps
    m = z.size
    for i in range(m):
        whole = G[i, i]
        for j in range(i):
            rest = G[i, j]
            for k in range(j):
                rest -= G[i, k] * G[j, k]
            G[i, j] = rest / G[j, j] if G[j, j] > 0 else G.dtype.type(0)
        rest = whole
        for k in range(i):
            rest -= G[i, k] * G[i, k]
            z[i] -= G[i, k] * z[k]
        G[i, i] = np.sqrt(rest) if rest > limit * whole else G.dtype.type(0)
        z[i] = z[i] / G[i, i] if G[i, i] > 0 else G.dtype.type(0)
    for i in range(m - 1, -1, -1):
        for k in range(i + 1, m):
            z[i] -= G[k, i] * z[k]
        z[i] = z[i] / G[i, i] if G[i, i] > 0 else G.dtype.type(0)


@inline
def _product(weight, f, g):
    """Return the sum of ``weight f g``."""
    found = f.dtype.type(0)
    for i in range(np.uint64(f.size)):
        found += weight[i] * f[i] * g[i]
    return found


@inline
def _mix(step, beta, w, u, f, V, dF, dV, new):
    """Mix the potential of one system, given as flat arrays, see `anderson`; return the norm of f."""
    n, depth = np.uint64(f.size), dF.shape[0]
    weight, charge = np.empty_like(u), f.dtype.type(0)
    for i in range(n):
        weight[i] = w[i] * u[i]
        charge += weight[i]
        new[i] = V[i] + beta * f[i]
    m, last, slot = min(step, depth), (step - 1) % depth, step % depth
    G, gamma = np.zeros((m, m), f.dtype), np.zeros(m, f.dtype)
    if step > 0:
        for i in range(n):
            dF[last, i] = f[i] - dF[last, i]
            dV[last, i] = V[i] - dV[last, i]
    for k in range(m):
        row = dF[(step - 1 - k) % depth]
        gamma[k] = _product(weight, row, f)
        for j in range(k + 1):
            G[k, j] = _product(weight, row, dF[(step - 1 - j) % depth])
    _least_squares(G, gamma)
    for k in range(m):
        row = (step - 1 - k) % depth
        for i in range(n):
            new[i] -= gamma[k] * (dV[row, i] + beta * dF[row, i])
    for i in range(n):
        dF[slot, i], dV[slot, i] = f[i], V[i]
    return np.sqrt(_product(weight, f, f) / charge)


@kernel(items=lambda *args: args[7].size)
def anderson(live, step, beta, w, u, f, V, dF, dV, new, norms):
    rows = live.size, V.shape[1] * V.shape[2]
    w, u, f, V, new = w.reshape(rows), u.reshape(rows), f.reshape(rows), V.reshape(rows), new.reshape(rows)
    deep = live.size, dF.shape[1], rows[1]
    dF, dV = dF.reshape(deep), dV.reshape(deep)
    for b in prange(live.size):
        if live[b]:
            norms[b] = _mix(step, beta, w[b], u[b], f[b], V[b], dF[b], dV[b], new[b])
        else:
            for i in range(np.uint64(rows[1])):
                new[b, i] = V[b, i]
