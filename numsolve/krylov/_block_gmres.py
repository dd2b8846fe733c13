"""GMRES for several right-hand sides at once, which share one Krylov space."""

from functools import cache, partial

import numpy as np

from .. import _validate
from .._array import namespace, to_host
from .._kept import Deferred
from .._linear.columns import LARGEST_BLOCK
from .._linear.solve import solve_system
from .._linear.system import prepare
from .._result import Breakdown, not_finite, warn_of_miss
from ..kernels import kernels_for
from . import _gmres, _scipy


@_scipy.call(_scipy.cycles)
def block_gmres(
    A, b, x0=None, *, rtol=1e-5, atol=0.0, restart=30, maxiter=None, M=None, callback=None, time_limit=None
):
    r"""Solve :math:`AX = B` for several right-hand sides by GMRES in one Krylov space.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Any nonsingular matrix, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n, k) or (n,)
        Right-hand sides, solved eight at a time. Real or complex floating point; integers are taken as
        float64.
    x0 : array, shape of `b`, or "Mb", optional
        Starting guess, never overwritten; "Mb" stands for ``M @ b``. Default: zeros.
    rtol, atol : float
        Stop once ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column.
    restart : int
        Number of blocks at which the Krylov space is discarded.
    maxiter : int, optional
        Largest number of iterations, each a product of `A` with a block. Default: those of ``10 * n``
        restarts.
    M : array, sparse array or LinearOperator, shape (n, n), optional
        Approximates the inverse of `A`; the same linear operator in every iteration.
    callback : callable, optional
        ``callback(X, residual_norms)`` after each iteration (on a GPU: after every tenth) with up to eight
        columns; true stops. A callback of one argument gets a copy of `X` alone.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate. Default: no limit.

    Returns
    -------
    Result
        ``x``, ``status``, ``message``, ``residuals`` of shape ``(nit + 1, k)``.

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
    Several columns share one Krylov space, in blocks of k vectors (section 6.12 of [1]_, [2]_, [3]_). An
    iteration reads `A` once for all columns. In the first cycle no residual is larger than after as many
    iterations alone; after a restart it may be. `restart` and `maxiter` count iterations of a block. An
    iteration moves ``16 k n`` bytes for each block of the basis and ``64 k n`` beside `A`, with ``4 k^2 n``
    multiplications for each block. Storage: ``(restart + 2) k`` vectors (with `M`: k more), and two matrices
    of ``(restart k)^2`` numbers. A column that has converged stays as it is. A restart leaves out of the
    block the columns that have converged, depend on others or are less than a hundredth of `rtol`. Inside a
    cycle a dependent column is replaced by zeros. Columns that break down or stagnate are finished one by
    one.

    It pays where the product is expensive, as with a dense matrix. For sparse matrices most of the work is in
    the basis, which a block does not reduce: column by column, as in `gmres`, was faster in all measurements.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.
    .. [2] M. H. Gutknecht, *Block Krylov space methods for linear systems with multiple right-hand sides: an
       introduction*, in Modern Mathematical Models, Methods and Algorithms for Real World Systems, Anamaya,
       2007.
    .. [3] A. H. Baker, J. M. Dennis, E. R. Jessup, *On improving linear solver performance: a block variant
       of GMRES*, SIAM J. Sci. Comput. 27, 2006, :doi:`10.1137/040608088`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import block_gmres
    >>> block_gmres(np.array([[1.0, 2.0], [0.0, 2.0]]), np.eye(2)).check().x.round(12) + 0.0
    array([[ 1. , -1. ],
           [ 0. ,  0.5]])
    """
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter, time_limit=time_limit)
    restart = _validate.count(restart, "restart", least=1)
    return warn_of_miss(
        solve_system(_gmres.for_system(system, restart), system, callback, for_system(system, restart))
    )


def for_system(system, restart=30):
    """Return the method for a system: a function that starts a cycle, in a basis made when first needed."""
    n, k = system.b.shape[0], min(system.b.shape[-1], LARGEST_BLOCK)
    m = min(restart, n, max(system.maxiter, 1))

    @cache
    def room():
        return namespace(system.b).empty((m + 1) * n * k, system.b.dtype)

    return partial(_cycle, room, m, 0.01 * system.rtol)


