r"""Damped least squares by the elimination of a block of variables: a Schur complement.

With :math:`J = [E\ C]`, the damped normal equations are

.. math:: \begin{bmatrix} V & W \\ W^T & U\end{bmatrix} \begin{bmatrix} e \\ c\end{bmatrix} = -\begin{bmatrix}
   g_e \\ g_c\end{bmatrix},\qquad V = E^T E + \lambda I,\quad W = E^T C,\quad U = C^T C + \lambda I .

Where V is block diagonal with small blocks :math:`L L^T`, the variables c solve the reduced system with the
matrix :math:`U - Y^T Y`, :math:`Y = L^{-1} W`.

B. Triggs, P. F. McLauchlan, R. I. Hartley, A. W. Fitzgibbon, Bundle adjustment: a modern synthesis, Vision
Algorithms, LNCS 1883 (2000) 298-372, section 6.1, doi:10.1007/3-540-44480-7_21.
"""

from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from ... import _validate
from ..._operators.operator import entries
from .damped_systems import System, only

LARGEST_BLOCK = 100  # variables of a block
PARTS = 4  # of the blocks, which threads share
DENSE_REDUCED = 4000  # reduced variables up to which the reduced matrix is dense


class Pattern:
    """The blocks of the variables of a mask in the pattern of a Jacobian, and where its entries go."""

    def __init__(self, J, eliminated):
        from ...kernels.host import schur

        self.indptr, self.indices = J.indptr, J.indices
        self.kept = np.flatnonzero(~eliminated)
        parent = np.arange(len(eliminated))
        schur.find_blocks(J.indptr, J.indices, eliminated, parent)
        _, label, sizes = np.unique(parent[eliminated], return_inverse=True, return_counts=True)
        if sizes.max(initial=0) > LARGEST_BLOCK:
            raise ValueError(
                f"common residuals couple {sizes.max()} of the variables of eliminate with each other; their "
                f"block of J^T J must be block diagonal, with blocks of at most {LARGEST_BLOCK} variables"
            )
        order, count, m = np.argsort(label, kind="stable"), len(sizes), J.shape[0]
        self.members = np.flatnonzero(eliminated)[order]
        begin = np.concatenate([[0], np.cumsum(sizes)])
        block, place = np.full((2, len(eliminated)), -1)
        block[self.members] = label[order]
        place[self.members] = np.arange(len(order)) - begin[label[order]]
        place[self.kept] = np.arange(len(self.kept))
        rows, row_begin = np.empty(m, np.int64), np.zeros(count + 2, np.int64)
        schur.sort_rows(J.indptr, J.indices, block, row_begin, np.empty(m, np.int64), rows)
        cols, local = np.empty((2, J.nnz), np.int32)
        col_begin, factor_begin = np.zeros(count + 1, np.int64), np.concatenate([[0], np.cumsum(sizes**2)])
        index = schur.Index(begin, rows, row_begin, cols, col_begin, local, factor_begin, col_begin)
        mark = np.full(len(self.kept), -1)
        end = schur.index_entries(J.indptr, J.indices, block, place, mark, index)
        Y_begin = np.concatenate([[0], np.cumsum(sizes * np.diff(col_begin))])
        self.index = index._replace(cols=cols[:end].copy(), Y_begin=Y_begin)
        self.longest = int(np.diff(J.indptr).max(initial=0))

    def fits(self, J):
        """Tell whether a Jacobian has this pattern."""
        return np.array_equal(self.indptr, J.indptr) and np.array_equal(self.indices, J.indices)

    def rows_of_Y(self, Y):
        """Return Y as a sparse matrix."""
        from scipy.sparse import csr_matrix

        begin, col_begin = self.index.begin, self.index.col_begin
        sizes, counts = np.diff(begin), np.diff(col_begin)
        per_row = np.repeat(counts, sizes)
        indptr = np.concatenate([[0], np.cumsum(per_row)])
        starts = np.repeat(col_begin[:-1], sizes)
        indices = self.index.cols[np.repeat(starts - indptr[:-1], per_row) + np.arange(indptr[-1])]
        return csr_matrix((Y, indices, indptr), shape=(len(per_row), len(self.kept)))


