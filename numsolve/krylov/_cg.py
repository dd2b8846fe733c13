"""The conjugate gradient method."""

from functools import partial
from itertools import count

from .._array import namespace, read_sum
from .._linear.solve import require_hermitian, solve_system
from .._linear.system import prepare
from .._result import warn_of_miss
from ..kernels import kernels_for
from . import _block_cg, _scipy
from ._breakdowns import indefinite
from .recycling.cg import CgLearner, NoDeflation, NoLearning, is_rounding
from .recycling.learn import solve_and_recycle


@_scipy.call()
def cg(
    A, b, x0=None, *, rtol=1e-5, atol=0.0, maxiter=None, M=None, callback=None, recycle=None, time_limit=None
):
    r"""Solve :math:`Ax = b` for Hermitian positive definite `A` by conjugate gradients.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Hermitian positive definite matrix, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n,) or (n, k)
        Right-hand side, or `k` of them, solved eight at a time by block CG. Real or complex floating point;
        integers are taken as float64.
    x0 : array, shape of `b`, or "Mb", optional
        Starting guess, never overwritten; "Mb" stands for ``M @ b``. Default: zeros.
    rtol, atol : float
        Stop once ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column.
    maxiter : int, optional
        Largest number of iterations. Default: ``10 * n``.
    M : array, sparse array or LinearOperator, shape (n, n), optional
        Hermitian positive definite approximation of the inverse of `A`.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration (on a GPU: after every tenth); true stops. `x` is
        overwritten later: copy it to keep it. For several columns it receives up to eight at once, of shape
        (n, 8), with an array of their norms. A callback of one argument gets a copy of `x`, and what it
        returns is ignored.
    recycle : RecycledSpace or int, optional
        Keep the slowest directions for the next solve. A space is the attribute `recycle` of an earlier
        result, of this method or of ``minres`` or ``gcrodr``, for the same matrix or a similar one. A number
        says how many directions to learn if none are known yet. Columns of `b` are then solved one after the
        other, and each uses the directions of those before it.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate. Default: no limit.

    Returns
    -------
    Result, or RecycledResult with `recycle`
        ``x``, ``status``, ``message``, ``residuals`` of shape ``(nit + 1,)`` or ``(nit + 1, k)``; with
        `recycle` also ``recycle`` for the next solve, and ``products``, the number of products with `A`,
        without the two that test its symmetry.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, a tolerance is negative, `recycle` does not fit, or `A`
        is not Hermitian.
    TypeError
        A dtype is not supported, NumPy and CuPy arrays are mixed, or `recycle` is neither a recycled space
        nor a number.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    One product with `A` and one with `M` per iteration. Vector work: 72 n bytes per iteration in float64
    beside the product's, in two fused passes (with `M`: 40 n more). Storage: 5 vectors (with `M`: 6).
    Algorithm 9.1 of [1]_. The true residual is recomputed before convergence is reported. Two products test
    that `A` is Hermitian, unless ``numsolve.hermitian(A)`` asserts it.

    Several columns share one Krylov space [2]_, whose basis is made orthonormal again when it becomes
    dependent [3]_. An iteration reads `A` once for all columns, and a block needs fewer iterations than each
    column alone. With k columns an iteration moves ``80 k + 24`` n bytes beside `A`, in three
    passes (with `M`: 32 k more); storage: 5 k vectors (with `M`: 6 k). A column that has converged stays as
    it is. Columns that break down or stagnate in a block are finished one by one. `maxiter` counts iterations
    of a block.

    With `recycle`, directions are kept A-orthogonal to k known ones [4]_. This takes two more passes over k
    vectors per iteration, about ``16 k + 40`` n bytes. The first iteration tests with one product whether the
    known directions belong to this matrix. If not, k products adapt them. Then it takes the best step along
    them. After every 2 k iterations the method learns the Ritz vectors of smallest value, from the known
    directions and the last 2 k directions of the iteration [5]_. It stops learning when the values grow by
    less than 1 %. Until then an iteration takes about 24 k n operations more, and with `M` one more pass over
    k vectors. Storage: ``8 k + 7`` vectors (with `M`: ``12 k + 9``), without the given space.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.
    .. [2] D. P. O'Leary, *The block conjugate gradient algorithm and related methods*, Linear Algebra Appl.
       29, 1980, :doi:`10.1016/0024-3795(80)90247-5`.
    .. [3] A. A. Dubrulle, *Retooling the method of block conjugate gradients*, Electron. Trans. Numer.
       Anal. 12, 2001.
    .. [4] Y. Saad, M. Yeung, J. Erhel, F. Guyomarc'h, *A deflated version of the conjugate gradient
       algorithm*, SIAM J. Sci. Comput. 21, 2000, :doi:`10.1137/S1064829598339761`.
    .. [5] A. Stathopoulos, K. Orginos, *Computing and deflating eigenvalues while solving multiple right-hand
       side linear systems*, SIAM J. Sci. Comput. 32, 2010, :doi:`10.1137/080725532`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import cg
    >>> cg(np.diag([1.0, 2.0]), np.array([1.0, 4.0])).check().x
    array([1., 2.])

    In a sequence of systems, later solves need fewer products:

    >>> from numsolve.problems import poisson
    >>> A = poisson((30, 30))
    >>> first = cg(A, np.arange(900.0), rtol=1e-8, recycle=10)
    >>> second = cg(A, np.sin(np.arange(900.0)), rtol=1e-8, recycle=first.recycle)
    >>> second.success and second.products < first.products
    True
    """
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter, time_limit=time_limit)
    require_hermitian(system)
    if recycle is not None:
        return warn_of_miss(solve_and_recycle(CgLearner(steps, recycle, system), system, callback))
    return warn_of_miss(solve_system(for_system(system), system, callback, _block_cg.steps))


def for_system(system):  # noqa: ARG001 - as other methods
    """Return plain CG as a method for a system."""
    return partial(steps, NoLearning())


def steps(learner, A, b, M, x):
    """Yield the iterates of preconditioned CG, which share the array `x`, and their squared residuals.

    Directions are kept A-orthogonal to those that the `learner` knows. It observes each direction.
    """
    xp, kernels = namespace(b), kernels_for(b)
    r = A.residual(b, x)
    learner.count()
    rr = kernels.dot(r, r)
    live = yield x, rr
    deflation, x, r = learner.deflation(A, b, x, r)
    if deflation.k:
        deflation.project(live, x, r)
        rr = kernels.dot(r, r)
        live = yield x, rr
    q = xp.empty_like(b)
    z = r if M is None else M.apply(r, xp.empty_like(b))
    p = deflation.outside(z).copy()
    if deflation.k and is_rounding(p, z):
        deflation, p = NoDeflation(), z.copy()
    learner.first_source(deflation, r)
    rz = rr if M is None else kernels.dot(r, z)
    for step in count(1):
        pq = A.apply_dot(p, q)
        learner.count()
        learner.observe(p, q)
        rr = kernels.cg_update(live, rz, pq, p, q, x, r)
        live = yield x, rr
        if live is None:
            raise indefinite(read_sum(kernels.dot(r, z)), read_sum(kernels.dot(p, q)))
        rr = deflation.repeat(step, live, x, r, rr)
        if M is not None:
            M.apply(r, z)
        rz_old, rz = rz, rr if M is None else kernels.dot(r, z)
        kernels.cg_direction(live, rz, rz_old, deflation.outside(z), p)
        learner.next_source(live, rz, rz_old, deflation, r)
