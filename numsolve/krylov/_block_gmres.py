"""GMRES for several right-hand sides at once, which share one Krylov space."""

from functools import cache, partial

import numpy as np

from .._array import namespace, to_host
from ..kernels import kernels_for
from ._linear import WIDEST


def cycles(system, restart, check):
    """Return the method for a system: a function that starts a cycle, in a basis made when first needed."""
    n, k = system.b.shape[0], min(system.b.shape[-1], WIDEST)
    m = min(restart, n, max(system.maxiter, 1))

    @cache
    def room():
        return namespace(system.b).empty((m + 1) * n * k, system.b.dtype)

    return partial(_cycle, room, m, 0.01 * system.rtol, check)


def _cycle(room, m, negligible, check, A, b, M, x):
    """Yield the iterates of one cycle, as functions that form them, and their squared residuals (k,).

    The residuals of the columns that have not converged are ``V[0] E[0]``, where V[0] has as few columns as
    that takes, but for what is `negligible` beside b. `check` is called after a NaN.
    """
    xp, kernels = namespace(b), kernels_for(b)
    W = A.residual(b, x)
    N = kernels.block_gram(W, W)
    live = yield x, (N.real * xp.asarray(np.eye(len(N), dtype=N.real.dtype))).sum(axis=0)
    small = negligible * np.sqrt(to_host(kernels.block_gram(b, b)).diagonal().real)
    S, C = (xp.asarray(a) for a in _independent(to_host(N), to_host(live), small))
    (n, k), p = b.shape, len(S)
    V = room()[: (m + 1) * n * p].reshape(m + 1, n, p)
    V[0] = W @ C
    del W
    Z = None if M is None else xp.empty((n, p), b.dtype)
    # Column j of blocks is H[j]: the Hessenberg matrix H, its triangle R, rotations Q, right-hand sides E, G.
    H, R = (xp.zeros((m, (m + 1) * p, p), b.dtype) for _ in range(2))
    Q, E, G = (xp.zeros(shape, b.dtype) for shape in ((m, 2 * p, 2 * p), (m + 1, p, k), (m, p, k)))
    C, L = (xp.zeros((p, p), b.dtype) for _ in range(2))
    E[0] = S
    for j in range(m):
        A.apply_block(V[j] if M is None else M.apply_block(V[j], Z), V[j + 1])
        ST = kernels.block_project(j, V)
        kernels.block_correct(live, j, ST, L, H, R, Q, E, G, C)
        F = kernels.block_advance(j, ST, C, V)
        rr = kernels.block_reduce(j, F, H, R, Q, E, G, L, C)
        kernels.block_transform(C, V[j + 1])
        live = yield partial(_form, j + 1, x, V, M, R, G), rr
        if live is None:
            check(j == 0, ST)
            return


def _independent(N, live, small):
    """Return S and C: ``W C`` has orthonormal columns and ``W C S`` is W, without what is not `live`.

    N is ``W^H W``. Left out is what depends on the rest as far as N can tell, and what is `small` in every
    column: it is not worth a column of the block, and may be found at the next start.
    """
    kept = np.flatnonzero(live)
    size = np.sqrt(N.diagonal().real[kept])
    values, vectors = np.linalg.eigh(N[np.ix_(kept, kept)] / np.outer(size, size))
    good = values > 8 * len(N) * np.finfo(N.dtype).eps
    root, vectors = np.sqrt(values[good]), vectors[:, good]
    parts = root * abs(vectors) * size[:, None]
    good = np.flatnonzero((parts > small[kept, None]).any(axis=0))[::-1]
    root, vectors = root[good], vectors[:, good]
    S, C = np.zeros((len(good), len(N)), N.dtype), np.zeros((len(N), len(good)), N.dtype)
    S[:, kept] = root[:, None] * vectors.conj().T * size
    C[kept] = vectors / root / size[:, None]
    return S, C


def _form(j, x, V, M, R, G):
    """Return x plus what minimises the residuals in the first j blocks of the basis."""
    xp, p = namespace(x), V.shape[2]
    triangle, rhs = to_host(R[:j, : j * p], G[:j])
    triangle = triangle.transpose(1, 0, 2).reshape(j * p, j * p)
    y = np.linalg.lstsq(triangle, rhs.reshape(j * p, -1))[0]
    y = xp.asarray(y.reshape(j, p, -1).astype(x.dtype))
    step = V[0] @ y[0]
    for i in range(1, j):
        step += V[i] @ y[i]
    return x + (step if M is None else M @ step)
