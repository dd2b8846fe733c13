"""What sketched least squares works with: a tall matrix, and the preconditioner that its sketch gives."""

from typing import Any

import numpy as np

from .._array import array_module, namespace, to_host
from .._operators.operator import Csr, Operator
from .._validate import real_dtype
from ..kernels import kernels_for

RANK_UNITS = 8  # units of rounding, times the root of the columns, of the smallest singular value that counts
MIXED = 1e-4  # over epsilon: largest ratio of columns that are mixed to make x the shortest solution
LOST = 10  # factor of the tolerance of the rank, above which T acts on the null space of its sketch
SMALL = 1e-7  # ratio of norm(r) / norm(x) to norm(A) below which the backward error is found from R^-1


class Tall:
    """The matrix ``T = [A; damp I]``, or ``[A^H; damp I]`` for a wide A, as products.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns of T.
    wide : bool
        Whether A has fewer rows than columns.
    entries : array or sparse array
        The entries of A.
    in_one_pass : bool
        Whether a product with ``T^H T`` reads A once.
    """

    def __init__(self, A, damp):
        m, n = A.shape
        self.A, self.damp, self.wide = A, damp, m < n
        self.sparse = isinstance(A, Csr)
        self.entries: Any = A.to_sparse() if self.sparse else A.array
        self.library, self.dtype = A.library, A.dtype
        self.count, self.columns = max(m, n), min(m, n)  # rows without the damping, and columns
        self.in_one_pass = not self.wide and not self.sparse and self.entries.flags.c_contiguous

    def times(self, p):
        """Return ``T p``."""
        y = (_adjoint_product if self.wide else _product)(self.A, p)
        return namespace(y).concatenate((y, self.damp * p)) if self.damp else y

    def adjoint_times(self, r):
        """Return ``T^H r``."""
        top = r[: self.count]
        g = (_product if self.wide else _adjoint_product)(self.A, top)
        return g + self.damp * r[self.count :] if self.damp else g

    def normal_times(self, p):
        """Return ``T^H T p``; for a dense matrix in C order in one pass over it."""
        if not self.in_one_pass:
            return self.adjoint_times(self.times(p))
        g = namespace(p).empty_like(p)
        kernels_for(p).normal_product(self.entries, p, g)
        if self.damp:
            g += self.damp**2 * p
        return g

    def sketched(self, S):
        """Return ``S T`` for a sketch of the first rows, or T itself for None, with the rows of damping."""
        A = self.entries
        if S is None:
            Y = A.toarray() if self.sparse else A
            Y = Y.conj().T if self.wide else Y
        else:
            Y = (S @ A.T).conj() if self.wide else S @ A
        Y = to_host(Y)
        if self.damp:
            Y = np.concatenate((Y, np.eye(self.columns, dtype=Y.dtype) * Y.real.dtype.type(self.damp)))
        return Y


