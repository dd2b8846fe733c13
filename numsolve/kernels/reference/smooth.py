"""The work of a multigrid cycle on each grid: residuals, corrections and sweeps of damped Jacobi."""

from .sparse import spmv


def residual(indptr, indices, data, x, b, r):
    """Write ``b - A @ x`` to `r`."""
    spmv(indptr, indices, data, x, r)
    r[:] = b - r


def correct(indptr, indices, data, e, x):
    """Add ``P @ e`` to `x`."""
    step = x.copy()
    spmv(indptr, indices, data, e, step)
    x += step


def jacobi_sweep(omega, inverse, indptr, indices, data, b, x, y):
    """Write ``x + omega * inverse * (b - A @ x)`` to `y`."""
    residual(indptr, indices, data, x, b, y)
    y[:] = x + omega * inverse * y
