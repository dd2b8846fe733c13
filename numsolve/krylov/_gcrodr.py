"""GCRO-DR: GMRES that keeps its slowest directions, from cycle to cycle and from system to system."""

from functools import partial
from typing import Any

import numpy as np

from .. import _validate
from .._array import namespace, to_host
from .._linear import announced, norm, prepare, run, unit_near
from .._result import not_finite
from ..kernels import kernels_for
from ._gmres import check_step, solve_small
from ._recycle import RecycledSpace, coordinates, handing_on, less, renewed, slowest


def gcrodr(
    A, b, x0=None, *, rtol=1e-5, atol=0.0, restart=40, k=20, maxiter=None, M=None, callback=None, recycle=None
):
    r"""Solve :math:`Ax = b` by GMRES that keeps its slowest directions, and hands them to the next solve.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Any nonsingular matrix, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n,) or (n, k)
        Right-hand side, or several, solved one after the other, each with what those before it taught. Real
        or complex floating point; integers are taken as float64.
    x0 : array, shape of `b`, optional
        Starting guess, never overwritten. Default: zeros.
    rtol, atol : float
        Stop once ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column.
    restart : int
        Largest dimension of the space that is searched, the kept directions included.
    k : int
        How many directions are kept from a cycle to the next, and to the next solve; below `restart`.
    maxiter : int, optional
        Largest number of iterations, each one product with `A`. Default: ``10 * n``.
    M : array, sparse array or LinearOperator, shape (n, n), optional
        Approximates the inverse of `A`, from the right; it may be another in every iteration.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration (on a GPU: after every tenth); true stops.
        Forming `x` costs a pass over the basis, unless the callback has an attribute ``wants_x = False``.
    recycle : RecycledSpace, optional
        The attribute `recycle` of an earlier result, of this method or of ``cg`` or ``minres``, for vectors
        of the same length: for the same matrix or a similar one.

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
    One product with `A` and one with `M` per iteration, and one with `A` a cycle of ``restart - k``
    iterations, for the true residual. The basis is orthogonalised as in ``gmres``, also against the images of
    the kept directions: two passes over ``k`` to `restart` vectors an iteration. At the end of a cycle the
    harmonic Ritz vectors of the k smallest values are formed (appendix of [1]_), with about ``5 k restart`` n
    floating-point operations. Storage: ``restart + k + 6`` vectors; with `M`, which makes the method
    flexible [2]_, ``2 restart + k + 6``; the space that is handed out, 2 k (with `M` 3 k).

    With `recycle`, the first iteration is a step along its directions, after which the true residual tells
    whether the matrix is still the one they belong to: if so, no product is spent on them; if not, k
    products make them fit, and those that the new matrix maps to almost nothing are dropped. Real matrices
    are treated in real arithmetic; of a complex conjugate pair of Ritz vectors both are kept or none.

    How much there is to gain depends: ``docs/recycling`` shows where it pays, and where a direct solver or
    multigrid is better.

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
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter)
    restart, k = _validate.count(restart, "restart", least=2), _validate.count(k, "k", least=1)
    if k >= restart:
        raise ValueError(f"k is {k}, but restart is {restart}: fewer directions than that can be kept")
    _validate.same_library(b=system.b, recycle=recycle)
    recycle = _validate.recycled(recycle, len(system.b), system.b.dtype)
    unit = unit_near(system.A.magnitude(), system.b.dtype)
    cycles = Cycles(system, restart, k, None if recycle is None else recycle.scaled(unit))
    return announced(handing_on(lambda: run(cycles.start, system, callback), cycles, unit))


class Cycles:
    """The bases of a solve, which cycles share.

    The rows of W are first the orthonormal C, `kept` of them, then the Krylov basis. ``A`` maps U to C, and
    row j of the basis, or of Z, what M made of it, to the combination of rows of W that row j of H holds.
    With M, U is the first rows of Z, and P is what M turned into it.
    """

    def __init__(self, system, restart, k, recycle):
        xp, (n, dtype) = namespace(system.b), (system.b.shape[0], system.b.dtype)
        m = min(restart, n)
        self.k, self.kept, self.used = min(k, m - 1), 0, 0
        self.W = xp.empty((m + 1, n), dtype)
        self.Z: Any = None if system.M is None else xp.empty((m, n), dtype)
        self.U: Any = xp.empty((self.k + 1, n), dtype) if self.Z is None else self.Z
        self.P: Any = None if self.Z is None else xp.empty((self.k + 1, n), dtype)
        self.overlap = np.zeros((0, 0))  # C^H P
        self.products, self._b = 0, None
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
        """Hand out what has been learned: the bases must not be used any more."""
        self.learn()
        if not self.kept:
            return None
        U, C = self.U[: self.kept], self.W[: self.kept].copy()
        return RecycledSpace(U, C) if self.P is None else RecycledSpace(U.copy(), C, self.P[: self.kept])

    def start(self, A, b, M, x):
        """Yield the iterates of one cycle, as functions that form them, and their squared residuals."""
        xp, kernels, W = namespace(b), kernels_for(b), self.W
        r = A.residual(b, x)
        self.products += 1
        live = yield x, kernels.dot(r, r)
        self.learn()
        if self._b is not b:
            self._b = b
            if self.kept:
                x, r = self.project(A, b, x, r)
                live = yield x, kernels.dot(r, r)
                if live is None:
                    raise not_finite()
        kept, m = self.kept, len(W) - 1
        W[kept] = r
        del r
        H, R, G, rotations = (xp.zeros((rows, m + 2), b.dtype) for rows in (m, m, 2, 2))
        if kept:  # now, not with the first step: what A makes of C is not known
            G[1, :kept] = along = coordinates(W[:kept], W[kept])
            less(along, W[:kept], W[kept], W[kept])
        H[:kept, :kept] = R[:kept, :kept] = xp.asarray(np.eye(kept, dtype=b.dtype))
        rotations[0, :kept] = 1
        self.small = H, R, G
        for j in range(kept, m):
            A.apply(W[j] if M is None else M.apply(W[j], self.Z[j]), W[j + 1])
            self.products += 1
            ST = kernels.gmres_project(j, W)
            uu = kernels.gmres_advance(j, ST, W)
            rr = kernels.gmres_residual(live, kept, M is None, j, ST, uu, H, R, G, rotations)
            live = yield partial(self.form, j + 1, x), rr
            if live is None:
                check_step(j == kept, ST)
                return

    def project(self, A, b, x, r):
        """Move x along the directions of an earlier solve; return it and the new residual.

        The true residual tells whether A still maps U to C; if not, C is found anew.
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
        return y, less(y, self.W[: self.kept], r, room(r)), less(-y, self.U[: self.kept], x, room(x))

    def form(self, used, x):
        """Return x plus the combination of directions that minimises the residual."""
        self.used = used
        H, R, G = (small[:, : used + 1] for small in self.small)
        H, triangle, rhs, beta = to_host(H[:used], R[:used, :used].T, G[1, :used], G[0, self.kept])
        y = solve_small(triangle, rhs) / self.lengths(H, beta)
        x = x.copy()
        self.combine(y[:, None], self.U, self.W if self.Z is None else self.Z, used, x[None], fresh=False)
        return x

    def lengths(self, H, beta):
        """Return what the directions of the cycle are to be divided by: M saw vectors with their norms on."""
        lengths = np.ones(len(H), H.dtype)
        if self.Z is not None:
            lengths[self.kept] = beta
            lengths[self.kept + 1 :] = H.diagonal(1)[self.kept : len(H) - 1]
        return lengths

    def learn(self):
        """Keep the slowest directions of the cycle that ended, if there was one."""
        used, kept, self.used = self.used, self.kept, 0
        if used <= kept:
            return
        H, beta, overlap = self.finish(used)
        G, S = H.T.copy(), np.eye(used + 1, used, dtype=H.dtype)  # A V = W G and S = W^H V
        unit = np.ones(used)
        unit[:kept] = 1 / np.maximum(np.linalg.norm(overlap, axis=0), np.finfo(float).tiny)
        S[:, :kept] = overlap
        Q, T = slowest(G * unit, S * unit, self.k, len(self.W) - 2)
        T = T * unit[:, None]
        self.overlap = Q.conj().T @ S @ T
        self.recombine(Q, T / self.lengths(H, beta)[:, None], T)

    def finish(self, used):
        """Make the last row of W orthonormal; return H, the first norm and W^H P on the host."""
        kernels, W, kept, (H, _, G) = kernels_for(self.W), self.W[: used + 1], self.kept, self.small
        u, P = W[used], (self.U if self.P is None else self.P)[:kept]
        H, beta = to_host(H[:used, : used + 1], G[0, kept])
        length = norm(u)
        H = H.astype(np.result_type(H.dtype, float))  # small: as exact as can be
        if abs(H[-1, used]) < 1e-3 * np.linalg.norm(H[-1]):  # once was not enough
            s = kernels.rows_gram(W[:used], u[None])
            kernels.rows_combine(False, -s.T.copy(), W[:used], u[None])
            left = norm(u)
            H[-1, :used] += to_host(s)[:, 0] * (length and H[-1, used] / length)
            H[-1, used] *= left / length if left > 0.5 * length else 0  # or else the space is invariant
            length = left if H[-1, used] else np.inf
        u *= 1 / length if length else 0
        overlap = to_host(kernels.rows_gram(W[kept:], P))
        return H, beta, np.vstack([self.overlap, overlap])

    def recombine(self, Q, T, before_M):
        """Replace P, U and C, in place, by their combinations with the cycle's vectors."""
        W, used, count = self.W, *T.shape
        if self.P is None:
            self.combine(T, self.U, W, used, self.U[:count])
        else:
            self.combine(before_M, self.P, W, used, self.P[:count])
            self.combine(T, self.Z, self.Z, used, self.Z[:count])
        self.combine(Q, W, W, used + 1, W[:count])
        self.kept = count

    def combine(self, T, kept, new, used, out, fresh=True):
        """Write combinations of the kept directions and of the cycle's vectors, as the columns of T say."""
        kernels, dtype, xp = kernels_for(out), out.dtype, namespace(out)
        first = 0 if kept is new else self.kept
        if first:
            kernels.rows_combine(fresh, xp.array(T[:first].T, dtype, order="C"), kept[:first], out)
            fresh = False
        kernels.rows_combine(fresh, xp.array(T[first:].T, dtype, order="C"), new[first:used], out)
