"""Incomplete LU factorisation without fill."""

from copy import copy

import numpy as np

from .. import _validate
from .._array import namespace, to_host
from .._operators.entries import PoorDiagonal, sparse_of, with_pattern_of
from ..kernels import kernels_for
from ._matching import made
from ._triangles import Triangles, refuse_useless, row_sums

REMEDY = "pass a larger shift, as shift=0.01, or use ilut with a small drop_tol"


def ilu0(A, *, shift=0.0, solves=None, sweeps=2, matching="auto"):
    r"""Return the inverse of an incomplete LU factorisation of `A` without fill as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix of NumPy/SciPy or CuPy, real or complex. The factors depend on the order of its rows.
    shift : float
        Each diagonal entry grows in magnitude by `shift` times the sum of magnitudes of its row: a remedy for
        pivots that vanish, and for factors that do not speed up convergence.
    solves : {"exact", "levels", "jacobi"}, optional
        How the triangles are solved. "exact": row by row on one thread. "levels": the same level by level,
        with the rows of a level distributed among the threads. "jacobi": approximately, by `sweeps` Jacobi
        iterations, which are products. Default: on the host "levels" where these are few and wide, else
        "exact"; on a GPU, where each level takes a launch, "jacobi".
    sweeps : int
        Jacobi iterations for each triangle.
    matching : {"auto", True, False}
        Whether to take the rows in the order that makes the product of the diagonal entries largest, and to
        equilibrate. "auto": if a pivot is zero or tiny, or the factors are useless.

    Returns
    -------
    Operator
        ``M @ r`` is :math:`U^{-1} L^{-1} r`; it is in the library of `A`. ``M.update(A)`` returns the
        operator for another matrix of the same pattern.

    Raises
    ------
    ValueError
        Also after matching, a pivot is zero or no larger than the rounding error of the diagonal entry (its
        row is named), or the factors are so large that no digit of a product with A M is right; `A` is not
        square or not finite, `shift` is negative, `sweeps` is less than 1, `solves` is unknown, or `update`
        is given another pattern.
    TypeError
        `A` is a LinearOperator, which has no entries, or a dtype is not supported.

    Notes
    -----
    Gaussian elimination that keeps only the entries in the pattern of `A` (and its diagonal), where
    :math:`(LU)_{ij} = a_{ij}`; Algorithm 10.4 of [1]_. It does not depend on the scale of each row of `A`.
    An exact application moves 12 bytes per entry of `A` and 44 per row in float64 with int32 indices, on one
    thread; a Jacobi iteration is a product with a triangle. Storage: the factors (as much as `A`), the
    matrix itself and about 2.5 indices per entry for `update`, and a vector. The pattern is analysed on the
    host; on a GPU the entries stay there, and the factorisation takes a launch a level.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import gmres
    >>> from numsolve.precondition import ilu0
    >>> from numsolve.problems import convection_diffusion
    >>> A = convection_diffusion((50, 50), (20.0, 10.0))
    >>> gmres(A, np.ones(2500), M=ilu0(A), rtol=1e-8).check().nit < 60
    True
    """
    shift, matrix = _validate.tolerance(shift, "shift"), sparse_of(A, "ilu0", keep=True)
    return made(lambda matrix: Ilu0(matrix, shift, solves, sweeps), matrix, matching, "ilu0")


class Ilu0(Triangles):
    """``U^-1 L^-1`` of an incomplete factorisation, the diagonal of U between the triangles."""

    method = "ilu0"

    def __init__(self, matrix, shift, solves, sweeps):
        super().__init__(matrix, solves, sweeps)
        self.shift = shift
        self._factorise(matrix)
        refuse_useless(self, matrix, self.method, REMEDY)

    def update(self, A):
        """Return the operator for another matrix of the same pattern."""
        twin = copy(self)
        twin._factorise(with_pattern_of(self._matrix, A, self.method))
        return twin

    def _factorise(self, matrix):
        pattern, rows = self._pattern, self.rows
        data = pattern.entries(rows.entries(matrix))
        diagonal = data[pattern.diag]
        if self.shift:
            diagonal = _shifted_diagonal(diagonal, self.shift * rows.to_order(row_sums(matrix)))
            data[pattern.diag] = diagonal
        pivots = factorise(pattern, data)
        size = abs(pivots)
        poor = ~((size > np.finfo(self.dtype).eps * abs(diagonal)) & (size < np.inf))  # true for NaN
        refuse_poor_pivots(rows.from_order(poor), rows.from_order(pivots), self.method, REMEDY)
        inverse = 1 / pivots
        self.set_factors(data[pattern.lower], inverse, data[pattern.upper] * inverse[pattern.upper_rows])
        self._matrix = matrix


def _shifted_diagonal(diagonal, by):
    """Return the diagonal with its magnitudes increased by `by`; a zero becomes positive."""
    size = abs(diagonal)
    zero = size == 0
    return diagonal + by * (diagonal / (size + zero) + zero)


def factorise(pattern, data):
    """Overwrite the entries `data` in a pattern with those of L and U; return the pivots."""
    kernels_for(data).ilu0(*pattern.order.arrays, pattern.indptr, pattern.indices, pattern.diag, data)
    return data[pattern.diag]


def refuse_poor_pivots(poor, pivots, method, remedy):
    """Raise an error that names the first row whose pivot is poor, if there is one."""
    if bool(poor.any()):
        row = int(namespace(poor).argmax(poor))
        pivot = to_host(pivots[row : row + 1])[0]
        raise PoorDiagonal(f"{method} meets the pivot {pivot:.1e} in row {row} of A: {remedy}")
