r"""Damped least squares by the elimination of a block of variables: a Schur complement.

With :math:`J = [E\ C]`, the damped normal equations are

.. math:: \begin{bmatrix} V & W \\ W^T & U\end{bmatrix} \begin{bmatrix} e \\ c\end{bmatrix} = -\begin{bmatrix}
   g_e \\ g_c\end{bmatrix},\qquad V = E^T E + \lambda I,\quad W = E^T C,\quad U = C^T C + \lambda I .

Where V is block diagonal with small blocks :math:`L L^T`, the variables c solve the reduced system with the
matrix :math:`U - Y^T Y`, :math:`Y = L^{-1} W`.

B. Triggs, P. F. McLauchlan, R. I. Hartley, A. W. Fitzgibbon, Bundle adjustment: a modern synthesis, Vision
Algorithms, LNCS 1883 (2000) 298-372, section 6.1, doi:10.1007/3-540-44480-7_21.
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from .. import _validate
from .._operators.operator import entries
from ._damped_systems import System

LARGEST_BLOCK = 100  # variables of a block
DENSE_REDUCED = 4000  # reduced variables up to which the reduced matrix is dense
CHUNK = 4_000_000  # entries of a dense part of Y


class Schur(System):
    """The damped system of one point, with the variables of the mask `eliminated` eliminated first."""

    def __init__(self, J, r, eliminated):
        super().__init__(J, r)
        self._e, self._c = np.flatnonzero(eliminated), np.flatnonzero(~eliminated)

    @cached_property
    def parts(self) -> Any:
        """The matrices V, W and U without damping."""
        columns = entries(self.J).tocsc()
        E, C = columns[:, self._e].tocsr(), columns[:, self._c].tocsr()
        Et, Ct = E.T.tocsr(), C.T.tocsr()
        return (Et @ E).tocsr(), (Et @ C).tocsr(), (Ct @ C).tocsr()

    @cached_property
    def groups(self):
        """For each size of the blocks the rows of its variables in V, shape (blocks, size)."""
        from scipy.sparse.csgraph import connected_components

        _, labels = connected_components(self.parts[0], directed=False)
        sizes = np.bincount(labels)
        if sizes.max(initial=0) > LARGEST_BLOCK:
            raise ValueError(
                f"common residuals couple {sizes.max()} of the variables of eliminate with each other; their "
                f"block of J^T J must be block diagonal, with blocks of at most {LARGEST_BLOCK} variables"
            )
        order = np.argsort(labels, kind="stable")
        of_block = sizes[labels[order]]
        return [order[of_block == size].reshape(-1, size) for size in np.unique(sizes)]

    @cached_property
    def blocks(self):
        """The dense blocks of V, shape (blocks, size, size) for each group."""
        V = self.parts[0].tocoo()
        block, place = np.empty((2, V.shape[0]), np.intp)
        found = []
        for rows in self.groups:
            block[rows], place[rows] = np.arange(len(rows))[:, None], np.arange(rows.shape[1])
            dense = np.zeros((*rows.shape, rows.shape[1]), V.dtype)
            member = np.zeros(V.shape[0], bool)
            member[rows] = True
            chosen = member[V.row]
            i, j = V.row[chosen], V.col[chosen]
            dense[block[i], place[i], place[j]] = V.data[chosen]
            found.append(dense)
        return found

    def factorise(self, damping, free):
        _, W, U = self.parts
        blocks = self.blocks
        if free is not None:
            blocks, W, U = self._masked(free, W, U)
        inverses = [_inverse_factors(block, damping) for block in blocks]
        Ys = [_block_diagonal(L) @ W[rows.ravel()] for L, rows in zip(inverses, self.groups, strict=True)]
        reduced = _reduced_solver(U, Ys, damping)

        def change(residual, slope):  # noqa: ARG001 - other systems need the residual
            d, rhs = np.empty_like(slope), -slope[self._c]
            inner = []
            for rows, L, Y in zip(self.groups, inverses, Ys, strict=True):
                inner.append(np.einsum("pij,pj->pi", L, -slope[self._e[rows]]))
                rhs = rhs - Y.T @ inner[-1].ravel()
            d[self._c] = c = reduced(rhs)
            for rows, L, Y, z in zip(self.groups, inverses, Ys, inner, strict=True):
                d[self._e[rows]] = np.einsum("pji,pj->pi", L, z - (Y @ c).reshape(z.shape))
            return d

        return change, True

    def _masked(self, free, W, U):
        """Return the parts with zeros in the rows and columns that are not free."""
        from scipy.sparse import diags_array

        e, c = (free[part].astype(self.r.dtype) for part in (self._e, self._c))
        keep_e, keep_c = diags_array(e), diags_array(c)
        blocks = [
            block * e[rows][:, :, None] * e[rows][:, None, :]
            for block, rows in zip(self.blocks, self.groups, strict=True)
        ]
        return blocks, (keep_e @ W @ keep_c).tocsr(), (keep_c @ U @ keep_c).tocsr()


def _inverse_factors(blocks, damping):
    """Return the inverse Cholesky factors of the damped blocks."""
    return np.linalg.inv(np.linalg.cholesky(blocks + damping * np.eye(blocks.shape[1], dtype=blocks.dtype)))


def _block_diagonal(blocks):
    """Return a block diagonal matrix in compressed rows."""
    from scipy.sparse import csr_matrix

    count, size, _ = blocks.shape
    indptr = np.arange(0, count * size * size + 1, size)
    indices = np.repeat(np.arange(count * size).reshape(count, 1, size), size, axis=1)
    return csr_matrix((blocks.ravel(), indices.ravel(), indptr), shape=(count * size, count * size))


def _reduced_solver(U, Ys, damping):
    """Return a function that solves with the Schur complement ``U + damping I - sum(Y.T @ Y)``."""
    from scipy.linalg import cho_factor, cho_solve
    from scipy.sparse import eye_array
    from scipy.sparse.linalg import splu

    n = U.shape[0]
    if n > DENSE_REDUCED:
        S = U + damping * eye_array(n, dtype=U.dtype) - sum((Y.T @ Y for Y in Ys), 0 * U)
        try:
            return splu(S.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0).solve
        except RuntimeError as error:
            raise LinAlgError(str(error)) from None
    S = U.toarray() + damping * np.eye(n, dtype=U.dtype)
    rows = max(CHUNK // max(n, 1), 1)
    for Y in Ys:
        for begin in range(0, Y.shape[0], rows):
            part = Y[begin : begin + rows].toarray()
            S -= part.T @ part
    if n == 0:
        return lambda rhs: rhs
    factor = cho_factor(S, check_finite=False)
    return lambda rhs: cho_solve(factor, rhs)


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
