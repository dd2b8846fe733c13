"""Incomplete LU factorisation with the fill of the first levels."""

import numpy as np

from .. import _validate
from .._array import array_module, sparse_module, to_host
from .._operators.entries import sparse_of, with_pattern_of
from .._operators.operator import Csr
from ._ilu0 import Ilu0
from ._matching import made


def iluk(A, level=1, *, shift=0.0, solves=None, sweeps=2, matching="auto"):
    r"""Return the inverse of an incomplete LU factorisation of `A` with levels of fill as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix of NumPy/SciPy or CuPy, real or complex. The factors depend on the order of its rows.
    level : int
        Highest level of fill that is kept: 0 is `ilu0`; each level more costs more and converges faster.
    shift : float
        As for `ilu0`.
    solves : {"exact", "levels", "jacobi"}, optional
        As for `ilu0`.
    sweeps : int
        As for `ilu0`.
    matching : {"auto", True, False}
        As for `ilu0`.

    Returns
    -------
    Operator
        ``M @ r`` is :math:`U^{-1} L^{-1} r`; it is in the library of `A`. ``M.fill`` is the number of entries
        of the factors over that of `A`. ``M.update(A)`` returns the operator for another matrix of the same
        pattern.

    Raises
    ------
    ValueError, TypeError
        As for `ilu0`; or `level` is negative or not a whole number.

    Notes
    -----
    The entries of `A` have level 0. Where the elimination of column k adds entry (i, j), its level is that
    of (i, k) plus that of (k, j) plus 1 (Algorithm 10.5 of [1]_). The pattern is found once, on the host; the
    factorisation, an application and the storage are those of `ilu0` for the larger pattern.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import gmres
    >>> from numsolve.precondition import ilu0, iluk
    >>> from numsolve.problems import convection_diffusion
    >>> A = convection_diffusion((50, 50), (20.0, 10.0))
    >>> counts = [gmres(A, np.ones(2500), M=M, rtol=1e-8).check().nit for M in (ilu0(A), iluk(A, 2))]
    >>> counts[1] < 0.7 * counts[0]
    True
    """
    level, shift = _validate.count(level, "level"), _validate.tolerance(shift, "shift")
    matrix = sparse_of(A, "iluk", keep=True)
    return made(lambda matrix: Iluk(matrix, level, shift, solves, sweeps), matrix, matching, "iluk")


class Iluk(Ilu0):
    """ILU(0) in the pattern of ILU(k), where the entries that `A` does not have are zero."""

    method = "iluk"

    def __init__(self, matrix, level, shift, solves, sweeps):
        from ..kernels.host.incomplete import fill_pattern

        xp, width = array_module(matrix.library), matrix.indices.dtype
        given = to_host(matrix.indptr, matrix.indices)
        indptr, indices = fill_pattern(given[0], given[1], level)
        places = np.searchsorted(_keys(indptr, indices), _keys(*given))
        self._given, self.fill = matrix, len(indices) / max(matrix.nnz, 1)
        self._filled = tuple(xp.asarray(each.astype(width)) for each in (places, indptr, indices))
        super().__init__(self._with_fill(matrix), shift, solves, sweeps)

    def _with_fill(self, matrix):
        """Return the matrix with its fill as stored zeros."""
        places, indptr, indices = self._filled
        data = array_module(matrix.library).zeros(len(indices), matrix.dtype)
        data[places] = matrix.data
        A = sparse_module(matrix.library).csr_matrix((data, indices, indptr), shape=matrix.shape)
        A.has_canonical_format = True
        return Csr.trusted(A)

    def update(self, A):
        given = with_pattern_of(self._given, A, self.method)
        twin = super().update(self._with_fill(given))
        twin._given = given
        return twin


def _keys(indptr, indices):
    """Return a number for each place of a pattern, ascending."""
    n = len(indptr) - 1
    return np.repeat(np.arange(n, dtype=np.int64), np.diff(indptr)) * n + indices
