"""The penalty of a regression as two arrays, and the duality gap of the regression."""

from dataclasses import dataclass
from math import inf
from typing import Any

from .._array import namespace


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

    def of(self, chosen) -> "Terms":
        """Return the penalty of some coefficients."""
        return Terms(self.l1[chosen], self.l2[chosen], self.positive)

    def value(self, w) -> Any:
        """Return the penalty."""
        return self.l1 @ abs(w) + self.l2 @ (w * w) / 2

    def size(self, c, w) -> Any:
        """Return the sizes of ``c - l2 w``, which at the minimum are at most `l1`; signed if `positive`."""
        rest = c - self.l2 * w
        return rest if self.positive else abs(rest)

    def gap(self, rr, c, w) -> tuple[float, Any]:
        """Return the duality gap of least squares at `w`, and the correlations of the dual point.

        Minimise ``sum_i h_i r_i^2 / 2`` plus the penalty, with residuals ``r = z - X w``.

        Parameters
        ----------
        rr : float
            The sum of ``h_i r_i^2``.
        c : array, shape (n,)
            The correlations ``X^T (h r)``.
        w : array, shape (n,)
            The coefficients.

        Returns
        -------
        gap : float
            Never negative.
        correlations : array, shape (n,)
            Their sizes at the dual point, at most `l1`; with `positive` the correlations themselves.

        Notes
        -----
        The quadratic part of the penalty belongs to the squares: it adds ``sqrt(l2)`` times the coefficients
        to the residuals. The dual point is t times these residuals, with the largest t <= 1 that is feasible,
        and the gap is ``(1 - t)^2 (rr + l2 w^2) / 2 + l1 |w| - t w (c - l2 w)``.

        If coefficients have the quadratic part alone, so that t would be zero, the dual point is that of the
        conjugate of the whole penalty. Coefficients without any penalty are left out: their correlations have
        to be zero.
        """
        xp, l1, l2 = namespace(w), self.l1, self.l2
        free = (l1 == 0) & (l2 == 0)
        if bool(((l1 == 0) & ~free).any()):
            return self._gap_of_conjugate(c, w, free)
        rest, size = c - l2 * w, self.size(c, w)
        t = xp.where((size > l1) & ~free, l1 / xp.where(size > 0, size, 1), 1).min()
        gap = float((1 - t) ** 2 / 2 * (rr + l2 @ (w * w)) + (l1 * abs(w) - t * (w * rest)).sum())
        return _valid(gap), xp.where(free, 0, t * size)

    def _gap_of_conjugate(self, c, w, free):
        """Return the same for the residuals themselves as the dual point; infinite if not feasible."""
        xp, l1, l2 = namespace(w), self.l1, self.l2
        size = c if self.positive else abs(c)
        over = xp.maximum(size - l1, 0)
        own = l1 * abs(w) + l2 * w * w / 2 - w * c
        own += xp.where(l2 > 0, over * over / (2 * xp.where(l2 > 0, l2, 1)), xp.where(over > 0, inf, 0))
        return _valid(float(xp.where(free, 0, own).sum())), xp.where(free, 0, xp.minimum(size, l1))


def _valid(gap):
    """Return a gap without the rounding that would make it negative; infinite for NaN."""
    return max(gap, 0.0) if gap == gap else inf
