"""Products with a matrix in compressed sparse rows."""

import numpy as np


def spmv(indptr, indices, data, x, y):
    """Write ``A @ x`` to `y`."""
    products = data * x[indices]
    rows = np.repeat(np.arange(y.size), np.diff(indptr))
    y[:] = 0
    np.add.at(y, rows, products)


def spmv_dot(indptr, indices, data, p, q):
    """Write ``A @ p`` to `q`, return the real part of ``p^H q``."""
    spmv(indptr, indices, data, p, q)
    return np.vdot(p, q).real
