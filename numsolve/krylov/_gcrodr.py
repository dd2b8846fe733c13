"""GCRO-DR: GMRES that keeps its slowest directions, from cycle to cycle and from system to system."""

from typing import Any

import numpy as np

from .. import _validate
from .._array import namespace, to_host
from .._linear.system import norm, prepare
from .._result import not_finite, warn_of_miss
from ..kernels import kernels_for
from . import _scipy
from ._arnoldi import Arnoldi
from .recycling.learn import solve_and_recycle
from .recycling.space import RecycledSpace, coordinates, renewed, slowest, subtract


@_scipy.call()
def gcrodr(
    A,
    b,
    x0=None,
    *,
    rtol=1e-5,
    atol=0.0,
    restart=40,
    k=20,
    maxiter=None,
    M=None,
    callback=None,
    recycle=None,
    time_limit=None,
):
    r"""Solve :math:`Ax = b` by GCRO-DR: restarted GMRES that keeps its slowest directions for the next solve.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Any nonsingular matrix, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n,) or (n, k)
        Right-hand side, or several, solved one after the other; each uses the directions of those before it.
        Real or complex floating point; integers are taken as float64.
    x0 : array, shape of `b`, or "Mb", optional
        Starting guess, never overwritten; "Mb" stands for ``M @ b``. Default: zeros.
    rtol, atol : float
        Stop once ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column.
    restart : int
        Largest dimension of the space that is searched, the kept directions included.
    k : int
        How many directions are kept from a cycle to the next, and to the next solve; below `restart`.
    maxiter : int, optional
        Largest number of iterations, each one product with `A`. Default: ``10 * n``.
    M : array, sparse array or LinearOperator, shape (n, n), optional
        Approximates the inverse of `A`, from the right; it may change in every iteration.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration (on a GPU: after every tenth); true stops.
        Forming `x` costs a pass over the basis, unless the callback has an attribute ``wants_x = False``. A
        callback of one argument gets `x` alone, and what it returns is ignored.
    recycle : RecycledSpace, optional
        The attribute `recycle` of an earlier result, of this method or of ``cg`` or ``minres``, for vectors
        of the same length: for the same matrix or a similar one.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate. Default: no limit.

    Returns
    -------
    RecycledResult
        ``x``, ``status``, ``message``, ``residuals`` of shape ``(nit + 1,)`` or ``(nit + 1, k)``, ``recycle``
        for the next solve, and ``products``, the number of products with `A`.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, or a tolerance, `restart` or `k` is out of range.
    TypeError
        A dtype is not supported, NumPy and CuPy arrays are mixed, or `recycle` is not a recycled space.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    One product with `A` and one with `M` per iteration, and one with `A` per cycle of ``restart - k``
    iterations, for the true residual. The basis is orthogonalised as in ``gmres``, two steps at a time, also
    against the images of the kept directions: two passes over ``k`` to `restart` vectors in two iterations.
    The second step of a pair starts from the product of `A` with the first, including its part along those
    images. At the end of a cycle the harmonic Ritz vectors of the k smallest values are formed (appendix of
    [1]_), with about ``k (4 restart + 2 k)`` n floating-point operations. Storage: ``restart + k + 6``
    vectors; with `M`, which makes the method flexible [2]_, ``2 restart + k + 6``; and 2 k (with `M` 3 k) for
    the space on the result.

    With `recycle`, the first iteration is a step along its directions. Then the true residual tells whether
    the directions belong to this matrix. If so, no product is spent on them. If not, k products adapt them,
    and those that the new matrix maps almost to zero are dropped. Real matrices are treated in real
    arithmetic; a complex conjugate pair of Ritz vectors is kept or dropped as a whole.

    The page on recycling (``docs/recycling``) shows where it pays, and where a direct solver or multigrid is
    better.

    References
    ----------
    .. [1] M. L. Parks, E. de Sturler, G. Mackey, D. D. Johnson, S. Maiti, *Recycling Krylov subspaces for
       sequences of linear systems*, SIAM J. Sci. Comput. 28, 2006, :doi:`10.1137/040607277`.
    .. [2] L. M. Carvalho, S. Gratton, R. Lago, X. Vasseur, *A flexible generalized conjugate residual method
       with inner orthogonalization and deflated restarting*, SIAM J. Matrix Anal. Appl. 32, 2011,
       :doi:`10.1137/100786253`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import gcrodr
    >>> from numsolve.problems import convection_diffusion
    >>> A = convection_diffusion((30, 30), (20.0, 10.0))
    >>> first = gcrodr(A, np.ones(900), rtol=1e-8)
    >>> second = gcrodr(A, np.arange(900.0), rtol=1e-8, recycle=first.recycle)
    >>> second.success and second.products < first.products
    True
    """
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter, time_limit=time_limit)
    restart, k = _validate.count(restart, "restart", least=2), _validate.count(k, "k", least=1)
    if k >= restart:
        raise ValueError(f"k is {k}, but restart is {restart}: fewer directions than that can be kept")
    _validate.same_library(b=system.b, recycle=recycle)
    recycle = _validate.recycled(recycle, len(system.b), system.b.dtype)
    cycles = Cycles(system, restart, k, None if recycle is None else recycle.scaled(system.A_unit))
    return warn_of_miss(solve_and_recycle(cycles, system, callback))


