"""Projections and proximal maps: callables ``P(z, step=1.0)`` that never change."""

from typing import Any

import numpy as np
import scipy.sparse.linalg as spla

from .. import _validate
from .._array import is_sparse, namespace


class Map:
    """A projection or proximal map.

    ``P(z, step)`` is the point u with the smallest ``h(u) + |u - z|^2 / (2 step)``, where h is the function
    of the map, or 0 on its set and infinite outside.
    """

    def __call__(self, z, step=1.0) -> Any:
        """Return the projection of z, or its proximal point for a step."""
        raise NotImplementedError

    def __repr__(self):
        values = ", ".join(f"{name}={_shown(value)}" for name, value in vars(self).items() if name[0] != "_")
        return f"{type(self).__name__}({values})"


def _shown(value):
    return f"<array of shape {value.shape}>" if getattr(value, "ndim", 0) else repr(value)


class Space(Map):
    """The whole space: nothing moves."""

    def __call__(self, z, step=1.0):  # noqa: ARG002 - all maps are called alike
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

    def __call__(self, z, step=1.0):  # noqa: ARG002
        """Return the nearest point of the box."""
        xp = namespace(z)
        return xp.minimum(xp.maximum(z, self.lower), self.upper).astype(z.dtype, copy=False)


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

    def __call__(self, z, step=1.0):  # noqa: ARG002
        """Return the nearest point of the simplex."""
        xp = namespace(z)
        n = z.shape[-1]
        z = z - z.max(axis=-1, keepdims=True)  # does not change the answer, and keeps the sums exact
        descending = -xp.sort(-z, axis=-1)
        excess = xp.cumsum(descending, axis=-1) - self.radius
        counts = xp.arange(1, n + 1, dtype=z.dtype)
        support = (descending * counts > excess).sum(axis=-1, keepdims=True)
        support = xp.maximum(support, 1)
        shift = xp.take_along_axis(excess, support - 1, axis=-1) / support
        return xp.maximum(z - shift, 0).astype(z.dtype, copy=False)


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

    def __init__(self, radius=1.0, center=0.0, norm=2):
        self.radius, self.center = _validate.positive(radius, "radius"), _kept(center, "center")
        self.norm = _validate.choice(norm, "norm", (2, 1, np.inf))

    def __call__(self, z, step=1.0):  # noqa: ARG002
        """Return the nearest point of the ball."""
        xp = namespace(z)
        d = z - self.center
        if self.norm == np.inf:
            d = xp.minimum(xp.maximum(d, -self.radius), self.radius)
        elif self.norm == 1:
            size = abs(d).reshape(1, -1)
            inside = size.sum() <= self.radius
            d = xp.where(inside, d, xp.sign(d) * Simplex(self.radius)(size).reshape(d.shape))
        else:
            size = _norm(xp, d)
            d = d * xp.where(size > self.radius, self.radius / xp.where(size > 0, size, 1), 1)
        return (self.center + d).astype(z.dtype, copy=False)


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
        self._square = float((self.a * self.a).sum())
        if not self._square > 0:
            raise ValueError("a is zero")

    def __call__(self, z, step=1.0):  # noqa: ARG002
        """Return the nearest point of the halfspace."""
        xp = namespace(z)
        excess = xp.maximum((self.a * z).sum() - self.b, 0)
        return (z - excess / self._square * self.a).astype(z.dtype, copy=False)


