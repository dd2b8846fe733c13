"""The diagonal preconditioner."""

import numpy as np

from .._array import namespace
from .._matrix import diagonal
from .._operator import Operator


def jacobi(A):
    r"""Return the inverse of the diagonal of `A` as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix with a diagonal free of zeros, of NumPy/SciPy or CuPy.

    Returns
    -------
    Operator
        ``M @ r`` divides by the diagonal; it lives where `A` lives. ``M.update(A)`` takes the diagonal of
        another matrix and returns M.

    Raises
    ------
    ValueError
        A diagonal entry is zero (its row is named), or `A` is not square or not finite.
    TypeError
        `A` is a LinearOperator, whose diagonal is not at hand.

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


class Diagonal(Operator):
    """A diagonal matrix."""

    def __init__(self, entries):
        xp = namespace(entries)
        super().__init__((entries.size, entries.size), entries.dtype, "numpy" if xp is np else "cupy")
        self.entries = entries

    def apply(self, x, out):
        namespace(out).multiply(self.entries, x, out=out)
        return out

    def apply_block(self, X, out):
        namespace(out).multiply(self.entries[:, None], X, out=out)
        return out

    def astype(self, dtype):
        return self if self.dtype == dtype else Diagonal(self.entries.astype(dtype))

    def update(self, A):
        """Take the diagonal of another matrix of the same shape; return the operator itself."""
        entries = 1 / diagonal(A, "jacobi").astype(self.dtype)
        if entries.shape != self.entries.shape:
            raise ValueError(f"A has shape {tuple(A.shape)}, but jacobi was made from one of {self.shape}")
        self.entries = entries
        return self