class Preconditioner:
    """The factor R of a sketch, ``S T D = Q R``, and a matrix P such that ``T P`` is near orthonormal.

    D scales the columns. If R has full rank, P is ``D R^-1``. Otherwise R is replaced by the part of its
    singular value decomposition with the singular values above the tolerance, ``Sigma V^H``, and P is
    ``D V Sigma^-1`` without its component in the null space of T.

    Attributes
    ----------
    P : array, shape (q, r)
        The preconditioner, in the library of T.
    R : numpy.ndarray, shape (r, q)
        The triangular factor, or ``Sigma V^H``.
    D : array, shape (q,)
        Powers of two that bring the columns of ``S T`` to norms near one.
    coordinates : numpy.ndarray, shape (r, k)
        The least-squares solutions of the sketched problems, in the columns of P.
    rank : int
        The numerical rank r.
    size : float
        The Frobenius norm of R, which is near that of ``T D``.
    condition : float
        The product of the Frobenius norms of R and its inverse.
    basis : array, shape of T, or None
        An orthonormal basis of the range of ``T P``, if T itself was factorised for it.
    is_shortest : bool
        Whether the component in the null space was subtracted. It is not if the columns differ so much that
        rounding would make P useless: ``D^-1 x`` is then the shortest.
    """

    def __init__(self, tall, sketched, right, rcond, scales, is_exact=False):
        q, real = tall.columns, real_dtype(tall.dtype)
        D = _powers(sketched) if scales else np.ones(q, real)
        Q, (R, Z) = None, (_orthonormal if is_exact else _triangle)(sketched, D, right)
        if is_exact:
            Q, Z = Z, np.eye(q, dtype=Z.dtype)
        self.size = float(np.linalg.norm(R))
        inverse = _inverse(R)
        self.rank, null = q, None
        if inverse is None or not 1 > rcond * self.size * float(np.linalg.norm(inverse)):
            R, Z, inverse, null = self._truncate(R, Z, rcond)
        self.R, self.coordinates, self._inverse = R, Z, inverse
        self.condition = self.size * float(np.linalg.norm(inverse))
        P = D[:, None] * inverse
        self.is_shortest = null is None or float(D.max() / D.min()) < MIXED / np.finfo(real).eps
        if null is not None and scales and self.is_shortest:
            N = np.linalg.qr(D[:, None] * null)[0]
            P -= N @ (N.conj().T @ P)
        xp = array_module(tall.library)
        self._null = null
        self.basis = None if Q is None else xp.asarray(Q @ Z.conj().T)
        self.P, self.D = xp.asarray(P.astype(tall.dtype)), xp.asarray(D)

    def loses_rank(self, tall, rcond, rng):
        """Tell whether T has a range that its sketch does not show: T acts on the null space of ``S T``."""
        if self._null is None:
            return False
        v = to_host(self.D)[:, None] * self._null @ rng.standard_normal(self._null.shape[1])
        image = tall.times(array_module(tall.library).asarray(v.astype(tall.dtype)))
        least = RANK_UNITS * np.finfo(tall.dtype).eps * tall.columns**0.5
        return float(np.linalg.norm(to_host(image))) > LOST * max(rcond, least) * self.size * len(v) ** 0.5

    def _truncate(self, R, Z, rcond):
        """Return the factors for the singular values above the tolerance, and a basis of the null space."""
        from scipy.linalg import svd

        factors: Any = svd(R, check_finite=False)
        U, sigma, Vh = factors
        self.rank = int((sigma > rcond * sigma.max(initial=0)).sum())
        if self.rank == len(sigma) and (inverse := _inverse(R)) is not None:
            return R, Z, inverse, None
        null = Vh[self.rank :].conj().T
        U, sigma, Vh = U[:, : self.rank], sigma[: self.rank], Vh[: self.rank]
        return sigma[:, None] * Vh, U.conj().T @ Z, Vh.conj().T / sigma, null

    def bounds(self, r, x, c, w):
        """Return upper bounds of the backward error of a least-squares solution, relative to ``norm(T D)``.

        The second one, of Stewart, does not depend on the norm of x; the first one is at most as large.
        `r` is the norm of the residual and `x` that of the scaled unknowns. The vector `c` is the gradient
        ``(T D)^H (b - T x)``, and `w` is ``R^-H c``; both are on the host.
        """
        size = float(np.linalg.norm(c if self.rank == len(c) else self.R.conj().T @ w))
        if r == 0 or size == 0:
            return 0.0, 0.0
        bound = stewart = size / r
        if x > 0:
            bound = min(bound, float(np.linalg.norm(w)) / x)
        return bound / self.size, stewart / self.size

    def backward_error(self, x, w, metric):
        """Return Karlson and Walden's estimate of this backward error; the arguments are those of `bounds`.

        It is the root of ``c^H (R^H R + rho^2 I)^-1 c`` over the norm of x; `metric` is that of rho = r / x.
        """
        return float(metric.norm(w)) / x / self.size

    def metric(self, rho):
        """Return the norm ``(w^H R (R^H R + rho^2 I)^-1 R^H w)^(1/2)``, from one of two equivalent forms."""
        if rho > SMALL * self.size:
            return Metric(self.R.conj().T @ self.R, rho**2, self.R.conj().T)
        return Metric(rho**2 * (self._inverse.conj().T @ self._inverse), 1.0, None)

    def residual_error(self, x, r, b):
        """Return the relative backward error of a solution of ``(T D)^H x = D b``; `x` and `b` are norms.

        Only the part of the residual `r` in the range counts.
        """
        if self.rank < len(r):
            r = self.R @ r / np.linalg.norm(self.R, axis=1)
        r = float(np.linalg.norm(r))
        return r / (self.size * x + b) if r else 0.0