class Affine(Map):
    """The set of the vectors with ``A z = b``.

    ``A A^T`` is factorised once, which needs rows that are linearly independent.

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
        self.A: Any = A.tocsr() if is_sparse(A) else _kept(A, "A")
        self.b = _kept(b, "b")
        if len(self.A.shape) != 2 or self.b.shape != (self.A.shape[0],):
            raise ValueError(f"A has shape {self.A.shape} and b {self.b.shape}; (m, n) and (m,) are needed")
        self._inverse: Any = None
        self._factors: Any = None
        if is_sparse(self.A):
            try:
                self._factors = spla.splu((self.A @ self.A.T).tocsc())
            except RuntimeError:
                raise ValueError("the rows of A are linearly dependent: leave out what follows") from None
        else:
            gram = self.A @ self.A.T
            try:
                self._inverse = xp.linalg.inv(gram)
            except np.linalg.LinAlgError:
                raise ValueError("the rows of A are linearly dependent: leave out what follows") from None
            size = float(abs(gram).max()) * float(abs(self._inverse).max())
            if not size < 1e14:
                raise ValueError("the rows of A are linearly dependent: leave out what follows")

    def __reduce__(self):
        return type(self), (self.A, self.b)

    def __call__(self, z, step=1.0):  # noqa: ARG002
        """Return the nearest point of the set."""
        excess = self.A @ z - self.b
        y = self._inverse @ excess if self._factors is None else self._factors.solve(excess.astype(float))
        return (z - self.A.T @ y).astype(z.dtype, copy=False)


class SecondOrderCone(Map):
    """The cone of the vectors ``(t, v)`` with ``|v| <= t``; t is the first entry."""

    def __call__(self, z, step=1.0):  # noqa: ARG002
        """Return the nearest point of the cone."""
        xp = namespace(z)
        t, v = z[0], z[1:]
        size = _norm(xp, v)
        outside = (t + size) / 2
        head = xp.where(size <= t, t, xp.where(size <= -t, 0 * t, outside))
        factor = xp.where(size <= t, 1, xp.where(size <= -t, 0, outside / xp.where(size > 0, size, 1)))
        return xp.concatenate((head[None], factor * v)).astype(z.dtype, copy=False)


class SemidefiniteCone(Map):
    """The symmetric positive semidefinite matrices.

    Cost: an eigenvalue decomposition.
    """

    def __call__(self, z, step=1.0):  # noqa: ARG002
        """Return the nearest positive semidefinite matrix."""
        xp = namespace(z)
        values, vectors = xp.linalg.eigh((z + z.T) / 2)
        return ((vectors * xp.maximum(values, 0)) @ vectors.T).astype(z.dtype, copy=False)


class L1(Map):
    """The function ``lam * sum(abs(z))``.

    Parameters
    ----------
    lam : float or array
        The factor, or one for each entry, >= 0.
    """

    def __init__(self, lam=1.0):
        self.lam = _nonnegative(lam)

    def __call__(self, z, step=1.0):
        """Return z with each entry moved towards zero by ``step * lam``."""
        xp = namespace(z)
        return (xp.sign(z) * xp.maximum(abs(z) - step * self.lam, 0)).astype(z.dtype, copy=False)


class L2(Map):
    """The function ``lam * norm(z)``.

    Parameters
    ----------
    lam : float
        The factor, >= 0.
    """

    def __init__(self, lam=1.0):
        self.lam = _nonnegative(lam)

    def __call__(self, z, step=1.0):
        """Return z, shortened by ``step * lam``."""
        xp = namespace(z)
        size = _norm(xp, z)
        return (z * xp.maximum(1 - step * self.lam / xp.where(size > 0, size, 1), 0)).astype(
            z.dtype, copy=False
        )


class Quadratic(Map):
    """The function ``lam / 2 * norm(z - center)^2``.

    Parameters
    ----------
    lam : float or array
        The factor, >= 0.
    center : float or array
        The minimiser.
    """

    def __init__(self, lam=1.0, center=0.0):
        self.lam, self.center = _nonnegative(lam), _kept(center, "center")

    def __call__(self, z, step=1.0):
        """Return the weighted mean of z and the centre."""
        return ((z + step * self.lam * self.center) / (1 + step * self.lam)).astype(z.dtype, copy=False)


class NuclearNorm(Map):
    """The function ``lam`` times the sum of the singular values of a matrix.

    Cost: a singular value decomposition.

    Parameters
    ----------
    lam : float
        The factor, >= 0.
    """

    def __init__(self, lam=1.0):
        self.lam = _nonnegative(lam)

    def __call__(self, z, step=1.0):
        """Return z with each singular value moved towards zero by ``step * lam``."""
        xp = namespace(z)
        U, values, V = xp.linalg.svd(z, full_matrices=False)
        return ((U * xp.maximum(values - step * self.lam, 0)) @ V).astype(z.dtype, copy=False)


class Product(Map):
    """Maps for consecutive parts of a vector.

    Parameters
    ----------
    maps : sequence of maps
        A map for each part.
    sizes : sequence of int
        The lengths of the parts.
    """

    def __init__(self, maps, sizes):
        self.maps, self.sizes = tuple(projection(P, "maps") for P in maps), tuple(int(n) for n in sizes)
        if len(self.maps) != len(self.sizes):
            raise ValueError(f"{len(self.maps)} maps are given for {len(self.sizes)} parts")

    def __call__(self, z, step=1.0):
        """Return the parts after their maps."""
        ends = np.cumsum(self.sizes)
        if len(z) != (ends[-1] if len(ends) else 0):
            raise ValueError(f"z has {len(z)} entries, but the parts have {ends[-1]}")
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


def _kept(value, name) -> Any:
    """Return a number, or a copy of an array that cannot be written to."""
    value = _validate.as_array(value, name, namespace(value)).astype(float)
    if value.ndim == 0:
        return float(value)
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    return value


def _nonnegative(lam):
    lam = _kept(lam, "lam")
    if not bool(namespace(lam).all(lam >= 0)):
        raise ValueError("lam has negative entries or NaN")
    return lam


def _norm(xp, v):
    return xp.sqrt((v * v).sum())
