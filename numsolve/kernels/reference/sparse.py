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


def spmm(indptr, indices, data, X, Y):
    """Write ``A @ X`` to `Y`, both blocks of vectors (n, k)."""
    rows = np.repeat(np.arange(len(Y)), np.diff(indptr))
    Y[:] = 0
    np.add.at(Y, rows, data[:, None] * X[indices])


def spmm_gram(indptr, indices, data, P, Q):
    """Write ``A @ P`` to `Q`, return ``P^H Q``."""
    spmm(indptr, indices, data, P, Q)
    return P.conj().T @ Q


def row_terms(indptr, indices, data, x, terms, sizes):
    """Write ``abs(A) @ abs(x)`` to `terms`, and the sums of the rows of ``abs(A)`` to `sizes`."""
    spmv(indptr, indices, abs(data), abs(x), terms)
    spmv(indptr, indices, abs(data), np.ones_like(terms), sizes)
