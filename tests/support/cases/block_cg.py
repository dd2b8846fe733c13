"""Cases of ``block_cg``."""

import numpy as np

from .vector import is_complex, real_dtype, vectors


def block(rng, n, k, dtype):
    """Return a block of k random vectors."""
    return vectors(rng, n, k, dtype)


def definite(rng, m, dtype):
    """Return a well-conditioned Hermitian positive definite matrix."""
    B = block(rng, m, m, dtype) / max(m, 1)
    return (B.conj().T @ B + np.eye(m)).astype(dtype)


def width(n):
    """Return a number of columns that depends on the size; each is compiled for itself."""
    return {3: 1, 33: 16, 64: 8, 257: 2}.get(n, 7 if n % 2 else 2)


def step(rng, n, dtype):
    """Return the arguments of block_step; W is Y for some, as without a preconditioner."""
    k, m = width(n), 2
    step, beta, C = block(rng, m, k, dtype), block(rng, m, m, dtype), block(rng, m, m, dtype)
    moves = np.array([n != 31, n % 4 == 1])
    W, Y, X, P = (block(rng, n, columns, dtype) for columns in (m, m, k, m))
    return moves, step, beta, C, Y if n == 1025 and is_complex(dtype) else W, Y, X, P


def alpha(rng, n, dtype):
    """Return the arguments of block_alpha, some with a dropped column or an indefinite matrix."""
    m, k = 2 + n % 3, width(n)
    G, H = definite(rng, m, dtype), definite(rng, m, dtype)
    if n % 2:
        G[1] = H[1] = G[:, 1] = H[:, 1] = 0
    if n == 2:
        G[1, 1] = -1
    live = rng.random(k) < 0.5
    return live, G, H, block(rng, m, k, dtype), np.zeros((m, m), dtype), np.zeros((m, k), dtype)


def beta(rng, n, dtype):
    """Return the arguments of block_beta: columns too long, negligible, dependent, zero, or none of it."""
    m, k = 4, width(n)
    W, H = block(rng, 9, m, dtype), definite(rng, m, dtype)
    if n == 0:
        W[:, 3] *= 1e-14
    if n == 1:
        W[:, 2] *= 1000
    if n == 31:
        W[:, 1] = W[:, 0] + W[:, 3]
    if n == 257:
        W[:, 3] = 0
    F = W.conj().T @ W
    if n == 2:
        F[0, 0] = -1
    rr, empty = np.zeros(k, real_dtype(dtype)), np.zeros((m, m), dtype)
    return F.copy(), F, block(rng, m, k, dtype), H, empty, empty.copy(), rr, np.zeros(2, bool)


CASES = {
    "block_gram": lambda rng, n, t, i: (block(rng, n, width(n), t), block(rng, n, width(n), t)),
    "block_residual": lambda rng, n, t, i: (
        block(rng, width(n), width(n), t),
        block(rng, n, width(n), t),
        block(rng, n, width(n), t),
    ),
    "block_step": lambda rng, n, t, i: step(rng, n, t),
    "block_alpha": lambda rng, n, t, i: alpha(rng, n, t),
    "block_beta": lambda rng, n, t, i: beta(rng, n, t),
}
RETURNS_SUM = set()
