"""Steps of the Halpern iteration for linear programs; see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._jit import inline, kernel
from .sparse import _bounds


def _work(*args):
    """Return the number of rows of five entries that are as much work."""
    return (args[4].size + args[-1].size) // 6


@inline
def _primal_rows(first, last, tau, keep, indptr, indices, data, y, c, l, u, anchor, x, ahead):
    """Take the primal step for the variables from `first` to `last`."""
    one = np.uint64(1)
    start = np.uint64(indptr[first])
    for j in range(np.uint64(first), np.uint64(last)):
        end = np.uint64(indptr[j + one])
        product = x.dtype.type(0)
        for k in range(start, end):
            product += data[k] * y[indices[k]]
        start = end
        old = x[j]
        new = 2 * min(max(old - tau * (c[j] - product), l[j]), u[j]) - old
        ahead[j] = new
        x[j] = keep * new + (1 - keep) * anchor[j]


@inline
def _dual_rows(first, last, sigma, keep, indptr, indices, data, ahead, rl, ru, anchor, y):
    """Take the dual step for the rows from `first` to `last`."""
    one = np.uint64(1)
    start = np.uint64(indptr[first])
    for i in range(np.uint64(first), np.uint64(last)):
        end = np.uint64(indptr[i + one])
        product = y.dtype.type(0)
        for k in range(start, end):
            product += data[k] * ahead[indices[k]]
        start = end
        w = y[i] - sigma * product
        new = w - min(max(w, -sigma * ru[i]), -sigma * rl[i])
        y[i] = keep * (2 * new - y[i]) + (1 - keep) * anchor[i]


@kernel(items=_work)
def lp_primal(tau, keep, indptr, indices, data, y, c, l, u, anchor, x, ahead):
    tau, keep = x.dtype.type(tau), x.dtype.type(keep)
    bounds = _bounds(indptr)
    for i in prange(bounds.size - 1):
        _primal_rows(bounds[i], bounds[i + 1], tau, keep, indptr, indices, data, y, c, l, u, anchor, x, ahead)


@kernel(items=_work)
def lp_dual(sigma, keep, indptr, indices, data, ahead, rl, ru, anchor, y):
    sigma, keep = y.dtype.type(sigma), y.dtype.type(keep)
    bounds = _bounds(indptr)
    for i in prange(bounds.size - 1):
        _dual_rows(bounds[i], bounds[i + 1], sigma, keep, indptr, indices, data, ahead, rl, ru, anchor, y)
