"""Singular operators: their null spaces, known from the caller or from the entries, and projections."""

from copy import copy

import numpy as np

from .. import _validate
from .._array import array_module, is_sparse, namespace
from .._random import scattered
from .hermitian import is_hermitian
from .operator import Composite, Csr, Dense, absolute, as_operator

INDEPENDENT = 1e-8  # least part of a declared vector, relative to its size, that the others do not have


def singular(A, right, left=None):
    r"""Declare the null space of a singular `A`; methods then solve in its complement.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        A matrix of NumPy/SciPy or CuPy, or anything with a shape and ``@`` or ``matvec``.
    right : array, shape (n,) or (n, k)
        Vectors z that span the null space: ``A @ z`` is zero. They need not be orthonormal.
    left : array, shape (n,) or (n, k), optional
        Vectors w with :math:`w^H A = 0`. Default: `right`, if `A` is Hermitian or its adjoint maps
        these vectors to zero too; otherwise the left null space is not known.

    Returns
    -------
    operator
        `A` with the declaration. Every argument `A` of numsolve accepts it, and ``operator @ x`` is the
        product. `numsolve.hermitian` and `singular` can be applied one after the other.

    Raises
    ------
    ValueError
        `A` is not square, a shape does not fit, an entry is not finite, `right` is zero, or ``A @ right`` or
        ``A^H @ left`` is larger than half the digits of the dtype allow.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.

    Notes
    -----
    The solution is that of minimum norm: x is orthogonal to `right`. The part of b along `left` is removed
    before the solve, because no x matches it. If it alone exceeds the tolerance, the status is
    ``Status.SINGULAR`` and x is the least-squares solution of minimum norm. If the left null space is not
    known, nothing is removed from b; `numsolve.solve` then determines it where it can, and the functions of
    `numsolve.krylov` solve only systems that have a solution. The products of a preconditioner are
    projected too, at two passes over the k vectors each.

    The declaration is tested with k products with `A`, and k with its adjoint if there is one. `solve`
    recognises by itself the null space of constant vectors on each connected component.

    Examples
    --------
    >>> import numpy as np
    >>> import numsolve
    >>> A = np.array([[1.0, -1.0], [-1.0, 1.0]])
    >>> numsolve.krylov.cg(numsolve.singular(A, right=np.ones(2)), np.array([2.0, -2.0])).check().x
    array([ 1., -1.])
    """
    n = _validate.square_shape(A)
    home, xp = _validate.same_library(A=A, right=right, left=left)
    operator = copy(as_operator(A, home, keep=True))
    Z = _orthonormal(operator, right, "right", n, xp)
    _check_product(operator, Z, "A @ right")
    if left is not None:
        W = _orthonormal(operator, left, "left", n, xp)
        if W.k != Z.k:
            raise ValueError(f"right spans {Z.k} dimensions and left {W.k}; those of a square A are equal")
        if _has_adjoint(operator, Z):
            _check_product(operator.adjoint(), W, "A^H @ left")
    elif is_hermitian(operator):
        W = Z
    else:
        same = _has_adjoint(operator, Z) and _size_of_product(operator.adjoint(), Z) <= _near(operator)
        W = Z if same else None
    operator.null_space = NullSpace(Z, W, "as declared")
    return operator


class Basis:
    """An orthonormal basis of a null space: few dense vectors, or many with disjoint entries.

    Parameters
    ----------
    vectors : array, shape (k, n), or sparse array, shape (n, k)
        The basis, orthonormal.
    """

    def __init__(self, vectors):
        self.is_sparse = is_sparse(vectors)
        self.vectors = vectors
        self._pair = (vectors, vectors.conj().T.tocsr()) if self.is_sparse else ()
        self.k = vectors.shape[1 if self.is_sparse else 0]

    def part(self, x):
        """Return the part of a vector or block `x` in the null space."""
        if self.is_sparse:
            columns, rows = (Z if Z.dtype == x.dtype else Z.astype(x.dtype) for Z in self._pair)
            return columns @ (rows @ x)
        xp, Z = namespace(x), self.vectors
        inner, outer = ("kn,n->k", "kn,k->n") if x.ndim == 1 else ("kn,nm->km", "kn,km->nm")
        return xp.einsum(outer, Z, xp.einsum(inner, Z.conj(), x)).astype(x.dtype, copy=False)

    def outside(self, x):
        """Return the part of a vector or block `x` that is orthogonal to the null space."""
        return x - self.part(x)

    def columns(self):
        """Yield the vectors as arrays (n,)."""
        if not self.is_sparse:
            yield from self.vectors
            return
        xp = namespace(self.vectors.data)
        for j in range(self.k):
            unit = xp.zeros(self.k, self.vectors.dtype)
            unit[j] = 1
            yield self.vectors @ unit


