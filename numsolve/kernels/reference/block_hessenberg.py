"""The small matrices of block GMRES: the Hessenberg matrix, its triangular factor, the rotations.

A column of a block of which nothing is left is zero, and so are its row and column of the Hessenberg matrix.
"""

import numpy as np


def block_correct(live, j, ST, L, H, R, Q, E, G, C):
    """Correct column j - 1 of the Hessenberg matrix and add column j, but for its last block.

    ``H[j]`` and ``R[j]`` hold column j of the Hessenberg matrix and of its triangular factor. ``Q[j]`` is the
    rotation of blocks j and j + 1. ``E[j]`` is block j of the right-hand side before it, ``G[j]`` that after
    it. U was ``U L`` before it was scaled. C makes its columns, once orthogonal to all before,
    orthonormal; in T, ``U^H W`` is replaced by ``gamma = V_j^H W``. A column that is not `live` ends here.
    """
    p = len(C)
    S, T = ST[0, : j * p], ST[1]
    D = _orthonormal(ST[0, j * p :], S, C)
    if j == 0:
        E[0] = D @ E[0]
    else:
        H[j - 1, : j * p] += S @ L
        H[j - 1, j * p : (j + 1) * p] = D @ L
        _triangularise(j - 1, H, R, Q, E, G)
    E[j][:, ~live] = 0
    if not D.any():  # nothing of U is left: the Krylov space is exhausted
        E[j][:, live] = np.nan
    T[j * p :] = C.conj().T @ (T[j * p :] - S.conj().T @ T[: j * p])
    column = T.copy()
    for i in range(j):  # W came from U before its second orthogonalisation
        column[: (i + 2) * p] -= H[i, : (i + 2) * p] @ S[i * p : (i + 1) * p]
    H[j, : (j + 1) * p] = column @ C


def block_reduce(j, F, H, R, Q, E, G, L, C):
    """End column j of the Hessenberg matrix and return the squared residuals, one a right-hand side.

    F is ``U^H U`` for the next block; C makes it nearly orthonormal, and ``U C L = U``.
    """
    p = len(C)
    _scale(F, L, C)
    H[j, (j + 1) * p : (j + 2) * p] = L
    _triangularise(j, H, R, Q, E, G)
    return (abs(E[j + 1]) ** 2).sum(axis=0)


def _orthonormal(alpha, S, C):
    """Return D with ``D^H D = alpha - S^H S`` and write its inverse to C.

    A column that lost more than half of its length to others was rounding error: it is zero in C.
    """
    p = len(C)
    D = np.zeros_like(C)
    C[...] = 0
    for c in range(p):
        D[:c, c] = C[:, :c].conj().T @ (alpha[:, c] - S.conj().T @ S[:, c])
        left = alpha[c, c].real - (abs(S[:, c]) ** 2).sum() - (abs(D[:c, c]) ** 2).sum()
        if left > 0.25 * alpha[c, c].real:
            D[c, c] = np.sqrt(left)
            C[c, c] = 1
            C[:, c] = (C[:, c] - C[:, :c] @ D[:c, c]) / D[c, c]
    return D


def _scale(F, L, C):
    """Write L with ``L^H L`` near F, by pivots, and its inverse to C.

    A column that depends on those before, to the accuracy of F, is only scaled: whether it counts is decided
    by its second orthogonalisation. A column of zeros stays zero.
    """
    p, size = len(F), F.diagonal().real.copy()
    floor = 8 * p * np.finfo(F.dtype).eps
    left, done = size.copy(), np.zeros(p, bool)
    L[...] = C[...] = 0
    if not np.isfinite(size).all():
        L[...] = np.nan
        return
    for r in range(p):
        rest = [-1 if done[c] or not size[c] > 0 else left[c] / size[c] for c in range(p)]
        c = int(np.argmax(rest))
        if done[c] or not size[c] > 0:
            break
        pivot = np.sqrt(max(left[c], floor * size[c]))
        if left[c] > floor * size[c]:
            L[r] = np.where(done, 0, (F[c] - L[:r, c].conj() @ L[:r]) / pivot)
            left -= abs(L[r]) ** 2
        L[r, c], done[c] = pivot, True
        C[c, r] = 1
        C[:, r] = (C[:, r] - C[:, :r] @ L[:r, c]) / pivot


@np.errstate(invalid="ignore")  # NaN in the input makes the residuals NaN, which the loop reports
def _triangularise(j, H, R, Q, E, G):
    """Bring column j to triangular form and rotate the right-hand sides with it."""
    p = E.shape[1]
    column = H[j, : (j + 2) * p].copy()
    for i in range(j):
        column[i * p : (i + 2) * p] = Q[i] @ column[i * p : (i + 2) * p]
    last, both = column[j * p :], Q[j]
    both[...] = np.eye(2 * p)
    for c in range(p):
        v = last[c:, c].copy()
        norm = np.sqrt((abs(v) ** 2).sum())
        if norm == 0:
            continue
        v[0] += norm * (v[0] / abs(v[0]) if v[0] != 0 else 1)
        v *= np.sqrt(2 / (abs(v) ** 2).sum())
        for A in (last, both):
            A[c:] -= np.outer(v, v.conj() @ A[c:])
    R[j, : (j + 1) * p] = column[: (j + 1) * p]
    rotated = both[:, :p] @ E[j]
    G[j], E[j + 1] = rotated[:p], rotated[p:]
