"""Cases of ``block_gmres``."""

import numpy as np

from numsolve.kernels import home

from .block_cg import block, definite, width

reference = home("reference")


def basis(rng, n, dtype):
    """Return a step j and j + 2 blocks, the first j orthonormal as far as there is room, and a spare one."""
    j, p = n % 4, width(n)
    V = np.stack([block(rng, n, p, dtype) for _ in range(j + 3)])
    if n > j * p:
        Q = np.linalg.qr(V[:j].transpose(1, 0, 2).reshape(n, -1))[0]
        V[:j] = Q.reshape(n, j, p).transpose(1, 0, 2)
    return j, V


def advance(rng, n, dtype):
    """Return the arguments of block_advance."""
    j, V = basis(rng, n, dtype)
    ST = reference.block_project(j, V) / max(n, 1) ** 0.5
    return j, ST.astype(dtype), definite(rng, width(n), dtype), V


CASES = {
    "block_project": lambda rng, n, t, i: basis(rng, n, t),
    "block_advance": lambda rng, n, t, i: advance(rng, n, t),
    "block_transform": lambda rng, n, t, i: (definite(rng, width(n), t), block(rng, n, width(n), t)),
}
RETURNS_SUM = set()
