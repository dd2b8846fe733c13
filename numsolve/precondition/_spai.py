"""Sparse approximate inverses with a given pattern."""

import os
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import _validate
from .._array import namespace, to_device, to_host
from .._operators.entries import sparse_of, with_pattern_of
from .._operators.hermitian import check_hermitian, is_hermitian
from .._operators.operator import Csr, Operator, entries

ENTRIES_PER_BATCH = 1 << 20  # of the dense problems solved at once: many problems, and they fit the caches


def spai(A, *, power=1, factorized="auto"):
    r"""Return a sparse approximate inverse of `A` as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Nonsingular matrix of NumPy/SciPy or CuPy, real or complex.
    power : int
        The approximate inverse has the pattern of ``A ** power`` and the diagonal. At least 1.
    factorized : {"auto", True, False}
        True: compute a triangular factor G with :math:`M = G^H G`, for a Hermitian positive definite `A`;
        M is then so too, as `cg` needs it. False: minimise :math:`\lVert AM - I\rVert_F`. "auto": the
        first where `A` is Hermitian positive definite, else the second.

    Returns
    -------
    Operator
        ``M @ r`` is one product with a sparse matrix, or two with triangular ones if ``M.factorized``; it
        is in the library of `A`. ``M.update(A)`` returns the operator for other values in the same pattern.

    Raises
    ------
    ValueError
        `A` is not square or not finite; the columns of `A` from which a column of M is computed are linearly
        dependent (the column is named); `factorized` is true but `A` is not Hermitian positive definite;
        `power` is less than 1; or `update` is given another pattern.
    TypeError
        `A` is a LinearOperator, which has no entries, its dtype is not supported, or `power` is not a whole
        number.

    Notes
    -----
    The columns of M are independent. Column j solves a least squares problem with those columns of A that
    its pattern selects [1]_, by QR factorisation. With k entries in a column of M, and p rows in which the
    selected columns have entries, this takes about 2 p k^2 operations. A row of G solves a system with the
    k-by-k submatrix of A that its pattern selects, the lower triangle of the pattern of M [2]_: about k^3
    operations. The set-up runs on the host in double precision, in batches distributed among threads, and
    needs about 30 MB per thread beside M. Applying M costs as much as a product with ``A ** power``. Storage:
    M, or G and its transpose, and `A` itself.

    References
    ----------
    .. [1] M. J. Grote, T. Huckle, *Parallel preconditioning with sparse approximate inverses*,
       SIAM J. Sci. Comput. 18, 1997, :doi:`10.1137/S1064827594276552`.
    .. [2] L. Yu. Kolotilina, A. Yu. Yeremin, *Factorized sparse approximate inverse preconditionings I*,
       SIAM J. Matrix Anal. Appl. 14, 1993, :doi:`10.1137/0614004`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.precondition import spai
    >>> spai(np.array([[2.0, 1.0], [0.0, 4.0]])) @ np.array([3.0, 4.0])
    array([1., 1.])
    """
    if factorized not in ("auto", True, False):
        raise ValueError(f"factorized is {factorized!r}; needed: 'auto', True or False")
    _validate.count(power, "power", least=1)
    matrix = sparse_of(A, "spai", keep=True)
    host = _host(matrix)
    pattern = _pattern(host, power)
    if factorized == "auto":
        hermitian = is_hermitian(matrix)
        if hermitian and (host.diagonal().real > 0).all():
            try:
                return ApproximateInverse(matrix, pattern, factorized=True)
            except ValueError:  # Hermitian, but not positive definite
                pass
        factorized = False
    elif factorized:
        check_hermitian(matrix)
    return ApproximateInverse(matrix, pattern, factorized=factorized)


