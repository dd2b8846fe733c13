"""The randomized range finder: an orthonormal basis that nearly contains the range of a matrix."""

from math import pi, sqrt
from typing import Any

from .. import _validate
from .._array import array_module, namespace
from .._linear.tall import orthonormalised
from .._random import standard_normal

PROBES = 16  # random vectors of the error estimate
FAILURE = 1e-8  # probability that the bound does not hold
SLACK = FAILURE ** (-1 / PROBES) * sqrt(2 / pi)
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
        """Return the bound of ``norm(A - Q Q^H A)`` in the 2-norm."""
        return probes.bound(self.Q @ (self.C.conj().T @ probes.vectors))

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
    r"""Products of A with random vectors, which are independent of everything else, to estimate errors.

    For a matrix E and p Gaussian vectors w the bound ``norm(E, 2) <= a sqrt(2 / pi) max norm(E w)`` fails
    with a probability of at most ``a**-p``: Lemma 4.1 of Halko, Martinsson, Tropp. The mean of
    ``norm(E w)**2`` is the square of the Frobenius norm.
    """

    def __init__(self, A, rng):
        self.vectors = standard_normal(rng, (A.shape[1], PROBES), dtype=A.dtype, like=A.library)
        self._images = product(A, self.vectors)

    def bound(self, images):
        """Return the bound of ``norm(A - B, 2)``; `images` are the products of B with the `vectors`."""
        return SLACK * sqrt(float(self._squares(images).max()))

    def frobenius(self, images):
        """Return the estimate of the Frobenius norm of A - B."""
        return sqrt(float(self._squares(images).sum()) / PROBES)

    def _squares(self, images):
        return (abs(self._images - images) ** 2).sum(axis=0)


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


def kept_rank(sizes, k, rtol):
    """Return the rank to keep, the norm of what is left out, and the norm of the matrix.

    `sizes` are the singular values or the moduli of the eigenvalues, in decreasing order. The rank is at most
    `k`; with `rtol`, what is left out is at most half of the tolerance.
    """
    rank = len(sizes) if k is None else min(k, len(sizes))
    if rtol is not None and rank:
        rank = min(rank, int((sizes > rtol / 2 * sizes[0]).sum()))
    return rank, float(sizes[rank : rank + 1].sum()), float(sizes[:1].sum())


def product(A, X) -> Any:
    """Return the product with a block; raise if it is not finite."""
    return _validate.finite(A @ X, "the product with A")
