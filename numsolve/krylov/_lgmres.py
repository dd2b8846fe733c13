"""SciPy's `lgmres` by name, solved by GCRO-DR."""

from .. import _validate
from . import _scipy
from ._fgmres import fgmres
from ._gcrodr import gcrodr
from .recycling.pairs import pairs_of, space_of


@_scipy.call()
def lgmres(
    A,
    b,
    x0=None,
    *,
    rtol=1e-5,
    atol=0.0,
    maxiter=1000,
    M=None,
    callback=None,
    inner_m=30,
    outer_k=3,
    outer_v=None,
    store_outer_Av=True,
    prepend_outer_v=False,  # noqa: ARG001 - an argument of SciPy
    time_limit=None,
):
    r"""Solve :math:`Ax = b` by GCRO-DR, with the arguments of SciPy's `lgmres`.

    Both methods are restarted GMRES that keeps a few directions from cycle to cycle. LGMRES [1]_ keeps the
    last corrections of x, `gcrodr` the directions that are slowest. New code should call `gcrodr`.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Any nonsingular matrix, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n,) or (n, k)
        Right-hand side, or `k` of them, solved one after the other.
    x0 : array, shape of `b`, or "Mb", optional
        Starting guess, never overwritten. Default: zeros.
    rtol, atol : float
        Stop once ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column.
    maxiter : int
        Largest number of cycles, each `inner_m` products with `A`.
    M : array, sparse array or LinearOperator, shape (n, n), optional
        Approximates the inverse of `A`, from the right; it may change in every iteration.
    callback : callable, optional
        ``callback(x)`` after each cycle, or ``callback(x, residual_norm)`` after each iteration, which stops
        the solve if it returns true.
    inner_m : int
        Iterations of a cycle.
    outer_k : int
        How many directions are kept; with 0 the method is `fgmres`.
    outer_v : list of tuples ``(v, Av)``, optional
        Directions to start with, whose products `Av` may be None. The list is replaced, in place, by those
        kept at the end.
    store_outer_Av : bool
        Whether the list then holds the products too.
    prepend_outer_v : bool
        Has no effect: the kept directions always come first.
    time_limit : float, optional
        Seconds after which to stop with the last iterate. Default: no limit.

    Returns
    -------
    RecycledResult, or Result with ``outer_k=0``
        As that of `gcrodr`.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, or a tolerance or a number is out of range.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    Cost and storage are those of `gcrodr` with ``restart = inner_m + outer_k`` and ``k = outer_k``.

    References
    ----------
    .. [1] A. H. Baker, E. R. Jessup, T. Manteuffel, *A technique for accelerating the convergence of
       restarted GMRES*, SIAM J. Matrix Anal. Appl. 26, 2005, :doi:`10.1137/S0895479803422014`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import lgmres
    >>> lgmres(np.array([[1.0, 2.0], [0.0, 2.0]]), np.array([5.0, 4.0])).check().x.round(12)
    array([1., 2.])
    """
    inner_m, outer_k = _validate.count(inner_m, "inner_m", least=1), _validate.count(outer_k, "outer_k")
    limits = {"rtol": rtol, "atol": atol, "time_limit": time_limit, "M": M}
    return solve_in_cycles(A, b, x0, inner_m, outer_k, maxiter, callback, limits, outer_v, store_outer_Av)


def solve_in_cycles(A, b, x0, m, k, maxiter, callback, options, directions, images):
    """Solve by GCRO-DR with m steps a cycle and k kept directions; replace the list of `directions`."""
    callback, finish = _scipy.after_cycles(callback, m)
    options = {**options, "maxiter": m * _validate.count(maxiter, "maxiter"), "callback": callback}
    if k == 0:
        return finish(fgmres(A, b, x0, restart=m, **options))
    space = space_of(A, b, directions)
    result = gcrodr(A, b, x0, restart=m + k, k=k, recycle=space, **options)
    if directions is not None:
        directions[:] = pairs_of(result.recycle, images=images)
    return finish(result)