class Schur(System):
    """The damped system of one point; the variables of a `Pattern` are eliminated first."""

    least_damping = 1e-14

    def __init__(self, J, r, pattern):
        super().__init__(J, r)
        self._pattern = pattern

    def factorise(self, damping, free):
        from ...kernels.host import schur

        J: Any = only(self.J, free)
        pattern, index = self._pattern, self._pattern.index
        n, longest = len(pattern.kept), pattern.longest
        factors, Y = np.zeros(index.factor_begin[-1], J.dtype), np.zeros(index.Y_begin[-1], J.dtype)
        S = np.zeros((PARTS, n, n) if n <= DENSE_REDUCED else (PARTS, 0, 0), J.dtype)
        values, places = np.empty((PARTS, longest), J.dtype), np.empty((PARTS, longest), np.int64)
        definite, damping = np.zeros(PARTS, bool), J.dtype.type(damping)
        schur.eliminate(J.indptr, J.data, index, damping, factors, Y, S, values, places, definite)
        if not definite.all():
            raise LinAlgError("a block is not positive definite")
        if S.size:
            S = S.sum(axis=0)
            schur.add_other_rows(J.indptr, J.data, index, S)
        solve_reduced = _dense_solver(S, damping) if S.size else _sparse_solver(J, pattern, Y, damping)

        def change(residual, slope):  # noqa: ARG001 - other systems need the residual
            d, z, rhs = np.empty_like(slope), -slope[pattern.members], -slope[pattern.kept]
            schur.forward(index, factors, Y, z, rhs)
            solution = solve_reduced(rhs) if n else rhs
            schur.backward(index, factors, Y, z, solution)
            d[pattern.members], d[pattern.kept] = z, solution
            return d

        return change, True


def _dense_solver(S, damping):
    from scipy.linalg import cho_factor, cho_solve

    S = np.tril(S) + np.triu(S, 1).T
    S[np.diag_indices(len(S))] += damping
    factor = cho_factor(S, lower=True, overwrite_a=True, check_finite=False)
    return lambda rhs: cho_solve(factor, rhs)


def _sparse_solver(J, pattern, Y, damping):
    from scipy.sparse import eye_array
    from scipy.sparse.linalg import splu

    C, Y = entries(J)[:, pattern.kept], pattern.rows_of_Y(Y)
    S = (C.T @ C - Y.T @ Y + damping * eye_array(len(pattern.kept), dtype=J.dtype)).tocsc()
    try:
        kind: Any = "MMD_AT_PLUS_A"
        return splu(S, permc_spec=kind, diag_pivot_thresh=0.0, options={"SymmetricMode": True}).solve
    except RuntimeError as error:
        raise LinAlgError(str(error)) from None


def eliminated(eliminate, variables) -> Any:
    """Return the mask of the variables to eliminate, from a mask, a slice or indices."""
    mask = np.zeros(variables.n, bool)
    if isinstance(eliminate, slice):
        mask[eliminate] = True
        return mask
    chosen = _validate.as_array(eliminate, "eliminate")
    given = np.asarray(eliminate)
    if given.dtype == bool:
        if given.size != variables.n:
            raise ValueError(f"eliminate has {given.size} entries, but x0 has {variables.n}")
        return given.reshape(-1).copy()
    if given.dtype.kind not in "iu":
        raise TypeError(f"eliminate has dtype {chosen.dtype}; a mask, a slice or indices are needed")
    if given.size and not (-variables.n <= given.min() and given.max() < variables.n):
        raise ValueError(f"eliminate has an index outside of the {variables.n} variables")
    mask[given.reshape(-1)] = True
    return mask
