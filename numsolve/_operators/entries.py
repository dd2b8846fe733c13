"""Matrices whose entries are needed: the diagonal, and another matrix of the same pattern."""

from .. import _validate
from .._array import array_module, library, namespace, sparse_module
from .operator import Csr, Dense, as_operator

# Preconditioners that put large entries on the diagonal themselves.
INSTEAD = "ilu0 or ilut, which match rows with columns, or no preconditioner"


class PoorDiagonal(ValueError):
    """A diagonal entry, a pivot or a diagonal block is zero or too small for a preconditioner."""


def matrix_of(A, method, *, keep=False):
    """Return the square matrix `A` as a `Csr` or `Dense` operator; raise for a LinearOperator.

    With `keep` it has arrays of its own, for an operator that outlives the call.
    """
    _validate.square_shape(A)
    matrix = as_operator(A, library(A) or "numpy", keep=keep)
    if not isinstance(matrix, (Csr, Dense)):
        raise TypeError(f"{method} needs the entries of A; a {type(A).__name__} only multiplies")
    return matrix


def sparse_of(A, method, *, keep=False):
    """Return the square matrix `A` as a `Csr` operator, without the zeros of a dense one; `keep` as above."""
    matrix = matrix_of(A, method, keep=keep)
    if isinstance(matrix, Dense):
        return Csr(sparse_module(matrix.library).csr_matrix(matrix.array))
    return matrix


def with_pattern_of(old, A, method):
    """Return the `Csr` operator of `A`, to keep, which must have the pattern, dtype and library of `old`."""
    new = sparse_of(A, method, keep=True).astype(old.dtype)
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


def diagonal(A, method, instead=INSTEAD):
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


def checked_diagonal(entries, method, instead=INSTEAD):
    """Return the entries of a diagonal, or raise at the first that is zero."""
    zeros = entries == 0
    if bool(zeros.any()):
        first = int(namespace(zeros).argmax(zeros))
        raise PoorDiagonal(
            f"A has {int(zeros.sum())} zero entries on the diagonal, the first in row {first}: "
            f"{method} divides by them; use {instead}"
        )
    return entries