class NullSpace:
    """The null space of a matrix, that of its adjoint, and how they are known.

    Attributes
    ----------
    right : Basis or None
        Of the vectors that A maps to zero; `singular` and the methods need it.
    left : Basis or None
        Of those that the adjoint maps to zero; None if they are not known.
    origin : str
        How it is known, for messages.
    """

    def __init__(self, right, left, origin):
        self.right, self.left, self.origin = right, left, origin

    def in_range(self, b):
        """Return the part of b that A can match, as far as the left null space is known."""
        return b if self.left is None else self.left.outside(b)

    def __str__(self):
        return f"a null space of dimension {(self.right or self.left).k}, {self.origin}"


class Projected(Composite):
    """A preconditioner, with the part in the null space of A removed from its products."""

    def __init__(self, M, null_space):
        super().__init__(M.shape, M.dtype, M.library)
        self.known_hermitian = M.known_hermitian
        self.operator, self._right = M, null_space.right

    def apply(self, x, out):
        self.operator.apply(x, out)
        out -= self._right.part(out)
        return out

    def apply_block(self, X, out):
        self.operator.apply_block(X, out)
        out -= self._right.part(out)
        return out


def with_null_space(A, space):
    """Return the operator with known null spaces."""
    twin = copy(A)
    twin.null_space = space
    return twin


def orthonormal(vectors):
    """Return an orthonormal basis (k, n) of what the rows of `vectors` span, by Gram-Schmidt steps."""
    xp, kept = namespace(vectors), []
    for v in vectors:
        largest = float(abs(v).max())
        if not largest:
            continue
        v = v / largest
        size = left = float(abs(xp.vdot(v, v))) ** 0.5
        for _ in range(2):
            for u in kept:
                v = v - xp.vdot(u, v) * u
            left = float(abs(xp.vdot(v, v))) ** 0.5
        if left > INDEPENDENT * size:
            kept.append(v / left)
    return xp.stack(kept) if kept else vectors[:0]


def _orthonormal(A, vectors, name, n, xp):
    """Return the caller's vectors as a `Basis`; raise if they do not fit."""
    vectors = _validate.finite(_validate.as_array(vectors, name, xp), name)
    if vectors.ndim not in (1, 2) or vectors.shape[0] != n:
        raise ValueError(f"{name} has shape {vectors.shape}, but A needs ({n},) or ({n}, k)")
    rows = vectors.reshape(n, -1).T.astype(_validate.floating(vectors.dtype, name))
    if A.dtype.kind != "c" and rows.dtype.kind == "c":
        rows = xp.concatenate((rows.real, rows.imag))
    rows = orthonormal(rows)
    if not len(rows):
        raise ValueError(f"{name} is zero; needed: vectors that span the null space of A")
    return Basis(rows)


def _near(A):
    """Return the size up to which a product counts as zero: half the digits of the dtype."""
    return float(np.finfo(A.dtype).eps) ** 0.5


def _check_product(A, basis, name):
    """Raise unless the operator maps the vectors to almost nothing."""
    size = _size_of_product(A, basis)
    if not size <= _near(A):
        raise ValueError(
            f"{name} is {size:.1e} of its terms; needed: at most {_near(A):.1e}. These vectors do not span a "
            "null space"
        )


def _size_of_product(A, basis):
    """Return the largest entry of the products with the basis, relative to that of the terms in them.

    For an operator that only multiplies, the terms are estimated by its product with one fixed vector.
    """
    entries = isinstance(A, (Csr, Dense))
    sizes, worst = absolute(A) if entries else None, 0.0
    if not entries:
        u = (scattered(array_module(A.library).arange(A.shape[0], dtype=np.float64)) - 0.5).astype(A.dtype)
        typical = float(abs(A @ u).max()) / float(abs(u).max())
    for z in basis.columns():
        z = z.astype(A.dtype)
        terms = float(abs(sizes @ abs(z)).max()) if entries else typical * float(abs(z).max())
        product = float(abs(A @ z).max())
        worst = max(worst, product / terms if terms else product)
    return worst


def _has_adjoint(A, basis):
    """Tell whether the operator can multiply with its adjoint."""
    try:
        return len(A.adjoint() @ next(iter(basis.columns())).astype(A.dtype)) > 0
    except TypeError:
        return False
