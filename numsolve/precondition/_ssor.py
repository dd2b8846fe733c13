"""Symmetric successive over-relaxation as a preconditioner."""

from copy import copy

from .. import _validate
from .._operators.entries import INSTEAD, checked_diagonal, diagonal, sparse_of, with_pattern_of
from ._matching import made
from ._triangles import Triangles, refuse_useless


def ssor(A, omega=1.0, *, colours=None, solves=None, sweeps=2, matching="auto"):
    r"""Return one symmetric sweep of successive over-relaxation as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix with a nonzero diagonal, of NumPy/SciPy or CuPy, real or complex. The operator is Hermitian
        positive definite, as `cg` needs it, when `A` is.
    omega : float
        Relaxation between 0 and 2; 1 is symmetric Gauss-Seidel.
    colours : "greedy" or array of int, shape (n,), optional
        Take the rows colour by colour. Rows that an entry couples need different colours, as those of
        `numsolve.relaxation.colouring`. Default: in the order of the matrix. With colours the triangles are
        solved in parallel, and exactly in a few launches on a GPU, but `cg` takes more iterations, and the
        best `omega` is near 1 or below.
    solves : {"exact", "levels", "jacobi"}, optional
        How the triangles are solved. "exact": row by row on one thread. "levels": the same level by level,
        with the rows of a level distributed among the threads. "jacobi": approximately, by `sweeps` Jacobi
        iterations, which are products. Default: on the host "levels" where these are few and wide, else
        "exact"; on a GPU, where each level takes a launch, "jacobi".
        With `colours`, "levels" takes the colours as levels.
    sweeps : int
        Jacobi iterations for each triangle.
    matching : {"auto", True, False}
        Whether to take the rows in the order that makes the product of the diagonal entries largest, and to
        equilibrate. "auto": if an entry of the diagonal is zero, or so small that
        M is useless; M is then not Hermitian.

    Returns
    -------
    Operator
        ``M @ r`` is :math:`\omega(2-\omega)\,(D+\omega U)^{-1} D\,(D+\omega L)^{-1} r` for
        :math:`A = L + D + U`; it is in the library of `A`. ``M.update(A, omega)`` returns the operator for
        another matrix of the same pattern, or for another omega; either may be left out.

    Raises
    ------
    ValueError
        Also after matching, a diagonal entry is zero (its row is named), or the triangles are so large that
        no digit of a product with A M is right; `omega` is not between 0 and 2, `A` is not square or not
        finite, two coupled rows have one colour, `sweeps` is less than 1, `solves` is unknown, or `update` is
        given another pattern.
    TypeError
        `A` is a LinearOperator, which has no entries, or a dtype is not supported.

    Notes
    -----
    A forward and a backward sweep from zero, section 4.1.2 of [1]_; there is no factorisation. An exact
    application moves 12 bytes per entry of `A` and 44 per row in float64 with int32 indices, on one thread;
    with colours 64 per row, on all threads. Storage: the triangles (as much as `A`), the matrix itself and
    about 2.5 indices per entry for `update`, and a vector. An update is a pass over the entries.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import cg
    >>> from numsolve.precondition import ssor
    >>> from numsolve.problems import poisson
    >>> A = poisson((50, 50))
    >>> M = ssor(A, 1.5)
    >>> cg(A, np.ones(2500), M=M, rtol=1e-8).check().nit < 70
    True
    >>> cg(A, np.ones(2500), M=M.update(omega=1.8), rtol=1e-8).check().nit < 40
    True
    """
    omega, matrix = _validate.relaxation(omega), sparse_of(A, "ssor", keep=True)
    return made(lambda matrix: Ssor(matrix, omega, colours, solves, sweeps), matrix, matching, "ssor")


class Ssor(Triangles):
    """A symmetric sweep from zero, by unit triangles and a diagonal."""

    def __init__(self, matrix, omega, colours, solves, sweeps):
        diagonal(matrix, "ssor")
        super().__init__(matrix, solves, sweeps, colours=colours)
        self._set_matrix(matrix, omega)
        refuse_useless(self, matrix, "ssor", f"use {INSTEAD}")

    def update(self, A=None, omega=None):
        """Return the operator for another matrix of the same pattern, or another omega, or both."""
        omega = self.omega if omega is None else _validate.relaxation(omega)
        matrix = self._matrix if A is None or A is self._matrix else with_pattern_of(self._matrix, A, "ssor")
        twin = copy(self)
        twin._set_matrix(matrix, omega)
        return twin

    def _set_matrix(self, matrix, omega):
        pattern, rows, data = self._pattern, self.rows, self.rows.entries(matrix)
        inverse = 1 / rows.to_order(checked_diagonal(rows.from_order(data[pattern.diag]), "ssor"))
        moved = data.real.dtype.type(omega) * inverse
        self.set_factors(
            data[pattern.lower] * moved[pattern.L[1]],
            (2 - omega) * moved,
            data[pattern.upper] * moved[pattern.upper_rows],
        )
        self._matrix, self.omega = matrix, omega
