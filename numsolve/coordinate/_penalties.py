"""Penalties: functions that are added to a datafit, with the proximal maps that block methods need."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf, nan
from typing import Any

import numpy as np

from .. import _validate
from .._array import library, namespace


class Penalty(ABC):
    """A function of the coefficients, not necessarily smooth.

    `block` selects coefficients (an index array or a slice); the arrays of a call belong to these.
    Subclass it for a penalty of your own: `value`, `prox` and `violation` are needed, and that is all.

    Attributes
    ----------
    is_convex : bool
        Whether the function is convex.
    curvature : float
        The function plus ``curvature * |x|^2 / 2`` is convex: 0 for a convex one.
    groups : list of arrays or None
        Coefficients that belong together, so that a block has all or none of them; None: each is alone.

    Examples
    --------
    Half of the sum of the squares:

    >>> import numpy as np
    >>> from numsolve.coordinate import LeastSquares, Penalty, minimize
    >>> class Ridge(Penalty):
    ...     def value(self, x, block=slice(None)):
    ...         return float(x @ x) / 2
    ...     def prox(self, v, step, block=slice(None)):
    ...         return v / (1 + step)
    ...     def violation(self, x, gradient, block=slice(None)):
    ...         return abs(gradient + x)
    >>> minimize(LeastSquares(np.eye(2), [2.0, 4.0]), Ridge(), rtol=1e-12).check().x.round(6)
    array([0.666667, 1.333333])
    """

    is_convex = True
    curvature = 0.0
    groups: Any = None

    @abstractmethod
    def value(self, x, block=slice(None)) -> float:
        """Return the value at the coefficients of a block.

        Parameters
        ----------
        x : array, shape (b,)
            The coefficients of the block.
        block : slice or array of int
            The coefficients to which the arrays belong. Default: all.

        Returns
        -------
        float
            The value, infinite outside the domain.
        """

    @abstractmethod
    def prox(self, v, step, block=slice(None)) -> Any:
        """Return the minimiser of ``penalty(u) + |u - v|^2 / (2 step)``.

        Parameters
        ----------
        v : array, shape (b,)
            The point.
        step : float or array, shape (b,)
            The step sizes, > 0.
        block : slice or array of int
            The coefficients to which the arrays belong. Default: all.

        Returns
        -------
        array, shape (b,)
            The minimiser.
        """

    @abstractmethod
    def violation(self, x, gradient, block=slice(None)) -> Any:
        """Return the distance of ``-gradient`` to the subdifferential of the penalty.

        Parameters
        ----------
        x : array, shape (b,)
            The coefficients of the block.
        gradient : array, shape (b,)
            The gradient of the datafit.
        block : slice or array of int
            The coefficients to which the arrays belong. Default: all.

        Returns
        -------
        array, shape (b,)
            The distance of each coefficient; zero at a stationary point.
        """

    def quadratic_terms(self, x, block) -> Any:  # noqa: ARG002 - penalties of that form override it
        """Return the factors of a penalty of the form of the elastic net.

        Parameters
        ----------
        x : array, shape (b,)
            Coefficients, for the shape and the library.
        block : slice or array of int
            The coefficients to which `x` belongs.

        Returns
        -------
        tuple or None
            Whether x >= 0 is required, the factors of ``|x_j|`` and those of ``x_j**2 / 2``; None for a
            penalty of another form.
        """
        return None

    def _on(self, name):  # noqa: ARG002 - penalties that hold arrays of their own override it
        """Return the penalty with its own arrays in the library "numpy" or "cupy"."""
        return self

    def dual_scale(self, v) -> float:  # noqa: ARG002 - penalties with a dual override it
        """Return the largest c <= 1 for which the conjugate is finite at ``c v``.

        Parameters
        ----------
        v : array, shape (n,)
            The negative gradient of the datafit.

        Returns
        -------
        float
            The factor; NaN without a known dual.
        """
        return nan

    def conjugate(self, v) -> float:
        """Return ``max_x (v x - penalty(x))``, for the duality gap.

        Parameters
        ----------
        v : array, shape (n,)
            A point at which the conjugate is finite.

        Returns
        -------
        float
            The conjugate.
        """
        raise NotImplementedError(f"{type(self).__name__} has no conjugate")


class Separable(Penalty):
    """A sum of functions of one coefficient, each with a factor ``weights[j]``."""

    weights: Any = 1.0

    def values(self, x, block=slice(None)) -> Any:
        """Return the value of the penalty for each coefficient of a block.

        Parameters
        ----------
        x : array, shape (b,)
            The coefficients of the block.
        block : slice or array of int
            The coefficients to which the arrays belong. Default: all.

        Returns
        -------
        array, shape (b,)
            The values, infinite outside the domain.
        """
        raise NotImplementedError(f"{type(self).__name__} has no values for each coefficient")

    def value(self, x, block=slice(None)):
        return float(self.values(x, block).sum())

    def _weights(self, block) -> Any:
        return self.weights if np.ndim(self.weights) == 0 else self.weights[block]


@dataclass(frozen=True)
class NoPenalty(Separable):
    """The function zero."""

    def values(self, x, block=slice(None)):  # noqa: ARG002 - the protocol
        return namespace(x).zeros_like(x)

    def value(self, x, block=slice(None)):  # noqa: ARG002 - the protocol
        return 0.0

    def prox(self, v, step, block=slice(None)):  # noqa: ARG002 - the protocol
        return v

    def violation(self, x, gradient, block=slice(None)):  # noqa: ARG002 - the protocol
        return abs(gradient)


@dataclass(frozen=True, eq=False)
class ElasticNet(Separable):
    """The penalty ``lam * sum_j weights[j] (rho |x_j| + (1 - rho) x_j^2 / 2)``.

    With `positive`, it is infinite for negative coefficients.

    Parameters
    ----------
    lam : float
        The factor, >= 0.
    rho : float
        The share of the 1-norm, from 0 to 1.
    weights : float or array, shape (n,)
        Factors >= 0 of the coefficients; 0 leaves a coefficient without a penalty.
    positive : bool
        Whether the coefficients are >= 0.

    Raises
    ------
    ValueError
        `lam` or a weight is negative, or `rho` is not between 0 and 1.
    """

    lam: float
    rho: float = 0.5
    weights: Any = 1.0
    positive: bool = False

    def __post_init__(self):
        object.__setattr__(self, "lam", _validate.tolerance(self.lam, "lam"))
        object.__setattr__(self, "weights", nonnegative(self.weights, "weights"))
        if not 0 <= _validate.number(self.rho, "rho") <= 1:
            raise ValueError(f"rho is {self.rho!r}; a number from 0 to 1 is needed")

    def values(self, x, block=slice(None)):
        each = self.rho * abs(x) + (1 - self.rho) / 2 * x * x
        each = self.lam * self._weights(block) * each
        return namespace(x).where(x < 0, inf, each) if self.positive else each

    def prox(self, v, step, block=slice(None)):
        scaled = step * (self.lam * self._weights(block))
        return soft(v, scaled * self.rho, self.positive) / (1 + scaled * (1 - self.rho))

    def violation(self, x, gradient, block=slice(None)):
        xp = namespace(x)
        weights = self.lam * self._weights(block)
        gradient, kink = gradient + weights * (1 - self.rho) * x, weights * self.rho
        at_zero = xp.maximum((-gradient if self.positive else abs(gradient)) - kink, 0)
        return xp.where(x == 0, at_zero, abs(gradient + kink * xp.sign(x)))

    def quadratic_terms(self, x, block):
        factors = namespace(x).zeros_like(x) + self.lam * self._weights(block)
        return self.positive, factors * self.rho, factors * (1 - self.rho)

    def dual_scale(self, v):
        if self.rho < 1:
            return 1.0 if self.lam > 0 and self._least_weight() > 0 else nan
        if not self.lam > 0 or not self._least_weight() > 0:
            return nan
        size = namespace(v).maximum(v, 0) if self.positive else abs(v)
        return min(1.0, 1 / max(float((size / (self.lam * self.weights)).max()), 1e-300))

    def conjugate(self, v):
        if self.rho == 1:
            return 0.0
        kink = self.lam * self.rho * self.weights
        beyond = soft(v if self.positive else abs(v), kink, positive=True)
        return float((beyond * beyond / (2 * self.lam * (1 - self.rho) * self.weights)).sum())

    def _least_weight(self):
        return float(self.weights if np.ndim(self.weights) == 0 else self.weights.min())


def L1(lam: float, weights: Any = 1.0, positive: bool = False) -> ElasticNet:
    """Return the penalty ``lam * sum_j weights[j] |x_j|``.

    Parameters
    ----------
    lam : float
        The factor, >= 0.
    weights : float or array, shape (n,)
        Factors >= 0 of the coefficients; 0 leaves a coefficient without a penalty.
    positive : bool
        Whether the coefficients are >= 0.

    Returns
    -------
    ElasticNet
        The penalty.
    """
    return ElasticNet(lam, 1.0, weights, positive)


@dataclass(frozen=True, eq=False)
class Box(Separable):
    """Zero for ``lower <= x <= upper``, infinite elsewhere. Default: x >= 0.

    Parameters
    ----------
    lower, upper : float or array, shape (n,)
        The bounds, which may be infinite.

    Raises
    ------
    ValueError
        A lower bound is above the upper one, or is NaN.
    """

    lower: Any = 0.0
    upper: Any = inf

    def __post_init__(self):
        for name in ("lower", "upper"):
            bound = _validate.scalar(getattr(self, name))
            if np.ndim(bound) > 0:
                bound = _validate.as_array(bound, name, namespace(bound)).copy()
            object.__setattr__(self, name, bound)
        if not bool(np.all(_host(self.lower <= self.upper))):
            raise ValueError("lower is above upper, or NaN, for a coefficient; lower <= upper is needed")

    def bounds(self, block) -> tuple[Any, Any]:
        """Return the bounds of a block.

        Parameters
        ----------
        block : slice or array of int
            The coefficients.

        Returns
        -------
        tuple of arrays or floats
            The lower and the upper bounds.
        """
        return _part(self.lower, block), _part(self.upper, block)

    def quadratic_terms(self, x, block):  # noqa: ARG002 - the protocol
        if np.ndim(self.lower) or np.ndim(self.upper) or self.lower != 0 or self.upper != inf:
            return None
        zeros = namespace(x).zeros_like(x)
        return True, zeros, zeros

    def values(self, x, block=slice(None)):
        lower, upper = self.bounds(block)
        xp = namespace(x)
        return xp.where((x >= lower) & (x <= upper), xp.zeros_like(x), inf)

    def prox(self, v, step, block=slice(None)):  # noqa: ARG002 - the protocol
        lower, upper = self.bounds(block)
        xp = namespace(v)
        return xp.minimum(xp.maximum(v, lower), upper)

    def violation(self, x, gradient, block=slice(None)):
        lower, upper = self.bounds(block)
        xp = namespace(x)
        found = xp.where(x <= lower, xp.minimum(gradient, 0), gradient)
        return abs(xp.where(x >= upper, xp.maximum(found, 0), found))


def soft(v, threshold, positive=False) -> Any:
    """Return `v` moved towards zero by the threshold, and zero where it would change its sign."""
    xp = namespace(v)
    if positive:
        return xp.maximum(v - threshold, 0)
    return xp.sign(v) * xp.maximum(abs(v) - threshold, 0)


def nonnegative(weights, name) -> Any:
    """Return a finite number >= 0, or an own copy of an array of them."""
    if np.ndim(_validate.scalar(weights)) == 0:
        return _validate.tolerance(weights, name)
    weights = _validate.real(weights, name, namespace(weights)).copy()
    if bool((weights < 0).any()):
        raise ValueError(f"{name} has negative entries; numbers >= 0 are needed")
    return weights


def _part(bound, block) -> Any:
    """Return the entries of a bound that belong to a block."""
    return bound if np.ndim(bound) == 0 else bound[block]


def _host(x) -> Any:
    """Return an array on the host."""
    return x.get() if library(x) == "cupy" else x
