"""The generalised minimal residual method."""

from functools import cache, partial

import numpy as np

from .. import _validate
from .._array import namespace, to_host
from .._result import Breakdown, Status
from ..kernels import kernels_for
from . import _block_gmres
from ._linear import announced, prepare, run

NONFINITE = "the product with A or M is not finite: it overflows or returns NaN"


def gmres(A, b, x0=None, *, rtol=1e-5, atol=0.0, restart=30, maxiter=None, M=None, callback=None):
    r"""Solve :math:`Ax = b` by restarted GMRES, preconditioned from the right.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Any nonsingular matrix, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n,) or (n, k)
        Right-hand side, or `k` of them, solved eight at a time by block GMRES. Real or complex floating
        point; integers are taken as float64.
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
        Of several columns it is shown up to eight at once, of shape (n, 8), with an array of their norms.

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

    Several columns share one Krylov space, in blocks of k vectors (section 6.12 of [1]_, [3]_, [4]_): one
    pass over `A` an iteration for all, and in the first cycle no residual is larger than after as many
    iterations alone; after a restart it may be. `restart` and `maxiter` count iterations of a block. One
    moves ``16 k n`` bytes for each block of the basis and ``64 k n`` beside `A`, with ``4 k^2 n``
    multiplications for each block. Storage: ``(restart + 2) k`` vectors (with `M`: k more), and two
    matrices of ``(restart k)^2`` numbers. A column that has converged is not moved any more. A restart
    leaves out of the block what has converged, depends on others or is less than a hundredth of `rtol`;
    inside a cycle a column that depends is replaced by zeros. What breaks down or stagnates in a block is
    finished column by column.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.
    .. [2] D. Bielich, J. Langou, S. Thomas, K. Swirydowicz, I. Yamazaki, E. G. Boman, *Low-synch
       Gram-Schmidt with delayed reorthogonalization for Krylov solvers*, Parallel Computing 112, 2022,
       :doi:`10.1016/j.parco.2022.102940`.
    .. [3] M. H. Gutknecht, *Block Krylov space methods for linear systems with multiple right-hand sides: an
       introduction*, in Modern Mathematical Models, Methods and Algorithms for Real World Systems, Anamaya,
       2007.
    .. [4] A. H. Baker, J. M. Dennis, E. R. Jessup, *On improving linear solver performance: a block variant
       of GMRES*, SIAM J. Sci. Comput. 27, 2006, :doi:`10.1137/040608088`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import gmres
    >>> gmres(np.array([[1.0, 2.0], [0.0, 2.0]]), np.array([5.0, 4.0])).check().x.round(12)
    array([1., 2.])
    """
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter)
    restart = _validate.count(restart, "restart", least=1)
    return announced(
        run(cycles(system, restart), system, callback, _block_gmres.cycles(system, restart, check_step))
    )


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
    y = np.linalg.lstsq(triangle, rhs)[0]
    if Z is not None:  # M acted on basis vectors that had their norms still on them
        y /= np.append(beta, subdiagonal.diagonal(1)[: k - 1])
    step = xp.asarray(y.astype(x.dtype)) @ (V if Z is None else Z)[:k]
    return x + (step if M is None or Z is not None else M @ step)


def check_step(first, ST):
    """After a NaN: raise unless a step before, of this cycle, gained something to start again from."""
    if not np.isfinite(to_host(ST)).all():
        raise Breakdown(NONFINITE, Status.NONFINITE)
    if first:
        raise Breakdown(
            "A maps the residual to zero: A is singular, and b may not be in its range",
            Status.SINGULAR,
        )
