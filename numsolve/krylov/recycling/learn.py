"""Learning of directions in methods with short recurrences, from windows of vectors and their images."""

import numpy as np

from ... import _validate
from ..._array import namespace, to_host
from ..._linear.solve import solve_system
from ..._linear.system import norm
from ..._result import Interrupted
from ...kernels import kernels_for
from .space import RecycledResult, combined, dominant, orthonormal, renewed, whitening

WINDOW_FACTOR = 2  # vectors in the window for each kept direction; three gained little more
SETTLED_GROWTH = 0.01  # relative growth of the inverse values (geometric mean) below which learning ends


def solve_and_recycle(learner, system, callback):
    """Solve with a method that learns directions; return a `RecycledResult` with these directions."""

    def finished(result):
        space = learner.space()
        space = None if space is None else space.scaled(1 / system.A_unit)
        return RecycledResult(**vars(result), recycle=space, products=learner.products)

    try:
        return finished(solve_system(learner, system, callback))
    except Interrupted as caught:
        raise Interrupted(finished(caught.result)) from None


def start_of(recycle, system):
    """Return how many directions to learn, and the known space in the units of the method, or None."""
    _validate.same_library(b=system.b, recycle=recycle if hasattr(recycle, "U") else None)
    k, space = _validate.directions(recycle, len(system.b), system.b.dtype)
    return k, None if space is None else space.scaled(system.A_unit)


class DirectionLearner:
    """A method with short recurrences, its known directions, and those that it is learning.

    The rows of `U` are directions, those of `C` their images, and M maps those of `P` to `U`. The first rows
    are the kept directions, the others the window. If `energy` is true, the directions are orthogonal in the
    inner product of A, else their images are in that of M. `alone` says that the present system is better
    solved without deflation.
    """

    def __init__(self, steps, recycle, system, *, energy):
        self._steps = steps
        k, space = start_of(recycle, system)
        xp, (n, dtype) = namespace(system.b), (system.b.shape[0], system.b.dtype)
        self.k, self.kept, self.used = min(k, n - 1), 0, 0
        rows = (1 + WINDOW_FACTOR) * self.k
        self.U, self.C = xp.empty((rows, n), dtype), xp.empty((rows, n), dtype)
        self.P = None if system.M is None else xp.empty((rows, n), dtype)
        self.products, self._is_new_b = 0, True
        self.energy = energy
        self.is_learning, self.alone, self._values = self.k > 0, False, None
        if space is not None:
            self.keep(space)

    def begin(self, b):  # noqa: ARG002 - the protocol
        """Start to learn again for a new right-hand side; the known directions stay."""
        self._is_new_b = True
        self.is_learning, self.alone, self._values = self.k > 0, False, None

    def __call__(self, A, b, M, x):
        return self._steps(self, A, b, M, x)

    def count(self, products=1):
        """Count products with A."""
        self.products += products

    def keep(self, space):
        """Take the directions of an earlier solve."""
        self.kept = self.used = kept = min(self.k, space.k)
        self.U[:kept], self.C[:kept] = space.U[:kept], space.C[:kept]
        if self.P is not None:
            self.P[:kept] = space.source[:kept]

    def space(self):
        """Return the directions known so far, in new arrays."""
        self.learn()
        if not self.kept:
            return None
        U, C, P = (None if part is None else part[: self.kept] for part in (self.U, self.C, self.P))
        space = orthonormal(U, C, P)
        return space if space.k else None

    def fitted(self, A, b, x, r):
        """Return the space to deflate with, or None, an iterate and its true residual.

        A step along all directions of an earlier solve tells whether A still maps U to C. If not, C is
        computed again.
        """
        space, is_new_b, self._is_new_b = self.space(), self._is_new_b, False
        if space is None or not is_new_b:
            return space, x, r
        size, eps = norm(r), float(np.finfo(b.dtype).eps)
        y = size * space.k**-0.5
        moved = x + y * space.U.sum(axis=0)
        true = A.residual(b, moved)
        self.count()
        if norm(r - y * space.C.sum(axis=0) - true) <= eps**0.5 * size:
            return space, moved, true
        self.count(space.k)
        self.keep(renewed(A, space))
        return self.space(), x, r

    def take(self, v, image, before_M):
        """Add a vector, its image under A, and the vector that M maps to it; learn if the window is full."""
        if not self.is_learning:
            return
        self.U[self.used], self.C[self.used] = v, image
        if self.P is not None:
            self.P[self.used] = before_M
        self.used += 1
        if self.used == len(self.U):
            self.learn()

    def learn(self):
        """Keep the Ritz or harmonic Ritz vectors of smallest value, for ``A U = C``, ``U = M P``.

        They belong to the largest values of the pencil ``U^H P``, ``U^H C`` (Ritz) or ``C^H P``, ``C^H C``
        (harmonic Ritz). The inner product is the one in which the window is orthogonal to all earlier
        vectors, so nothing is lost from one window to the next. (In the other inner product, the values of
        smallest magnitude were three times too large.) Once the values hardly change, learning ends for the
        system.
        """
        used, self.used = self.used, self.kept
        if used <= self.kept:
            return
        C, P = self.C[:used], (self.U if self.P is None else self.P)[:used]
        rows, rows_gram = self.U[:used] if self.energy else C, kernels_for(C).rows_gram
        gram, overlap = to_host(rows_gram(rows, C), rows_gram(rows, P))
        T = whitening(gram)
        S = T.conj().T @ overlap @ T
        if not S.size or not np.isfinite(S).all():
            return
        if self.P is None or self.energy:
            S = (S + S.conj().T) / 2
        self.recombine(T @ dominant(S, self.k, self.k))
        values = np.sort(abs(np.linalg.eigvals(S)))[-self.kept :]
        if self._values is not None and len(values) == len(self._values):
            self.is_learning = bool(np.log(values / self._values).mean() > SETTLED_GROWTH)
        self._values = values

    def recombine(self, T):
        """Replace the rows by their combinations."""
        used, count = T.shape
        for rows in (self.U, self.C, self.P):
            if rows is not None:
                rows[:count] = combined(T, rows[:used])
        self.kept = self.used = count
