"""What ilu0, ic0 and ssor share: the pattern of two triangles, computed once, and the operator."""

from copy import copy
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, namespace, sparse_module, to_host
from .._operators.entries import PoorDiagonal
from .._operators.operator import Csr, Operator, absolute
from .._operators.readonly import ReadOnly
from .._operators.rows import Order, Rows, coloured_rows, levels_of
from .._random import scattered
from ..kernels import kernels_for

# Rows are taken by levels if these are at most so many, of so many rows or more on average. Two threads then
# gained a factor of 1.4 to 1.8. On grids in natural order, which have hundreds of levels, they lost: the rows
# of a level are not neighbours in memory.
MAX_LEVELS, ROWS_PER_LEVEL = 64, 2048
LARGEST_GROWTH = 0.01  # of a product with A M, times machine epsilon


class Pattern(ReadOnly):
    """Where the entries of a matrix go in its triangles: index arrays, computed on the host.

    Missing diagonal entries are added, and with `symmetric` also the mirror image of every entry. `bounds`
    are those of sections of rows that can be taken at once.
    """

    def __init__(self, matrix, symmetric=False, bounds=None):
        n, xp = matrix.shape[0], array_module(matrix.library)
        indptr, indices = to_host(matrix.indptr, matrix.indices)
        width = indices.dtype
        rows = np.repeat(np.arange(n, dtype=width), np.diff(indptr))
        fill = None
        if np.count_nonzero(rows == indices) < n or (symmetric and not _mirrored(indptr, indices)):
            rows, indices, fill = _filled(n, rows, indices, symmetric)
            indptr = _indptr(rows, n)
        lower, upper = np.flatnonzero(indices < rows), np.flatnonzero(indices > rows)
        L, U = ((_indptr(rows[half], n), indices[half]) for half in (lower, upper))
        mirror = _by_columns(*L).data if symmetric else None

        def move(index):
            return None if index is None else xp.asarray(index.astype(width, copy=False))

        self.library, self.shape = matrix.library, matrix.shape
        self.fill = move(fill)  # where the entries of A are in the pattern
        self.mirror = move(mirror)  # for each entry of U, where its mirror image is in L
        self.lower, self.upper = move(lower), move(upper)
        self.diag = move(np.flatnonzero(indices == rows))
        self.size = len(indices)
        self.indptr, self.indices = move(indptr), move(indices)
        self.L, self.U = tuple(map(move, L)), tuple(map(move, U))
        self.upper_rows = move(rows[upper])
        self.order = Order(matrix.library, self.indptr, self.indices)
        if bounds is not None:
            self.order.arrays = bounds, xp.arange(n, dtype=width)

    def entries(self, given) -> Any:
        """Return a copy of the entries of a matrix at their places in the pattern."""
        if self.fill is None:
            return given.copy()
        data = array_module(self.library).zeros(self.size, given.dtype)
        data[self.fill] = given
        return data

    def triangle(self, half, data):
        """Return a strict triangle, of which `half` holds indptr and indices, as an operator."""
        indptr, indices = half
        A = sparse_module(self.library).csr_matrix((data, indices, indptr), shape=self.shape)
        A.has_canonical_format = True
        return Csr(A, data.dtype, "a factor of A")


def _indptr(rows, n):
    return np.append(0, np.cumsum(np.bincount(rows, minlength=n))).astype(rows.dtype)


def _by_columns(indptr, indices):
    """Return the pattern by columns, with the place of each entry in the order by rows as its data."""
    import scipy.sparse as sp

    n = len(indptr) - 1
    return sp.csr_array((np.arange(len(indices), dtype=indices.dtype), indices, indptr), shape=(n, n)).tocsc()


def _mirrored(indptr, indices):
    """Tell whether each entry has its mirror image."""
    transpose = _by_columns(indptr, indices)
    return np.array_equal(transpose.indptr, indptr) and np.array_equal(transpose.indices, indices)


