"""Products with sketching matrices.

A sparse matrix of random signs is stored by rows. An entry of `places` is a column j if its sign is positive,
and ``~j`` if it is negative.
"""

import numpy as np


def sketch_rows(indptr, places, scale, A, Y):
    """Write `scale` times the product of a matrix of signs with the rows of A, (n, k), to Y."""
    rows = np.repeat(np.arange(len(Y)), np.diff(indptr))
    Y[:] = 0
    np.add.at(Y, rows, _signed(places, A.dtype)[:, None] * A[np.where(places < 0, ~places, places)])
    Y *= scale


def sketch_sparse(indptr, places, scale, A_indptr, A_indices, A_data, Y):
    """Do the same for a matrix A in canonical CSR; Y is dense."""
    A = np.zeros((len(A_indptr) - 1, Y.shape[1]), Y.dtype)
    A[np.repeat(np.arange(len(A)), np.diff(A_indptr)), A_indices] = A_data
    sketch_rows(indptr, places, scale, A, Y)


def hadamard(X):
    """Multiply the columns of X by the Hadamard matrix of entries 1 and -1; X has a power of two of rows."""
    n, k = X.shape
    h = 1
    while h < n:
        pairs = X.reshape(-1, 2, h, k)
        upper, lower = pairs[:, 0].copy(), pairs[:, 1].copy()
        pairs[:, 0], pairs[:, 1] = upper + lower, upper - lower
        h *= 2


def _signed(places, dtype):
    """Return the signs of the entries."""
    return np.where(places < 0, -1, 1).astype(dtype)
