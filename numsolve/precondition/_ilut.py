"""Incomplete LU factorisation with fill where entries are large."""

from typing import Any

import numpy as np

from .. import _validate
from .._array import to_device, to_host
from .._operators.entries import PoorDiagonal, sparse_of
from .._operators.operator import Csr, entries
from ._matching import made
from ._triangles import Triangles, refuse_useless

BALANCING_STEPS = 10  # after which the scales of neighbouring rows hardly change
REMEDY = (
    "pass a smaller drop_tol, a larger fill_factor or a shift, as shift=0.01, "
    "or solve with numsolve.solve(A, b, method='direct')"
)


def ilut(A, drop_tol=1e-3, fill_factor=10.0, *, shift=0.0, solves=None, sweeps=2, matching="auto"):
    r"""Return the inverse of an incomplete LU factorisation of `A` with dropping as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix of NumPy/SciPy or CuPy, real or complex. The factors depend on the order of its rows.
    drop_tol : float
        Entries of a row are dropped that are at most this fraction of the 2-norm of the row of `A`. Smaller
        values give more fill and fewer iterations; 0 drops nothing but what `fill_factor` forbids.
    fill_factor : float
        Largest number of entries of the factors, as a multiple of that of `A`.
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
        shape, with the same parameters: a set-up, because the pattern depends on the values.

    Raises
    ------
    ValueError
        Also after matching, a pivot is no larger than the rounding error of its row (the row is named), or
        the factors are so large that no digit of a product with A M is right; `A` is not square or not
        finite; `drop_tol` or `shift` is negative; `fill_factor` is not positive; or `update` is given another
        shape.
    TypeError
        `A` is a LinearOperator, which has no entries, or a dtype is not supported.

    Notes
    -----
    Algorithm 10.6 of [1]_ (ILUT), in double precision, on the host, of the matrix whose rows and columns are
    scaled to 2-norms near one. A row keeps the largest entries before and after the diagonal, as many as
    ``fill_factor / 2`` rows of `A` have on average. A multiplier is dropped if the row that it adds is small
    beside the row of `A`. There is no pivoting: `matching` puts large entries on the
    diagonal beforehand. The set-up runs on one thread. An application costs that of `ilu0`, times ``M.fill``;
    storage: the factors, about 2.5 indices per entry of them, and a vector.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import gmres
    >>> from numsolve.precondition import ilut
    >>> from numsolve.problems import convection_diffusion
    >>> A = convection_diffusion((50, 50), (20.0, 10.0))
    >>> gmres(A, np.ones(2500), M=ilut(A, 1e-3), rtol=1e-8).check().nit < 20
    True
    """
    options = {
        "drop_tol": _validate.tolerance(drop_tol, "drop_tol"),
        "fill_factor": _validate.positive(fill_factor, "fill_factor"),
        "shift": _validate.tolerance(shift, "shift"),
        "solves": solves,
        "sweeps": sweeps,
    }
    return made(lambda matrix: Ilut(matrix, **options), sparse_of(A, "ilut"), matching, "ilut")


class Ilut(Triangles):
    """``U^-1 L^-1`` of an incomplete factorisation whose pattern depends on the values."""

    def __init__(self, matrix, **options):
        self._options = options
        factors = self._factors(matrix)
        super().__init__(factors, options["solves"], options["sweeps"])
        self.fill = factors.nnz / max(matrix.nnz, 1)
        pattern, data = self._pattern, self.rows.entries(factors)
        inverse = 1 / data[pattern.diag]
        self.set_factors(data[pattern.lower], inverse, data[pattern.upper] * inverse[pattern.upper_rows])
        refuse_useless(self, matrix, "ilut", REMEDY)

    def _factors(self, matrix):
        """Return the factors as one matrix, where the diagonal is that of U."""
        import scipy.sparse as sp

        from ..kernels.host.incomplete import ilut

        host: Any = sp.csr_matrix(to_host(entries(matrix)))
        host = host.astype(np.result_type(host.dtype, np.float64), copy=False)
        A, rows, columns = balanced(host)
        drop_tol, shift = self._options["drop_tol"], self._options["shift"]
        most = int(np.ceil(self._options["fill_factor"] / 2 * A.nnz / max(A.shape[0], 1)))
        indptr, indices, data, last, pivot = ilut(A.indptr, A.indices, A.data, shift, drop_tol, most)
        if last >= 0:
            raise PoorDiagonal(f"ilut meets the pivot {pivot:.1e} in row {last} of A: {REMEDY}")
        row = np.repeat(np.arange(A.shape[0]), np.diff(indptr))
        # R A C = L U, so A is the product of R^-1 L R and R^-1 U C^-1.
        before = indices < row
        data /= np.where(before, rows[row] / rows[indices], rows[row] * columns[indices])
        LU = sp.csr_matrix((data.astype(matrix.dtype), indices, indptr), shape=A.shape)
        return Csr(to_device(LU) if matrix.library == "cupy" else LU, name="the factors")

    def update(self, A):
        """Return the operator for another matrix of the same shape."""
        matrix = sparse_of(A, "ilut").astype(self.dtype)
        if matrix.shape != self.shape or matrix.library != self.library:
            raise ValueError(
                f"A is a {matrix.library} matrix of shape {matrix.shape}, but ilut was made from a "
                f"{self.library} matrix of shape {self.shape}: make a new one"
            )
        return Ilut(matrix, **self._options)


def balanced(A) -> Any:
    """Return ``diag(rows) A diag(columns)``, whose rows and columns have 2-norms near one, and the scales.

    First the mean logarithms of the entries of rows and columns become zero: A. R. Curtis, J. K. Reid, IMA J.
    Appl. Math. 10, 1972, doi:10.1093/imamat/10.1.118. This undoes scales of any size. Then the norms become
    one, by the iteration of Sinkhorn and Knopp.
    """
    size, row, column = abs(A.data), np.repeat(np.arange(A.shape[0]), np.diff(A.indptr)), A.indices
    kept = size > 0

    def sums(index, values):
        return np.bincount(index[kept], values[kept], A.shape[0])

    logs, ones = np.log(np.where(kept, size, 1)), np.ones(len(size))
    r, c = np.zeros(A.shape[0]), np.zeros(A.shape[0])
    for _ in range(BALANCING_STEPS):
        r = -sums(row, logs + c[column]) / np.maximum(sums(row, ones), 1)
        c = -sums(column, logs + r[row]) / np.maximum(sums(column, ones), 1)
    rows, columns = np.exp(r), np.exp(c)
    size = np.exp(logs + r[row] + c[column])
    squares, r, c = size * size, np.ones(A.shape[0]), np.ones(A.shape[0])
    for _ in range(BALANCING_STEPS):
        r = 1 / np.maximum(sums(row, squares * c[column]), np.finfo(float).tiny)
        c = 1 / np.maximum(sums(column, squares * r[row]), np.finfo(float).tiny)
    rows, columns = rows * np.sqrt(r), columns * np.sqrt(c)
    data = A.data * rows[row] * columns[column]
    return type(A)((data, A.indices, A.indptr), shape=A.shape), rows, columns
