"""Cases of ``gmres``."""

import numpy as np

from numsolve.kernels import home

from .vector import real, vectors

reference = home("reference")


def basis(rng, n, dtype):
    """Return how many rows are final and pending, and a basis: rows orthonormal, almost orthogonal, and new.

    Together they are no more than there is room for, but for what is new.
    """
    j, p, count = [(0, 1, 3), (0, 1, 2), (1, 1, 2), (6, 2, 4), (5, 1, 3), (7, 2, 4), (4, 2, 3)][n % 7]
    j = min(j, max(n - count, 0))
    V = vectors(rng, j + count, n, dtype)
    V[:j] = np.linalg.qr(V[:j].T)[0].T
    V[j:] -= 0.9 * (V[j:] @ V[:j].conj().T) @ V[:j]
    return p, j, V / max(n, 1) ** 0.5 if n > j + count else V


def products(rng, n, dtype):
    """Return the arguments of gmres_factor."""
    p, j, V = basis(rng, n, dtype)
    count = len(V) - j
    X = vectors(rng, j + count, 20, dtype)
    X[:j] = np.linalg.qr(X[:j].T)[0].T
    X[j:] -= 0.9 * (X[j:] @ X[:j].conj().T) @ X[:j]
    if n == 257:
        X[j + p], X[j + p + 1] = X[0], 0  # nothing of w is new
    if n == 2:
        X[j] = 0
    ST = reference.gmres_project(j, count, X).astype(dtype)
    return np.array([n != 31]), p, j, ST, np.array([0.3], np.finfo(dtype).dtype)


def advance(rng, n, dtype):
    """Return the arguments of gmres_advance: coordinates of the size they have, some of them no numbers."""
    _, j, V = basis(rng, n, dtype)
    count = len(V) - j
    F = vectors(rng, count + 1, j + count, dtype) / 4
    for a in range(count):
        F[a, j + a :] = 0
        F[a, j + a] = (a + 1) / 2
    if n == 257:
        F[count - 1, j + count - 1] = np.nan
    if n == 2:
        F[...] = np.nan
    if n == 1:
        F[count - 1, j + count - 1] = 0
    return j, F, V


def hessenberg(rng, n, dtype):
    """Return the arguments of gmres_residual: the state of GMRES before a step, a run on numbers made up."""
    blocks = ((1, 2), (2, 2), (2, 1), (1, 1), (1, 2), (2, 2))
    m, kept, live = 14, n % 3, np.array([True])
    H, R, Y = (np.zeros((m, m), dtype) for _ in range(3))
    G, rot = np.zeros((3, m), dtype), np.zeros((2, m), dtype)
    H[:kept, :kept] = R[:kept, :kept] = np.eye(kept)
    rot[0, :kept] = G[2, :kept] = 1
    j, last = kept, n % 10
    for p, steps in blocks:
        F = 0.1 * vectors(rng, p + steps + 1, j + p + steps, dtype)
        for a in range(p + steps):
            F[a, j + a :] = 0
            F[a, j + a] = 1 + a / 4
        F[-1] = F[p] + 0.3 * F[p - 1]
        for step in range(steps):
            state = kept, p, j, step, F, real(0.5, dtype), H, R, Y, G, rot
            if last == 0:
                return np.array([n != 31]), *state
            reference.gmres_residual(live, *state)
            last -= 1
        j += p
    raise AssertionError


CASES = {
    "gmres_shift": lambda rng, n, t, i: (
        real(0.5, t),
        real(n != 2, t),
        np.zeros(1, np.finfo(t).dtype),
        *vectors(rng, 2, n, t),
    ),
    "gmres_project": lambda rng, n, t, i: (lambda p, j, V: (j, len(V) - j, V))(*basis(rng, n, t)),
    "gmres_factor": lambda rng, n, t, i: products(rng, n, t),
    "gmres_advance": lambda rng, n, t, i: advance(rng, n, t),
    "gmres_residual": lambda rng, n, t, i: hessenberg(rng, n, t),
}
RETURNS_SUM = {"gmres_advance", "gmres_residual"}
