"""The stabilised biconjugate gradient method."""

import numpy as np

from .._array import namespace, read_sum
from .._linear.solve import solve_system
from .._linear.system import prepare
from .._result import Breakdown, not_finite, warn_of_miss
from ..kernels import kernels_for
from . import _scipy
from ._breakdowns import check_null


@_scipy.call()
def bicgstab(A, b, x0=None, *, rtol=1e-5, atol=0.0, maxiter=None, M=None, callback=None, time_limit=None):
    r"""Solve :math:`Ax = b` by BiCGStab, preconditioned from the right.

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
    maxiter : int, optional
        Largest number of iterations, each two products with `A`. Default: ``10 * n``.
    M : array, sparse array or LinearOperator, shape (n, n), optional
        Approximates the inverse of `A`; the same linear operator in every iteration.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration (on a GPU: after every tenth); true stops.
        `x` is overwritten later: copy it to keep it. A callback of one argument gets a copy of `x`, and what
        it returns is ignored.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate. Default: no limit.

    Returns
    -------
    Result
        ``x``, ``status``, ``message``, ``residuals`` of shape ``(nit + 1,)`` or ``(nit + 1, k)``.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, or a tolerance is negative.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    Two products with `A` and two with `M` per iteration. Vector work: 144 n bytes per iteration in float64
    beside the products (with `M`: 152). Storage: 7 vectors (with `M`: 9). The algorithm of [1]_. The
    residual may rise on its way down. If an inner product is rounding error, the current residual becomes
    the new shadow residual and the method goes on. It breaks down only if the residual is orthogonal to its
    own image under `A M`, for example where that is skew-symmetric. The true residual is recomputed before
    convergence is reported.

    References
    ----------
    .. [1] H. A. van der Vorst, *Bi-CGSTAB: a fast and smoothly converging variant of Bi-CG for the solution
       of nonsymmetric linear systems*, SIAM J. Sci. Stat. Comput. 13, 1992, :doi:`10.1137/0913035`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import bicgstab
    >>> bicgstab(np.array([[1.0, 2.0], [0.0, 2.0]]), np.array([5.0, 4.0])).check().x.round(12)
    array([1., 2.])
    """
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter, time_limit=time_limit)
    return warn_of_miss(solve_system(steps, system, callback))


def for_system(system):  # noqa: ARG001 - as other methods
    """Return the method for a system."""
    return steps


def steps(A, b, M, x):
    """Yield the iterates of BiCGStab, which share the array `x`, and their squared residuals."""
    xp, kernels = namespace(b), kernels_for(b)
    eps = np.finfo(b.dtype).eps
    r = A.residual(b, x)
    ss = rr = kernels.dot(r, r)
    live = yield x, rr
    s, p = r.copy(), r.copy()
    v, t = xp.empty_like(b), xp.empty_like(b)
    y, z = (p, r) if M is None else (xp.empty_like(b), xp.empty_like(b))  # M p and M r
    rho = kernels.vdot(s, r)
    while True:
        if M is not None:
            M.apply(p, y)
        A.apply(y, v)
        vs, vv = kernels.projection(v, s)
        alpha = kernels.bicgstab_half(rho, vs, vv, ss, eps, v, r)
        if M is not None:
            M.apply(r, z)
        A.apply(z, t)
        tr, tt = kernels.projection(t, r)
        new, rr = kernels.bicgstab_update(live, alpha, tr, tt, rr, eps, y, z, t, s, x, r)
        live = yield x, rr
        if live is None:
            raise _breakdown(A, z, read_sum(kernels.dot(v, v)), read_sum(kernels.dot(t, t)))
        rho, ss = kernels.bicgstab_direction(rho, new, rr, ss, alpha, tr, tt, eps, v, r, s, p)


def _breakdown(A, z, vv, tt):
    """Return the exception for a breakdown, from the squared norms of the last products; z is M r."""
    if vv - vv != 0 or tt - tt != 0:
        return not_finite()
    check_null(A, z)
    return Breakdown("the products r0^H A M p and r^H A M r both vanish: no step is left, use gmres or idrs")
