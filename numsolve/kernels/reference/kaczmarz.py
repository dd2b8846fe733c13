"""Row actions: projections onto one equation after the other."""

import numpy as np


def kaczmarz_dense(rows, A, norms, b, x):
    """Move `x` onto the equation of each row i in turn, ``x += (b_i - A_i x) / |A_i|^2 conj(A_i)``.

    `norms` holds the squared norms of the rows. Rows of norm zero are left out.
    """
    for i in rows:
        if norms[i] > 0:
            x += (b[i] - A[i] @ x) / norms[i] * A[i].conj()


def kaczmarz_csr(rows, indptr, indices, data, norms, b, x):
    """Do the same for a matrix in compressed sparse rows."""
    for i in rows:
        if norms[i] > 0:
            entries = slice(indptr[i], indptr[i + 1])
            cols, values = indices[entries], data[entries]
            x[cols] += (b[i] - values @ x[cols]) / norms[i] * values.conj()


def project_dense(rows, K, G, z, r):
    """Move `z` onto the equation of each row i in turn, and keep ``r = K z - b``, with ``G = K K^H``.

    ``w = r_i / G_ii``, ``z -= w conj(K_i)``, ``r -= w conj(G_i)``. A negative row stands for the one whose
    equation is farthest from `z`, with the largest ``|r_i|^2 / G_ii``.
    """
    norms = G.diagonal().real
    for row in rows:
        i = _farthest(norms, r) if row < 0 else row
        if norms[i] > 0:
            w = r[i] / norms[i]
            z -= w * K[i].conj()
            r -= w * G[i].conj()


def project_blocks(rows, inverses, K, G, z, r):
    """Move `z` onto several equations at once, a block S in each row of `rows`, and keep ``r = K z - b``.

    ``y = W r_S``, ``z -= K_S^H y``, ``r -= G_S^H y``, with ``G = K K^H`` and W the pseudo-inverse of ``G_SS``
    from `inverses`.
    """
    for chosen, inverse in zip(rows, inverses, strict=True):
        y = inverse @ r[chosen]
        z -= y @ K[chosen].conj()
        r -= y @ G[chosen].conj()


def project_csr(rows, indptr, indices, data, starts, numbers, values, norms, z, r):
    """Do the same for sparse K; ``starts, numbers, values`` hold K^H in compressed sparse rows."""
    for row in rows:
        i = _farthest(norms, r) if row < 0 else row
        if norms[i] > 0:
            w = r[i] / norms[i]
            for k in range(indptr[i], indptr[i + 1]):
                j = indices[k]
                step = w * np.conj(data[k])
                column = slice(starts[j], starts[j + 1])
                z[j] -= step
                r[numbers[column]] -= step * values[column].conj()


def project_along(S, Y, W, z, r):
    """Move `z` onto combinations of equations, and keep ``r = K z - b``.

    Row s of S holds the coefficients of a combination, row y of Y is ``K^H s`` and row w of W is ``K y``:
    ``a = s^H r / |y|^2``, ``z -= a y``, ``r -= a w``.
    """
    for s, y, w in zip(S, Y, W, strict=True):
        size = np.vdot(y, y).real
        if size > 0:
            a = np.vdot(s, r) / size
            z -= a * y
            r -= a * w


def _farthest(norms, r):
    """Return the row with the largest ``|r_i|^2 / norms_i``."""
    return np.argmax(np.where(norms > 0, abs(r) ** 2 / np.where(norms > 0, norms, 1), 0))
