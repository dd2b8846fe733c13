"""Induced dimension reduction, IDR(s)."""

from functools import partial

import numpy as np

from .. import _random, _validate
from .._array import namespace, read_sum
from .._linear.solve import solve_system
from .._linear.system import prepare
from .._result import Breakdown, not_finite, warn_of_miss
from ..kernels import kernels_for
from . import _scipy
from ._breakdowns import check_null

LEAST_COSINE = 0.7  # smallest cosine at which the step into the next space minimises the residual
SEED = 20110101


@_scipy.call()
def idrs(
    A, b, x0=None, *, s=4, rtol=1e-5, atol=0.0, maxiter=None, M=None, callback=None, rng=None, time_limit=None
):
    r"""Solve :math:`Ax = b` by IDR(s), preconditioned from the right.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Any nonsingular matrix, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n,) or (n, k)
        Right-hand side, or `k` of them, solved one after the other. Real or complex floating point;
        integers are taken as float64.
    x0 : array, shape of `b`, or "Mb", optional
        Starting guess, never overwritten; "Mb" stands for ``M @ b``. Default: zeros.
    s : int
        Dimension of the shadow space. More takes fewer iterations, each with more vector work.
    rtol, atol : float
        Stop once ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column.
    maxiter : int, optional
        Largest number of iterations, each one product with `A`. Default: ``10 * n``.
    M : array, sparse array or LinearOperator, shape (n, n), optional
        Approximates the inverse of `A`; the same linear operator in every iteration.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration (on a GPU: after every tenth); true stops.
        `x` is overwritten later: copy it to keep it. A callback of one argument gets a copy of `x`, and what
        it returns is ignored.
    rng : int, numpy.random.Generator or None
        Random numbers for the shadow space. Default: a fixed seed, so that results can be repeated.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate. Default: no limit.

    Returns
    -------
    Result
        ``x``, ``status``, ``message``, ``residuals`` of shape ``(nit + 1,)`` or ``(nit + 1, k)``.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, or a tolerance or `s` is out of range.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    One product with `A` and one with `M` per iteration. Vector work: ``8 n (3 s^2 + 14 s + 6) / (s + 1)``
    bytes per iteration in float64, which is 176 n for ``s = 4``. Storage: ``3 s + 4`` vectors (with `M`: one
    more). This is the variant with biorthogonal vectors [1]_. The inner products of a step are taken in one
    pass, as in [2]_. The steps between spaces are lengthened as in [1]_, so that they never vanish. In exact
    arithmetic at most ``n + n / s`` iterations. The residual may rise on its way down; the true one is
    recomputed before convergence is reported.

    References
    ----------
    .. [1] M. B. van Gijzen, P. Sonneveld, *Algorithm 913: An elegant IDR(s) variant that efficiently exploits
       biorthogonality properties*, ACM Trans. Math. Softw. 38(1), 2011, :doi:`10.1145/2049662.2049667`.
    .. [2] T. P. Collignon, M. B. van Gijzen, *Minimizing synchronization in IDR(s)*, Numer. Linear Algebra
       Appl. 18, 2011, :doi:`10.1002/nla.764`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import idrs
    >>> idrs(np.array([[1.0, 2.0], [0.0, 2.0]]), np.array([5.0, 4.0])).check().x.round(12)
    array([1., 2.])
    """
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter, time_limit=time_limit)
    s = _validate.count(s, "s", least=1)
    return warn_of_miss(solve_system(for_system(system, s, rng), system, callback))


def for_system(system, s=4, rng=None):
    """Return the method for a system: `steps` with s orthonormal random rows, or n if that is less."""
    n, dtype = system.b.shape[0], system.b.dtype
    columns = _random.standard_normal(SEED if rng is None else rng, (n, min(s, n)), dtype=dtype)
    return partial(steps, namespace(system.b).asarray(np.ascontiguousarray(np.linalg.qr(columns)[0].T)))


def steps(P, A, b, M, x):
    """Yield the iterates of IDR(s), which share the array `x`, and their squared residuals."""
    xp, kernels, eps = namespace(b), kernels_for(b), np.finfo(b.dtype).eps
    s = len(P)
    r = A.residual(b, x)
    start = rr = kernels.dot(r, r)
    live = yield x, rr
    G, U, S = xp.zeros_like(P), xp.zeros_like(P), xp.asarray(np.eye(s, dtype=b.dtype))
    f, a, c = xp.zeros((3, s), b.dtype)
    omega, v = xp.ones(1, b.dtype), xp.empty_like(b)
    z = None if M is None else xp.empty_like(b)
    while True:
        kernels.idrs_begin(kernels.idrs_project(P, r), S, f, c)
        for k in range(s):
            kernels.idrs_shift(k, c, G, r, v)
            kernels.idrs_direction(k, c, omega, v if M is None else M.apply(v, z), U)
            A.apply(U[k], G[k])
            kernels.idrs_solve(k, eps, kernels.idrs_project(P, G[k]), S, f, a, c)
            rr = kernels.idrs_advance(live, k, a, G, U, x, r)
            live = yield x, rr
            if live is None:
                return _check(A, b, x, start, U[k], G[k])
        z = r if M is None else M.apply(r, z)
        A.apply(z, v)
        tr, tt = kernels.projection(v, r)
        rr = kernels.idrs_reduce(live, tr, tt, rr, LEAST_COSINE, omega, z, v, x, r)
        live = yield x, rr
        if live is None:
            return _check(A, b, x, start, z, v)


def _check(A, b, x, start, direction, product):
    """After a NaN: raise unless the iterate is better than the first one; the loop then starts from it."""
    dot = kernels_for(b).dot
    square, r = read_sum(dot(product, product)), A.residual(b, x)
    if square - square != 0:
        raise not_finite()
    if read_sum(dot(r, r)) < read_sum(start):
        return
    check_null(A, direction)
    raise Breakdown("p^H A M v vanishes for a shadow vector p: try another rng or s, or use gmres")
