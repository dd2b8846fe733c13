"""The points strictly between bounds: starts, steps and active bounds."""

from math import inf

import numpy as np

from ..._linear.system import length

NEAR = 0.99995  # share of the way to a bound that a step may go, at least
NEAREST, MOVED = 1e-6, 1e-3  # a start nearer to a bound than the first is moved to the second, over its unit
AT_BOUND = 1e-8  # distance of a solution to an active bound, over its unit or the size of the bound


class Interior:
    """The points strictly between the bounds, which are vectors and may be infinite.

    Attributes
    ----------
    lower, upper : array, shape (n,)
        The bounds.
    unit : array, shape (n,)
        The unit of each variable: the distance of its bounds. If that is infinite, the size of `x0` or its
        distance to its bound, whichever is larger, or one if both are zero.
    """

    def __init__(self, lower, upper, x0, xp):
        self.lower, self.upper, self._xp = lower, upper, xp
        far = xp.maximum(xp.where(lower > -inf, x0 - lower, 0), xp.where(upper < inf, upper - x0, 0))
        unit = xp.where(upper - lower < inf, upper - lower, xp.maximum(abs(x0), far))
        self.unit = xp.where(unit > 0, unit, 1)
        self._check(x0)

    def _check(self, x):
        """Raise unless numbers lie between the two bounds of each entry."""
        moved = self.moved(x)
        empty = (moved <= self.lower) | (moved >= self.upper)
        if len(x) and bool(empty.any()):
            at = int(self._xp.argmax(empty))
            low, high = float(self.lower[at]), float(self.upper[at])
            raise ValueError(
                f"the bounds of x[{at}] are {low} and {high}: no number lies strictly between them. Write a "
                "fixed variable as a constant in fun"
            )

    def moved(self, x):
        """Return x with the entries moved inwards that are at a bound or very near to it."""
        xp, unit = self._xp, self.unit
        x = xp.where(x - self.lower < NEAREST * unit, self.lower + MOVED * unit, x)
        return xp.where(self.upper - x < NEAREST * unit, self.upper - MOVED * unit, x)

    def measured(self, scaling, x, g):
        """Return the diagonal of a scaling, which is formed for variables in their units."""
        unit = self.unit
        return unit**2 * scaling(x / unit, unit * g, self.lower / unit, self.upper / unit)

    def slopes(self, x, g):
        """Return the size of g, in units of the variables, where -g points to a bound, and zero elsewhere."""
        room = self._xp.where(g < 0, self.upper - x, x - self.lower)
        return self._xp.where(room < inf, abs(g) * self.unit, 0)

    def inner_sides(self):
        """Return the least and the largest vector strictly between the bounds."""
        xp = self._xp
        return xp.nextafter(self.lower, self.upper), xp.nextafter(self.upper, self.lower)

    def active(self, x):
        """Return -1 where x is at its lower bound, 1 where at its upper one, and 0 elsewhere."""
        xp, below, above = self._xp, x - self.lower, self.upper - x
        low, high = (xp.minimum(self.unit, xp.maximum(abs(b), 1)) for b in (self.lower, self.upper))
        at_lower, at_upper = (
            (below <= AT_BOUND * low) & (below <= above),
            (above <= AT_BOUND * high) & (above < below),
        )
        return at_upper.astype(np.int8) - at_lower.astype(np.int8)

    def share(self, x, p):
        """Return the share of the step p from x at which the first bound lies; infinite without one."""
        xp = self._xp
        room = xp.where(p < 0, self.lower - x, self.upper - x)
        shares = xp.where(p == 0, inf, room / xp.where(p == 0, 1, p))
        return float(shares.min()) if len(x) else inf

    def pulled_back(self, x, p):
        """Return the step p, or a part of it, whose end lies within the bounds."""
        share = self.share(x, p)
        return p if share > 1 else self._way(p) * share * p

    def projected(self, x, p):
        """Return the step p, of which the entries that leave the bounds end just before them."""
        xp = self._xp
        room = xp.where(p < 0, self.lower - x, self.upper - x)
        return xp.where(abs(p) < abs(room), p, self._way(p) * room)

    def _way(self, p):
        """Return the share of the way to a bound that a step goes: almost all of it where p is small."""
        return max(NEAR, 1 - length(p / self.unit))

    def end(self, x, p):
        """Return x + p, at least a tiny distance within the bounds; rounding may put x + p on a bound."""
        xp, y = self._xp, x + p
        least = np.finfo(x.dtype).eps ** 2 * self.unit
        below = xp.maximum(self.lower + least, self.lower + (x - self.lower) / 2)
        above = xp.minimum(self.upper - least, self.upper - (self.upper - x) / 2)
        y = xp.where(y - self.lower < least, xp.where(below > self.lower, below, x), y)
        return xp.where(self.upper - y < least, xp.where(above < self.upper, above, x), y)