class ApproximateInverse(Operator):
    """A sparse approximate inverse: one matrix, or a triangular one and its adjoint."""

    def __init__(self, matrix, pattern, *, factorized):
        super().__init__(matrix.shape, matrix.dtype, matrix.library)
        self.factorized = factorized
        self._pattern = sp.tril(pattern, format="csr") if factorized else pattern
        self._set_matrix(matrix)

    def apply(self, x, out):
        if not self.factorized:
            return self._factors[0].apply(x, out)
        return self._factors[1].apply(self._factors[0].apply(x, namespace(x).empty_like(x)), out)

    def update(self, A):
        """Return the operator for other values in the same pattern."""
        matrix = with_pattern_of(self._matrix, A, "spai")
        if self.factorized:
            check_hermitian(matrix)
        twin = copy(self)
        twin._set_matrix(matrix)
        return twin

    def with_workspace(self):
        twin = copy(self)
        twin._factors = tuple(F.with_workspace() for F in self._factors)
        return twin

    def _set_matrix(self, matrix):
        """Set the matrix and compute its approximate inverse."""
        host = _host(matrix)
        if self.factorized:
            G = _solve_in_batches(self._pattern, host, _factor_rows)
            found = [G, G.conj().T.tocsr()]
        else:
            # Row j of the transposed pattern holds column j of M.
            found = [_solve_in_batches(self._pattern.T.tocsr(), host.T.tocsr(), _inverse_columns).T.tocsr()]
        self._factors = tuple(self._to_library(F) for F in found)
        self._matrix = matrix

    def _to_library(self, F):
        F = sp.csr_matrix(F.astype(self.dtype))
        return Csr(to_device(F) if self.library == "cupy" else F, name="the approximate inverse")


def _host(matrix):
    """Return the matrix in double precision on the host, with its entries in order."""
    host = sp.csr_matrix(to_host(entries(matrix)))
    return host.astype(np.result_type(host.dtype, np.float64))


def _pattern(A, power):
    """Return the pattern of ``A ** power`` and the diagonal."""
    once = sp.csr_matrix((np.ones(A.nnz), A.indices, A.indptr), A.shape) + sp.eye_array(A.shape[0])
    pattern: Any = sp.csr_matrix(once)
    once = pattern
    for _ in range(power - 1):
        pattern = pattern @ once
    pattern.sort_indices()
    return pattern


def _solve_in_batches(pattern, A, solve):
    """Return the pattern with the values that `solve` computes, batch by batch of its rows."""
    data = np.empty(pattern.nnz, A.dtype)
    lengths = np.diff(pattern.indptr)
    sizes = np.add.reduceat(np.diff(A.indptr)[pattern.indices], pattern.indptr[:-1]) * lengths
    batch = np.cumsum(sizes) // ENTRIES_PER_BATCH
    bounds = np.r_[0, np.nonzero(np.diff(batch))[0] + 1, len(lengths)]

    def work(span):
        rows = slice(*pattern.indptr[list(span)])
        data[rows] = solve(_Batch(pattern, A, *span))

    with ThreadPoolExecutor(min(len(bounds) - 1, os.cpu_count() or 1)) as pool:
        list(pool.map(work, pairwise(bounds)))
    return sp.csr_matrix((data, pattern.indices, pattern.indptr), pattern.shape)


class _Batch:
    """Some rows of the pattern, and the entries of the rows of A that their columns select.

    Entry e of these is in column ``entry_column[e]`` of A, and in the row of A that row ``entry_row[e]`` of
    the batch selects at position ``entry_position[e]``.
    """

    def __init__(self, pattern, A, begin, end):
        self.begin, self.n = int(begin), pattern.shape[0]
        span = slice(pattern.indptr[begin], pattern.indptr[end])
        self.lengths = np.diff(pattern.indptr[begin : end + 1])
        self.selected = pattern.indices[span]
        self.starts = pattern.indptr[begin:end] - pattern.indptr[begin]
        self.selected_by = np.repeat(np.arange(end - begin), self.lengths)
        counts = np.diff(A.indptr)[self.selected]
        slot = np.repeat(np.arange(len(self.selected)), counts)
        offsets = A.indptr[self.selected] - (np.cumsum(counts) - counts)
        entry = np.arange(len(slot)) + np.repeat(offsets, counts)
        self.entry_row = self.selected_by[slot]
        self.entry_position = (np.arange(len(self.selected)) - self.starts[self.selected_by])[slot]
        self.entry_column, self.entry_values = A.indices[entry], A.data[entry]

    def key(self, row, column):
        """Return a number for a row of the batch and a column, which sorts by row, then by column."""
        return row.astype(np.int64) * self.n + column

    def groups(self, kinds):
        """Yield for each kind of row: the rows, the places of their values, their entries, and for each entry
        the number of its row among those of the kind.
        """
        _, kinds, counts = np.unique(kinds, return_inverse=True, return_counts=True)
        of_entries = kinds[self.entry_row]
        by_row = np.split(np.argsort(kinds, kind="stable"), np.cumsum(counts)[:-1])
        by_entry = np.split(
            np.argsort(of_entries, kind="stable"),
            np.cumsum(np.bincount(of_entries, minlength=len(counts)))[:-1],
        )
        number = np.empty(len(kinds), np.int64)
        for rows, chosen in zip(by_row, by_entry, strict=True):
            number[rows] = np.arange(len(rows))
            places = self.starts[rows][:, None] + np.arange(self.lengths[rows[0]])
            yield rows, places, chosen, number[self.entry_row[chosen]]


