"""The work of a multigrid cycle on each grid; see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._jit import kernel
from .sparse import _bounds, _row


@kernel
def residual(indptr, indices, data, x, b, r):
    if data.size == 0:
        for i in range(r.size):
            r[i] = b[i]
        return
    bounds = _bounds(indptr)
    for c in prange(bounds.size - 1):
        start = np.uint64(indptr[bounds[c]])
        for i in range(np.uint64(bounds[c]), np.uint64(bounds[c + 1])):
            end = np.uint64(indptr[i + np.uint64(1)])
            r[i] = b[i] - _row(start, end, indices, data, x)
            start = end


@kernel
def correct(indptr, indices, data, e, x):
    if data.size == 0:
        return
    bounds = _bounds(indptr)
    for c in prange(bounds.size - 1):
        start = np.uint64(indptr[bounds[c]])
        for i in range(np.uint64(bounds[c]), np.uint64(bounds[c + 1])):
            end = np.uint64(indptr[i + np.uint64(1)])
            x[i] += _row(start, end, indices, data, e)
            start = end


@kernel
def jacobi_sweep(omega, inverse, indptr, indices, data, b, x, y):
    w = x.real.dtype.type(omega)
    if data.size == 0:
        for i in range(y.size):
            y[i] = x[i] + w * (inverse[i] * b[i])
        return
    bounds = _bounds(indptr)
    for c in prange(bounds.size - 1):
        start = np.uint64(indptr[bounds[c]])
        for i in range(np.uint64(bounds[c]), np.uint64(bounds[c + 1])):
            end = np.uint64(indptr[i + np.uint64(1)])
            y[i] = x[i] + w * (inverse[i] * (b[i] - _row(start, end, indices, data, x)))
            start = end
