"""Least squares in scaled unknowns: columns of very different size are brought to norms near one."""

import numpy as np

from .._array import namespace, to_host
from .._operators.operator import Csr, Dense
from .._validate import real_dtype

WORST_RATIO = 1e3  # of the norms of columns, above which they are scaled


class ScaledColumns:
    """The matrix and the damping of a least-squares problem in scaled unknowns ``y = x / D``.

    The columns of ``[A; damp I]`` are scaled by powers of two, which is exact. They are not scaled if their
    norms differ little, if entries of A are not known, or if A has fewer rows than columns and no damping:
    scaling would change the solution of least norm.

    Attributes
    ----------
    A : Operator
        The matrix with scaled columns.
    D : array, shape (n,), or None
        The powers of two; None if the columns are not scaled.
    damp : float or array, shape (n,)
        The damping of each scaled unknown.
    size : float or None
        The Frobenius norm of ``[A; damp I]`` with scaled columns; None if entries are not known.
    """

    def __init__(self, A, damp):
        self.A, self.D, self.damp, self.size, self.is_damped = A, None, damp, None, damp > 0
        if not isinstance(A, (Csr, Dense)):
            return
        squares = _column_squares(A) + damp**2
        self.size = float(squares.sum()) ** 0.5
        norms = np.sqrt(to_host(squares))
        used = norms[norms > 0]
        is_wide = A.shape[0] < A.shape[1] and not self.is_damped
        if is_wide or used.size == 0 or used.max() < WORST_RATIO * used.min():
            return
        D = np.ldexp(1.0, -np.frexp(np.where(norms > 0, norms, 1))[1]).astype(real_dtype(A.dtype))
        self.D = D = namespace(squares).asarray(D)
        self.A = A.with_data(A.data * D[A.indices]) if isinstance(A, Csr) else Dense(A.array * D)
        self.damp, self.size = damp * D, float((squares * D**2).sum()) ** 0.5

    def to_caller(self, unit):
        """Return the factor that converts y, in units of `unit`, to x."""
        return unit if self.D is None else unit * self.D

    def backward_error(self, y, b, residual, gradient):
        """Return a bound of the normwise backward error of `y`, from the norms of residual and gradient.

        Either b and A are changed so that y solves the system, or A so that y is a minimiser.
        """
        if residual == 0:
            return 0.0
        return min(residual / (self.size * y + b), gradient / (self.size * residual))


def _column_squares(A):
    """Return the squared norms of the columns of a matrix, in float64."""
    if isinstance(A, Dense):
        return (abs(A.array).astype(float) ** 2).sum(axis=0)
    xp = namespace(A.data)
    return xp.bincount(A.indices, weights=abs(A.data).astype(float) ** 2, minlength=A.shape[1])
