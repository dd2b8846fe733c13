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


def examine_rows(indptr, indices, data, x, b, sums, largest):
    """Write sums over the rows of a square system, and largest values, to `sums` and `largest`.

    With ``r = b - A @ x``, the terms ``t = abs(A) @ abs(x)``, the sizes ``s = abs(A) @ 1`` of the rows, their
    sums ``w = A @ 1`` and the diagonal d, the sums are those of ``abs(r)**2``, ``abs(x)**2``, ``abs(b)**2``,
    ``abs(r / s)**2``, ``abs(b / s)**2``, of the real and the imaginary part of r, of ``abs(w)`` and
    ``abs(w)**2``, and the numbers of positive and of negative entries of d. A size of zero counts as one, and
    the sign is that of the real part.

    The largest values are those of ``abs(r) / (t + abs(b))``, of ``1 - abs(d) / s`` (one half for a row of
    size zero), of ``1 + (w - 2 d) / s`` (with -w and -d for a negative d; 0 for a row of size zero), which is
    twice the part of the row that is beside the diagonal and has its sign, and of ``1 / abs(a)`` and
    ``abs(a)`` for the entries a.
    """
    n = b.size
    rows, value, w, d = np.repeat(np.arange(n), np.diff(indptr)), np.empty_like(b), np.empty_like(b), 0 * b
    spmv(indptr, indices, data, x, value)
    spmv(indptr, indices, data, np.ones_like(b), w)
    on_diagonal = rows == indices
    np.add.at(d, rows[on_diagonal], data[on_diagonal])
    t, s = (np.empty(n, sums.dtype) for _ in range(2))
    row_terms(indptr, indices, data, x, t, s)
    r, by, size = b - value, np.where(s > 0, s, 1), t + abs(b)
    squares = [(abs(v) ** 2).sum() for v in (r, x, b, r / by, b / by)]
    counts = (d.real > 0).sum(), (d.real < 0).sum()
    sums[:] = *squares, r.real.sum(), r.imag.sum(), abs(w).sum(), (abs(w) ** 2).sum(), *counts
    error = (abs(r) / np.where(size > 0, size, 1)).max(initial=0)
    beside = np.where(s > 0, 1 - abs(d) / by, 0.5).max(initial=0)
    of_sign = np.where(d.real > 0, w.real, -w.real) - 2 * abs(d)
    same = np.where(s > 0, 1 + of_sign / by, 0).max(initial=0)
    largest[:] = error, beside, same, (1 / abs(data)).max(initial=0), abs(data).max(initial=0)
