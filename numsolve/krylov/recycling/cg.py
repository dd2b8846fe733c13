"""The deflation of conjugate gradients, and the learning of directions from them."""

import numpy as np

from ..._array import namespace, to_host
from ..._linear.system import norm
from ..._result import Breakdown
from ...kernels import kernels_for
from .learn import DirectionLearner
from .space import coordinates, subtract, whitening

PROJECT_EVERY = (
    20  # steps after which the residual is made orthogonal to the directions again: rounding adds up
)


class NoDeflation:
    """The empty space: every vector lies outside it."""

    k = 0

    def outside(self, z):
        """Return the part of `z` that is A-orthogonal to the space."""
        return z

    def source_outside(self, r):
        """Return the vector that M maps to the last result of `outside`; it is found from `r`."""
        return r

    def repeat(self, step, live, x, r, rr):  # noqa: ARG002 - the protocol
        """Return the squared norm of the residual unchanged."""
        return rr


class NoLearning:
    """The learner of plain conjugate gradients: no directions are known, and none are learned."""

    def count(self, products=1):
        """Count products with A."""

    def deflation(self, A, b, x, r):  # noqa: ARG002 - the protocol
        """Return the space to deflate with, an iterate and its true residual."""
        return NoDeflation(), x, r

    def first_source(self, deflation, r):
        """Take the vector that M maps to the first direction, found from the residual `r`."""

    def observe(self, p, q):
        """Take a direction `p` and its image ``q = A p``."""

    def next_source(self, live, rz, rz_old, deflation, r):
        """Advance the vector that M maps to the direction, by the recurrence of the directions."""


class Deflation:
    """Known directions U with images C: steps along U, and the parts of vectors outside the space."""

    def __init__(self, space):
        self.k, self._space, self._room = space.k, space, namespace(space.U).empty_like(space.U[0])
        self._inverse = inverse_energy(space)
        self._mu = None

    def project(self, live, x, r):
        """Take the best step along the directions, in place, if `live`: r becomes orthogonal to them."""
        y = self._inverse @ coordinates(self._space.U, r) * live
        subtract(-y, self._space.U, x, x)
        subtract(y, self._space.C, r, r)

    def outside(self, z):
        self._mu = self._inverse @ coordinates(self._space.C, z)
        return subtract(self._mu, self._space.U, z, self._room)

    def source_outside(self, r):
        return subtract(self._mu, self._space.source, r, self._room)

    def repeat(self, step, live, x, r, rr):
        """Repeat the best step along the directions at some steps; return the squared residual norm."""
        if step % PROJECT_EVERY:
            return rr
        self.project(live, x, r)
        return kernels_for(r).dot(r, r)


class CgLearner(DirectionLearner):
    """Learns from the search directions, which are orthogonal in the inner product of A."""

    def __init__(self, steps, recycle, system):
        super().__init__(steps, recycle, system, energy=True)
        self._source = None  # the vector that M maps to the direction, if there is an M

    def deflation(self, A, b, x, r):
        space, x, r = self.fitted(A, b, x, r)
        return NoDeflation() if space is None else Deflation(space), x, r

    def first_source(self, deflation, r):
        self._source = None if self.P is None else deflation.source_outside(r).copy()

    def observe(self, p, q):
        self.take(p, q, self._source)

    def next_source(self, live, rz, rz_old, deflation, r):
        if self._source is not None and self.is_learning:
            kernels_for(r).cg_direction(live, rz, rz_old, deflation.source_outside(r), self._source)


def inverse_energy(space):
    """Return the inverse of ``U^H A U``, without dependent directions, in the library of the space."""
    energy = to_host(kernels_for(space.U).rows_gram(space.U, space.C))
    energy = (energy + energy.conj().T) / 2
    diagonal = energy.diagonal().real
    if not (diagonal > 0).all():
        raise Breakdown(
            f"u^H A u = {diagonal.min():.2e} is not positive for a recycled direction: "
            "A is not positive definite, use minres"
        )
    T = whitening(energy)
    return namespace(space.U).asarray((T @ T.conj().T).astype(space.dtype))


def is_rounding(p, z):
    """Tell whether `p`, the part of z outside, is rounding error."""
    return norm(p) <= float(np.finfo(z.dtype).eps) ** 0.5 * norm(z)