def _cycle(room, m, negligible, A, b, M, x):
    """Yield the iterates of one cycle, as functions that form them, and their squared residuals (k,).

    The residuals of the columns that have not converged are ``V[0] E[0]``, up to parts that are `negligible`
    relative to b. V[0] has as few columns as possible.
    """
    xp, kernels = namespace(b), kernels_for(b)
    W = A.residual(b, x)
    N = kernels.block_gram(W, W)
    live = yield x, (N.real * xp.asarray(np.eye(len(N), dtype=N.real.dtype))).sum(axis=0)
    small = negligible * np.sqrt(to_host(kernels.block_gram(b, b)).diagonal().real)
    S, C = (xp.asarray(a) for a in _independent(to_host(N), to_host(live), small))
    (n, k), p = b.shape, len(S)
    V = room()[: (m + 1) * n * p].reshape(m + 1, n, p)
    V[0] = W @ C
    del W
    Z = None if M is None else xp.empty((n, p), b.dtype)
    # Column j of blocks is H[j]: the Hessenberg matrix H, its triangle R, rotations Q, right-hand sides E, G.
    H, R = (xp.zeros((m, (m + 1) * p, p), b.dtype) for _ in range(2))
    Q, E, G = (xp.zeros(shape, b.dtype) for shape in ((m, 2 * p, 2 * p), (m + 1, p, k), (m, p, k)))
    C, L = (xp.zeros((p, p), b.dtype) for _ in range(2))
    E[0] = S
    for j in range(m):
        A.apply_block(V[j] if M is None else M.apply_block(V[j], Z), V[j + 1])
        ST = kernels.block_project(j, V)
        kernels.block_correct(live, j, ST, L, H, R, Q, E, G, C)
        F = kernels.block_advance(j, ST, C, V)
        rr = kernels.block_reduce(j, F, H, R, Q, E, G, L, C)
        kernels.block_transform(C, V[j + 1])
        live = yield Deferred(_form, j + 1, x, V, M, R, G), rr
        if live is None:
            if not np.isfinite(to_host(ST)).all():
                raise not_finite()
            if j == 0:
                raise Breakdown("block GMRES cannot go on: A or M maps the residuals to a smaller space")
            return


def _independent(N, live, small):
    """Return S and C: ``W C`` has orthonormal columns, and ``W C S`` has the columns of W that are `live`.

    N is ``W^H W``. Directions that depend on others, as far as N shows, are left out. So are directions that
    are `small` in every column: they need no column of the block and can be treated at the next start.
    """
    kept = np.flatnonzero(live)
    size = np.sqrt(N.diagonal().real[kept])
    values, vectors = np.linalg.eigh(N[np.ix_(kept, kept)] / np.outer(size, size))
    good = values > 8 * len(N) * np.finfo(N.dtype).eps
    root, vectors = np.sqrt(values[good]), vectors[:, good]
    parts = root * abs(vectors) * size[:, None]
    good = np.flatnonzero((parts > small[kept, None]).any(axis=0))[::-1]
    root, vectors = root[good], vectors[:, good]
    S, C = np.zeros((len(good), len(N)), N.dtype), np.zeros((len(N), len(good)), N.dtype)
    S[:, kept] = root[:, None] * vectors.conj().T * size
    C[kept] = vectors / root / size[:, None]
    return S, C


def _form(j, x, V, M, R, G):
    """Return x plus the correction in the first j blocks of the basis that minimises the residuals."""
    xp, p = namespace(x), V.shape[2]
    triangle, rhs = to_host(R[:j, : j * p], G[:j])
    triangle = triangle.transpose(1, 0, 2).reshape(j * p, j * p)
    y = np.linalg.lstsq(triangle, rhs.reshape(j * p, -1))[0]
    y = xp.asarray(y.reshape(j, p, -1).astype(x.dtype))
    step = V[0] @ y[0]
    for i in range(1, j):
        step += V[i] @ y[i]
    return x + (step if M is None else M @ step)
