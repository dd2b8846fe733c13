"""Projections and proximal maps: callables ``P(z, step=1.0)`` that never change."""

from typing import Any

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from .. import _validate
from .._array import is_sparse, namespace
from .._operators.readonly import ReadOnly

DEPENDENT = "the rows of A are linearly dependent: leave out what follows from others"


class Map(ReadOnly):
    """A projection or proximal map.

    ``P(z, step)`` is the point u with the smallest ``h(u) + |u - z|^2 / (2 step)``, where h is the function
    of the map, or 0 on its set and infinite outside. The point has the shape and the floating dtype of z;
    lists and whole numbers become float64.
    """

    _complex = False  # whether z may be complex

    def __call__(self, z, step=1.0) -> Any:
        """Return the projection of z, or its proximal point for a step."""
        kind = getattr(getattr(z, "dtype", None), "kind", "")
        if kind != "f" and not (kind == "c" and self._complex):
            z = _validate.as_array(z, "z", namespace(z))
            if z.dtype.kind == "c" and not self._complex:
                raise TypeError(f"z is complex; {type(self).__name__} needs real numbers")
            z = z.astype(z.dtype if z.dtype.kind in "fc" else float, copy=False)
        point = self._point(z, step)
        if point.shape != z.shape:
            raise ValueError(f"z has shape {z.shape}, which does not fit {self!r}")
        return point.astype(z.dtype, copy=False)

    def _point(self, z, step) -> Any:
        """Return the point for an array of floats."""
        raise NotImplementedError

    def __repr__(self):
        values = ", ".join(f"{name}={_shown(value)}" for name, value in vars(self).items() if name[0] != "_")
        return f"{type(self).__name__}({values})"


def _shown(value):
    return f"<array of shape {value.shape}>" if getattr(value, "ndim", 0) else repr(value)


class Space(Map):
    """The whole space: nothing moves."""

    _complex = True

    def _point(self, z, step):  # noqa: ARG002 - all maps are called alike
        """Return z."""
        return z


class Box(Map):
    """The box of all z with ``lower <= z <= upper``.

    Parameters
    ----------
    lower, upper : float or array
        The bounds; ``-inf`` and ``inf`` for none.

    Raises
    ------
    ValueError
        A lower bound is above its upper bound, or a bound is NaN.
    """

    def __init__(self, lower=0.0, upper=np.inf):
        self.lower, self.upper = _kept(lower, "lower"), _kept(upper, "upper")
        if not bool(namespace(self.lower - self.upper).all(self.lower <= self.upper)):
            raise ValueError("lower is above upper, or NaN, in some entries")

    def _point(self, z, step):  # noqa: ARG002
        """Return the nearest point of the box."""
        xp = namespace(z)
        return xp.minimum(xp.maximum(z, self.lower), self.upper)


class Nonnegative(Box):
    """The set of all z >= 0."""

    def __init__(self):
        super().__init__(0.0, np.inf)


class Simplex(Map):
    """The simplex ``z >= 0, sum(z) = radius``, along the last axis.

    Cost: a sort of each row.

    Parameters
    ----------
    radius : float
        The sum, > 0.
    """

    def __init__(self, radius=1.0):
        self.radius = _validate.positive(radius, "radius")

    def _point(self, z, step):  # noqa: ARG002
        """Return the nearest point of the simplex."""
        xp = namespace(z)
        if z.ndim == 0 or z.shape[-1] == 0:
            raise ValueError(f"z has shape {z.shape}; a simplex needs at least one entry along the last axis")
        n = z.shape[-1]
        z = z - z.max(axis=-1, keepdims=True)  # does not change the answer, and keeps the sums exact
        descending = -xp.sort(-z, axis=-1)
        excess = xp.cumsum(descending, axis=-1) - self.radius
        counts = xp.arange(1, n + 1, dtype=z.dtype)
        support = (descending * counts > excess).sum(axis=-1, keepdims=True)
        support = xp.maximum(support, 1)
        shift = xp.take_along_axis(excess, support - 1, axis=-1) / support
        return xp.maximum(z - shift, 0)


