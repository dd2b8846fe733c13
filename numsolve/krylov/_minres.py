"""The minimal residual method."""

from functools import partial

from .. import _validate
from .._linear.solve import require_hermitian, solve_system
from .._linear.system import prepare
from .._operators.operator import Shifted
from .._result import warn_of_miss
from . import _scipy
from ._lanczos import rotations, steps
from .recycling import minres as recycled_minres
from .recycling.learn import DirectionLearner, solve_and_recycle


@_scipy.call(_scipy.minres)
def minres(
    A,
    b,
    x0=None,
    *,
    shift=0.0,
    rtol=1e-5,
    atol=0.0,
    maxiter=None,
    M=None,
    callback=None,
    recycle=None,
    time_limit=None,
):
    r"""Solve :math:`(A - \sigma I)x = b` for Hermitian `A`, definite or not, by minimal residuals.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Hermitian matrix, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n,) or (n, k)
        Right-hand side, or `k` of them, solved one after the other. Real or complex floating point;
        integers are taken as float64.
    x0 : array, shape of `b`, or "Mb", optional
        Starting guess, never overwritten; "Mb" stands for ``M @ b``. Default: zeros.
    shift : float
        The real number sigma.
    rtol, atol : float
        Stop once ``norm(b - (A - shift * I) @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each
        column.
    maxiter : int, optional
        Largest number of iterations. Default: ``10 * n``.
    M : array, sparse array or LinearOperator, shape (n, n), optional
        Hermitian positive definite approximation of the inverse of `A` (of its absolute value, if `A` is
        indefinite).
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration (on a GPU: after every tenth); true stops.
        `x` is overwritten later: copy it to keep it. A callback of one argument gets a copy of `x`, and what
        it returns is ignored.
    recycle : RecycledSpace or int, optional
        Keep the slowest directions for the next solve. A space is the attribute `recycle` of an earlier
        result, of this method or of ``cg`` or ``gcrodr``, for the same matrix or a similar one. A number says
        how many directions to learn if none are known yet. Each column of `b` uses the directions of those
        before it.
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
        A shape does not fit, an entry is not finite, a tolerance is negative, `shift` is not finite,
        `recycle` does not fit, or `A` is not Hermitian.
    TypeError
        A dtype is not supported, `shift` is not real, NumPy and CuPy arrays are mixed, or `recycle` is
        neither a recycled space nor a number.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    One product with `A` and one with `M` per iteration. Vector work: 80 n bytes per iteration in float64
    beside the product's, in two fused passes. With `M` it is 128 n in three passes, because the residual is
    carried along: MINRES minimises it in the norm of `M`, but the tolerance is in the 2-norm. A shift costs
    40 n more. Storage: 7 vectors (with `M`: 9). The recurrence is that of [1]_. The true residual is
    recomputed before convergence is reported. Two products test that `A` is Hermitian, unless
    ``numsolve.hermitian(A)`` asserts it. A singular system that has a solution is solved; one that has none
    ends as `Status.SINGULAR` with a least-squares solution (with `M`: in the norm of `M`).

    With `recycle`, Lanczos vectors are kept orthogonal to the images of k known directions [2]_. This takes
    two more passes over k vectors per iteration, ``16 k`` n bytes. The first iteration tests the directions
    with one product, renews them with k products if `A` has changed, and takes the best step along them. With
    `M`, k applications of it make their images orthonormal in its inner product. The method learns the
    harmonic Ritz vectors of smallest magnitude, from the known directions and the next 2 k directions of x.
    The images of these follow the same recurrence. It stops learning when the values grow by less than 1 %.
    Until then an iteration takes about 24 k n operations and 100 n bytes more (with `M`: 160 n). Storage:
    ``8 k + 12`` vectors (with `M`: ``13 k + 18``), without the given space.

    References
    ----------
    .. [1] C. C. Paige, M. A. Saunders, *Solution of sparse indefinite systems of linear equations*, SIAM J.
       Numer. Anal. 12, 1975, :doi:`10.1137/0712047`.
    .. [2] S. Wang, E. de Sturler, G. H. Paulino, *Large-scale topology optimization using preconditioned
       Krylov subspace methods with recycling*, Int. J. Numer. Meth. Engng 69, 2007, :doi:`10.1002/nme.1798`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import minres
    >>> minres(np.diag([1.0, -2.0]), np.array([1.0, 4.0])).check().x
    array([ 1., -2.])
    """
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter, time_limit=time_limit)
    shift = _validate.number(shift, "shift")
    if shift:
        system = system.with_matrix(Shifted(system.A, shift))
    require_hermitian(system)
    if recycle is not None:
        recycled = partial(recycled_minres.steps, rotations(system))
        learner = DirectionLearner(recycled, recycle, system, energy=False)
        return warn_of_miss(solve_and_recycle(learner, system, callback))
    return warn_of_miss(solve_system(for_system(system), system, callback))


def for_system(system):
    """Return the method for a system: `steps` with room for its rotations."""
    return partial(steps, rotations(system))
