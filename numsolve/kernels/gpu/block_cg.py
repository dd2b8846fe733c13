"""The work of block conjugate gradients."""

from ._launch import blocks, gram_pieces, launch
from .vector import row_sums


def block_gram(X, Y):
    pieces = gram_pieces(X)
    launch("block_gram", pieces.shape[1], X, Y, pieces, X.shape[1], len(X))
    return row_sums(pieces).reshape(X.shape[1], X.shape[1])


def block_residual(alpha, Z, W):
    pieces = gram_pieces(W)
    launch("block_residual", pieces.shape[1], alpha, Z, W, pieces, W.shape[1], len(W))
    return row_sums(pieces).reshape(W.shape[1], W.shape[1])


def block_step(moves, step, beta, C, W, Y, X, P):
    n, m = P.shape
    launch("block_step", blocks(n), moves, step, beta, C, W, Y, X, P, X.shape[1], m, n)


def block_alpha(live, G, H, S, alpha, step):
    launch("block_alpha", 1, live, G, H, S, alpha, step, S.shape[1], len(S))


def block_beta(N, F, S, H, C, beta, rr, moves):
    launch("block_beta", 1, N, F, S, H, C, beta, rr, moves, S.shape[1], len(S))
