"""Penalties: functions that are added to a datafit, with the proximal maps that block methods need."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from .. import _validate
from .._array import namespace


class Penalty(ABC):
    """A function of the coefficients, not necessarily smooth.

    `block` selects coefficients (an index array or a slice); the arrays of a call belong to these.
    Subclass it for a penalty of your own.

    Attributes
    ----------
    is_convex : bool
        Whether the function is convex.
    curvature : float
        The function plus ``curvature * |x|^2 / 2`` is convex: 0 for a convex one.
    """

    is_convex = True
    curvature = 0.0

    @abstractmethod
    def value(self, x) -> float:
        """Return the value at all coefficients, infinite outside the domain."""

    @abstractmethod
    def prox(self, v, step, block=slice(None)) -> Any:
        """Return the minimiser of ``penalty(u) + |u - v|^2 / (2 step)``; `step` may be an array."""

    @abstractmethod
    def violation(self, x, gradient, block=slice(None)) -> Any:
        """Return the distance of ``-gradient`` to the subdifferential at `x`, for each coefficient."""


class Separable(Penalty):
    """A sum of functions of one coefficient, each with a factor ``weights[j]``."""

    weights: Any = 1.0

    def _weights(self, block) -> Any:
        return self.weights if np.ndim(self.weights) == 0 else self.weights[block]


@dataclass(frozen=True)
class NoPenalty(Penalty):
    """The function zero."""

    def value(self, x):  # noqa: ARG002 - the protocol
        return 0.0

    def prox(self, v, step, block=slice(None)):  # noqa: ARG002 - the protocol
        return v

    def violation(self, x, gradient, block=slice(None)):  # noqa: ARG002 - the protocol
        return abs(gradient)


@dataclass(frozen=True, eq=False)
class ElasticNet(Separable):
    """The penalty ``lam * sum_j weights[j] (rho |x_j| + (1 - rho) x_j^2 / 2)``.

    With `positive`, it is infinite for negative coefficients.
    """

    lam: float
    rho: float = 0.5
    weights: Any = 1.0
    positive: bool = False

    def __post_init__(self):
        _validate.tolerance(self.lam, "lam")
        if not 0 <= _validate.number(self.rho, "rho") <= 1:
            raise ValueError(f"rho is {self.rho!r}; a number from 0 to 1 is needed")

    def value(self, x):
        if self.positive and bool((x < 0).any()):
            return inf
        each = self.rho * abs(x) + (1 - self.rho) / 2 * x * x
        return float(self.lam * (self.weights * each).sum())

    def prox(self, v, step, block=slice(None)):
        scaled = step * self.lam * self._weights(block)
        return soft(v, scaled * self.rho, self.positive) / (1 + scaled * (1 - self.rho))

    def violation(self, x, gradient, block=slice(None)):
        xp = namespace(x)
        weights = self.lam * self._weights(block)
        gradient, kink = gradient + weights * (1 - self.rho) * x, weights * self.rho
        at_zero = xp.maximum((-gradient if self.positive else abs(gradient)) - kink, 0)
        return xp.where(x == 0, at_zero, abs(gradient + kink * xp.sign(x)))


def L1(lam, weights=1.0, positive=False) -> ElasticNet:
    """Return the penalty ``lam * sum_j weights[j] |x_j|``; `positive` adds the constraint x >= 0."""
    return ElasticNet(lam, 1.0, weights, positive)


@dataclass(frozen=True, eq=False)
class Box(Penalty):
    """Zero for ``lower <= x <= upper``, infinite elsewhere. Default: x >= 0."""

    lower: Any = 0.0
    upper: Any = inf

    def value(self, x):
        return 0.0 if bool(((x >= self.lower) & (x <= self.upper)).all()) else inf

    def prox(self, v, step, block=slice(None)):  # noqa: ARG002 - the protocol
        return namespace(v).clip(v, _part(self.lower, block), _part(self.upper, block))

    def violation(self, x, gradient, block=slice(None)):
        xp = namespace(x)
        found = xp.where(x <= _part(self.lower, block), xp.minimum(gradient, 0), gradient)
        return abs(xp.where(x >= _part(self.upper, block), xp.maximum(found, 0), found))


def soft(v, threshold, positive=False) -> Any:
    """Return `v` moved towards zero by the threshold, and zero where it would change its sign."""
    xp = namespace(v)
    if positive:
        return xp.maximum(v - threshold, 0)
    return xp.sign(v) * xp.maximum(abs(v) - threshold, 0)


def _part(bound, block) -> Any:
    """Return the entries of a bound that belong to a block."""
    return bound if np.ndim(bound) == 0 else bound[block]
