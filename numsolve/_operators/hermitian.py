"""Whether an operator is Hermitian: the assertion of the caller, and the test in its place."""

from copy import copy

import numpy as np

from .. import _validate
from .._array import array_module, is_sparse, library, read_sum
from .._random import GOLDEN, SQRT2, scattered
from ..kernels import kernels_for
from .operator import Csr, Dense, Hermitian, Operator, as_operator
from .terms import row_terms


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
        product. A preconditioner that is made from it has the assertion too. A matrix is copied, so later
        changes of `A` do not change the operator; threads can share it.

    Raises
    ------
    ValueError
        `A` is not square, or an entry is not finite.
    TypeError
        The dtype of `A` is not supported.

    Notes
    -----
    Methods that need a Hermitian matrix test it with two products. They refuse a matrix whose rows differ
    from its columns in the first half of their digits. The assertion saves the products and accepts matrices
    that are slightly asymmetric, because of rounding or of boundary conditions that were applied to rows
    only. (Start then from an `x0` that meets the conditions, with no preconditioner or a diagonal one.) With
    a wrong assertion a method may stagnate, but the residual that it reports is still the true one.

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
    operator = copy(as_operator(A, library(A) or "numpy", keep=True))
    operator.known_hermitian = True
    return operator


def is_hermitian(A):
    """Tell whether an operator is Hermitian: as its owner asserts, or to half its digits by two products.

    One that returns NaN is not refused here: the method that meets the NaN says so.
    """
    return A.known_hermitian or not asymmetry(A) > _largest_asymmetry(A)


def check_hermitian(A, name="A"):
    """Raise unless an operator is Hermitian."""
    if A.known_hermitian:
        return
    found = asymmetry(A)
    if found > _largest_asymmetry(A):
        kind = "Hermitian" if A.dtype.kind == "c" else "symmetric"
        raise ValueError(
            f"{name} is not {kind}: u^H A v and v^H A u differ by {found:.1e} of their size; use gmres, "
            f"or pass numsolve.hermitian({name}), which skips this test, if you know that it is, or if only "
            f"rows of Dirichlet conditions break the symmetry and x0 meets the conditions"
        )


def _largest_asymmetry(A):
    """Return the asymmetry up to which an operator counts as Hermitian: half the digits it was given with."""
    return max(float(np.finfo(A.dtype).eps), A.given_rounding) ** 0.5


def asymmetry(A):
    """Return how far ``u^H A v`` is from ``(v^H A u)^*``, relative to their size, for two fixed vectors.

    For a matrix each entry of u is divided by the sum of its row of ``abs(A)``. Small rows then count as much
    as large ones: the value is about the mean of ``abs((A - A^H) v)`` relative to the rows. A matrix stores
    it, so it is computed once for many solves with one operator.
    """
    if not isinstance(A, (Csr, Dense)):  # others may change
        return _asymmetry(A)
    if A.found_asymmetry is None:
        A.found_asymmetry = _asymmetry(A)
    return A.found_asymmetry


def _asymmetry(A):
    """Compute the asymmetry.

    Real parts suffice if the vectors are complex where A is. The sums are those of our kernels, because the
    threads of BLAS would keep spinning beside those of the next kernels.
    """
    xp = array_module(A.library)
    index = xp.arange(A.shape[0], dtype=np.float64)

    def vector(step, turned):
        values = scattered(index, step) - 0.5
        return (values + 1j * values[::-1] * turned if A.dtype.kind == "c" else values).astype(A.dtype)

    u, v = vector(GOLDEN, 1), vector(SQRT2, -2)
    dot = kernels_for(u).dot
    if isinstance(A, (Csr, Dense)):
        sizes = row_terms(A, v)[1]
        by_size = u / xp.where(sizes > 0, sizes, 1)
        left, right, uu, vv = (
            read_sum(dot(x, y)) for x, y in ((by_size, A @ v), (A @ by_size, v), (u, u), (v, v))
        )
        return abs(left - right) / (uu * vv) ** 0.5 if uu * vv > 0 else 0.0
    Au, Av = A @ u, A @ v
    left, right, *squares = (
        read_sum(dot(x, y)) for x, y in ((u, Av), (Au, v), (u, u), (v, v), (Au, Au), (Av, Av))
    )
    size = (max(squares[:2]) * max(squares[2:])) ** 0.5
    return abs(left - right) / size if size > 0 else 0.0
