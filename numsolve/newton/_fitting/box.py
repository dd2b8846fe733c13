"""Bounds of the variables."""

from math import inf
from typing import Any

from ... import _validate


class Box:
    """Lower and upper bounds of all variables, checked; ``exists`` is false if none is finite.

    Attributes
    ----------
    lower, upper : array, shape (n,)
        The bounds, in the library and dtype of the variables.
    exists : bool
        Whether a bound is finite.
    """

    def __init__(self, bounds, variables):
        n, xp = variables.n, variables.xp
        self._xp = xp
        given = (-inf, inf) if bounds is None else _pair(bounds)
        self.lower, self.upper = (_side(b, variables, name) for b, name in zip(given, SIDES, strict=True))
        self.exists = bool((self.lower > -inf).any()) or bool((self.upper < inf).any())
        if n and bool((self.lower > self.upper).any()):
            at = int(xp.argmax(self.lower > self.upper))
            raise ValueError(
                f"the bounds of x[{at}] are {float(self.lower[at])} and {float(self.upper[at])}: no number "
                "lies between them"
            )
        outside = (variables.start < self.lower) | (variables.start > self.upper)
        if n and bool(outside.any()):
            at = int(xp.argmax(outside))
            raise ValueError(
                f"x0[{at}] is {float(variables.start[at])}, outside its bounds {float(self.lower[at])} and "
                f"{float(self.upper[at])}: start inside, for example from numpy.clip(x0, lower, upper)"
            )

    def inside(self, x):
        """Return the nearest point within the bounds."""
        return self._xp.minimum(self._xp.maximum(x, self.lower), self.upper)

    def held(self, x, g):
        """Tell at which bounds a descent along -g would leave at once: (at lower, at upper)."""
        return (x <= self.lower) & (g > 0), (x >= self.upper) & (g < 0)


SIDES = "the lower bound", "the upper bound"


def _pair(bounds: Any):
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        return bounds.lb, bounds.ub
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        raise ValueError(
            "bounds must be a pair (lower, upper) of numbers or arrays, or an object with the attributes lb "
            "and ub"
        )
    return bounds


def _side(bound, variables, name):
    """Return one bound as a vector."""
    xp = variables.xp
    if bound is None:
        bound = -inf if name == SIDES[0] else inf
    bound = _validate.as_array(bound, name, xp)
    if bool((bound != bound).any()):  # true for NaN
        raise ValueError(f"{name} has NaN entries; numbers or infinities are needed")
    if bound.shape not in ((), variables.shape, (variables.n,), (1,)):
        raise ValueError(f"{name} has shape {bound.shape}, but x0 has {variables.shape}")
    flat = bound.reshape(-1).astype(variables.dtype)
    return flat + xp.zeros(variables.n, variables.dtype)
