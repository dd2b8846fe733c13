"""The diagonal preconditioner."""

from .._operators.blocks import Diagonal
from .._operators.entries import diagonal


def jacobi(A):
    r"""Return the inverse of the diagonal of `A` as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix with a nonzero diagonal, of NumPy/SciPy or CuPy, real or complex.

    Returns
    -------
    Operator
        ``M @ r`` divides by the diagonal; it is in the library of `A`. ``M.update(A)`` returns the
        operator for another matrix.

    Raises
    ------
    ValueError
        A diagonal entry is zero (its row is named), or `A` is not square or not finite.
    TypeError
        `A` is a LinearOperator, which has no entries, or its dtype is not supported.

    Notes
    -----
    Applying it moves 24 n bytes in float64. Storage: one vector. Section 4.1 of [1]_.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.precondition import jacobi
    >>> jacobi(np.diag([2.0, 4.0])) @ np.ones(2)
    array([0.5 , 0.25])
    """
    return Diagonal(1 / diagonal(A, "jacobi"))
