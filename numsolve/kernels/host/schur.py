"""Elimination of small blocks of variables from least squares: loops on the host.

The columns of a sparse matrix in compressed rows are of two kinds. Those to eliminate fall into blocks: two
columns with a common row are in one block, so that a row meets at most one block. The other columns are kept.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import prange

from ..cpu._jit import inline, kernel

ONE = np.uint64(1)


class Index(NamedTuple):
    """Where the entries of a matrix go when its blocks are eliminated one after the other.

    Attributes
    ----------
    begin : array of int, shape (blocks + 1,)
        The first variable of each block, in the order of the blocks.
    rows, row_begin : array of int
        The rows that meet each block; those that meet none come last.
    cols, col_begin : array of int
        The kept columns that share rows with each block.
    local : array of int, shape (nnz,)
        For an entry in a kept column its place among those of the block; for another one minus one minus its
        place in the block. In a row without a block, the number of the kept column.
    factor_begin, Y_begin : array of int, shape (blocks + 1,)
        Where the factors of the blocks begin, and their couplings to the kept columns.
    """

    begin: Any
    rows: Any
    row_begin: Any
    cols: Any
    col_begin: Any
    local: Any
    factor_begin: Any
    Y_begin: Any


@inline
def _root(parent, j):
    while parent[j] != j:
        parent[j] = parent[parent[j]]
        j = parent[j]
    return j


@inline
def find_blocks(indptr, indices, eliminated, parent):
    """Write the first column of the block of each column to `parent`, which holds their own numbers."""
    for row in range(indptr.size - 1):
        first = -1
        for k in range(indptr[row], indptr[row + 1]):
            j = indices[k]
            if not eliminated[j]:
                continue
            other = _root(parent, j)
            if first < 0 or other < first:
                first, other = other, first
            if other >= 0:
                parent[other] = first
    for j in range(parent.size):
        parent[j] = _root(parent, j)


@inline
def sort_rows(indptr, indices, block, row_begin, owner, rows):
    """Sort the rows by the blocks that they meet.

    `row_begin` has zeros for all blocks, the rows without a block, and one more; it gets the first row of
    each. `owner` is overwritten.
    """
    n, count = indptr.size - 1, row_begin.size - 2
    for row in range(n):
        owner[row] = count
        for k in range(indptr[row], indptr[row + 1]):
            if block[indices[k]] >= 0:
                owner[row] = block[indices[k]]
                break
        row_begin[owner[row] + 1] += 1
    for b in range(count + 1):
        row_begin[b + 1] += row_begin[b]
    for row in range(n - 1, -1, -1):
        b = owner[row] + 1
        row_begin[b] -= 1
        rows[row_begin[b]] = row
    for b in range(count + 1):
        row_begin[b] = row_begin[b + 1]
    row_begin[count + 1] = n


@inline
def index_entries(indptr, indices, block, place, mark, index):
    """Fill the kept columns and the local places of an `Index`; `mark` holds -1 for each kept column.

    Return the number of kept columns of all blocks.
    """
    cols, local, end, count = index.cols, index.local, 0, index.begin.size - 1
    for b in range(count):
        first = index.col_begin[b] = end
        for q in range(index.row_begin[b], index.row_begin[b + 1]):
            row = index.rows[q]
            for k in range(indptr[row], indptr[row + 1]):
                j = indices[k]
                if block[j] >= 0:
                    local[k] = -1 - place[j]
                    continue
                if mark[place[j]] < 0:
                    mark[place[j]] = end - first
                    cols[end] = place[j]
                    end += 1
                local[k] = mark[place[j]]
        for c in range(first, end):
            mark[cols[c]] = -1
    index.col_begin[count] = end
    for q in range(index.row_begin[count], index.row_begin[count + 1]):
        for k in range(indptr[index.rows[q]], indptr[index.rows[q] + 1]):
            local[k] = place[indices[k]]
    return end


@inline
def _factorise(V, Y):
    """Replace the lower half of V by its Cholesky factor L, and Y by ``L^{-1} Y``; tell whether it exists."""
    size, k = Y.shape
    for i in range(size):
        for j in range(i):
            found = V[i, j]
            for s in range(j):
                found -= V[i, s] * V[j, s]
            V[i, j] = found / V[j, j]
        pivot = V[i, i]
        for s in range(i):
            pivot -= V[i, s] * V[i, s]
        if not pivot > 0:
            return False
        V[i, i] = np.sqrt(pivot)
        for j in range(i):
            factor = V[i, j]
            for c in range(k):
                Y[i, c] -= factor * Y[j, c]
        scale = 1 / V[i, i]
        for c in range(k):
            Y[i, c] *= scale
    return True


@inline
def _add_row(first, last, data, local, values, places, V, W):
    """Add the products of the entries of a row to V and W; gather the kept ones and return their number."""
    rest = 0
    for k in range(first, last):
        if local[k] >= 0:
            values[rest], places[rest] = data[k], local[k]
            rest += 1
    for k in range(first, last):
        if local[k] >= 0:
            continue
        i, value = -1 - local[k], data[k]
        for t in range(rest):
            W[i, places[t]] += value * values[t]
        for t in range(first, last):
            if local[t] < 0 and -1 - local[t] <= i:
                V[i, -1 - local[t]] += value * data[t]
    return rest


@inline
def _add_products(S, cols, values, places, rest):
    """Add the products of the kept entries of a row to S."""
    for s in range(rest):
        row = S[cols[places[s]]]
        for t in range(s + 1):
            row[cols[places[t]]] += values[s] * values[t]


@inline
def _subtract_products(S, cols, Y):
    """Subtract ``Y^T Y`` from S: three rows of Y at a time, as S is read and written in each pass."""
    size, k = Y.shape
    for i in range(0, size - 2, 3):
        for a in range(np.uint64(k)):
            row, f, g, h = S[cols[a]], Y[i, a], Y[i + 1, a], Y[i + 2, a]
            for c in range(a + ONE):
                row[np.uint64(cols[c])] -= f * Y[i, c] + g * Y[i + 1, c] + h * Y[i + 2, c]
    for i in range(size - size % 3, size):
        for a in range(np.uint64(k)):
            row, f = S[cols[a]], Y[i, a]
            for c in range(a + ONE):
                row[np.uint64(cols[c])] -= f * Y[i, c]


@inline
def _eliminate_blocks(first, last, indptr, data, index, damping, factors, Y, S, values, places):
    """Eliminate a range of blocks; tell whether all are positive definite."""
    for b in range(first, last):
        size, k = index.begin[b + 1] - index.begin[b], index.col_begin[b + 1] - index.col_begin[b]
        V = factors[index.factor_begin[b] : index.factor_begin[b + 1]].reshape((size, size))
        W = Y[index.Y_begin[b] : index.Y_begin[b + 1]].reshape((size, k))
        cols = index.cols[index.col_begin[b] : index.col_begin[b + 1]]
        for q in range(index.row_begin[b], index.row_begin[b + 1]):
            row = index.rows[q]
            rest = _add_row(indptr[row], indptr[row + 1], data, index.local, values, places, V, W)
            if S.size:
                _add_products(S, cols, values, places, rest)
        for i in range(size):
            V[i, i] += damping
        if not _factorise(V, W):
            return False
        if S.size:
            _subtract_products(S, cols, W)
    return True


@kernel(items=lambda *args: args[1].size)
def eliminate(indptr, data, index, damping, factors, Y, S, values, places, definite):
    """Factorise the damped blocks, and add the Schur complement of the kept columns to the sum of S.

    The blocks are shared out among ``len(S)`` parts. The product of two different columns is added once, on
    one side of the diagonal. `factors` and `Y` are zero; they get the Cholesky factors L of the blocks and
    ``L^{-1} E^T C`` for their columns E and the kept columns C, one block after the other. S is not formed if
    it has no entries. `values` and `places` are work vectors, one for each part. `definite` tells for
    each part whether its blocks are positive definite.
    """
    count, parts = index.begin.size - 1, S.shape[0]
    for part in prange(parts):
        first, last = part * count // parts, (part + 1) * count // parts
        work = S[part], values[part], places[part]
        definite[part] = _eliminate_blocks(
            first, last, indptr, data, index, damping, factors, Y, work[0], work[1], work[2]
        )


@inline
def add_other_rows(indptr, data, index, S):
    """Add the products of the entries of the rows that meet no block to S."""
    count, local = index.begin.size - 1, index.local
    for q in range(index.row_begin[count], index.row_begin[count + 1]):
        for s in range(indptr[index.rows[q]], indptr[index.rows[q] + 1]):
            for t in range(indptr[index.rows[q]], s + 1):
                S[local[s], local[t]] += data[s] * data[t]


@inline
def forward(index, factors, Y, z, rhs):
    """Replace z by ``L^{-1} z`` and subtract ``Y^T z`` from the right-hand side of the kept columns."""
    for b in range(index.begin.size - 1):
        first, size = index.begin[b], index.begin[b + 1] - index.begin[b]
        k = index.col_begin[b + 1] - index.col_begin[b]
        V = factors[index.factor_begin[b] : index.factor_begin[b + 1]].reshape((size, size))
        W = Y[index.Y_begin[b] : index.Y_begin[b + 1]].reshape((size, k))
        for i in range(size):
            found = z[first + i]
            for j in range(i):
                found -= V[i, j] * z[first + j]
            z[first + i] = found = found / V[i, i]
            for c in range(k):
                rhs[index.cols[index.col_begin[b] + c]] -= W[i, c] * found


@inline
def backward(index, factors, Y, z, solution):
    """Replace z by ``L^{-T} (z - Y x)`` for the solution x of the kept columns."""
    for b in range(index.begin.size - 1):
        first, size = index.begin[b], index.begin[b + 1] - index.begin[b]
        k = index.col_begin[b + 1] - index.col_begin[b]
        V = factors[index.factor_begin[b] : index.factor_begin[b + 1]].reshape((size, size))
        W = Y[index.Y_begin[b] : index.Y_begin[b + 1]].reshape((size, k))
        for i in range(size):
            found = z[first + i]
            for c in range(k):
                found -= W[i, c] * solution[index.cols[index.col_begin[b] + c]]
            z[first + i] = found
        for i in range(size - 1, -1, -1):
            found = z[first + i]
            for j in range(i + 1, size):
                found -= V[j, i] * z[first + j]
            z[first + i] = found / V[i, i]
