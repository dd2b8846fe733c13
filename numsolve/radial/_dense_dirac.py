"""The dense method for Dirac's equation: the squared operator as matrices, solved by SciPy.

Dirac's operator H is not bounded below, but its square is. The matrix of ``(H - t)**2`` has the inner
products of ``H - t`` applied to both functions, which needs first derivatives only. The square has no
spurious states. With t inside the gap, and nearer to the wanted states than to the continuum of negative
energy, these are its lowest states. Their energies are Rayleigh quotients of H itself, without the rest
energy, so that the rounding errors of the squares, which are large numbers, do not reach them.
"""

import numpy as np
import scipy.linalg

from ._elements import element, gauss_jacobi, gauss_legendre, interpolation

EXTRA_POINTS = 4  # quadrature points beyond the number of nodes, since V is not a polynomial


def solve(states, V, extra=EXTRA_POINTS):
    """Find all states of potentials V - Z / r, and set their energies and functions."""
    guess = states.bounds(V, np.arange(len(states.index)))[1]
    states.P = np.zeros((len(states.index), *states.shape))
    for group in np.unique(states.group):
        mine = np.flatnonzero(states.group == group)
        system, kappa = states.system_on_host[mine[0]], states.momentum_on_host[mine[0]]
        mesh, power = states.grid.meshes[system], states.rules.power[group]
        if power <= 0.5:
            raise ValueError(
                f"Z is {states.rules.Z[group]:g}, and the square of the operator is not integrable near so "
                "heavy a nucleus: use method='fast'"
            )
        pieces = list(_pieces(mesh, V[system], states.rules.Z[group], kappa, power, extra))
        count = states.index[mine].max() + 1
        energies, functions = _lowest(mesh, pieces, states.c, guess[mine].max(), count)
        states.energies[mine] = energies[states.index[mine]]
        states.P[mine] = functions[states.index[mine]]


def _pieces(mesh, V, Z, kappa, power, extra):
    """Yield for each element weights, B, (d/dr + kappa/r) B, (-d/dr + kappa/r) B, and potentials.

    B are r**power times Lagrange polynomials, divided by r**(power - 1), a factor that the weights contain.
    """
    nodes, _, D, *_ = element(mesh.degree)
    for e, length in enumerate(mesh.lengths):
        singular = (2 * power - 2 if Z > 0 else 0.0) if e == 0 else 0.0
        count = len(nodes) + extra
        x, w = gauss_jacobi(count, singular) if e == 0 else gauss_legendre(count)
        r = mesh.edges[e] + 0.5 * length * (1 + x)
        w = w * (0.5 * length) ** (singular + 1) * r ** (2 * power - 2 - singular)
        B, first = interpolation(nodes, x), int(e == 0)
        slope = (2 / length) * r[:, None] * (B @ D) + power * B
        level = interpolation(nodes[first:], x) @ V[first:, e] - Z / r
        yield w, r[:, None] * B, slope + kappa * B, kappa * B - slope, level


def _lowest(mesh, pieces, c, guess, count):
    """Return energies (count,) and functions (count, 2, degree + 1, elements) of the lowest states."""
    top = max(level.max() for *_, level in pieces)
    center = 0.5 * (max(guess, 0) + top - 2 * c * c)
    n, p = mesh.size, mesh.degree
    A, S = np.zeros((2 * n, 2 * n)), np.zeros((2 * n, 2 * n))
    for e, (w, B, up, down, level) in enumerate(pieces):
        here = np.arange(e * p, e * p + p + 1)
        here = np.ix_(*2 * [np.concatenate([here, n + here])])
        large, small = (level - center)[:, None] * B, (level - 2 * c * c - center)[:, None] * B
        applied = np.vstack([np.hstack([large, c * down]), np.hstack([c * up, small])])
        weights = np.concatenate([w, w])[:, None]
        A[here] += applied.T @ (weights * applied)
        S[here] += np.kron(np.eye(2), B.T @ (w[:, None] * B))
    free = np.delete(np.arange(2 * n), n - 1)  # P vanishes at the end
    scale = S[free, free] ** -0.5
    A, S = (scale[:, None] * M[np.ix_(free, free)] * scale for M in (A, S))
    vectors = np.zeros((count, 2 * n))
    vectors[:, free] = scipy.linalg.eigh(A, S, subset_by_index=(0, count - 1))[1].T * scale
    functions = np.stack([mesh.local(vectors[:, :n]), mesh.local(vectors[:, n:])], axis=1)
    energies = np.array([_quotient(pieces, f, c) for f in functions])
    order = np.argsort(energies)
    signs = np.sign(functions[order, 0, 1, 0])  # positive near r = 0
    return energies[order], functions[order] * signs[:, None, None, None]


def _quotient(pieces, f, c):
    """Return the Rayleigh quotient of Dirac's operator, and normalise `f` in place."""
    energy = square = 0.0
    for e, (w, B, up, _, level) in enumerate(pieces):
        P, Q, rise = B @ f[0, :, e], B @ f[1, :, e], up @ f[0, :, e]
        energy += np.sum(w * (level * P * P + (level - 2 * c * c) * Q * Q + 2 * c * Q * rise))
        square += np.sum(w * (P * P + Q * Q))
    f /= np.sqrt(square)
    return energy / square
