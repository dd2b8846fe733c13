"""The randomized range finder: an orthonormal basis that nearly contains the range of a matrix."""

from math import pi, sqrt
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, namespace
from .._linear.orthonormal import orthonormalised
from .._random import standard_normal

PROBES = 16  # random vectors of the error estimate
FAILURE = 1e-8  # probability that the bound does not hold
SLACK = FAILURE ** (-1 / PROBES) * sqrt(2 / pi)
ROUNDING = 8  # units of rounding, times the root of the columns of the basis
FIRST = 16  # columns of the first block if the rank is adapted to a tolerance


class Range:
    r"""An orthonormal basis Q of the approximate range of A, with ``C = A^H Q``, so that ``A ~ Q C^H``.

    A block starts from random vectors, ``Y = A W``. Power iterations, ``Y = A (A^H Y)`` with
    orthonormalisation after each product, damp the directions of small singular values: Algorithm 4.4 of
    Halko, Martinsson, Tropp, *Finding structure with randomness*, SIAM Review 53, 2011,
    doi:10.1137/090771806. Later blocks are orthogonal to earlier ones.
    """

    def __init__(self, A, power, rng):
        self._A, self._adjoint = A, A.adjoint()
        self._power, self._rng = power, rng
        xp = array_module(A.library)
        self.Q = xp.zeros((A.shape[0], 0), A.dtype)
        self.C = xp.zeros((A.shape[1], 0), A.dtype)

    @property
    def size(self):
        """Number of columns of the basis."""
        return self.Q.shape[1]

    def bound(self, probes):
        """Return a bound of the 2-norm of ``E = A - Q Q^H A``, which fails with the probability `FAILURE`.

        For p Gaussian vectors w and a matrix B, ``norm(B) <= a sqrt(2 / pi) max norm(B w)`` fails with a
        probability of at most ``a**-p``: Lemma 4.1 of Halko, Martinsson, Tropp. It is applied to
        ``B = E E^H E``, whose norm is ``norm(E)**3``. For E itself it would be near the Frobenius norm.
        """
        images = self._outside(probes.images)
        size = largest_column(images)
        if size == 0:
            return 0.0
        back = product(self._adjoint, images / images.real.dtype.type(size))
        return (SLACK * size * largest_column(self._outside(product(self._A, back)))) ** (1 / 3)

    def _outside(self, X):
        """Return the part of X that is orthogonal to the basis, to rounding errors of its own size."""
        for _ in range(2):
            X = X - self.Q @ (self.Q.conj().T @ X)
        return X

    def extend(self, count):
        """Add a number of columns."""
        xp, A = array_module(self._A.library), self._A
        start = standard_normal(self._rng, (A.shape[1], count), dtype=A.dtype, like=A.library)
        block = orthonormalised(product(A, start), self.Q)
        for _ in range(self._power):
            back = orthonormalised(product(self._adjoint, block))
            block = orthonormalised(product(A, back), self.Q)
        self.Q = xp.concatenate((self.Q, block), axis=1)
        self.C = xp.concatenate((self.C, product(self._adjoint, block)), axis=1)


class Probes:
    """Gaussian vectors, which are independent of everything else, and the products of A with them."""

    def __init__(self, A, rng):
        self.vectors = standard_normal(rng, (A.shape[1], PROBES), dtype=A.dtype, like=A.library)
        self.images = product(A, self.vectors)

    def frobenius(self, images):
        """Return an estimate of the Frobenius norm of A - B, from the products of B with the `vectors`.

        The mean of its square is the square of the norm.
        """
        return sqrt(float((abs(self.images - images) ** 2).sum()) / PROBES)


def find_range(A, k, rtol, oversampling, power, rng):
    """Return a `Range` of rank k with oversampling, or one that meets a tolerance, and the `Probes`.

    With `rtol`, blocks are added until the bound of ``norm(A - Q Q^H A)`` is at most ``rtol * norm(A)``; `k`
    limits the rank.
    """
    most = min(A.shape)
    limit = most if k is None else min(k + oversampling, most)
    found, probes = Range(A, power, rng), Probes(A, rng)
    if rtol is None:
        found.extend(limit)
        return found, probes
    found.extend(min(FIRST, limit))
    while found.size < limit and found.bound(probes) > rtol * spectral_norm(found.C):
        found.extend(min(found.size, limit - found.size))
    return found, probes


def spectral_norm(C):
    """Return the largest singular value of an array."""
    gram = C.conj().T @ C
    return sqrt(max(float(namespace(C).linalg.eigvalsh(gram)[-1]), 0.0))


def checked_limits(A, k, rtol, oversampling, power):
    """Check the arguments that the factorisations share; return them."""
    most = min(_validate.matrix_shape(A))
    if most == 0:
        raise ValueError(f"A is empty: it has shape {tuple(A.shape)}")
    if k is None and rtol is None:
        raise ValueError("k and rtol are both left out: give the rank or a tolerance")
    if k is not None and _validate.count(k, "k", least=1) > most:
        raise ValueError(f"k is {k}, but A of shape {tuple(A.shape)} has at most {most} singular values")
    if rtol is not None:
        rtol = _validate.positive(rtol, "rtol")
    return k, rtol, _validate.count(oversampling, "oversampling"), _validate.count(power, "power")


def rounding(found, size):
    """Return an estimate of the rounding errors of a factorisation of norm `size` from a `Range`."""
    return ROUNDING * float(np.finfo(found.Q.dtype).eps) * found.size**0.5 * size


def kept_rank(sizes, k, room):
    """Return the rank to keep, and the norm of what is left out, which `room` limits if it is not None.

    `sizes` are the singular values or the moduli of the eigenvalues, in decreasing order. The rank is at most
    `k`.
    """
    rank = len(sizes) if room is None else int((sizes > room).sum())
    rank = rank if k is None else min(k, rank)
    return rank, float(sizes[rank : rank + 1].sum())


def largest_column(X):
    """Return the largest norm of a column."""
    return sqrt(float((abs(X) ** 2).sum(axis=0).max()))


def product(A, X) -> Any:
    """Return the product with a block; raise if it is not finite."""
    return _validate.finite(A @ X, "the product with A")
