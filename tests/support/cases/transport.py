"""Cases of ``transport``: every kind of cost, masses of zero, penalties, and rows far from their mass."""

import numpy as np
import scipy.sparse as sp

from .sparse import csr


def cost(rng, n, dtype, kind=None, d=None):
    """Return numbers of problems, rows and columns for about n entries, and ``kind, C, X, Y``.

    The problems share their cost, or each has its own. Unless given, the kind depends on the size and the
    dtype, so that each is met at a size of several rows.
    """
    kind = (n // 64 + 2 * (np.dtype(dtype) == np.float32)) % 5 if kind is None else kind
    k = 1 + n % 3
    own = k if n % 2 else 1
    rows = round((n / k) ** 0.5) if n > 2 else n
    columns = rows + (rows > 5)
    X, Y = (rng.random((own, d or 1 + n % 5, size)).astype(dtype) for size in (rows, columns))
    C = np.zeros((1, 0, 0), dtype)
    if kind in (0, 3):
        X, Y = X[:1], Y[:1]
    if kind == 0:
        C = rng.random((own, rows, columns)).astype(dtype)
        C[:, rows // 2 :, : columns > 1] *= 1000
    if kind == 3:
        C = np.exp(-rng.random((own, rows, columns))).astype(dtype)
    return k, rows, columns, (kind, C, X, Y)


def masses(rng, shape, dtype):
    """Return distributions, one of whose entries is zero."""
    mass = rng.random(shape) + 0.1
    mass[:, : shape[1] > 3] = 0
    return (mass / np.maximum(mass.sum(axis=1, keepdims=True), 1)).astype(dtype)


def steps(k, n, dtype):
    """Return ``live, omega, kappa`` and the inverse of eps: some problems do not move, one does not live."""
    live = np.arange(k) != (1 if k > 1 else k - (n == 2))
    omega = np.resize(np.array([(1.0, 1.5, 0.0)[n % 3], 1.2, 1.0]), k).astype(dtype)
    return live, omega, (1.0, 0.8)[n % 2], 2.5


def rows(rng, n, dtype, index, *which):
    """Return the arguments of transport_rows; some sums underflow, those of a dense cost."""
    k, count, columns, given = cost(rng, n, dtype, *which)
    F, G = (rng.standard_normal((k, size)).astype(dtype) for size in (count, columns))
    if given[0] == 0:
        F[:, : count // 3] -= 600
    G[:, columns // 2 : columns // 2 + (columns > 4)] = -2000
    sums = np.zeros((k, 1 + min(count // 3, 3), columns), dtype)
    a, new, r = masses(rng, (k, count), dtype), np.zeros((k, count), dtype), np.zeros((k, count), dtype)
    return *steps(k, n, dtype), *given, a, F, G, new, r, sums


def columns(rng, n, dtype, index, *which):
    """Return the arguments of transport_columns."""
    k, count, columns, given = cost(rng, n, dtype, *which)
    F, G = (rng.standard_normal((k, size)).astype(dtype) for size in (count, columns))
    sums = rng.random((k, 3, columns)).astype(dtype)
    if given[0] != 3:
        sums[:, :, : columns // 4] = 0
    b, new, c = masses(rng, (k, columns), dtype), np.zeros((k, columns), dtype), np.zeros((k, columns), dtype)
    return *steps(k, n, dtype), *given, F, b, G, sums, new, c


def judge(rng, n, dtype, index):
    """Return the arguments of transport_judge."""
    k = 1 + n % 3
    a, b, r = (masses(rng, (k, size), dtype) for size in (n, n + 3, n))
    c, F, G = (rng.random((k, size)).astype(dtype) for size in (n + 3, n, n + 3))
    c[b == 0] = 0
    return (1.0, 0.9)[n % 2], 1.0, a, b, r, c, F, G


def least(rng, n, dtype, index, *which):
    """Return the arguments of transport_least."""
    k, count, columns, (kind, C, X, Y) = cost(rng, n, dtype, *which)
    kind = 0 if kind == 3 else kind
    G, F_new = rng.standard_normal((k, columns)).astype(dtype), np.zeros((k, count), dtype)
    sums = np.zeros((k, 1 + min(count // 3, 3), columns), dtype)
    return 2.5, kind, C, X, Y, G, F_new, sums


def edges(rng, n, dtype, index):
    """Return the arguments of transport_edges; some exponentials vanish, if taken as they are."""
    k = 1 + n % 3
    indptr, indices, data = csr(rng, n, dtype, index)
    A = sp.csr_array((1 + abs(data), indices, indptr), (n, n)) + sp.eye_array(n, format="csr", dtype=dtype)
    A = sp.csr_array(A)
    costs = (100 * A.data).astype(dtype)
    G = rng.standard_normal((k, n)).astype(dtype)
    pattern = A.indptr.astype(index), A.indices.astype(index)
    return int(n % 4 == 1), 2.5, *pattern, costs, G, np.zeros((k, n), dtype)


def axis(rng, n, dtype, index):
    """Return the arguments of transport_axis; some sums are too small to be believed, or not looked at."""
    p, q = 1 + n % 3, 1 + n % 2
    rows = round((n / p / q) ** 0.5) if n > 2 else n
    columns = rows + (rows > 5)
    values = (50 * rng.standard_normal((p, columns, q))).astype(dtype)
    values[0, : columns // 2] -= 300
    sums = rng.choice([0.0, 1e-40, 1.0], (p, rows, q)).astype(dtype)
    costs = (100 * rng.random((rows, columns))).astype(dtype)
    found = np.zeros((p, rows, q), dtype)
    return int(n == 31), 2.5, costs, values, found if n == 31 else sums, found


CASES = {
    "transport_rows": rows,
    "transport_columns": columns,
    "transport_judge": judge,
    "transport_least": least,
    "transport_edges": edges,
    "transport_axis": axis,
}
RETURNS_SUM = set()