class Metric:
    """The norm of ``L^-1 F w``, where ``L L^H = G + shift I``; F is the identity if None."""

    def __init__(self, G, shift, F):
        from scipy.linalg import LinAlgError, cholesky

        G[np.diag_indices(len(G))] += G.real.dtype.type(shift)
        self._F: Any = np.eye(len(G), dtype=G.dtype) if F is None else F
        try:
            self._L = cholesky(G, lower=True, overwrite_a=True, check_finite=False)
        except LinAlgError:
            self._L = np.full((len(G),) * 2, np.nan, G.dtype)

    def norm(self, w):
        """Return the norm of a vector."""
        return np.linalg.norm(self._solve(self._F @ w))

    def matrix(self):
        """Return the matrix ``L^-1 F``."""
        return self._solve(self._F)

    def _solve(self, v):
        from scipy.linalg import solve_triangular

        return solve_triangular(self._L, v, lower=True, check_finite=False)


class Identity(Operator):
    """What the matrix of the normal equations is for an orthonormal ``T P``; systems are solved from zero.

    Attributes
    ----------
    gradient : array
        The residual of the last system, which the method that solves it updates in place.
    """

    gradient: Any = None

    def apply(self, x, out):
        out[...] = x
        return out

    def residual(self, b, x):  # noqa: ARG002 - x is zero
        r = b.copy()
        self.gradient = r
        return r


class Normal(Identity):
    """The matrix ``P^H T^H T P``, whose condition number is small."""

    def __init__(self, tall, P):
        super().__init__((P.shape[1],) * 2, P.dtype, tall.library)
        self.tall, self.P = tall, P

    def apply(self, x, out):
        out[...] = adjoint_product(self.P, self.tall.normal_times(self.P @ x))
        return out


def adjoint_product(A, r):
    """Return ``A^H r`` for an array, without a copy of A."""
    return (A.T @ r.conj()).conj() if A.dtype.kind == "c" else A.T @ r


def _product(A, x):
    return A @ x if isinstance(A, Csr) else A.array @ x


def _adjoint_product(A, r):
    return A.adjoint() @ r if isinstance(A, Csr) else adjoint_product(A.array, r)


def _powers(Y):
    """Return powers of two that bring the columns of Y to norms near one; one for a column of zeros."""
    size = _largest(Y) if Y.dtype.kind == "f" else np.maximum(_largest(Y.real), _largest(Y.imag))
    return np.ldexp(np.ones_like(size), -np.frexp(np.where(size > 0, size, 1))[1])


def _largest(Y):
    """Return the largest magnitude in each column of a real array, without a copy of it."""
    return np.maximum(Y.max(axis=0, initial=0), -Y.min(axis=0, initial=0))


def _triangle(Y, D, right):
    """Return R of the QR factorisation of ``Y D``, and the first rows of ``Q^H right``."""
    from scipy.linalg import qr

    q = Y.shape[1]
    whole = np.zeros((max(len(Y), q), q + right.shape[1]), Y.dtype, order="F")
    np.multiply(Y, D, out=whole[: len(Y), :q])
    whole[: len(right), q:] = right
    R: Any = qr(whole, mode="raw", overwrite_a=True, check_finite=False)[-1]
    return np.ascontiguousarray(R[:q, :q]), R[:q, q:]


def _orthonormal(Y, D, right):  # noqa: ARG001 - as `_triangle`
    """Return R of the QR factorisation of ``Y D``, and Q."""
    from scipy.linalg import qr

    factors: Any = qr(Y * D, mode="economic", overwrite_a=True, check_finite=False)
    return factors[1], factors[0]


def _inverse(R):
    """Return the inverse of a triangular matrix, or None if it is singular."""
    from scipy.linalg import get_lapack_funcs

    inverse, info = get_lapack_funcs(("trtri",), (R,))[0](R)
    return np.triu(inverse) if info == 0 else None
