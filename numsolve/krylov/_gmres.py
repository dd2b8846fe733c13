"""The generalised minimal residual method."""

from functools import cache, partial
from typing import Any

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
    One product with `A` and one with `M` per iteration, and two passes over the basis for two iterations: 8 n
    bytes per basis vector and iteration in float64, and 60 n (with `M` 68 n). Storage: ``restart + 1``
    vectors and 1 (with M: 2). The basis is orthogonalised twice by classical Gram-Schmidt, the second time
    delayed so that it shares its passes with the first [2]_; residuals come from Givens rotations, as in
    section 6.5.3 of [1]_. The true residual is recomputed at each restart and before convergence is reported.

    Two steps share their passes as in a Newton basis of length two [3]_: A u is shifted by the Rayleigh
    quotient of u, and multiplied by A before it is orthogonalised. If convergence is found at the first
    step of a pair, one product was in vain. Where so little of A u is new that rounding spoils the second
    product, the cycle ends, and the rest goes step by step.

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
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter)
    restart = _validate.count(restart, "restart", least=1)
    return announced(run(cycles(system, restart), system, callback))


def cycles(system, restart, *, flexible=False):
    """Return the method for a system: a function that starts a cycle, in bases made when first needed."""
    m = min(restart, system.b.shape[0], max(system.maxiter, 1))

    @cache
    def arnoldi():
        varying = flexible and system.M is not None  # what M makes of w tells little of its next image
        return Arnoldi(system, m, stored=varying, stride=1 if varying else 2)

    return partial(_cycle, arnoldi)


def _cycle(arnoldi, A, b, M, x):
    """Yield the iterates of one cycle, as functions that form them, and their squared residuals."""
    basis = arnoldi()
    r = A.residual(b, x)
    rr = kernels_for(b).dot(r, r)
    live = yield x, rr
    basis.begin(r)
    del r
    yield from basis.steps(A, M, live, rr, partial(_form, basis, M, x))


def _form(basis, M, x, used):
    """Return x plus the combination of the first directions that minimises the residual."""
    xp, (y, Y) = namespace(x), basis.coordinates(used)
    rows, y = (basis.W, y @ Y) if basis.Z is None else (basis.Z, y)
    y = xp.asarray(y.astype(x.dtype))[None]
    if M is None or basis.Z is not None:
        x = x.copy()
        kernels_for(x).rows_combine(False, y, rows[:used], x[None])
        return x
    step = xp.empty_like(x)
    kernels_for(x).rows_combine(True, y, rows[:used], step[None])
    return x + M @ step


class Arnoldi:
    """The basis of a cycle, and the small matrices of what is known of it.

    The rows of W are the basis, the first `kept` of them images of directions known before. Direction i is
    the combination of rows of W that row i of Y holds, and ``A`` maps it, or what M makes of it, to the one
    that row i of H holds: column i of the Hessenberg matrix. What M makes of it, times a length, is row i of
    Z, if that is `stored`.
    """

    def __init__(self, system, m, *, stored, stride):
        xp, (n, dtype) = namespace(system.b), (system.b.shape[0], system.b.dtype)
        self.W: Any = xp.empty((m + 1, n), dtype)
        self.Z: Any = xp.empty((m, n), dtype) if stored else None
        self._z: Any = None if stored or system.M is None else xp.empty(n, dtype)
        self.stride = stride  # steps to a pass over the basis
        self.products = self.kept = 0

    def begin(self, r, kept=0):
        """Start a cycle with a residual orthogonal to what is kept."""
        xp, m, self.kept = namespace(r), len(self.W) - 1, kept
        self.HYR, self.G, self.rotations = (xp.zeros((*k, m + 2), r.dtype) for k in ((3, m), (3,), (2,)))
        self.HYR[0, :kept, :kept] = self.HYR[2, :kept, :kept] = xp.asarray(np.eye(kept, dtype=r.dtype))
        self.rotations[0, :kept] = self.G[2, :kept] = 1
        self.W[kept] = r

    def steps(self, A, M, live, uu, form):
        """Step on: yield the iterates, as functions that form them, and their squared residuals.

        `uu` is the squared norm of the first row after those that are kept.
        """
        W, kept, kernels, m = self.W, self.kept, kernels_for(self.W), len(self.W) - 1
        (H, Y, R), G, rotations = (self.HYR[i] for i in range(3)), self.G, self.rotations
        sigma = namespace(W).zeros(1, W.real.dtype)
        j, pending = kept, 1
        while j + pending <= m:
            count = min(self.stride, m + 1 - j - pending)
            self.multiply(A, M, j + pending - 1, count, uu, sigma)
            ST = kernels.gmres_project(j, pending + count, W)
            F = kernels.gmres_factor(live, pending, j, ST, sigma)
            squares = kernels.gmres_advance(j, F, W)
            for step in range(count):
                uu = squares[pending + step]
                rr = kernels.gmres_residual(live, kept, pending, j, step, F, uu, H, R, Y, G, rotations)
                live = yield partial(form, j + pending + step), rr
                if live is None:
                    self.check(R, ST)
                    return
            j, pending = j + pending, count

    def multiply(self, A, M, first, count, uu, sigma):
        """Write the product with row `first` of W to the next row; less a multiple, if a second follows."""
        W, kernels = self.W, kernels_for(self.W)
        self.products += count
        for i in range(first, first + count):
            z = W[i] if M is None else M.apply(W[i], self._z if self.Z is None else self.Z[i])
            if i > first or count == 1:
                A.apply(z, W[i + 1])
                continue
            uw = A.apply_dot(z, W[i + 1]) if M is None else kernels.dot(W[i], A.apply(z, W[i + 1]))
            kernels.gmres_shift(uw, uu, sigma, W[i], W[i + 1])

    def check(self, R, ST):
        """After a NaN: raise, or go on in single steps from what steps before it gained."""
        gained = bool(to_host(R)[self.kept, self.kept])
        if not gained or self.stride == 1:
            check_step(not gained, ST)
        self.stride = 1

    def coordinates(self, used):
        """Return the coefficients of directions that minimise the residual, and the directions' own."""
        (_, Y, R), (rhs, lengths) = to_host(self.HYR[:, :used, :used], self.G[1:, :used])
        y = solve_small(R.T, rhs)
        return (y if self.Z is None else y / lengths), Y


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