class Cycles(Arnoldi):
    """The bases of a solve, which its cycles share.

    The first `kept` rows of W are the orthonormal C, the others the Krylov basis. ``A`` maps U to C. With M,
    U is the first rows of Z, and M maps P to U.
    """

    def __init__(self, system, restart, k, recycle):
        xp, (n, dtype) = namespace(system.b), (system.b.shape[0], system.b.dtype)
        m = min(restart, n)
        super().__init__(system, m, stored=system.M is not None, stride=2)
        self.k, self.used, self.is_new_b = min(k, m - 1), 0, True
        self.U: Any = xp.empty((self.k + 1, n), dtype) if self.Z is None else self.Z
        self.P: Any = None if self.Z is None else xp.empty((self.k + 1, n), dtype)
        self.overlap = np.zeros((0, 0))  # C^H P
        if recycle is not None:
            self.keep(recycle)

    def keep(self, space):
        """Take the directions of an earlier solve."""
        self.kept = kept = min(self.k, space.k)
        self.U[:kept], self.W[:kept] = space.U[:kept], space.C[:kept]
        if self.P is not None:
            self.P[:kept] = space.source[:kept]
        P = (self.U if self.P is None else self.P)[:kept]
        self.overlap = to_host(kernels_for(P).rows_gram(self.W[:kept], P))

    def space(self):
        """Return the learned directions; the bases must not be used afterwards."""
        self.learn()
        if not self.kept:
            return None
        U, C = self.U[: self.kept], self.W[: self.kept].copy()
        return RecycledSpace(U, C) if self.P is None else RecycledSpace(U.copy(), C, self.P[: self.kept])

    def begin(self, b):  # noqa: ARG002 - the protocol
        """Note that there is a new b: the next start takes the best step along the known directions."""
        self.is_new_b = True

    def __call__(self, A, b, M, x):
        """Yield the iterates of one cycle, as functions that form them, and their squared residuals."""
        kernels, W = kernels_for(b), self.W
        r = A.residual(b, x)
        self.products += 1
        live = yield x, kernels.dot(r, r)
        self.learn()
        if self.is_new_b and self.kept:
            x, r = self.project(A, b, x, r)
            live = yield x, kernels.dot(r, r)
            if live is None:
                raise not_finite()
        self.is_new_b = False
        kept = self.kept
        self.restart(r, kept)
        del r
        if kept:  # now, not with the first step: the product of A with C is not known
            self.G[1, :kept] = along = coordinates(W[:kept], W[kept])
            subtract(along, W[:kept], W[kept], W[kept])
        yield from self.steps(A, M, live, kernels.dot(W[kept], W[kept]), lambda used: self.form(used, x))

    def project(self, A, b, x, r):
        """Move x along the directions of an earlier solve; return it and the new residual.

        The true residual tells whether A still maps U to C. If not, C is computed again.
        """
        y, expected, moved = self.step(x, r)
        true = A.residual(b, moved)
        self.products += 1
        eps = float(np.finfo(b.dtype).eps)
        error = norm(expected - true)
        if error <= eps**0.5 * norm(y) + 10 * eps * norm(r):
            return moved, true
        self.products += self.kept
        P = None if self.P is None else self.P[: self.kept]
        self.keep(renewed(A, RecycledSpace(self.U[: self.kept], self.W[: self.kept], P)))
        _, r, x = self.step(x, r)
        return x, r

    def step(self, x, r):
        """Return ``y = C^H r``, ``r - C y`` and ``x + U y``."""
        y, room = coordinates(self.W[: self.kept], r), namespace(x).empty_like
        return y, subtract(y, self.W[: self.kept], r, room(r)), subtract(-y, self.U[: self.kept], x, room(x))

    def form(self, used, x):
        """Return x plus the combination of directions that minimises the residual."""
        self.used = used
        x, (y, Y) = x.copy(), self.coordinates(used)
        self.combine(x[None], *self.parts(y[:, None], Y), fresh=False)
        return x

    def combination(self, M, y, Y):  # noqa: ARG002 - M is in the stored directions
        out = namespace(self.W).empty_like(self.W[0])
        self.combine(out[None], *self.parts(y[:, None], Y))
        return out

    def parts(self, T, Y):
        """Return the combinations of directions by the columns of T as pairs of coefficients and rows."""
        if self.Z is not None:
            return ((T, self.Z),)
        return (T[: self.kept], self.U), (Y[self.kept :].T @ T[self.kept :], self.W)

    def learn(self):
        """Keep the slowest directions of the last cycle, if there was one."""
        used, kept, self.used = self.used, self.kept, 0
        if used <= kept:
            return
        H, Y, lengths = self.finish(used)
        P = (self.U if self.P is None else self.P)[:kept]
        after = to_host(kernels_for(P).rows_gram(self.W[kept : used + 1], P))
        overlap = np.vstack([self.overlap, after])
        G, S = H.T.copy(), Y.T.copy()  # A D = W G and S = W^H D, where D are the directions
        unit = np.ones(used)
        unit[:kept] = 1 / np.maximum(np.linalg.norm(overlap, axis=0), np.finfo(float).tiny)
        S[:, :kept] = overlap
        Q, T = slowest(G * unit, S * unit, self.k, len(self.W) - 2)
        T = T * unit[:, None]
        self.overlap = Q.conj().T @ S @ T
        self.recombine(Q, T, T / lengths[:, None], Y[:, :used])

    def finish(self, used):
        """Make the last rows of W orthonormal; return H, Y and the lengths of directions on the host."""
        kernels, W, kept = kernels_for(self.W), self.W, self.kept
        HY, lengths = to_host(self.HYR[:2, :used, : used + 1], self.G[2, :used])
        H, Y = HY.astype(np.result_type(HY.dtype, float))  # small, so double precision costs little
        close = abs(H[-1, used]) < 1e-3 * np.linalg.norm(H[-1]) * np.linalg.norm(Y[-1])
        for row in range(max(used - 1, kept + 1), used + 1):  # no more than these are pending
            u, s = W[row], np.zeros(row)
            left = length = norm(u)
            if close:  # orthogonalise a second time
                s = kernels.rows_gram(W[:row], u[None])
                kernels.rows_combine(False, -s.T.copy(), W[:row], u[None])
                left, s = norm(u), to_host(s)[:, 0]
                left = left if left > 0.5 * length else 0  # else the space is invariant
            u *= 1 / left if left else 0
            for X in (H, Y):
                X[:, :row] += X[:, row, None] * s
                X[:, row] *= left
        return H, Y, lengths

    def recombine(self, Q, T, scaled, Y):
        """Replace P, U and C, in place, by combinations of the cycle's directions and vectors."""
        kept, count = self.kept, T.shape[1]
        if self.P is None:
            self.combine(self.U[:count], *self.parts(T, Y))
        else:
            self.combine(self.P[:count], (T[:kept], self.P), (Y[kept:].T @ T[kept:], self.W))
            self.combine(self.Z[:count], (scaled, self.Z))
        self.combine(self.W[:count], (Q, self.W))
        self.kept = count

    def combine(self, out, *parts, fresh=True):
        """Write to `out`, or add to it, combinations of rows; each part has coefficients and rows."""
        kernels, dtype, xp = kernels_for(out), out.dtype, namespace(out)
        for T, rows in parts:
            if len(T):
                kernels.rows_combine(fresh, xp.array(T.T, dtype, order="C"), rows[: len(T)], out)
                fresh = False
