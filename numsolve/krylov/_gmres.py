"""The generalised minimal residual method."""

from functools import cache, partial

import numpy as np

from .. import _validate
from .._array import namespace, to_host
from .._linear import announced, prepare, run
from .._result import Breakdown, Status, not_finite
from ..kernels import kernels_for


def gmres(A, b, x0=None, *, rtol=1e-5, atol=0.0, restart=30, maxiter=None, M=None, callback=None):
    r"""Solve :math:`Ax = b` by restarted GMRES, preconditioned from the right.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Any nonsingular matrix, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n,) or (n, k)
        Right-hand side, or `k` of them, solved one after the other (`block_gmres`: together). Real or complex
        floating point; integers are taken as float64.
    x0 : array, shape of `b`, optional
        Starting guess, never overwritten. Default: zeros.
    rtol, atol : float
        Stop once ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column.
    restart : int
        Size of the Krylov space at which it is discarded.
    maxiter : int, optional
        Largest number of iterations, each one product with `A` (SciPy counts restarts). Default: ``10 * n``.
    M : array, sparse array or LinearOperator, shape (n, n), optional
        Approximates the inverse of `A`; the same linear operator in every iteration.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration (on a GPU: after every tenth); true stops.
        Forming `x` costs a pass over the basis, unless the callback has an attribute ``wants_x = False``.

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
    vector in float64, and 48 n. Storage: ``restart + 1`` vectors and 1 (with M: 2). The basis is
    orthogonalised twice by classical Gram-Schmidt, the second time delayed by one step so that it shares its
    passes with the first [2]_; residuals come from Givens rotations, as in section 6.5.3 of [1]_. The true
    residual is recomputed at each restart and before convergence is reported.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.
    .. [2] D. Bielich, J. Langou, S. Thomas, K. Swirydowicz, I. Yamazaki, E. G. Boman, *Low-synch
       Gram-Schmidt with delayed reorthogonalization for Krylov solvers*, Parallel Computing 112, 2022,
       :doi:`10.1016/j.parco.2022.102940`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import gmres
    >>> gmres(np.array([[1.0, 2.0], [0.0, 2.0]]), np.array([5.0, 4.0])).check().x.round(12)
    array([1., 2.])
    """
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter)
    restart = _validate.count(restart, "restart", least=1)
    return announced(run(cycles(system, restart), system, callback))


def cycles(system, restart, *, flexible=False):
    """Return the method for a system: a function that starts a cycle, in bases made when first needed.

    Row j of V is basis vector j; row j of Z, if M may vary, is what M made of it.
    """
    xp, n = namespace(system.b), system.b.shape[0]
    m = min(restart, n, max(system.maxiter, 1))

    @cache
    def bases():
        V = xp.empty((m + 1, n), system.b.dtype)
        return V, xp.empty((m, n), V.dtype) if flexible and system.M is not None else None

    return partial(_cycle, bases)


def _cycle(bases, A, b, M, x):
    """Yield the iterates of one cycle, as functions that form them, and their squared residuals."""
    V, Z = bases()
    xp, kernels, m = namespace(b), kernels_for(b), len(V) - 1
    V[0] = A.residual(b, x)
    live = yield x, kernels.dot(V[0], V[0])
    # Column j is row j: the Hessenberg matrix H, its triangle R, right-hand side G and Givens rotations.
    H, R, G, rotations = (xp.zeros((rows, m + 2), b.dtype) for rows in (m, m, 2, 2))
    z = None if M is None or Z is not None else xp.empty_like(b)
    for j in range(m):
        if M is not None:
            z = M.apply(V[j], z if Z is None else Z[j])
        A.apply(V[j] if M is None else z, V[j + 1])
        ST = kernels.gmres_project(j, V)
        uu = kernels.gmres_advance(j, ST, V)
        rr = kernels.gmres_residual(live, 0, Z is None, j, ST, uu, H, R, G, rotations)
        live = yield partial(_form, j + 1, x, V, Z, M, H, R, G), rr
        if live is None:
            check_step(j == 0, ST)
            return


def _form(k, x, V, Z, M, H, R, G):
    """Return x plus the combination of the first k basis vectors that minimises the residual."""
    xp = namespace(x)
    triangle, rhs, beta, subdiagonal = to_host(R[:k, :k].T, G[1, :k], G[0, :1], H[:k, : k + 1])
    y = solve_small(triangle, rhs)
    if Z is not None:  # M acted on basis vectors that had their norms still on them
        y /= np.append(beta, subdiagonal.diagonal(1)[: k - 1])
    y, basis = xp.asarray(y.astype(x.dtype))[None], (V if Z is None else Z)[:k]
    if M is None or Z is not None:
        x = x.copy()
        kernels_for(x).rows_combine(False, y, basis, x[None])
        return x
    step = xp.empty_like(x)
    kernels_for(x).rows_combine(True, y, basis, step[None])
    return x + M @ step


def solve_small(triangle, rhs):
    """Solve with an upper triangle, in the sense of least squares where it is almost singular."""
    sizes = abs(triangle.diagonal())
    if sizes.min() > 1e3 * np.finfo(triangle.dtype).eps * sizes.max():
        return np.linalg.solve(triangle, rhs)  # solve_triangular wakes every thread for it
    return np.linalg.lstsq(triangle, rhs)[0]


def check_step(first, ST):
    """After a NaN: raise unless a step before, of this cycle, gained something to start again from."""
    if not np.isfinite(to_host(ST)).all():
        raise not_finite()
    if first:
        raise Breakdown(
            "A maps the residual to zero: A is singular, and b may not be in its range",
            Status.SINGULAR,
        )
