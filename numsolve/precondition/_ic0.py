"""Incomplete Cholesky factorisation without fill."""

from copy import copy

import numpy as np

from .. import _validate
from .._operators.entries import sparse_of, with_pattern_of
from .._operators.hermitian import check_hermitian
from ._ilu0 import factorise, refuse_poor_pivots
from ._triangles import Triangles

FIRST_SHIFT, LAST_SHIFT = 1e-3, 10.0  # from the first to the last by doubling


def ic0(A, *, shift=0.0, solves=None, sweeps=2):
    r"""Return the inverse of an incomplete Cholesky factorisation of `A` without fill as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Hermitian matrix with a positive diagonal, of NumPy/SciPy or CuPy, real or complex.
    shift : float
        First shift: ``A + shift * diag(A)`` is factorised. If a pivot is not positive, the shift is doubled,
        from 0.001 on, until all pivots are.
    solves : {"exact", "levels", "jacobi"}, optional
        How the triangles are solved. "exact": row by row on one thread. "levels": the same level by level,
        with the rows of a level distributed among the threads. "jacobi": approximately, by `sweeps` Jacobi
        iterations, which are products. Default: on the host "levels" where these are few and wide, else
        "exact"; on a GPU, where each level takes a launch, "jacobi".
    sweeps : int
        Jacobi iterations for each triangle.

    Returns
    -------
    Operator
        ``M @ r`` is :math:`L^{-H} L^{-1} r`, Hermitian positive definite as `cg` needs it, with either kind
        of solve; it is in the library of `A`. ``M.shift`` is the shift that was needed, 0 if none;
        ``M.update(A)`` returns the operator for another matrix of the same pattern.

    Raises
    ------
    ValueError
        `A` is not Hermitian, has a diagonal entry that is not positive, or needs a shift above 10 (the row
        is named); it is not square or not finite; `shift` is negative, `sweeps` is less than 1, `solves` is
        unknown, or `update` is given another pattern.
    TypeError
        `A` is a LinearOperator, which has no entries, or a dtype is not supported.

    Notes
    -----
    :math:`(LL^H)_{ij} = a_{ij}` on the pattern of `A` [1]_; it exists for M-matrices, and with a sufficiently
    large shift for every positive definite matrix [2]_. Stored as ``L D L^H`` with a unit triangle, and with
    :math:`L^H` by rows. An exact application moves 12 bytes per entry of `A` and 44 per row in float64 with
    int32 indices, on one thread. Storage and set-up: those of `ilu0`.

    References
    ----------
    .. [1] J. A. Meijerink, H. A. van der Vorst, *An iterative solution method for linear systems of which
       the coefficient matrix is a symmetric M-matrix*, Math. Comp. 31, 1977,
       :doi:`10.1090/S0025-5718-1977-0438681-4`.
    .. [2] T. A. Manteuffel, *An incomplete factorization technique for positive definite linear systems*,
       Math. Comp. 34, 1980, :doi:`10.1090/S0025-5718-1980-0559197-0`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import cg
    >>> from numsolve.precondition import ic0
    >>> from numsolve.problems import poisson
    >>> A = poisson((50, 50))
    >>> cg(A, np.ones(2500), M=ic0(A), rtol=1e-8).check().nit < 50
    True
    """
    return Ic0(sparse_of(A, "ic0", keep=True), _validate.tolerance(shift, "shift"), solves, sweeps)


class Ic0(Triangles):
    """``L^-H D^-1 L^-1`` of an incomplete factorisation."""

    def __init__(self, matrix, shift, solves, sweeps):
        super().__init__(matrix, solves, sweeps, symmetric=True)
        self._first = shift
        self._factorise(matrix)

    def update(self, A):
        """Return the operator for another matrix of the same pattern."""
        twin = copy(self)
        twin._factorise(with_pattern_of(self._matrix, A, "ic0"))
        return twin

    def _factorise(self, matrix):
        check_hermitian(matrix)
        pattern, rows = self._pattern, self.rows
        entries = pattern.entries(rows.entries(matrix))
        diagonal = entries[pattern.diag].real.copy()
        remedy = "a positive definite matrix has a positive diagonal; use ilu0"
        refuse_poor_pivots(rows.from_order(~(diagonal > 0)), rows.from_order(diagonal), "ic0", remedy)
        shift = self._first
        while True:
            data = entries.copy()
            data[pattern.diag] = (1 + shift) * diagonal
            pivots = factorise(pattern, data).real.copy()
            poor = ~(pivots > np.finfo(self.dtype).eps * diagonal)  # true for NaN
            if shift >= LAST_SHIFT:
                remedy = f"shifts up to {shift:g} did not help; use ilu0"
                refuse_poor_pivots(rows.from_order(poor), rows.from_order(pivots), "ic0", remedy)
            if not bool(poor.any()):
                break
            shift = max(2 * shift, FIRST_SHIFT)
        lower = data[pattern.lower]
        self.set_factors(lower, (1 / pivots).astype(self.dtype), lower[pattern.mirror].conj())
        self.shift, self._matrix = shift, matrix