class Ball(Map):
    """The ball ``norm(z - center) <= radius``.

    Parameters
    ----------
    radius : float
        The radius, > 0.
    center : float or array
        The centre.
    norm : {2, 1, numpy.inf}
        The norm.
    """

    _complex = True

    def __init__(self, radius=1.0, center=0.0, norm=2):
        self.radius, self.center = _validate.positive(radius, "radius"), _kept(center, "center")
        self.norm = _validate.choice(norm, "norm", (2, 1, np.inf))

    def _point(self, z, step):  # noqa: ARG002
        """Return the nearest point of the ball."""
        xp = namespace(z)
        d = z - self.center
        if self.norm == np.inf and z.dtype.kind == "c":
            size = abs(d)
            d = d * xp.where(size > self.radius, self.radius / xp.where(size > 0, size, 1), 1)
        elif self.norm == np.inf:
            d = xp.minimum(xp.maximum(d, -self.radius), self.radius)
        elif self.norm == 1:
            size = abs(d).reshape(1, -1)
            inside = size.sum() <= self.radius
            d = xp.where(inside, d, xp.sign(d) * Simplex(self.radius)(size).reshape(d.shape))
        else:
            size = _norm(xp, d)
            d = d * xp.where(size > self.radius, self.radius / xp.where(size > 0, size, 1), 1)
        return self.center + d


class Halfspace(Map):
    """The halfspace of all z with ``a @ z <= b``.

    Parameters
    ----------
    a : array
        The normal, not zero.
    b : float
        The bound.
    """

    def __init__(self, a, b):
        self.a, self.b = _kept(a, "a"), _validate.number(b, "b")
        size = float(_norm(namespace(self.a), self.a))
        if not 0 < size < np.inf:
            raise ValueError("a is zero, or not finite")
        self._unit, self._offset = self.a / size, self.b / size

    def _point(self, z, step):  # noqa: ARG002
        """Return the nearest point of the halfspace."""
        xp = namespace(z)
        return z - xp.maximum((self._unit * z).sum() - self._offset, 0) * self._unit


class Affine(Map):
    """The set of the vectors with ``A z = b``.

    ``A A^T`` is factorised once, with rows of length one. The rows have to be linearly independent.

    Parameters
    ----------
    A : array or sparse matrix, shape (m, n)
        The matrix, of NumPy or SciPy, or a dense one of CuPy.
    b : array, shape (m,)
        The right-hand side.

    Raises
    ------
    ValueError
        Shapes do not match, or the rows are linearly dependent.
    """

    def __init__(self, A, b):
        xp = namespace(b)
        self.A: Any = A.tocsr().astype(float, copy=True) if is_sparse(A) else _kept(A, "A")
        self.b = _kept(b, "b")
        if len(self.A.shape) != 2 or getattr(self.b, "shape", ()) != (self.A.shape[0],):
            raise ValueError(
                f"A has shape {self.A.shape} and b {np.shape(self.b)}; (m, n) and (m,) are needed"
            )
        lengths: Any = _row_lengths(xp, self.A)
        if not bool((lengths > 0).all()):
            raise ValueError("A has a row of zeros, or NaN: leave it out")
        self._b = self.b / lengths
        self._A: Any = (
            sp.diags_array(1 / lengths) @ self.A if is_sparse(self.A) else self.A / lengths[:, None]
        )
        self._inverse: Any = None
        self._factors: Any = None
        if is_sparse(self.A):
            self._factors = _factorised(self._A @ self._A.T)
        else:
            self._inverse = _inverted(xp, self._A @ self._A.T)

    def __reduce__(self):
        return type(self), (self.A, self.b)

    def _point(self, z, step):  # noqa: ARG002
        """Return the nearest point of the set."""
        excess = self._A @ z - self._b
        y = self._inverse @ excess if self._factors is None else self._factors.solve(excess.astype(float))
        return z - self._A.T @ y


