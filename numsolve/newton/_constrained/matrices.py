"""Matrices with entries, dense or sparse, and operators that only multiply: products, sums and stacks."""

from typing import Any

from ..._array import is_sparse, library, namespace, sparse_module
from ..._operators.operator import Csr, Dense, Operator, entries

LARGEST_PRODUCT = 3000  # columns of an operator up to which its entries are formed by products


def matrix_of(operator: Any) -> Any:
    """Return the entries of an operator, as a dense or sparse matrix, or the operator if it has none."""
    return entries(operator) if isinstance(operator, (Csr, Dense)) else operator


def has_entries(A):
    """Tell whether the entries of a matrix are known."""
    return not isinstance(A, Operator)


def adjoint_product(A, y) -> Any:
    """Return the product of the transpose of a real matrix with a vector."""
    return A.adjoint() @ y if isinstance(A, Operator) else A.T @ y


def scaled_rows(A, scale):
    """Return ``diag(scale) A``."""
    if isinstance(A, Operator):
        return Sum([(1.0, A)], scale)
    if is_sparse(A):
        return (sparse_module(library(A)).diags(scale) @ A).tocsr()
    return scale[:, None] * A


def row_norms(A) -> Any:
    """Return the 2-norms of the rows of a matrix with entries."""
    if is_sparse(A):
        A = A.tocsr()
        squares = type(A)((A.data**2, A.indices, A.indptr), A.shape)
        return namespace(A.data).sqrt(squares @ namespace(A.data).ones(A.shape[1], A.dtype))
    xp = namespace(A)
    return xp.sqrt((A * A).sum(axis=1))


def combined(terms) -> Any:
    """Return the sum of ``factor * A`` over pairs: a matrix if all have entries, else an operator."""
    if any(isinstance(A, Operator) for _, A in terms):
        return Sum(terms)
    if not all(is_sparse(A) for _, A in terms):
        terms = [(factor, A.toarray() if is_sparse(A) else A) for factor, A in terms]
    total: Any = None
    for factor, A in terms:
        part = A if factor == 1 else factor * A
        total = part if total is None else total + part
    return total


def stacked(matrices) -> Any:
    """Return matrices above each other: dense if all are, sparse if some are, else an operator."""
    if len(matrices) == 1:
        return matrices[0]
    if any(isinstance(A, Operator) for A in matrices):
        return Stack(matrices)
    if not any(is_sparse(A) for A in matrices):
        return namespace(matrices[0]).concatenate(tuple(matrices))
    sparse = sparse_module(library(matrices[0]))
    return sparse.vstack([sparse.csr_matrix(A) for A in matrices], format="csr")


def formed(A, xp) -> Any:
    """Return the entries of an operator, by products with the unit vectors."""
    if not isinstance(A, Operator):
        return A
    n = A.shape[1]
    if n > LARGEST_PRODUCT:
        raise ValueError(
            f"only products with a matrix of {n} columns are known, but its entries are needed: give the "
            "matrix, or use linear_solver='minres'"
        )
    return A @ xp.eye(n, dtype=A.dtype)


class Sum(Operator):
    """A sum of multiples of matrices, with scaled rows: ``diag(scale) (factor_1 A_1 + ...)``."""

    def __init__(self, terms, scale: Any = 1.0):
        first = next(A for _, A in terms if isinstance(A, Operator))
        super().__init__(first.shape, first.dtype, first.library)
        self._terms, self._scale = terms, scale

    def apply(self, x, out):
        out[...] = self._scale * sum(factor * (A @ x) for factor, A in self._terms)
        return out

    def adjoint(self):
        return Transposed(self)

    def apply_adjoint(self, y, out):
        """Write the product of the transpose with `y` to `out` and return it."""
        y = self._scale * y
        out[...] = sum(factor * adjoint_product(A, y) for factor, A in self._terms)
        return out


class Stack(Operator):
    """Matrices above each other, of which some only multiply."""

    def __init__(self, matrices):
        first = matrices[0]
        super().__init__((sum(A.shape[0] for A in matrices), first.shape[1]), first.dtype, library(first))
        self._matrices = matrices

    def apply(self, x, out):
        row = 0
        for A in self._matrices:
            out[row : row + A.shape[0]] = A @ x
            row += A.shape[0]
        return out

    def adjoint(self):
        return Transposed(self)

    def apply_adjoint(self, y, out):
        """Write the product of the transpose with `y` to `out` and return it."""
        out[...] = 0
        row = 0
        for A in self._matrices:
            out += adjoint_product(A, y[row : row + A.shape[0]])
            row += A.shape[0]
        return out


class Transposed(Operator):
    """The transpose of a `Sum` or a `Stack`."""

    def __init__(self, operator):
        super().__init__(operator.shape[::-1], operator.dtype, operator.library)
        self._operator = operator

    def apply(self, x, out):
        return self._operator.apply_adjoint(x, out)
