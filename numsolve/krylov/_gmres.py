"""The generalised minimal residual method."""

from functools import cache, partial

from .. import _validate
from .._linear.solve import solve_system
from .._linear.system import prepare
from .._result import warn_of_miss
from ..kernels import kernels_for
from . import _scipy
from ._arnoldi import Arnoldi


@_scipy.call(_scipy.gmres)
def gmres(
    A, b, x0=None, *, rtol=1e-5, atol=0.0, restart=30, maxiter=None, M=None, callback=None, time_limit=None
):
    r"""Solve :math:`Ax = b` by restarted GMRES, preconditioned from the right.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Any nonsingular matrix, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n,) or (n, k)
        Right-hand side, or `k` of them, solved one after the other (`block_gmres`: together). Real or complex
        floating point; integers are taken as float64.
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
        Approximates the inverse of `A`; the same linear operator in every iteration.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration (on a GPU: after every tenth); true stops.
        Forming `x` costs a pass over the basis, unless the callback has an attribute ``wants_x = False``. A
        callback of one argument gets the residual norm relative to that of `b`, as in SciPy; for several
        columns it gets `x`.
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
    One product with `A` and one with `M` per iteration, and two passes over the basis for two iterations: 8 n
    bytes per basis vector and iteration in float64, and 60 n (with `M` 68 n). Storage: ``restart + 1``
    vectors and 1 (with `M`: 2). The basis is orthogonalised twice by classical Gram-Schmidt. The second time
    is delayed, so that it shares its passes with the first [2]_. Residuals come from Givens rotations, as in
    section 6.5.3 of [1]_. The true residual is recomputed at each restart and before convergence is reported.

    Two steps share their passes as in a Newton basis of length two [3]_: A u is shifted by the Rayleigh
    quotient of u, and multiplied by A before it is orthogonalised. If the method converges at the first step
    of a pair, the product of the second is not used. If so little of A u is new that rounding spoils the
    second product, the cycle ends, and the next ones take single steps.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.
    .. [2] D. Bielich, J. Langou, S. Thomas, K. Swirydowicz, I. Yamazaki, E. G. Boman, *Low-synch
       Gram-Schmidt with delayed reorthogonalization for Krylov solvers*, Parallel Computing 112, 2022,
       :doi:`10.1016/j.parco.2022.102940`.
    .. [3] M. Hoemmen, *Communication-avoiding Krylov subspace methods*, PhD thesis, University of California,
       Berkeley, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import gmres
    >>> gmres(np.array([[1.0, 2.0], [0.0, 2.0]]), np.array([5.0, 4.0])).check().x.round(12)
    array([1., 2.])
    """
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter, time_limit=time_limit)
    restart = _validate.count(restart, "restart", least=1)
    return warn_of_miss(solve_system(for_system(system, restart), system, callback))


def for_system(system, restart=30, *, flexible=False):
    """Return the method for a system: a function that starts a cycle, in bases made when first needed."""
    m = min(restart, system.b.shape[0], max(system.maxiter, 1))

    @cache
    def arnoldi():
        varying = flexible and system.M is not None  # a varying M does not allow pairs of steps
        return Arnoldi(system, m, stored=varying, stride=1 if varying else 2)

    return partial(_cycle, arnoldi)


def _cycle(arnoldi, A, b, M, x):
    """Yield the iterates of one cycle, as functions that form them, and their squared residuals."""
    basis = arnoldi()
    r = A.residual(b, x)
    rr = kernels_for(b).dot(r, r)
    live = yield x, rr
    basis.restart(r)
    del r
    yield from basis.steps(A, M, live, rr, partial(_form, basis, M, x))


def _form(basis, M, x, used):
    """Return x plus the combination of the first directions that minimises the residual."""
    return x + basis.combination(M, *basis.coordinates(used))
