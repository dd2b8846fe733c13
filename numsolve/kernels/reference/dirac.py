"""Dirac's radial equation, and relativistic exchange.

Functions on a mesh are as in `radial`. See `numsolve.radial` for the mathematics.
"""

import numpy as np


def dirac_solve(live, system, rule, lift, Z, shift, c, V, r, h, w, D, points, first, x, y, found):
    r"""Solve ``(H - shift) y = x`` for Dirac's H and each state, and count the states below the shift.

    States are ``P = r**s f`` and ``Q = r**s g``; x and y hold f and g of each state, shape (states, 2,
    degree + 1, elements). The second component is eliminated: ``g = (c G f - r x_g) / d`` with ``G f = r f'
    + lift f``, ``lift = s + kappa`` and ``d = Z + (2 c**2 + shift - V) r``, where the potential is ``V - Z /
    r``. What remains is the form

    .. math:: a(f) = \int r^{2s-1} \big(c^2 (G f)^2 / d + ((V - shift) r - Z) f^2\big) dr,

    which falls with the shift and has as many negative eigenvalues as there are states in the gap below it.
    Written are y, normalised, and for each state in `found`: the count, by how much the Rayleigh quotient of
    y exceeds the shift, and the square of its residual norm, if x is normalised. States of a system that is
    not `live` are not changed.

    ``rule[s]`` is the index of what states of one system and kappa share: lift, Z, w (quadrature with weight
    ``r**(2 s - 1)`` at the nodes) and, for the first element, radii and weights of Gauss and Jacobi
    (`points`) and the matrices that take values at nodes to f, to G f and to V there (`first`). P vanishes
    at the end of the mesh. V at r = 0 is not used.
    """
    count, _, q, E = y.shape
    n = (q - 1) * E + 1
    places = np.arange(E) * (q - 1) + np.arange(q)[:, None]
    for s in range(count):
        b, k = system[s], rule[s]
        if not live[b]:
            continue
        A, right, parts = np.zeros((n, n), y.dtype), np.zeros(n, y.dtype), []
        for e in range(E):
            radii, weights, B = r[b, :, e], w[k, :, e], np.eye(q, dtype=y.dtype)
            G, potential = (radii * 2 / h[b, e])[:, None] * D + lift[k] * B, V[b, :, e]
            if e == 0:
                radii, weights, (B, G), potential = (*points[k], first[k, :2], first[k, 2] @ potential)
            level, (large, small) = (potential - shift[s]) * radii - Z[k], x[s, :, :, e] @ B.T
            d, here = 2 * c * c * radii - level, places[:, e]
            A[np.ix_(here, here)] += G.T @ ((weights * c * c / d)[:, None] * G)
            A[np.ix_(here, here)] += B.T @ ((weights * level)[:, None] * B)
            right[here] += B.T @ (weights * radii * large) + G.T @ (weights * radii * c / d * small)
            parts.append((weights, B, G, radii, level, large, small))
        f = np.append(np.linalg.solve(A[:-1, :-1], right[:-1]), 0)[places]
        yy = yx = xx = yhy = y.dtype.type(0)
        for e, (weights, B, G, radii, level, large, small) in enumerate(parts):
            rest = 2 * c * c * radii
            P, Q = B @ f[:, e], (c * (G @ f[:, e]) - radii * small) / (rest - level)
            yhy += np.sum(weights * (level * (P * P - Q * Q) + (rest * Q + 2 * radii * small) * Q))
            yy += np.sum(weights * radii * (P * P + Q * Q))
            yx += np.sum(weights * radii * (P * large + Q * small))
            xx += np.sum(weights * radii * (large * large + small * small))
        d = Z[k] + (2 * c * c + shift[s] - V[b]) * r[b]
        g = c * ((D @ f) * (2 * r[b] / h[b]) + lift[k] * f) - r[b] * x[s, 1]
        y[s] = np.array([f, np.divide(g, d, where=d != 0, out=np.zeros_like(g))]) / np.sqrt(yy)
        found[s] = (_signs(A[:-1, :-1]) < 0).sum(), yhy / yy, xx / yy - (yx / yy) ** 2


def _signs(A):
    """Return numbers with the signs of the eigenvalues of A, whose rows differ by orders of magnitude."""
    scale = abs(A.diagonal()) ** -0.5
    return np.linalg.eigvalsh(scale[:, None] * A * scale)


def relativistic_exchange(n, c, e, v):
    """Add the relativistic correction of Slater's exchange to e, energy per electron, and to the potential v.

    With ``beta = (3 pi**2 n)**(1/3) / c``, the velocity at the Fermi level, and mu = sqrt(1 + beta**2).
    """
    there = n > 0
    k = np.cbrt(3 * np.pi**2 * np.where(there, n, 1))
    beta = k / c
    mu, area = np.sqrt(1 + beta**2), np.arcsinh(beta)
    slater = -0.75 / np.pi * k
    e += np.where(there, -1.5 * slater * ((beta * mu - area) / beta**2) ** 2, 0)
    v += np.where(there, 4 / 3 * slater * 1.5 * (area / (beta * mu) - 1), 0)
