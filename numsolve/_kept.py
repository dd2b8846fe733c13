"""The iterate that a run of the loop keeps, because the residual of a method may rise again."""

from functools import partial
from typing import Any

import numpy as np

from ._array import namespace

FALL = 0.1  # the norm has to fall by this factor before another iterate is copied


class Deferred(partial):
    """A function that forms an iterate from a basis that minimises its residual.

    Forming it costs a pass over the basis, and the residual does not rise within a cycle. So the loop forms
    it at the end of a cycle only.
    """


class Kept:
    """An iterate whose residual norm is within a factor of ten of the smallest one, column by column.

    Attributes
    ----------
    guess : callable
        Returns the starting guess in a new array.
    first : float or numpy.ndarray, shape (k,)
        The true norm of the starting guess.
    x : array or None
        The iterate that was kept; None for the starting guess.
    norm : float or numpy.ndarray, shape (k,)
        Its norm, or the one that the recurrence of the method claims.
    """

    def __init__(self, guess, first):
        self.guess = guess
        self.x: Any = None
        self.first = self.norm = first
        self._limit = (FALL * np.asarray(first)).tolist()

    def take(self, x, norm):
        """Keep the array `x` itself, which must not be overwritten, where its true norm is smaller."""
        kept = self.guess() if self.x is None else self.x
        self.x, self.norm = better(kept, self.norm, x, norm)
        self._limit = (FALL * np.asarray(self.norm)).tolist()

    def see(self, x, norm):
        """Copy the iterate `x` if a norm has fallen far enough; `norm` is a list for several columns."""
        if isinstance(x, Deferred):
            return
        if isinstance(norm, list):
            if any(value <= limit for value, limit in zip(norm, self._limit, strict=True)):
                self._keep_columns(x, norm)
        elif norm <= self._limit:
            if callable(x):
                self.x = x()
            elif self.x is None:
                self.x = x.copy()
            else:
                self.x[...] = x
            self.norm, self._limit = norm, FALL * norm

    def _keep_columns(self, x, norm):
        """Copy the columns whose norms are below those of the kept ones."""
        lower = np.array(norm) < self.norm
        kept = self.guess() if self.x is None else self.x
        self.x = mixed(lower, x() if callable(x) else x, kept)
        self.norm = np.where(lower, norm, self.norm)
        self._limit = (FALL * self.norm).tolist()


def better(x, norms, other, others):
    """Return the iterate of the smaller true norm, and the norm, column by column; NaN is the largest."""
    better = ~(np.asarray(norms) <= others)
    if not better.any():
        return x, norms
    if better.all():
        return other, others
    return mixed(better, other, x), np.where(better, others, norms)


def mixed(chosen, x, y):
    """Return the `chosen` columns of x, and the others of y."""
    xp = namespace(x)
    return xp.where(xp.asarray(chosen), x, y)
