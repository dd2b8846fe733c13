"""The method of Jacobi, weighted or not."""

from .. import _validate
from .._linear import announced
from ._rows import Rows, inverse_diagonal
from ._run import gathered, relaxed


def jacobi(A, b, x0=None, *, omega=1.0, rtol=1e-5, atol=0.0, maxiter=None, callback=None):
    system = gathered("jacobi", A, b, x0, rtol, atol, maxiter)
    omega, rows = _validate.positive(omega, "omega"), Rows(system.A).at_once()
    return announced(relaxed(rows, omega, inverse_diagonal(rows, "jacobi"), system, False, callback))
