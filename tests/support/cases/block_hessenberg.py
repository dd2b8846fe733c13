"""Cases of ``block_hessenberg``."""

import numpy as np

from numsolve.kernels import home

from .block_cg import block, definite, width

reference = home("reference")


def coefficients(rng, j, p, dtype):
    """Return what block_project might: U is nearly orthonormal."""
    ST = block(rng, 2 * (j + 1) * p, p, dtype).reshape(2, -1, p) / p
    ST[0] *= 0.02
    ST[0, j * p :] = definite(rng, p, dtype)
    return ST


def state(rng, n, dtype):
    """Return a step, which columns are live, and the state before it: a run on numbers made up."""
    j, m, p, k = n % 4, 4, width(n), 3
    live = np.array([True, n % 2 == 0, True])
    shapes = (m, (m + 1) * p, p), (m, (m + 1) * p, p), (m, 2 * p, 2 * p), (m + 1, p, k), (m, p, k)
    H, R, Q, E, G = (np.zeros(shape, dtype) for shape in shapes)
    C, L = np.zeros((p, p), dtype), np.zeros((p, p), dtype)
    E[0] = block(rng, p, k, dtype)
    for i in range(j):
        reference.block_correct(live, i, coefficients(rng, i, p, dtype), L, H, R, Q, E, G, C)
        reference.block_reduce(i, definite(rng, p, dtype), H, R, Q, E, G, L, C)
    return j, live, L, H, R, Q, E, G, C


def correct(rng, n, dtype):
    """Return the arguments of block_correct; of some columns, or of all, nothing is left."""
    j, live, L, *others, C = state(rng, n, dtype)
    ST = coefficients(rng, j, len(C), dtype)
    S, alpha = ST[0, : j * len(C)], ST[0, j * len(C) :]
    if n == 0:
        alpha[:] = 0
    if n == 31:
        alpha[0, 0] = 1.1 * (abs(S[:, 0]) ** 2).sum()
        alpha[:, 2] = alpha[2] = S[:, 2] = 0
    return live, j, ST, L, *others, C


def reduce(rng, n, dtype):
    """Return the arguments of block_reduce; the columns may depend on each other, vanish or be no numbers."""
    j, live, L, *others, C = state(rng, n, dtype)
    reference.block_correct(live, j, coefficients(rng, j, len(C), dtype), L, *others, C)
    W = block(rng, 20, len(C), dtype) / 4
    if n == 1025:
        W[:, 3], W[:, 5] = W[:, 0] + W[:, 4], 0
    if n == 1:
        W[:] = 0
    F = W.conj().T @ W
    if n == 2:
        F[1, 1] = np.nan
    return j, F, *others, L, C


CASES = {
    "block_correct": lambda rng, n, t, i: correct(rng, n, t),
    "block_reduce": lambda rng, n, t, i: reduce(rng, n, t),
}
RETURNS_SUM = set()
