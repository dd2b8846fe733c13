"""The recycled space: directions that one solve learns for the next, and their images under the matrix."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.linalg import get_lapack_funcs, schur

from ..._array import library, namespace, to_host
from ..._operators.operator import Operator
from ..._result import LinearResult
from ...kernels import kernels_for
from .._arnoldi import solve_small


@dataclass(frozen=True, eq=False, repr=False)
class RecycledSpace:
    """A few directions that a Krylov method finds slowly, kept for the next solve.

    A result of ``gcrodr``, ``cg`` or ``minres`` has one as ``recycle``. Each of these methods takes it as the
    argument of that name, whichever of them made it. It may come from another matrix; the more similar the
    matrices are, the more it helps.

    Attributes
    ----------
    U : array, shape (k, n)
        Directions in the space of solutions, one per row; not orthogonal.
    C : array, shape (k, n)
        Orthonormal rows, the products of the matrix with those of `U`: ``A @ U.T == C.T``.
    P : array, shape (k, n), or None
        The preconditioner maps these rows to those of `U`; None without a preconditioner.
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

    @property
    def source(self):
        """The vectors that M turned into `U`; U itself, as an approximation, if they are not known."""
        return self.U if self.P is None else self.P

    def scaled(self, factor):
        """Return the space for the matrix divided by a real number.

        Parameters
        ----------
        factor : float
            The number, not zero.

        Returns
        -------
        RecycledSpace
            The space with ``U`` multiplied by the number, and the same ``C``.
        """
        return self if factor == 1 else RecycledSpace(self.U * factor, self.C, self.P)

    def __repr__(self):
        return f"RecycledSpace({self.k} directions of length {self.shape[1]}, {self.dtype}, {self.library})"


@dataclass(frozen=True, eq=False, repr=False)
class RecycledResult(LinearResult):
    """A `LinearResult` with the recycled space for the next solve.

    Attributes
    ----------
    recycle : RecycledSpace or None
        The argument `recycle` of the next solve; None if nothing was learned.
    products : int
        Products with A: those of the iteration, of true residuals, and of renewing the space for a new
        matrix.
    """

    recycle: RecycledSpace | None = None
    products: int = 0


def renewed(A, space):
    """Return the space for a new matrix, without directions that A maps almost to zero."""
    U, C, P = space.U, namespace(space.U).empty_like(space.U), space.P
    for u, c in zip(U, C, strict=True):  # a block product with two transpositions would take longer
        A.apply(u, c)
    known = 0.0 if type(A).magnitude is Operator.magnitude else A.magnitude()
    return orthonormal(U, C, P, known)


def orthonormal(U, C, P, known=0.0):
    """Return the space of U and its images C, orthonormalised twice because of rounding.

    Directions that the matrix, with entries of size `known`, maps almost to zero are left out.
    """
    rows_gram = kernels_for(C).rows_gram
    gram, before = to_host(rows_gram(C, C), rows_gram(U, U))
    with np.errstate(invalid="ignore"):  # NaN is left out too
        stretch = np.sqrt(
            abs(gram.diagonal()) / np.maximum(abs(before.diagonal()), np.finfo(gram.dtype).tiny)
        )
    kept = stretch > 100 * np.finfo(U.dtype).eps * max(known, stretch.max(initial=0))
    T = np.zeros_like(gram)[:, : kept.sum()]
    T[kept] = np.eye(kept.sum())
    T = T @ whitening(gram[np.ix_(kept, kept)])
    C = combined(T, C)
    again = whitening(to_host(rows_gram(C, C)))
    T = T @ again
    return RecycledSpace(combined(T, U), combined(again, C), None if P is None else combined(T, P))


def combined(T, rows):
    """Return the combinations of rows with the coefficients in the columns of the small matrix T."""
    xp = namespace(rows)
    new = xp.empty((T.shape[1], rows.shape[1]), rows.dtype)
    kernels_for(rows).rows_combine(True, xp.array(T.T, rows.dtype, order="C"), rows, new)
    return new


def coordinates(rows, v):
    """Return the inner products of rows with a vector: ``r^H v`` for each row r."""
    return kernels_for(v).rows_gram(rows, v[None])[:, 0]


def subtract(y, rows, v, out) -> Any:
    """Write the vector v minus the combination `y` of rows to `out`, and return it; `out` may be v."""
    if len(rows):
        kernels_for(v).idrs_shift(0, y, rows, v, out)
    else:
        out[...] = v
    return out


def whitening(gram):
    """Return a matrix T with orthonormal columns in the inner product `gram`, without dependent ones."""
    size = gram.diagonal().real
    if not ((size >= 0) & (size < np.inf)).all() or not len(size):
        return np.zeros((len(gram), 0))
    scale = np.divide(1, np.sqrt(size), out=np.zeros_like(size), where=size > 0)
    values, vectors = np.linalg.eigh(scale[:, None] * gram * scale)
    kept = values > 10 * len(gram) * np.finfo(gram.dtype).eps * values.max()
    return scale[:, None] * vectors[:, kept] / np.sqrt(values[kept])


def slowest(G, S, k, most):
    """Return Q and T such that A maps ``V T`` to ``W Q``, orthonormal, where ``A V = W G``, ``S = W^H V``.

    V T spans the harmonic Ritz vectors of the `k` values of smallest magnitude, ``G^H G z = theta G^H S z``.
    This is an invariant subspace of ``G^+ S``, whose eigenvalues are the inverse values. T has at most `most`
    columns.
    """
    orthogonal, triangle = np.linalg.qr(G)
    T = dominant(solve_small(triangle, orthogonal.conj().T @ S), k, most)
    Q, size, right = np.linalg.svd(G @ T, full_matrices=False)
    kept = size > len(G) * np.finfo(G.dtype).eps * size.max(initial=0)
    return Q[:, kept], T @ right[kept].conj().T / size[kept]


def dominant(T, k, most):
    """Return orthonormal vectors that span the invariant subspace of the `k` largest eigenvalues.

    A conjugate pair is taken as a whole or not at all.
    """
    form: Any = schur(T, output="complex" if T.dtype.kind == "c" else "real")
    triangle, vectors = form
    size, pairs = abs(triangle.diagonal()), np.flatnonzero(triangle.diagonal(-1))
    for i in pairs:
        size[i : i + 2] = np.sqrt(abs(np.linalg.det(triangle[i : i + 2, i : i + 2])))
    chosen = np.zeros(len(size), bool)
    chosen[np.argsort(-size, kind="stable")[:k]] = True
    for i in pairs:
        if chosen[i] != chosen[i + 1]:
            chosen[i : i + 2] = chosen.sum() == 1 and k < most
    reorder: Any = get_lapack_funcs("trsen", (triangle,))
    return reorder(chosen, triangle, vectors, job="N")[1][:, : chosen.sum()]