def _inverse_columns(batch):
    """Return the columns of M that minimise the norm of ``A m - e``; the batch holds columns of A as rows."""
    keys, reached = np.unique(batch.key(batch.entry_row, batch.entry_column), return_inverse=True)
    first = np.searchsorted(keys, batch.key(np.arange(len(batch.lengths) + 1), 0))
    heights = np.diff(first)
    local = reached - first[batch.entry_row]
    own = np.arange(len(batch.lengths))
    unit_place = np.searchsorted(keys, batch.key(own, batch.begin + own))
    found = np.empty(len(batch.selected), batch.entry_values.dtype)
    reaching = keys[np.minimum(unit_place, len(keys) - 1)] == batch.key(own, batch.begin + own)
    unreachable = ~reaching | (heights < batch.lengths)
    if unreachable.any():
        raise _singular_column(batch.begin + int(np.argmax(unreachable)))
    # Heights are rounded up, which leaves fewer kinds of problems: rows of zeros do not change a solution.
    rounded = 2 ** np.ceil(np.log2(heights)).astype(np.int64)
    for rows, places, chosen, number in batch.groups(rounded * (batch.n + 1) + batch.lengths):
        problems = np.zeros((len(rows), heights[rows].max(), batch.lengths[rows[0]]), found.dtype)
        problems[number, local[chosen], batch.entry_position[chosen]] = batch.entry_values[chosen]
        Q, R = np.linalg.qr(problems)
        pivots = abs(np.diagonal(R, axis1=1, axis2=2))
        deficient = ~(pivots > 1e2 * np.finfo(np.float64).eps * np.linalg.norm(R, axis=1)).all(axis=1)
        if deficient.any():
            raise _singular_column(batch.begin + int(rows[np.argmax(deficient)]))
        rhs = Q[np.arange(len(rows)), (unit_place - first[:-1])[rows]].conj()
        found[places] = np.linalg.solve(R, rhs[:, :, None])[:, :, 0]
    return found


def _factor_rows(batch):
    """Return the rows of G: solutions of ``A[J, J] g^H = e``, scaled to a unit diagonal of ``G A G^H``."""
    keys = batch.key(batch.selected_by, batch.selected)
    wanted = batch.key(batch.entry_row, batch.entry_column)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    stored = keys[place] == wanted
    found = np.empty(len(batch.selected), batch.entry_values.dtype)
    for rows, places, chosen, number in batch.groups(batch.lengths):
        k = batch.lengths[rows[0]]
        number, chosen = number[stored[chosen]], chosen[stored[chosen]]
        column = place[chosen] - batch.starts[batch.entry_row[chosen]]
        problems = np.zeros((len(rows), k, k), found.dtype)
        problems[number, batch.entry_position[chosen], column] = batch.entry_values[chosen]
        try:
            g = np.linalg.solve(problems, np.eye(k)[:, -1:])[:, :, 0].conj()
        except np.linalg.LinAlgError:
            g = np.zeros((len(rows), k))  # a singular submatrix: A is not positive definite
        pivots = g[:, -1].real
        if not (pivots > 0).all():
            row = batch.begin + int(rows[np.argmin(pivots > 0)])
            raise ValueError(
                f"A is not positive definite, as row {row} of its approximate factor shows: "
                "use factorized=False and gmres"
            )
        found[places] = g / np.sqrt(pivots)[:, None]
    return found


def _singular_column(column):
    return ValueError(
        f"A looks singular from column {column} of the approximate inverse: the columns of A that it "
        "combines are linearly dependent, or do not reach the diagonal; use a higher power or another "
        "preconditioner"
    )
