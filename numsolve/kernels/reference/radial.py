"""Radial atoms: states, density and Hartree potential, exchange and correlation, mixing.

Functions on a mesh have shape (degree + 1, elements); a node that two elements share occurs twice. Axes of
systems or states come before. See `numsolve.radial` for the mathematics.
"""

import numpy as np

VWN = 0.0310907, -0.10498, 3.72744, 12.9352  # A, x0, b, c of Vosko, Wilk and Nusair, their fit 5


def radial_solve(live, system, l, shift, V, c, w, h, K, x, y, found):
    """Solve ``(H - shift) y = x`` for each state, and count the eigenvalues of H below the shift.

    H is that of its system's potential V and of ``l (l + 1) c / 2``, c the inverse square of the radius;
    K is the stiffness of the reference element, h the lengths of the elements, w the weights of quadrature.
    Functions vanish at both ends. Written are y, normalised, and for each state in `found`: the count, by how
    much the Rayleigh quotient of y exceeds the shift, and the square of its residual norm, if x is
    normalised. States of a system that is not `live` are not changed.
    """
    count, q, E = y.shape
    n = (q - 1) * E + 1
    places = np.arange(E) * (q - 1) + np.arange(q)[:, None]
    for s in range(count):
        b = system[s]
        if not live[b]:
            continue
        A, mass, right = np.zeros((n, n), V.dtype), np.zeros(n, V.dtype), np.zeros(n, V.dtype)
        for e in range(E):
            A[np.ix_(places[:, e], places[:, e])] += K / h[b, e]
        level = V[b] + l[s] * (l[s] + 1) / 2 * c[b] - shift[s]
        np.add.at(A, (places, places), w[b] * level)
        np.add.at(mass, places, w[b])
        np.add.at(right, places, w[b] * x[s])
        A, mass, right = A[1:-1, 1:-1], mass[1:-1], right[1:-1]
        z = np.linalg.solve(A, right)
        norm = np.sqrt(np.sum(mass * z * z))
        z /= norm
        gain = np.sum(right * z) / norm
        y[s] = np.concatenate(([0], z, [0]))[places]
        found[s] = (np.linalg.eigvalsh(A) < 0).sum(), gain, 1 / norm**2 - gain**2


def radial_density(live, starts, f, r, h, D, J, y, u, n, V):
    """Write the radial density ``u = sum of f y**2``, the density n and its Hartree potential V.

    The states of system b are ``starts[b]`` to ``starts[b + 1]``; f are occupations. D differentiates on the
    reference element, J integrates from its left end.
    """
    for b in np.flatnonzero(live):
        mine = slice(starts[b], starts[b + 1])
        u[b] = np.einsum("s,sqe->qe", f[mine], y[mine] ** 2)
        slopes = 2 / h[b, 0] * (y[mine, :, 0] @ D[0])
        safe = np.where(r[b] > 0, r[b], 1)
        n[b] = u[b] / (4 * np.pi * safe**2)
        n[b, 0, 0] = np.sum(f[mine] * slopes**2) / (4 * np.pi)
        inside, outside = (_cumulative(J, h[b], g) for g in (u[b], u[b] / safe))
        V[b] = inside / safe + (outside[-1, -1] - outside)
        V[b, 0, 0] = outside[-1, -1]


def _cumulative(J, h, g):
    parts = (J @ g) * (h / 2)
    return parts + (np.cumsum(parts[-1]) - parts[-1])


def lda_vwn(n, e, v):
    """Write exchange and correlation (VWN5) of densities n: energy per electron, potential; 0 if n <= 0."""
    A, x0, b, c = VWN
    there = n > 0
    rs = np.cbrt(3 / (4 * np.pi * np.where(there, n, 1)))
    x = np.sqrt(rs)
    X, X0, Q = x * x + b * x + c, x0 * x0 + b * x0 + c, np.sqrt(4 * c - b * b)
    angle = np.arctan(Q / (2 * x + b)) / Q
    exchange = -0.75 * np.cbrt(9 / (4 * np.pi**2)) / rs
    ec = np.log(x * x / X) + 2 * b * angle
    ec = A * (ec - b * x0 / X0 * (np.log((x - x0) ** 2 / X) + 2 * (b + 2 * x0) * angle))
    vc = ec - A / 3 * (c * (x - x0) - b * x0 * x) / ((x - x0) * X)
    e[...] = np.where(there, exchange + ec, 0)
    v[...] = np.where(there, 4 / 3 * exchange + vc, 0)


def anderson(live, step, beta, w, u, f, V, dF, dV, new, norms):
    """Write the next potentials `new` by Anderson mixing of the residuals f at V, and the norms of f.

    The norm of f is the root of the integral of ``u f**2`` over that of u. dF and dV, of shape
    (systems, depth, ...), hold the last differences. The row ``step % depth`` receives f and V, from which
    the next call forms a difference.
    """
    depth = dF.shape[1]
    for b in range(len(live)):
        weight = w[b] * u[b]
        if not live[b]:
            new[b] = V[b]
            continue
        norms[b] = np.sqrt(np.sum(weight * f[b] ** 2) / np.sum(weight))
        if step > 0:
            last = (step - 1) % depth
            dF[b, last] = f[b] - dF[b, last]
            dV[b, last] = V[b] - dV[b, last]
        rows = [(step - 1 - i) % depth for i in range(min(step, depth))]  # the latest first
        F = dF[b, rows].reshape(len(rows), V[b].size)
        gamma = _least_squares((F * weight.ravel()) @ F.T, (F * weight.ravel()) @ f[b].ravel())
        new[b] = V[b] + beta * f[b]
        for row, g in zip(rows, gamma, strict=True):
            new[b] -= g * (dV[b, row] + beta * dF[b, row])
        dF[b, step % depth], dV[b, step % depth] = f[b], V[b]


def _least_squares(G, right):
    """Solve with the Gram matrix G; a direction that depends on earlier ones gets a zero."""
    m = len(right)
    L, z = np.zeros_like(G), right.copy()
    used = np.zeros(m, bool)
    limit = 1e3 * np.finfo(G.dtype).eps
    for i in range(m):
        for j in np.flatnonzero(used[:i]):
            L[i, j] = (G[i, j] - L[i, :j] @ L[j, :j]) / L[j, j]
        rest = G[i, i] - L[i, :i] @ L[i, :i]
        used[i] = rest > limit * G[i, i]
        L[i, i] = np.sqrt(rest) if used[i] else 1
        z[i] = (z[i] - L[i, :i] @ z[:i]) / L[i, i] if used[i] else 0
    for i in reversed(range(m)):
        z[i] = (z[i] - L[i + 1 :, i] @ z[i + 1 :]) / L[i, i] if used[i] else 0
    return z
