"""Null vectors that are constant on sets of unknowns, recognised in the entries of a matrix."""

import numpy as np

from .._array import array_module, sparse_module, to_host
from .._operators.operator import Dense, entries
from .._operators.singular import Basis, NullSpace

# A sum of m terms counts as zero up to this many rounding errors times sqrt(m) and the sum of magnitudes: the
# errors of a diagonal that was assembled as minus a sum, and of summing it again.
ROUNDING = 4
FEW = 8  # vectors up to which a basis is dense


def constant_null_space(A, sizes, hermitian):
    """Return the null spaces of vectors that are constant on sets of unknowns, as a `NullSpace`, or None.

    Parameters
    ----------
    A : Csr or Dense
        Square matrix.
    sizes : Csr or Dense
        Its absolute values.
    hermitian : bool
        Whether it is Hermitian, at least to half its digits: null vectors are then looked for once.

    Notes
    -----
    The sets are connected components of the unknowns: all of them, those with a diagonal that is zero,
    negative, or not positive, such as the pressures of Stokes equations. Two unknowns are connected if they
    are in one row. The vector of ones on a set is a null vector if the sum of the entries of each row over
    the set is at the level of rounding errors: O(nnz) operations. One of the two bases may be None.
    """
    diagonal = to_host(entries(A).diagonal())
    has_zeros = not diagonal.all()
    passes, right, left = _rows_that_cancel(A, sizes), None, None
    if has_zeros or passes.any():
        right = _constant_vectors(on_host(A), diagonal, passes, hermitian)
    if right is not None or not hermitian:
        passes = _columns_that_cancel(A, sizes)
        if has_zeros or passes.any():
            left = _constant_vectors(on_host(A).T.tocsr(), diagonal, passes, hermitian)
    if right is None and left is None:
        return None
    right, left = (None if groups is None else _basis(groups, A) for groups in (right, left))
    if right is not None and left is not None and right.k != left.k:  # the smaller one is not complete
        right, left = (right, None) if right.k > left.k else (None, left)
    return NullSpace(right, left, "constant on sets of unknowns")


def on_host(A):
    """Return the matrix in SciPy's compressed rows, without stored zeros."""
    import scipy.sparse as sp

    matrix = sp.csr_matrix(to_host(entries(A)))
    if not matrix.data.all():
        matrix = matrix.copy()
        matrix.eliminate_zeros()
    return matrix


def _rows_that_cancel(A, sizes):
    """Return, on the host, which rows have entries that add up to rounding errors."""
    ones = array_module(A.library).ones(A.shape[1], A.dtype)
    lengths = A.shape[1] if isinstance(A, Dense) else np.diff(to_host(A.indptr))
    return _cancels(to_host(abs(A @ ones)), lengths, to_host((sizes @ ones).real))


def _columns_that_cancel(A, sizes):
    """Return, on the host, which columns have entries that add up to rounding errors."""
    n = A.shape[0]
    if isinstance(A, Dense):
        return _cancels(to_host(abs(A.array.sum(axis=0))), n, to_host(sizes.array.real.sum(axis=0)))
    indices, data, terms = to_host(A.indices, A.data, sizes.data)
    sums = np.bincount(indices, data.real, n)
    if A.dtype.kind == "c":
        sums = sums + 1j * np.bincount(indices, data.imag, n)
    terms = np.bincount(indices, terms.real, n).astype(terms.real.dtype)
    return _cancels(abs(sums), np.bincount(indices, minlength=n), terms)


def _cancels(sums, lengths, sizes):
    """Tell which sums of so many terms, of these total sizes, are rounding errors."""
    return sums <= ROUNDING * float(np.finfo(sizes.dtype).eps) * np.sqrt(lengths) * sizes


def _constant_vectors(matrix, diagonal, passes, hermitian):
    """Return for each unknown the number of its null vector, or -1; None if there is no null vector.

    Sets are tested from the smallest to the largest, each without the unknowns that have been taken, so the
    vectors are disjoint. `passes` tells which rows cancel.
    """
    n, real = matrix.shape[0], diagonal.real
    found, count = np.full(n, -1), 0
    sets = [real == 0, real < 0, real <= 0] if not (real > 0).all() and not (real < 0).all() else []
    for members in (*sets, np.ones(n, bool)):
        members = members & (found < 0)
        if members.all() and diagonal.all():  # each row is then in the component of its unknown
            groups = _null_groups(members, ~passes, *2 * (_components(matrix, "strong"),)) if hermitian else 0
            if groups is not None:  # strong components are found in half the time, but may be too small
                groups = _null_groups(members, ~passes, *2 * (_components(matrix, "weak"),))
        else:
            groups = _null_groups(members, *_part(matrix, members))
        if groups is not None:
            found = np.where(groups >= 0, groups + count, found)
            count = int(found.max()) + 1
    return found if count else None


def _components(graph, connection):
    """Return the number of the connected component of each node."""
    from scipy.sparse.csgraph import connected_components

    return connected_components(abs(graph) if graph.dtype.kind == "c" else graph, connection=connection)[1]


def _part(matrix, members):
    """Return which rows do not cancel in the columns of `members`, and the components of rows and columns."""
    import scipy.sparse as sp

    n, taken = matrix.shape[0], members[matrix.indices]
    rows = np.repeat(np.arange(n), np.diff(matrix.indptr))[taken]
    lengths, sizes = np.bincount(rows, minlength=n), np.bincount(rows, abs(matrix.data[taken]), n)
    sums = abs(matrix @ members.astype(matrix.dtype))
    fails = ~_cancels(sums, lengths, sizes.astype(sums.dtype))
    edges = (np.ones(len(rows), np.int8), (rows, matrix.indices[taken] + n))
    labels = _components(sp.csr_matrix(edges, shape=(2 * n, 2 * n)), "weak")
    return fails, labels[:n], labels[n:]


def _null_groups(members, fails, of_rows, of_columns):
    """Return for each unknown the number of its null vector among the components of `members`, or -1."""
    good = np.ones(2 * len(members), bool)
    good[of_rows[fails]] = False
    good = members & good[of_columns]
    if not good.any():
        return None
    groups = np.full(len(members), -1)
    groups[good] = np.unique(of_columns[good], return_inverse=True)[1]
    return groups


def _basis(groups, A):
    """Return the orthonormal basis of vectors that are constant on disjoint sets, in the library of A."""
    members = np.flatnonzero(groups >= 0)
    sizes = np.bincount(groups[members])
    values, places = (1 / np.sqrt(sizes))[groups[members]].astype(A.dtype), groups[members]
    xp = array_module(A.library)
    if len(sizes) <= FEW:
        vectors = np.zeros((len(sizes), len(groups)), A.dtype)
        vectors[places, members] = values
        return Basis(xp.asarray(vectors))
    import scipy.sparse as sp

    vectors = sp.csr_matrix((values, (members, places)), shape=(len(groups), len(sizes)))
    parts = (xp.asarray(part) for part in (vectors.data, vectors.indices, vectors.indptr))
    return Basis(sparse_module(A.library).csr_matrix(tuple(parts), shape=vectors.shape))
