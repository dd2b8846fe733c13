"""Flexible GMRES: GMRES that stores the preconditioned basis, for a preconditioner that varies."""

from .. import _validate
from .._linear.solve import solve_system
from .._linear.system import prepare
from .._result import warn_of_miss
from . import _gmres, _scipy


@_scipy.call(_scipy.cycles)
def fgmres(
    A, b, x0=None, *, rtol=1e-5, atol=0.0, restart=30, maxiter=None, M=None, callback=None, time_limit=None
):
    r"""Solve :math:`Ax = b` by restarted flexible GMRES: the preconditioner may change in every iteration.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Any nonsingular matrix, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n,) or (n, k)
        Right-hand side, or `k` of them, solved one after the other. Real or complex floating point;
        integers are taken as float64.
    x0 : array, shape of `b`, or "Mb", optional
        Starting guess, never overwritten; "Mb" stands for ``M @ b``. Default: zeros.
    rtol, atol : float
        Stop once ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column.
    restart : int
        Size of the Krylov space at which it is discarded.
    maxiter : int, optional
        Largest number of iterations, each one product with `A` (SciPy counts restarts). Default: those of
        ``10 * n`` restarts, as in SciPy.
    M : array, sparse array or LinearOperator, shape (n, n), optional
        Approximates the inverse of `A`. It need not be linear or the same in every iteration: an inner
        solve, say, as a LinearOperator.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration (on a GPU: after every tenth); true stops.
        Forming `x` costs a pass over the basis, unless the callback has an attribute ``wants_x = False``. A
        callback of one argument gets `x` alone, and what it returns is ignored.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate. Default: no limit.

    Returns
    -------
    Result
        ``x``, ``status``, ``message``, ``residuals`` of shape ``(nit + 1,)`` or ``(nit + 1, k)``.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, or a tolerance or `restart` is out of range.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    One product with `A` and one with `M` per iteration, and two passes over the basis: 16 n bytes per basis
    vector in float64, and 48 n. Storage: ``2 * restart + 2`` vectors, because the product of `M` with each
    basis vector is kept (Algorithm 2.2 of [1]_). Without `M` the method is `gmres`. The true residual is
    recomputed at each restart and before convergence is reported.

    References
    ----------
    .. [1] Y. Saad, *A flexible inner-outer preconditioned GMRES algorithm*, SIAM J. Sci. Comput. 14, 1993,
       :doi:`10.1137/0914028`.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse.linalg import LinearOperator
    >>> from numsolve.krylov import fgmres, gmres
    >>> A = np.diag(np.arange(1.0, 21.0)) + np.diag(np.ones(19), 1)
    >>> inner = LinearOperator(A.shape, lambda r: gmres(A, r, rtol=0.1).x, dtype=float)
    >>> fgmres(A, A @ np.ones(20), M=inner, rtol=1e-8).check().nit < 10
    True
    """
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter, time_limit=time_limit)
    restart = _validate.count(restart, "restart", least=1)
    return warn_of_miss(solve_system(for_system(system, restart), system, callback))


def for_system(system, restart=30):
    """Return the method for a system."""
    return _gmres.for_system(system, restart, flexible=True)
