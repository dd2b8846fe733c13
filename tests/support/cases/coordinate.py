"""Cases of ``coordinate``."""

import numpy as np
import scipy.sparse as sp

from .sparse import csr
from .vector import vectors

MOST = 300  # features: the sweeps of an ill-conditioned problem amplify rounding


def penalty(rng, n, dtype):
    """Return factors of both parts of a penalty, some of them zero."""
    l1, l2 = abs(rng.standard_normal((2, n))) / 4
    l1[1::7], l2[::3] = 0, 0
    return l1.astype(dtype), l2.astype(dtype)


def dense(rng, n, dtype):
    """Return k rows, one of them zero, that are features, weights of samples, and scaled residuals."""
    m, k = 2 * n + 5, n
    A = vectors(rng, k, m, dtype)
    A[k // 2 : k // 2 + 1] = 0
    h = (rng.uniform(0.5, 1.5, m) / m).astype(dtype)
    return A, h, h * vectors(rng, 1, m, dtype)[0]


def gram(rng, n, dtype, index):
    """Return the arguments of gram_sweeps; G has more rows than there are coefficients."""
    n = min(n, MOST)
    A, h, q = dense(rng, n, dtype)
    G = np.zeros((n + 2, n + 2), dtype)
    G[:n, :n] = (A * h) @ A.T
    return n % 2, 3, 1e-9, G, *penalty(rng, n, dtype), A @ q, np.zeros(n, dtype)


def rows(rng, n, dtype, index):
    """Return the arguments of row_sweeps."""
    n = min(n, MOST)
    A, h, q = dense(rng, n, dtype)
    squares = ((A * A) @ h).astype(dtype)
    return n % 2, 3, 1e-9, A, h, squares, *penalty(rng, n, dtype), q, np.zeros(n, dtype), np.zeros(n, dtype)


def columns(rng, n, dtype, index):
    """Return the arguments of column_sweeps, for every second column of a square matrix."""
    indptr, indices, data = csr(rng, n, dtype, index)
    X = sp.csr_array((data, indices, indptr), (n, n))
    X.sum_duplicates()
    chosen = np.arange(0, n, 2)
    h = (rng.uniform(0.5, 1.5, n) / max(n, 1)).astype(dtype)
    means = np.asarray(X @ h)
    squares = np.asarray(X.multiply(X) @ h) - means**2 * (2 - h.sum())
    q = h * vectors(rng, 1, n, dtype)[0]
    k = len(chosen)
    features = (means[chosen].astype(dtype), squares[chosen].astype(dtype))
    return (
        *(n % 2, 3, 1e-9, chosen.astype(index)),
        *(X.indptr.astype(index), X.indices.astype(index), X.data.astype(dtype)),
        *(h, *features, *penalty(rng, k, dtype), q),
        *(np.zeros(1, dtype), np.zeros(k, dtype), np.zeros(k, dtype)),
    )


CASES = {"gram_sweeps": gram, "column_sweeps": columns, "row_sweeps": rows}
RETURNS_SUM = set()