class SecondOrderCone(Map):
    """The cone of the vectors ``(t, v)`` with ``|v| <= t``; t is the first entry."""

    def _point(self, z, step):  # noqa: ARG002
        """Return the nearest point of the cone."""
        xp = namespace(z)
        if z.ndim != 1 or len(z) == 0:
            raise ValueError(f"z has shape {z.shape}; the cone needs a vector of at least one entry")
        t, v = z[0], z[1:]
        size = _norm(xp, v)
        outside = (t + size) / 2
        head = xp.where(size <= t, t, xp.where(size <= -t, 0 * t, outside))
        factor = xp.where(size <= t, 1, xp.where(size <= -t, 0, outside / xp.where(size > 0, size, 1)))
        return xp.concatenate((head[None], factor * v))


class SemidefiniteCone(Map):
    """The symmetric positive semidefinite matrices.

    Cost: an eigenvalue decomposition.
    """

    def _point(self, z, step):  # noqa: ARG002
        """Return the nearest positive semidefinite matrix."""
        xp = namespace(z)
        if z.ndim != 2 or z.shape[0] != z.shape[1]:
            raise ValueError(f"z has shape {z.shape}; the cone needs a square matrix")
        values, vectors = xp.linalg.eigh((z + z.T) / 2)
        return (vectors * xp.maximum(values, 0)) @ vectors.T


class L1(Map):
    """The function ``lam * sum(abs(z))``.

    Parameters
    ----------
    lam : float or array
        The factor, or one for each entry, >= 0.
    """

    _complex = True

    def __init__(self, lam=1.0):
        self.lam = _nonnegative(lam)

    def _point(self, z, step):
        """Return z with each entry moved towards zero by ``step * lam``."""
        xp = namespace(z)
        return xp.sign(z) * xp.maximum(abs(z) - step * self.lam, 0)


class L2(Map):
    """The function ``lam * norm(z)``.

    Parameters
    ----------
    lam : float
        The factor, >= 0.
    """

    _complex = True

    def __init__(self, lam=1.0):
        self.lam = _nonnegative(lam)

    def _point(self, z, step):
        """Return z, shortened by ``step * lam``."""
        xp = namespace(z)
        size = _norm(xp, z)
        return z * xp.maximum(1 - step * self.lam / xp.where(size > 0, size, 1), 0)


class Quadratic(Map):
    """The function ``lam / 2 * norm(z - center)^2``.

    Parameters
    ----------
    lam : float or array
        The factor, >= 0.
    center : float or array
        The minimiser.
    """

    _complex = True

    def __init__(self, lam=1.0, center=0.0):
        self.lam, self.center = _nonnegative(lam), _kept(center, "center")

    def _point(self, z, step):
        """Return the weighted mean of z and the centre."""
        return (z + step * self.lam * self.center) / (1 + step * self.lam)


class NuclearNorm(Map):
    """The function ``lam`` times the sum of the singular values of a matrix.

    Cost: a singular value decomposition.

    Parameters
    ----------
    lam : float
        The factor, >= 0.
    """

    _complex = True

    def __init__(self, lam=1.0):
        self.lam = _nonnegative(lam)

    def _point(self, z, step):
        """Return z with each singular value moved towards zero by ``step * lam``."""
        xp = namespace(z)
        if z.ndim != 2:
            raise ValueError(f"z has shape {z.shape}; a matrix is needed")
        U, values, V = xp.linalg.svd(z, full_matrices=False)
        return (U * xp.maximum(values - step * self.lam, 0)) @ V


