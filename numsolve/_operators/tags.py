"""Assertions about an operator by the caller, which replace tests."""

from copy import copy

from .. import _validate
from .._array import is_sparse, library
from .operator import Hermitian, Operator, as_operator


def hermitian(A):
    """Assert that `A` is Hermitian (symmetric, if real); methods then do not test it.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        A matrix of NumPy/SciPy or CuPy, or anything with a shape and ``@`` or ``matvec``.

    Returns
    -------
    operator
        `A` with the assertion. Every argument `A` of numsolve accepts it, and ``operator @ x`` is the
        product. A preconditioner that is made from it has the assertion too.

    Raises
    ------
    ValueError
        `A` is not square, or an entry is not finite.
    TypeError
        The dtype of `A` is not supported.

    Notes
    -----
    Methods that need a Hermitian matrix test it with two products. They refuse a matrix that is asymmetric in
    the first half of its digits. The assertion saves the products and accepts matrices that are slightly
    asymmetric, because of rounding or of boundary conditions that were applied to rows only. With a wrong
    assertion a method may stagnate, but the residual that it reports is still the true one.

    Examples
    --------
    >>> import numpy as np
    >>> import numsolve
    >>> A = numsolve.hermitian(np.array([[2.0, 1.0], [1.0, 3.0]]))
    >>> numsolve.krylov.cg(A, np.array([3.0, 4.0])).check().x.round(12)
    array([1., 1.])
    """
    _validate.square_shape(A)
    multiplies_only = not is_sparse(A) and (
        hasattr(A, "matvec") or (hasattr(A, "__matmul__") and library(A) is None and hasattr(A, "shape"))
    )
    if multiplies_only and not isinstance(A, Operator):
        return A if isinstance(A, Hermitian) else Hermitian(A)
    operator = copy(as_operator(A, library(A) or "numpy"))
    operator.known_hermitian = True
    return operator
