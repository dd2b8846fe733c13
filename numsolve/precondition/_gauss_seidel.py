"""Gauss-Seidel sweeps as a smoother of multigrid."""

from .._operators.entries import diagonal, sparse_of
from .._operators.readonly import ReadOnly
from .._operators.rows import Order
from ..kernels import kernels_for


class RowSweeps(ReadOnly):
    """Sweeps of successive over-relaxation over the rows of a matrix, in place from any `x`.

    Storage beside `A`: a vector, and on a GPU the order of the rows. A sweep in the natural order runs on one
    thread; on a GPU it takes a launch per level.

    Parameters
    ----------
    A : array, sparse array or Csr, shape (n, n)
        Matrix with a nonzero diagonal.
    omega : float
        Relaxation.
    coloured : bool
        Whether to take the rows colour by colour, on all threads and in a launch per colour.
    """

    def __init__(self, A, omega=1.0, coloured=False):
        self.A = sparse_of(A, "Gauss-Seidel")
        self._scale = omega / diagonal(self.A, "Gauss-Seidel")
        self._sections = Order(self.A.library, self.A.indptr, self.A.indices, coloured).arrays

    def forward(self, b, x):
        """Relax the rows from the first to the last; return `x`."""
        return self._relax(False, b, x)

    def backward(self, b, x):
        """Relax the rows from the last to the first; return `x`."""
        return self._relax(True, b, x)

    def symmetric(self, b, x):
        """Relax the rows forward, then backward; return `x`."""
        return self.backward(b, self.forward(b, x))

    def _relax(self, reverse, b, x):
        A = self.A
        kernels_for(x).relax(*self._sections, reverse, A.indptr, A.indices, A.data, self._scale, b, x)
        return x
