"""What one solve learns for the next: a subspace, and what the matrix makes of it."""

from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import numpy as np
from scipy.linalg import get_lapack_funcs, schur

from .._array import library, namespace, read_sum, to_host
from .._operator import Operator
from .._result import Result
from ..kernels import kernels_for


@dataclass(frozen=True, eq=False, repr=False)
class RecycledSpace:
    """A few directions that a Krylov method finds slowly, kept for the next solve.

    A result of ``gcrodr``, ``cg`` or ``minres`` has one as ``recycle``; each of them takes it as the argument of
    that name, also after another of them has made it. It may come from another matrix: how much that helps
    depends on how much the matrices have in common.

    Attributes
    ----------
    U : array, shape (k, n)
        Directions in the space of solutions, one a row; not orthogonal.
    C : array, shape (k, n)
        Orthonormal rows, the products of the matrix with those of `U`: ``A @ U.T == C.T``.
    P : array, shape (k, n), or None
        What the preconditioner turned into `U`, if there was one.
    """

    U: Any
    C: Any
    P: Any = None
    library: str = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "library", library(self.U) or "numpy")

    @property
    def k(self):
        """Number of directions."""
        return self.U.shape[0]

    @property
    def shape(self):
        """Number of directions, and length of each."""
        return self.U.shape

    @property
    def dtype(self):
        """Dtype of the entries."""
        return self.U.dtype

    def first(self, k):
        """Return the space of the first `k` directions."""
        return RecycledSpace(self.U[:k], self.C[:k], None if self.P is None else self.P[:k])

    def scaled(self, factor):
        """Return the space for the matrix divided by a real number."""
        return self if factor == 1 else RecycledSpace(self.U * factor, self.C, self.P)

    def __repr__(self):
        return f"RecycledSpace({self.k} directions of length {self.shape[1]}, {self.dtype}, {self.library})"


@dataclass(frozen=True, repr=False)
class RecycledResult(Result):
    """A `Result` that knows what the next solve can start from.

    Attributes
    ----------
    recycle : RecycledSpace or None
        To be passed to the next solve; None if nothing was learned.
    products : int
        Products with A in all: those of the iteration, of true residuals, and of renewing the space for a
        new matrix.
    """

    recycle: RecycledSpace | None = None
    products: int = 0


def renewed(A, space):
    """Return the space for a new matrix, without what A maps to almost nothing."""
    U, xp = space.U, namespace(space.U)
    C = A.apply_block(xp.ascontiguousarray(U.T), xp.empty(U.T.shape, U.dtype)).T
    C, P = xp.ascontiguousarray(C), space.P
    tiny = np.finfo(U.dtype).tiny
    stretch = to_host(abs(C).max(axis=1)) / np.maximum(to_host(abs(U).max(axis=1)), tiny)
    known = 0.0 if type(A).magnitude is Operator.magnitude else A.magnitude()
    kept = stretch > 100 * np.finfo(U.dtype).eps * max(known, stretch.max(initial=0))
    if not kept.all():
        U, C, P = (None if rows is None else rows[xp.asarray(np.flatnonzero(kept))] for rows in (U, C, P))
    return orthonormal(U, C, P)


def orthonormal(U, C, P):
    """Return the space of U and its images C after making the latter orthonormal, twice for its rounding."""
    xp = namespace(U)
    for _ in range(2):
        T = xp.asarray(whitening(to_host((C @ C.conj().T).conj())).T.astype(U.dtype))
        U, C, P = T @ U, T @ C, None if P is None else T @ P
    return RecycledSpace(U, C, P)


def coordinates(rows, v):
    """Return ``r^H v`` for each row r; with our kernels, beside which the threads of BLAS would spin."""
    return kernels_for(v).idrs_project(rows, v)[:-1]


def less(y, rows, v, out) -> Any:
    """Write to `out` the vector v less the combination `y` of rows, and return it; `out` may be v."""
    kernels_for(v).idrs_shift(0, y, rows, v, out)
    return out


def norm(v):
    """Return the 2-norm of a vector as a float of the host."""
    return sqrt(read_sum(kernels_for(v).dot(v, v)))


def whitening(gram):
    """Return a matrix T with orthonormal columns in the inner product `gram`, leaving out dependent ones."""
    size = gram.diagonal().real
    if not ((size >= 0) & (size < np.inf)).all() or not len(size):
        return np.zeros((len(gram), 0))
    scale = np.divide(1, np.sqrt(size), out=np.zeros_like(size), where=size > 0)
    values, vectors = np.linalg.eigh(scale[:, None] * gram * scale)
    kept = values > 10 * len(gram) * np.finfo(gram.dtype).eps * values.max()
    return scale[:, None] * vectors[:, kept] / np.sqrt(values[kept])


def slowest(G, S, k, most):
    """Return Q and T, such that with ``A V = W G`` and ``S = W^H V``, W Q is orthonormal and A maps V T to it.

    V T spans the harmonic Ritz vectors of the `k` values of smallest magnitude, ``G^H G z = theta G^H S z``:
    an invariant subspace of ``G^+ S``, whose eigenvalues are the inverse ones. At most `most` columns.
    """
    T = dominant(np.linalg.lstsq(G, S)[0], k, most)
    Q, size, right = np.linalg.svd(G @ T, full_matrices=False)
    kept = size > len(G) * np.finfo(G.dtype).eps * size.max(initial=0)
    return Q[:, kept], T @ right[kept].conj().T / size[kept]


def dominant(T, k, most):
    """Return orthonormal vectors that span the invariant subspace of the `k` eigenvalues of largest magnitude.

    Of a conjugate pair both are taken or none.
    """
    triangle, vectors = schur(T, output="complex" if T.dtype.kind == "c" else "real")
    size, pairs = abs(triangle.diagonal()), np.flatnonzero(triangle.diagonal(-1))
    for i in pairs:
        size[i : i + 2] = np.sqrt(abs(np.linalg.det(triangle[i : i + 2, i : i + 2])))
    chosen = np.zeros(len(size), bool)
    chosen[np.argsort(-size, kind="stable")[:k]] = True
    for i in pairs:
        if chosen[i] != chosen[i + 1]:
            chosen[i : i + 2] = chosen.sum() == 1 and k < most
    reordered = get_lapack_funcs("trsen", (triangle,))(chosen, triangle, vectors, job="N")[1]
    return reordered[:, : chosen.sum()]