class Product(Map):
    """Maps for consecutive parts of a vector.

    Parameters
    ----------
    maps : sequence of maps
        A map for each part.
    sizes : sequence of int
        The lengths of the parts.
    """

    _complex = True  # the parts check what they get

    def __init__(self, maps, sizes):
        self.maps, self.sizes = tuple(projection(P, "maps") for P in maps), tuple(int(n) for n in sizes)
        if len(self.maps) != len(self.sizes):
            raise ValueError(f"{len(self.maps)} maps are given for {len(self.sizes)} parts")
        if min(self.sizes, default=0) < 0:
            raise ValueError(f"sizes are {self.sizes}; lengths >= 0 are needed")

    def _point(self, z, step):
        """Return the parts after their maps."""
        ends = np.cumsum(self.sizes)
        if z.shape != (sum(self.sizes),):
            raise ValueError(f"z has shape {z.shape}, but the parts have {sum(self.sizes)} entries")
        parts = [z[end - n : end] for end, n in zip(ends, self.sizes, strict=True)]
        return namespace(z).concatenate(
            tuple(P(part, step) for P, part in zip(self.maps, parts, strict=True))
        )


class _Plain(Map):
    """A function of the caller, of z alone."""

    def __init__(self, function):
        self.function = function

    def __call__(self, z, step=1.0):  # noqa: ARG002
        return self.function(z)


def projection(value, name="project") -> Map:
    """Return a map from what callers pass for a set: a map, a function of z, bounds, or None for no set."""
    if value is None:
        return Space()
    if isinstance(value, Map):
        return value
    if isinstance(value, tuple) and len(value) == 2 and not any(map(callable, value)):
        lower, upper = (
            limit if bound is None else bound for bound, limit in zip(value, (-np.inf, np.inf), strict=True)
        )
        return Box(lower, upper)
    if not callable(value):
        raise TypeError(
            f"{name} is a {type(value).__name__}; a set, a function or a pair of bounds is needed"
        )
    return _Plain(value)


def proximal(value, name) -> Any:
    """Return a proximal map ``P(z, step)`` from a map of this module or a function of z and the step."""
    if value is None:
        return Space()
    if not callable(value):
        raise TypeError(f"{name} is a {type(value).__name__}; a map or a function of z and a step is needed")
    return value


def _row_lengths(xp, A):
    """Return the norms of the rows."""
    if not is_sparse(A):
        largest = abs(A).max(axis=1, initial=0.0) if A.shape[1] else xp.zeros(len(A))
        return largest * xp.sqrt(((A / xp.where(largest > 0, largest, 1)[:, None]) ** 2).sum(axis=1))
    return spla.norm(A, axis=1) if A.shape[0] else np.zeros(0)


def _factorised(gram):
    """Return the factors of a sparse matrix with ones on its diagonal."""
    try:
        factors = spla.splu(gram.tocsc())
    except RuntimeError:
        raise ValueError(DEPENDENT) from None
    pivots = abs(factors.U.diagonal())
    if not (pivots > 1e-14).all():
        raise ValueError(DEPENDENT)
    return factors


def _inverted(xp, gram):
    """Return the inverse of a matrix with ones on its diagonal."""
    try:
        inverse = xp.linalg.inv(gram)
    except np.linalg.LinAlgError:
        raise ValueError(DEPENDENT) from None
    if inverse.size and not float(abs(inverse).max()) < 1e14:
        raise ValueError(DEPENDENT)
    return inverse


def _kept(value, name) -> Any:
    """Return a number, or a copy of an array that cannot be written to."""
    value = _validate.as_array(value, name, namespace(value))
    if value.dtype.kind == "c":
        raise TypeError(f"{name} is complex; real numbers are needed")
    return float(value) if value.ndim == 0 else value.astype(float)


def _nonnegative(lam):
    lam = _kept(lam, "lam")
    if not bool(namespace(lam).all(lam >= 0)):
        raise ValueError("lam has negative entries or NaN")
    return lam


def _norm(xp, v):
    """Return the norm, also where squares of the entries would overflow or vanish."""
    if v.size == 0:
        return xp.zeros((), dtype=v.dtype)
    size = abs(v)
    largest = size.max()
    largest = xp.where((largest > 0) & (largest < np.inf), largest, 1)
    return largest * xp.sqrt(((size / largest) ** 2).sum())
