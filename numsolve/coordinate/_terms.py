"""The penalty of a regression as two arrays, and the duality gap of the regression."""

from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any

from .._array import namespace


@dataclass(frozen=True, eq=False)
class DualPoint:
    """A feasible point of the dual problem: the residuals times a factor.

    Attributes
    ----------
    gap : float
        The duality gap.
    t : float
        The factor.
    size : array, shape (n,)
        The sizes of the correlations with the residuals; with a positive penalty the correlations.
    """

    gap: float
    t: float
    size: Any


@dataclass(frozen=True, eq=False)
class Terms:
    """The penalty ``l1 @ abs(w) + l2 @ w**2 / 2``, over ``w >= 0`` if `positive`.

    Attributes
    ----------
    l1, l2 : array, shape (n,)
        Factors >= 0, in double precision.
    positive : bool
        Whether the coefficients are constrained to be >= 0.
    """

    l1: Any
    l2: Any
    positive: bool = False

    @cached_property
    def is_linear(self) -> bool:
        """Whether there is no quadratic part."""
        return not bool(self.l2.any())

    @cached_property
    def has_ridge(self) -> bool:
        """Whether coefficients have the quadratic part alone."""
        return not self.is_linear and bool(((self.l1 == 0) & (self.l2 > 0)).any())

    @cached_property
    def _inverse(self) -> Any:
        """One over the factors of the linear part, zero where they are zero."""
        xp = namespace(self.l1)
        return xp.where(self.l1 > 0, 1 / xp.where(self.l1 > 0, self.l1, 1), 0)

    def of(self, some) -> "Terms":
        """Return the penalty of some coefficients."""
        return Terms(self.l1[some], self.l2[some], self.positive)

    def value(self, w) -> Any:
        """Return the penalty."""
        value = self.l1 @ abs(w)
        return value if self.is_linear else value + self.l2 @ (w * w) / 2

    def dual_point(self, rr, c, w) -> DualPoint:
        """Return a dual point of least squares, ``sum_i h_i r_i^2 / 2`` plus the penalty, and its gap.

        Parameters
        ----------
        rr : float
            The sum of ``h_i r_i^2`` for the residuals ``r = z - X w``.
        c : array, shape (n,)
            The correlations ``X^T (h r)``.
        w : array, shape (n,)
            The coefficients.

        Notes
        -----
        The quadratic part of the penalty belongs to the squares: it adds ``sqrt(l2)`` times the coefficients
        to the residuals. The dual point is t times these residuals, with the largest t <= 1 that is feasible,
        and the gap is ``(1 - t)^2 (rr + l2 w^2) / 2 + l1 |w| - t w (c - l2 w)``.

        If coefficients have the quadratic part alone, so that t would be zero, the dual point is that of the
        conjugate of the whole penalty. Coefficients without any penalty are left out: their correlations have
        to be zero.
        """
        if self.has_ridge:
            return self._of_conjugate(c, w)
        rest = c if self.is_linear else c - self.l2 * w
        size = rest if self.positive else abs(rest)
        squares = rr if self.is_linear else rr + self.l2 @ (w * w)
        t = 1 / max(1.0, float((size * self._inverse).max()))
        own = w if self.is_complete else w * (self._inverse > 0)
        gap = float((1 - t) ** 2 / 2 * squares + self.l1 @ abs(w) - t * (own @ rest))
        return DualPoint(_valid(gap), t, size)

    @cached_property
    def is_complete(self) -> bool:
        """Whether each coefficient has a linear part."""
        return bool((self.l1 > 0).all())

    def _of_conjugate(self, c, w) -> DualPoint:
        """Return the residuals themselves as the dual point; the gap is infinite where it is not feasible."""
        xp, l1, l2 = namespace(w), self.l1, self.l2
        size = c if self.positive else abs(c)
        over = xp.maximum(size - l1, 0)
        own = l1 * abs(w) + l2 * w * w / 2 - w * c
        own += xp.where(l2 > 0, over * over / (2 * xp.where(l2 > 0, l2, 1)), xp.where(over > 0, inf, 0))
        free = (l1 == 0) & (l2 == 0)
        return DualPoint(_valid(float(xp.where(free, 0, own).sum())), 1.0, size)


def _valid(gap):
    """Return a gap without the rounding that would make it negative; infinite for NaN."""
    return max(gap, 0.0) if gap == gap else inf
