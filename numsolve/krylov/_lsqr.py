"""Least squares by LSQR: conjugate gradients on the normal equations, without forming them."""

from .._array import namespace
from .._result import warn_of_miss
from ..kernels import kernels_for
from . import _scipy, _scipy_least_squares
from ._least_squares import first_norms, golub_kahan, not_finite, solve


@_scipy.call(_scipy_least_squares.translate)
def lsqr(A, b, x0=None, *, damp=0.0, rtol=1e-6, atol=0.0, maxiter=None, callback=None, time_limit=None):
    r"""Minimise :math:`\lVert b - Ax\rVert^2 + \text{damp}^2 \lVert x\rVert^2` by LSQR.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (m, n)
        Any matrix, of any shape and rank, in the library (NumPy/SciPy or CuPy) of `b`. A LinearOperator
        needs ``rmatvec``, another object ``rmatvec``, ``.H`` or ``.T``.
    b : array, shape (m,) or (m, k)
        Right-hand side, or `k` of them, solved one after the other. Real or complex floating point;
        integers are taken as float64.
    x0 : array, shape (n,) or (n, k), optional
        Starting guess, never overwritten. Default: zeros.
    damp : float
        Weight of the norm of `x` (not of ``x - x0``): the same problem is solved from every `x0`.
    rtol, atol : float
        Stop once ``norm(A^H (b - A x) - damp^2 x) <= max(rtol * norm(A^H b), atol)``, in the 2-norm, for
        each column. The gradient vanishes at a minimiser, whether or not ``A x = b`` has a solution.
    maxiter : int, optional
        Largest number of iterations. Default: ``10 * min(m, n)``.
    callback : callable, optional
        ``callback(x, gradient_norm)`` after each iteration (on a GPU: after every tenth); true stops.
        `x` is overwritten later: copy it to keep it. A callback of one argument gets a copy of `x`, and what
        it returns is ignored.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate. Default: no limit.

    Returns
    -------
    LeastSquaresResult
        ``x``, ``status``, ``message``, ``residuals`` (norms of the gradient) of shape ``(nit + 1,)`` or
        ``(nit + 1, k)``, and ``residual_norm``, which is ``norm(b - A x)``.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, or `damp` or a tolerance is negative.
    TypeError
        A dtype is not supported, NumPy and CuPy arrays are mixed, or `A` has no adjoint product.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` gives the reason, what to try, and the norms of the
        gradient and the residual.

    Notes
    -----
    One product with `A` and one with its adjoint per iteration. A sparse array is transposed once, so that
    both run over rows: a second copy of it. Vector work beside the products, in float64: 16 m + 56 n bytes,
    of which 16 m + 16 n are part of the products of a sparse array (for others they come on top). Storage:
    one vector of m and 3 of n; for other than sparse arrays one of each more, with `damp` 2 of m and 4 of n
    more.

    In exact arithmetic the iterates are those of conjugate gradients on the normal equations.
    ``norm(b - A x)`` never rises. From ``x0 = None`` the limit is the shortest of all minimisers. The
    recurrences are those of [1]_. For damping they are applied to ``[A; damp I]`` and ``[b; 0]``. From zero
    this gives the same iterates as section 5.1 there, and from any `x0` it minimises the same functional.

    SciPy's function of this name stops by ``atol`` and ``btol``, which are relative to ``norm(A) * norm(r)``
    and to ``norm(b)``, and by ``conlim``. It may stop while the gradient is still large. Here the gradient
    alone decides, and the last one is recomputed from `x`. Rounding keeps it above about
    ``eps * norm(A) * (norm(r) + norm(A) * norm(x))``. A smaller tolerance ends as ``STAGNATED``, with an `x`
    that further iterations do not improve.

    There is no preconditioner. Where the norms of the columns of ``[A; damp I]`` differ by more than a factor
    of 1000, the columns are scaled by powers of two, and the gradient is that of the scaled unknowns. A
    LinearOperator is not scaled, nor is a matrix with fewer rows than columns without damping.

    References
    ----------
    .. [1] C. C. Paige, M. A. Saunders, *LSQR: An algorithm for sparse linear equations and sparse least
       squares*, ACM Trans. Math. Softw. 8, 1982, :doi:`10.1145/355984.355989`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import lsqr
    >>> lsqr(np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.array([1.0, 2.0, 3.0])).check().x.round(9)
    array([1., 1.])
    """
    options = {
        "damp": damp,
        "rtol": rtol,
        "atol": atol,
        "maxiter": maxiter,
        "callback": callback,
        "time_limit": time_limit,
    }
    return warn_of_miss(solve(steps, A, b, x0, **options))


def steps(A, b, x):
    """Yield the iterates of LSQR, which share the array `x`, and their squared gradient norms."""
    xp, update = namespace(b), kernels_for(b).lsqr_update
    basis = golub_kahan(A, b, x)
    bb, aa, v = next(basis)
    beta, alpha, rr = first_norms(bb, aa)
    live = yield x, rr
    w = v / alpha
    old, new = xp.zeros((2, 2), x.real.dtype)
    old[0], old[1] = alpha, beta
    while True:
        bb, aa, v = next(basis)
        rr = update(live, bb, aa, old, new, v, w, x)
        old, new = new, old
        live = yield x, rr
        if live is None:
            raise not_finite()
