"""The work of block conjugate gradients.

The residuals of all columns are ``R = W S``, with few columns in the block W (n, m) and small S (m, k); the
directions are the block P (n, m). A column of W that depends on the others is replaced by zeros.
"""

import numpy as np


def block_gram(X, Y):
    """Return ``X^H Y``."""
    return X.conj().T @ Y


def block_residual(alpha, Z, W):
    """Take ``Z alpha`` from W in place, return ``W^H W``."""
    W -= Z @ alpha
    return W.conj().T @ W


def block_step(moves, step, beta, C, W, Y, X, P):
    """Step X along P, and turn P into the next directions ``Y + P beta``, in place, if ``moves[0]``.

    If ``moves[1]``, W and Y = M W, which may be the same array, are first multiplied by C from the right.
    """
    if not moves[0]:
        return
    if moves[1]:
        W[...], Y[...] = W @ C, Y @ C
    X += P @ step
    P[...] = Y + P @ beta


def block_alpha(live, G, H, S, alpha, step):
    """Write ``alpha = G^-1 H`` and, for columns that are `live`, ``step = alpha S``; else zeros.

    G is ``P^H A P`` and H is ``W^H M W``; both are zero for columns that were dropped. NaN if G is not
    positive definite.
    """
    alpha[...] = H
    if not _solve(G, alpha) or ((G.diagonal() == 0) & (H.diagonal() != 0)).any():
        alpha[...] = np.nan
    step[...] = np.where(live, alpha @ S, 0)


def block_beta(N, F, S, H, C, beta, rr, moves):
    """Write ``beta = H^-1 F`` and the squared norms `rr` of the columns of ``R = W S``; then update H and S.

    N is ``W^H W`` and F is ``W^H M W``, H the latter of the iteration before, which F replaces. If the
    columns of W have become too long, too short or too dependent, ``moves[1]`` is set, C makes them
    orthonormal, and H, S and beta are those after that; ``moves[0]`` is set unless something is not
    finite or M not positive definite (`rr` is then NaN).
    """
    eps, m = np.finfo(N.dtype).eps, len(N)
    old = H.diagonal().real.copy()
    rr[...] = np.maximum((S.conj() * (N @ S)).sum(axis=0).real, 0)
    beta[...] = F
    if not _solve(H, beta) or (F.diagonal().real < 0).any():
        rr[...] = np.nan
    moves[...] = np.isfinite(rr).all(), False
    if not moves[0]:
        return
    size = (
        F.diagonal().real.copy()
    )  # squared norms of the columns; a column that is rounding error is dropped
    alive = size > (1e3 * eps) ** 2 * old
    left, order, L = size.copy(), [], np.zeros_like(F)  # pivoted Cholesky: row r of L is that of its pivot
    for r in range(m):
        rest = np.array([left[j] / size[j] if alive[j] and j not in order else 0 for j in range(m)])
        j = int(np.argmax(rest))
        if not rest[j] > 8 * m * eps:
            break
        if not eps**0.25 <= left[j] <= eps**-0.25:
            moves[1] = True
        done = np.array([i in order for i in range(m)])
        pivot = np.sqrt(left[j])
        L[r] = np.where(done, 0, (F[j] - L[:r, j].conj() @ L[:r]) / pivot)
        L[r, j] = pivot
        left -= abs(L[r]) ** 2
        order.append(j)
    moves[1] = moves[1] or len(order) < (old > 0).sum()
    H[...] = F
    if not moves[1]:
        return
    C[...] = 0
    rank = len(order)
    C[order, :rank] = np.linalg.inv(L[:rank, order])
    S[...] = L @ S
    H[...] = C.conj().T @ F @ C
    beta[...] = beta @ C


def _solve(A, B):
    """Overwrite B by ``A^-1 B``; rows and columns of A that are zero are left out. False if not definite."""
    kept = A.diagonal() != 0
    B[~kept] = 0
    part = A[np.ix_(kept, kept)]
    try:
        L = np.linalg.cholesky(part)
    except np.linalg.LinAlgError:
        return False
    B[kept] = np.linalg.solve(L.conj().T, np.linalg.solve(L, B[kept]))
    return bool(np.isfinite(L).all())
