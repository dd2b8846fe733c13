"""Conjugate gradients for several right-hand sides at once, which share one Krylov space."""

import numpy as np

from .._array import namespace, to_host
from .._result import Breakdown
from ..kernels import kernels_for


def steps(A, b, M, x):
    """Yield the iterates of block CG, which share the array `x` (n, k), and squared residuals (k,).

    The residuals are ``R = W S``. W has a column for each residual that had not converged at the start, and S
    is small. W is made orthonormal again when its columns become too dependent or too short. This is
    O'Leary's block CG, with Dubrulle's stabilisation only where it is needed. A column that has converged is
    not changed further.
    """
    xp, kernels = namespace(b), kernels_for(b)
    R = A.residual(b, x)
    k = R.shape[1]
    N = kernels.block_gram(R, R)
    eye = np.eye(k, dtype=b.dtype)
    rr = (N.real * xp.asarray(eye.real)).sum(axis=0)
    live = yield x, rr
    S = xp.asarray(eye[to_host(live)])
    W = R if len(S) == k else R @ S.T
    del R
    Y = W if M is None else M.apply_block(W, xp.empty_like(W))
    N = kernels.block_gram(W, W)
    F = N if M is None else kernels.block_gram(W, Y)
    H = F * xp.asarray(np.eye(len(S), dtype=b.dtype))  # only the diagonal: columns may be dependent
    C, beta, alpha = (xp.zeros_like(N) for _ in range(3))
    step, moves = xp.zeros_like(S), xp.zeros(2, bool)
    P, Z = xp.zeros_like(W), xp.empty_like(W)
    kernels.block_beta(N, F, S, H, C, beta, rr, moves)
    beta[...] = 0  # the first directions are the residuals alone
    kernels.block_step(moves, step, beta, C, W, Y, x, P)
    while True:
        G = A.apply_gram(P, Z)
        kernels.block_alpha(live, G, H, S, alpha, step)
        N = kernels.block_residual(alpha, Z, W)
        F = N if M is None else kernels.block_gram(W, M.apply_block(W, Y))
        kernels.block_beta(N, F, S, H, C, beta, rr, moves)
        kernels.block_step(moves, step, beta, C, W, Y, x, P)
        live = yield x, rr
        if live is None:
            raise Breakdown(
                "block CG cannot go on: A is not positive definite, use minres, or M is not, use gmres"
            )
