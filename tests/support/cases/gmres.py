"""Cases of ``gmres``."""

import numpy as np

from numsolve.kernels import home

from .vector import real, vectors

reference = home("reference")


def basis(rng, j, n, dtype):
    """Return j orthonormal rows, an almost orthogonal u, a new w, and their products."""
    V = vectors(rng, j + 2, n, dtype)
    if n > j:
        V[:j] = np.linalg.qr(V[:j].T)[0].T
        V[j] -= 0.999 * (V[:j].conj() @ V[j]) @ V[:j]
    return V


def hessenberg(rng, j, n, dtype):
    """Return the state of GMRES before step j."""
    m = j + 4
    H, R, G, rot = (
        np.zeros((m, m), dtype),
        np.zeros((m, m), dtype),
        np.zeros((2, m), dtype),
        np.zeros((2, m), dtype),
    )
    live, kept = np.array([True]), min(n % 3, j)
    G[0, kept] = 1
    for k in range(kept):
        H[k, k] = R[k, k] = rot[0, k] = 1
    ST, uu = np.zeros((2, 1), dtype), real(0.5, dtype)
    for k in range(kept, j + 1):
        ST = np.zeros((2, k + 1), dtype)
        ST[0, :k], ST[0, k] = 0.01 * vectors(rng, 1, k, dtype)[0], 1.3
        ST[1] = vectors(rng, 1, k + 1, dtype)[0]
        if k < j:
            reference.gmres_residual(live, kept, n % 2, k, ST, uu, H, R, G, rot)
    return np.array([n != 31]), kept, n % 2, j, ST, uu, H, R, G, rot


def finished(V, j, dtype):
    """Return the products of `V` as gmres_advance wants them."""
    return (reference.gmres_project(j, V) if V.shape[1] > j else np.eye(2, j + 1)).astype(dtype)


def advance(rng, j, n, dtype):
    """Return the arguments of gmres_advance."""
    V = basis(rng, j, n, dtype)
    return j, finished(V, j, dtype), V


CASES = {
    "gmres_project": lambda rng, n, t, i: (min(n, 6), vectors(rng, min(n, 6) + 2, n, t)),
    "gmres_advance": lambda rng, n, t, i: advance(rng, min(n, 6), n, t),
    "gmres_residual": lambda rng, n, t, i: hessenberg(rng, n % 9, n, t),
}
RETURNS_SUM = {"gmres_advance", "gmres_residual"}
