"""Cases of ``transport``: every kind of cost, masses of zero, penalties, and rows far from their mass."""

import numpy as np
import scipy.sparse as sp

from .sparse import csr
from .vector import real


def cost(rng, n, dtype):
    """Return numbers of rows and columns for about n entries, and ``kind, C, X, Y``."""
    rows = round(n**0.5) if n > 2 else n
    columns = rows + (rows > 5)
    X, Y = rng.random((3, rows)).astype(dtype), rng.random((3, columns)).astype(dtype)
    kind = n % 4
    C = np.zeros((0, 0), dtype)
    if kind == 0:
        C = rng.random((rows, columns)).astype(dtype)
        C[rows // 2 :, :1] *= 1000
    if kind == 3:
        C = np.exp(-rng.random((rows, columns))).astype(dtype)
    return rows, columns, (kind, C, X, Y)


def masses(rng, n, dtype):
    """Return a distribution, one of whose entries is zero."""
    mass = rng.random(n) + 0.1
    mass[: n > 3] = 0
    return (mass / max(mass.sum(), 1)).astype(dtype)


def rows(rng, n, dtype, index):
    """Return the arguments of transport_rows; some sums underflow, those of a dense cost."""
    count, columns, given = cost(rng, n, dtype)
    F, G = rng.standard_normal(count).astype(dtype), rng.standard_normal(columns).astype(dtype)
    if given[0] == 0:
        F[: count // 3] -= 600
    G[columns // 2 : columns // 2 + (columns > 4)] = -2000
    sums = np.zeros((1 + min(count // 3, 3), columns), dtype)
    omega, kappa = (1.0, 1.5, 0.0)[n % 3], (1.0, 0.8)[n % 2]
    new, r = np.zeros(count, dtype), np.zeros(count, dtype)
    args = real(omega, dtype), real(kappa, dtype), real(2.5, dtype), *given
    return np.array([n != 2]), *args, masses(rng, count, dtype), F, G, new, r, sums


def columns(rng, n, dtype, index):
    """Return the arguments of transport_columns."""
    count, columns, given = cost(rng, n, dtype)
    F, G = rng.standard_normal(count).astype(dtype), rng.standard_normal(columns).astype(dtype)
    sums = rng.random((3, columns)).astype(dtype)
    if given[0] != 3:
        sums[:, : columns // 4] = 0
    omega, kappa = (1.0, 1.5, 0.0)[n % 3], (1.0, 0.8)[n % 2]
    new, c = np.zeros(columns, dtype), np.zeros(columns, dtype)
    args = real(omega, dtype), real(kappa, dtype), real(2.5, dtype), *given
    return np.array([n != 2]), *args, F, masses(rng, columns, dtype), G, sums, new, c


def judge(rng, n, dtype, index):
    """Return the arguments of transport_judge."""
    a, b, r = (masses(rng, size, dtype) for size in (n, n + 3, n))
    c, F, G = (rng.random(size).astype(dtype) for size in (n + 3, n, n + 3))
    c[b == 0] = 0
    return real((1.0, 0.9)[n % 2], dtype), real(1, dtype), a, b, r, c, F, G


def least(rng, n, dtype, index):
    """Return the arguments of transport_least."""
    count, columns, (kind, C, X, Y) = cost(rng, n, dtype)
    if kind == 3:
        kind = 0
    G, F_new = rng.standard_normal(columns).astype(dtype), np.zeros(count, dtype)
    sums = np.zeros((1 + min(count // 3, 3), columns), dtype)
    return real(2.5, dtype), kind, C, X, Y, G, F_new, sums


def edges(rng, n, dtype, index):
    """Return the arguments of transport_edges; some exponentials vanish, if taken as they are."""
    indptr, indices, data = csr(rng, n, dtype, index)
    A = sp.csr_array((1 + abs(data), indices, indptr), (n, n)) + sp.eye_array(n, format="csr", dtype=dtype)
    A = sp.csr_array(A)
    costs = (100 * A.data).astype(dtype)
    G = rng.standard_normal(n).astype(dtype)
    return real(2.5, dtype), A.indptr.astype(index), A.indices.astype(index), costs, G, np.zeros(n, dtype)


CASES = {
    "transport_rows": rows,
    "transport_columns": columns,
    "transport_judge": judge,
    "transport_least": least,
    "transport_edges": edges,
}
RETURNS_SUM = {"transport_judge"}