def _filled(n, rows, indices, symmetric):
    """Return rows and columns of the larger pattern, and where the given entries are in it."""
    keys = rows.astype(np.int64) * n + indices
    more = [keys, np.arange(n) * (n + 1)]
    if symmetric:
        more.append(indices.astype(np.int64) * n + rows)
    union = np.unique(np.concatenate(more))
    return (union // n).astype(rows.dtype), (union % n).astype(rows.dtype), np.searchsorted(union, keys)


def _rows_for_solves(matrix, solves):
    """Return the rows by levels if `solves` asks for it or they are few and wide, else in natural order."""
    rows = Rows(matrix)
    if solves == "jacobi" or (solves == "exact" and rows.library == "numpy"):
        return rows
    level = levels_of(matrix)
    count = 1 + int(level.max(initial=0))
    few_and_wide = count <= MAX_LEVELS and len(level) >= ROWS_PER_LEVEL * count
    return rows.by_sections(level) if solves or few_and_wide else rows


class Triangles(Operator):
    """The operator ``U^-1 S L^-1``: unit triangles, stored without the ones, and a diagonal."""

    L: Any = None
    U: Any = None

    def __init__(self, matrix, solves, sweeps, symmetric=False, colours=None):
        super().__init__(matrix.shape, matrix.dtype, matrix.library)
        choices = ("exact", "levels", "jacobi")
        if solves not in (None, *choices):
            raise ValueError(f"solves is {solves!r}; needed: one of {', '.join(choices)}, or None")
        self.sweeps = _validate.count(sweeps, "sweeps", least=1)
        if colours is not None:
            self.rows, _ = coloured_rows(Rows(matrix), colours)
        else:
            solves = solves or ("jacobi" if matrix.library != "numpy" else None)
            self.rows = _rows_for_solves(matrix, solves)
        self.solves = solves or ("exact" if self.rows.bounds is None else "levels")
        self._pattern = Pattern(self.rows.operator(), symmetric, self.rows.bounds)

    def set_factors(self, lower, scale, upper):
        """Set the entries of the two strict triangles and of the diagonal."""
        name, dtype, pattern = "a factor of A", self.dtype, self._pattern
        lower, upper = (entries.astype(dtype, copy=False) for entries in (lower, upper))
        if self.L is None:
            self.L, self.U = pattern.triangle(pattern.L, lower), pattern.triangle(pattern.U, upper)
        else:
            self.L, self.U = self.L.with_data(lower, name), self.U.with_data(upper, name)
        self.scale = scale.astype(dtype, copy=False)

    def apply(self, x, out):
        L, U, rows = self.L, self.U, self.rows
        if self.solves != "jacobi":
            kernels_for(out).ldu_solve(
                *(rows.bounds, rows.order),
                *(L.indptr, L.indices, L.data),
                *(U.indptr, U.indices, U.data),
                *(self.scale, x, out if rows.order is None else namespace(x).empty_like(x), out),
            )
            return out
        y = right = x if rows.order is None else rows.to_order(x)
        for _ in range(self.sweeps):
            y = L.residual(right, y)
        y = right = y * self.scale
        for _ in range(self.sweeps):
            y = U.residual(right, y)
        out[...] = rows.from_order(y)
        return out

    def astype(self, dtype):
        if self.dtype == dtype:
            return self
        other = copy(self)
        other.dtype = np.dtype(dtype)
        other.L, other.U = self.L.astype(dtype), self.U.astype(dtype)
        other.scale = self.scale.astype(dtype)
        return other


def row_sums(matrix):
    """Return the sum of magnitudes in each row, a real vector."""
    if matrix.library == "numpy":
        from ..kernels.host import levels

        return levels.row_sums(matrix.indptr, matrix.data)
    return (absolute(matrix) @ array_module(matrix.library).ones(matrix.shape[0], matrix.dtype)).real.copy()


def refuse_useless(M, matrix, method, remedy):
    """Raise an error if a product with A M has no digit that is right.

    The growth ``A M r`` over r, for a fixed vector r and relative to the size of each row of A, is about one
    for a good M. Scaling rows of A does not change it.
    """
    xp, eps = array_module(matrix.library), float(np.finfo(matrix.dtype).eps)
    sizes = row_sums(matrix)
    sizes = xp.where(sizes > 0, sizes, 1)
    r = (scattered(xp.arange(len(sizes), dtype=np.float64)) - 0.5) * sizes
    with np.errstate(all="ignore"):
        growth = 2 * float((abs(matrix @ (M @ r.astype(matrix.dtype))) / sizes).max())
    if not growth < LARGEST_GROWTH / eps:
        raise PoorDiagonal(f"the factors of {method} are useless, as A M r is {growth:.1e} times r: {remedy}")
