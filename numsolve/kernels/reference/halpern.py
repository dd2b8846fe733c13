"""Steps of the reflected Halpern iteration of the primal-dual hybrid gradient method for linear programs."""

import numpy as np

from .sparse import spmv


def lp_primal(tau, keep, indptr, indices, data, y, c, l, u, anchor, x, ahead):
    """Take a primal step: ``new = clip(x - tau (c - A^T y), l, u)`` and ``ahead = 2 new - x``.

    The arrays of a sparse matrix are those of ``A^T``. x becomes ``keep ahead + (1 - keep) anchor``.
    """
    product = np.empty_like(x)
    spmv(indptr, indices, data, y, product)
    new = np.minimum(np.maximum(x - tau * (c - product), l), u)
    ahead[:] = 2 * new - x
    x[:] = keep * ahead + (1 - keep) * anchor


def lp_dual(sigma, keep, indptr, indices, data, ahead, rl, ru, anchor, y):
    """Take a dual step: ``w = y - sigma A ahead``, ``new = w - clip(w, -sigma ru, -sigma rl)``.

    y becomes ``keep (2 new - y) + (1 - keep) anchor``.
    """
    product = np.empty_like(y)
    spmv(indptr, indices, data, ahead, product)
    w = y - sigma * product
    new = w - np.minimum(np.maximum(w, -sigma * ru), -sigma * rl)
    y[:] = keep * (2 * new - y) + (1 - keep) * anchor
