"""Matrices whose entries are needed: the diagonal, the order of rows, another matrix of the same pattern."""

from functools import cached_property
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, library, sparse_module, to_host
from .operator import Csr, Dense, as_operator


def matrix_of(A, method):
    """Return the square matrix `A` as a `Csr` or `Dense` operator; raise for a LinearOperator."""
    _validate.square_shape(A)
    matrix = as_operator(A, library(A) or "numpy")
    if not isinstance(matrix, (Csr, Dense)):
        raise TypeError(f"{method} needs the entries of A; a {type(A).__name__} only multiplies")
    return matrix


def sparse_of(A, method):
    """Return the square matrix `A` as a `Csr` operator, without the zeros of a dense one."""
    matrix = matrix_of(A, method)
    if isinstance(matrix, Dense):
        return Csr(sparse_module(matrix.library).csr_matrix(matrix.array))
    return matrix


def with_pattern_of(old, A, method):
    """Return the `Csr` operator of `A`, which must have the pattern, dtype and library of `old`."""
    new = sparse_of(A, method).astype(old.dtype)
    if new.library != old.library:
        raise TypeError(f"A is a {new.library} matrix, but {method} was made from a {old.library} one")
    xp = array_module(new.library)
    if new.shape != old.shape or new.nnz != old.nnz:
        raise ValueError(
            f"A has shape {new.shape} and {new.nnz} entries, but {method} was made from a matrix of shape "
            f"{old.shape} with {old.nnz}: make a new one"
        )
    if not (xp.array_equal(new.indptr, old.indptr) and xp.array_equal(new.indices, old.indices)):
        raise ValueError(f"A has another pattern than the matrix {method} was made from: make a new one")
    return new


def diagonal(A, method, instead="block_jacobi or spai, or no preconditioner"):
    """Return the diagonal of a matrix; raise if an entry is zero, and recommend what to use `instead`."""
    matrix = matrix_of(A, method)
    if isinstance(matrix, Dense):
        entries = matrix.array.diagonal().copy()
    elif matrix.library == "numpy":  # SciPy would take longer to check the matrix
        from ..kernels.host import levels

        entries = levels.diagonal(matrix.indptr, matrix.indices, matrix.data)
    else:
        entries = matrix.to_sparse().diagonal()
    return checked_diagonal(entries, method, instead).astype(matrix.dtype, copy=False)


def checked_diagonal(entries, method, instead="block_jacobi or spai, or no preconditioner"):
    """Return the entries of a diagonal, or raise at the first that is zero."""
    zeros = entries == 0
    if bool(zeros.any()):
        raise ValueError(
            f"A has {int(zeros.sum())} zero entries on the diagonal, the first in row {int(zeros.argmax())}: "
            f"{method} divides by them; use {instead}"
        )
    return entries


def levels_of(matrix):
    """Return on the host the level of each row of anything with `indptr` and `indices`.

    Rows of one level are not coupled. The level of a row is above those of the earlier rows coupled to it.
    """
    from ..kernels.host.levels import levels

    return levels(*to_host(matrix.indptr, matrix.indices))


class Order:
    """The order in which coupled rows are taken: level by level on a GPU, as stored on the host.

    On the host ``arrays`` holds None twice. If `coloured`, rows are taken colour by colour on both.
    """

    def __init__(self, library, indptr, indices, coloured=False):
        self._library, self._indptr, self._indices, self._coloured = library, indptr, indices, coloured

    @cached_property
    def arrays(self) -> Any:
        """The arrays `bounds` and `order` of the kernels, computed on the host and moved to the device."""
        if self._library == "numpy" and not self._coloured:
            return None, None
        from ..kernels.host.colours import greedy_colours
        from ..kernels.host.levels import levels

        xp, width = array_module(self._library), self._indices.dtype
        sections_of = greedy_colours if self._coloured else levels
        level = sections_of(to_host(self._indptr), to_host(self._indices))
        bounds = np.append(0, np.cumsum(np.bincount(level)))
        return xp.asarray(bounds.astype(width)), xp.asarray(np.argsort(level, kind="stable").astype(width))
