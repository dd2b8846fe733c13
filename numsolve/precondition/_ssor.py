"""Symmetric successive over-relaxation as a preconditioner."""

from .. import _validate
from .._operators.entries import diagonal, nonzero, sparse_of, with_pattern_of
from ._triangles import Triangles


def ssor(A, omega=1.0, *, colours=None, solves=None, sweeps=2):
    r"""Return one symmetric sweep of successive over-relaxation as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix with a diagonal free of zeros, of NumPy/SciPy or CuPy, real or complex. The operator is
        Hermitian positive definite, as `cg` needs it, when `A` is.
    omega : float
        Relaxation between 0 and 2; 1 is symmetric Gauss-Seidel.
    colours : "greedy" or array of int, shape (n,), optional
        Take the rows colour by colour: those of `numsolve.relaxation.colouring`, or others; rows that an
        entry couples need different ones. Default: in the order of the matrix. With colours the triangles
        are solved in parallel, and exactly in a few launches on a GPU, but the iterations are more, and the
        best `omega` is near 1 or below.
    solves : {"exact", "levels", "jacobi"}, optional
        How the triangles are solved: row by row on one thread; the same level by level, the rows of a level
        shared out among the threads; or by `sweeps` Jacobi iterations, which are products. Default: on the
        host exact, or levels where they are few and wide; on a GPU, where levels take a launch each, Jacobi.
        Colours are levels.
    sweeps : int
        Jacobi iterations for each triangle.

    Returns
    -------
    Operator
        ``M @ r`` is :math:`\omega(2-\omega)\,(D+\omega U)^{-1} D\,(D+\omega L)^{-1} r` for
        :math:`A = L + D + U`; it lives where `A` lives. ``M.update(A, omega)`` takes another matrix of the
        same pattern, or another omega (the other may be left out), and returns M.

    Raises
    ------
    ValueError
        A diagonal entry is zero (its row is named), `omega` is not between 0 and 2, `A` is not square or
        not finite, two coupled rows have one colour, or `solves` is unknown.
    TypeError
        `A` is a LinearOperator, whose entries are not at hand.

    Notes
    -----
    A forward and a backward sweep from zero, section 4.1.2 of [1]_, without factorising anything. An exact
    application moves 12 bytes an entry of `A` and 44 a row in float64 with int32 indices, on one thread;
    with colours 64 a row, on all. Storage: the triangles (as much as `A`), for `update` the matrix itself
    and about 2.5 indices an entry, and a vector. An update is a pass over the entries.

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
    omega, matrix = _validate.relaxation(omega), sparse_of(A, "ssor")
    return Ssor(matrix, omega, colours, solves, sweeps)


class Ssor(Triangles):
    """A symmetric sweep from zero; the diagonal is divided out of the triangles."""

    def __init__(self, matrix, omega, colours, solves, sweeps):
        diagonal(matrix, "ssor")
        super().__init__(matrix, solves, sweeps, colours=colours)
        self._take(matrix, omega)

    def update(self, A=None, omega=None):
        """Take another matrix of the same pattern, or another omega, or both; return the operator itself."""
        omega = self.omega if omega is None else _validate.relaxation(omega)
        matrix = self._matrix if A is None or A is self._matrix else with_pattern_of(self._matrix, A, "ssor")
        self._take(matrix, omega)
        return self

    def _take(self, matrix, omega):
        pattern, rows, data = self._pattern, self.rows, self.rows.entries(matrix)
        inverse = 1 / rows.into(nonzero(rows.out_of(data[pattern.diag]), "ssor"))
        moved = data.real.dtype.type(omega) * inverse
        self.set_factors(
            data[pattern.lower] * moved[pattern.L[1]],
            (2 - omega) * moved,
            data[pattern.upper] * moved[pattern.upper_rows],
        )
        self._matrix, self.omega = matrix, omega
