"""MINRES in the complement of the images of known directions, with learning of directions."""

from functools import partial
from itertools import count
from typing import Any

import numpy as np

from ..._array import namespace, read_sum, to_host
from ...kernels import kernels_for
from .._lanczos import LARGEST_ENTRY, check_residual
from .space import RecycledSpace, combined, coordinates, subtract, whitening


def steps(state, learner, A, b, M, x):
    """Yield the iterates, or functions that form them, and their squared residuals.

    As `_minres.steps`, but the Lanczos vectors are kept M-orthogonal to C. Steps along U cancel the parts of
    their images along C. The coordinates `y` of these steps follow the same recurrence as x.
    """
    xp, kernels = namespace(b), kernels_for(b)
    u = A.residual(b, x)
    learner.count()
    rr = kernels.dot(u, u)
    live = yield x, rr
    space, x, u = learner.fitted(A, b, x, u)
    deflation = None if space is None or learner.alone else Deflation(space, M)
    current = x
    if deflation is not None:
        x, u = deflation.start(x, u)
        y = Follower(deflation.along(u))
        current, rr = partial(deflation.form, x, y.total), kernels.dot(u, u)
        live = yield current, rr
    q = xp.empty_like(b)
    z = u if M is None else M.apply(u, xp.empty_like(b))
    bb = rr if M is None else kernels.dot(u, z)
    r = None if M is None else u.copy()
    u_old, w_old, w = (xp.zeros_like(b) for _ in range(3))
    bb_old, overlap = bb, 0 * rr
    state[0, LARGEST_ENTRY] = state[:, LARGEST_ENTRY].max()
    image: Any = Follower(b) if learner.is_learning else None
    before_M: Any = Follower(b) if learner.is_learning and M is not None else None
    for step in count():
        aa = A.apply_dot(z, q)
        learner.count()
        learned = (q.copy(), None if M is None else u.copy()) if learner.is_learning else None
        along = None if deflation is None else deflation.remove(q)
        bb_next, overlap, alpha = kernels.minres_lanczos(live, aa, bb, bb_old, overlap, q, z, u, u_old)
        u, u_old = u_old, u
        if M is not None:
            bb_next = kernels.dot(u, M.apply(u, q))
        scalars = live, step, alpha, bb, bb_next, state
        if M is None:
            rr = kernels.minres_update(*scalars, z, w_old, w, x)
            z = u
        else:
            rr = kernels.minres_update_residual(*scalars, z, w_old, w, x, u, r)
            z, q = q, z
        if deflation is not None:
            y.advance(kernels, scalars, along)
        bb_old, bb = bb, bb_next
        w_old, w = w, w_old
        if learned is not None:
            of_A = image.advance(kernels, scalars, learned[0])
            learner.take(w, of_A, None if M is None else before_M.advance(kernels, scalars, learned[1]))
        live = yield current, rr
        if live is None:
            learner.count(2)
            x = current() if callable(current) else current
            check_residual(state, A, b, M, x, step, read_sum(bb))
            learner.alone = True  # deflation may gain nothing more
            return


class Follower:
    """Vectors that follow the recurrence of the directions and of x, from other than Lanczos vectors."""

    def __init__(self, like):
        self.old, self.new, self.total = (namespace(like).zeros_like(like) for _ in range(3))

    def advance(self, kernels, scalars, source):
        """Return the next vector; its rotation is computed again."""
        kernels.minres_update(*scalars, source, self.old, self.new, self.total)
        self.old, self.new = self.new, self.old
        return self.new


class Deflation:
    """A space with images that are orthonormal in the inner product of M."""

    def __init__(self, space, M):
        xp = namespace(space.U)
        self.space = _steady(space)
        self.dual, self.inverse = self.space.C, None
        if M is not None:
            C = xp.ascontiguousarray(self.dual.T)
            self.dual = xp.ascontiguousarray(M.apply_block(C, xp.empty_like(C)).T)
            T = whitening(to_host(kernels_for(self.dual).rows_gram(self.space.C, self.dual)))
            self.inverse = xp.asarray((T @ T.conj().T).astype(space.dtype))

    def along(self, v):
        """Return the coordinates in C of the M-orthogonal projection of v."""
        found = coordinates(self.dual, v)
        return found if self.inverse is None else self.inverse @ found

    def start(self, x, r):
        """Take the best step along U; return x and its residual."""
        y = self.along(r)
        return subtract(-y, self.space.U, x, x), subtract(y, self.space.C, r, r)

    def remove(self, q):
        """Make q M-orthogonal to C in place; return what was removed."""
        along = self.along(q)
        subtract(along, self.space.C, q, q)
        return along

    def form(self, x, y):
        """Return the iterate."""
        return subtract(y, self.space.U, x, namespace(x).empty_like(x))


def _steady(space):
    """Return the space without directions u that are almost orthogonal to their images.

    With such directions A would be singular on the complement of C.
    """
    rows_gram = kernels_for(space.U).rows_gram
    energy, gram = to_host(rows_gram(space.U, space.C), rows_gram(space.U, space.U))
    values, Y = np.linalg.eigh((energy + energy.conj().T) / 2)
    size = np.sqrt(abs((Y.conj() * (gram @ Y)).sum(axis=0)))
    kept = abs(values) > np.finfo(space.dtype).eps ** 0.5 * size
    if kept.all():
        return space
    Y = Y[:, kept]
    return RecycledSpace(combined(Y, space.U), combined(Y, space.C))
