"""Penalties that are concave in the size of a coefficient: MCP and SCAD.

Both begin as ``lam |x|`` and are constant for large coefficients, so that these are not shrunk.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _validate
from .._array import namespace
from ._penalties import Separable, soft


class Concave(Separable):
    """A penalty ``sum_j weights[j] p(|x_j|)`` with a concave function p of slope `lam` at zero.

    Attributes
    ----------
    lam : float
        The slope at zero.
    weights : float or array, shape (n,)
        Factors >= 0 of the coefficients.
    """

    lam: float
    is_convex = False

    @property
    @abstractmethod
    def _bend(self) -> float:
        """The largest of ``-p''``."""

    @abstractmethod
    def _sizes(self, size) -> Any:
        """Return ``p(size)`` for sizes >= 0."""

    @abstractmethod
    def _slopes(self, size) -> Any:
        """Return ``p'(size)`` for sizes >= 0; `lam` at zero."""

    @abstractmethod
    def _shrunk(self, size, step) -> Any:
        """Return the global minimiser of ``p(u) + (u - size)^2 / (2 step)`` for sizes >= 0."""

    @property
    def curvature(self):
        """The least c for which the penalty plus ``c |x|^2 / 2`` is convex."""
        largest = self.weights if np.ndim(self.weights) == 0 else float(self.weights.max())
        return largest * self._bend

    def values(self, x, block=slice(None)):
        return self._weights(block) * self._sizes(abs(x))

    def prox(self, v, step, block=slice(None)):
        """Return a global minimiser of ``penalty(u) + |u - v|^2 / (2 step)``, for every step.

        Parameters
        ----------
        v : array, shape (b,)
            The point.
        step : float or array, shape (b,)
            The step sizes, >= 0.
        block : slice or array of int
            The coefficients to which `v` belongs. Default: all.

        Returns
        -------
        array, shape (b,)
            The minimiser; zero where it is not unique.
        """
        xp = namespace(v)
        step = xp.asarray(step * self._weights(block), dtype=v.dtype)
        return xp.sign(v) * self._shrunk(abs(v), step)

    def violation(self, x, gradient, block=slice(None)):
        """Return the distance of ``-gradient`` to the subdifferential of the penalty.

        Parameters
        ----------
        x : array, shape (b,)
            Coefficients.
        gradient : array, shape (b,)
            The datafit's gradient.
        block : slice or array of int
            The coefficients to which `x` belongs. Default: all.

        Returns
        -------
        array, shape (b,)
            The distance of each coefficient; zero at a stationary point.
        """
        xp = namespace(x)
        slope = self._weights(block) * self._slopes(abs(x))
        return xp.where(x == 0, xp.maximum(abs(gradient) - slope, 0), abs(gradient + slope * xp.sign(x)))

    def smooth_gradient(self, x):
        """Return the gradient of the penalty less ``lam * sum_j weights[j] |x_j|``, a smooth function.

        Parameters
        ----------
        x : array, shape (n,)
            All coefficients.

        Returns
        -------
        array, shape (n,)
            The gradient.
        """
        return self.weights * namespace(x).sign(x) * (self._slopes(abs(x)) - self.lam)

    def kink_prox(self, v, step):
        """Return the proximal map of ``lam * sum_j weights[j] |x_j|``, the part that is not smooth.

        Parameters
        ----------
        v : array, shape (n,)
            The point.
        step : float
            The step size.

        Returns
        -------
        array, shape (n,)
            The soft-thresholded point.
        """
        return soft(v, step * self.lam * self.weights)


@dataclass(frozen=True, eq=False)
class MCP(Concave):
    """The minimax concave penalty: ``lam |x| - x^2 / (2 gamma)``, constant from ``|x| = gamma lam`` on.

    Parameters
    ----------
    lam : float
        The slope at zero, >= 0.
    gamma : float
        The penalty is constant from ``gamma * lam`` on; > 0. The larger, the nearer to L1.
    weights : float or array, shape (n,)
        Factors >= 0 of the coefficients; 0 leaves a coefficient free.

    Raises
    ------
    ValueError
        `lam` or a weight is negative, or `gamma` is not above zero.

    Notes
    -----
    The proximal map is the global minimiser for every step t. It is continuous for ``t < gamma`` (firm
    thresholding); for larger ones the function of one variable is not convex, and the map is hard
    thresholding at ``lam * sqrt(gamma * t)`` [1]_.

    References
    ----------
    .. [1] C.-H. Zhang, *Nearly unbiased variable selection under minimax concave penalty*, Ann. Statist. 38,
       2010, 894-942, doi:10.1214/09-AOS729.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import MCP
    >>> MCP(1.0).prox(np.array([0.5, 1.5, 4.0]), 1.0)
    array([0.  , 0.75, 4.  ])
    """

    lam: float
    gamma: float = 3.0
    weights: Any = 1.0

    def __post_init__(self):
        _set(self, lam=_validate.tolerance(self.lam, "lam"), gamma=_validate.positive(self.gamma, "gamma"))
        _set(self, weights=_checked_weights(self.weights))

    @property
    def _bend(self):
        return 1 / self.gamma

    def _sizes(self, size):
        size = namespace(size).minimum(size, self.gamma * self.lam)
        return size * (self.lam - size / (2 * self.gamma))

    def _slopes(self, size):
        return namespace(size).maximum(self.lam - size / self.gamma, 0)

    def _shrunk(self, size, step):
        xp, flat = namespace(size), self.gamma * self.lam
        is_convex = step < self.gamma
        divisor = xp.where(is_convex, 1 - step / self.gamma, 1)
        firm = xp.minimum(soft(size, step * self.lam, positive=True) / divisor, size)
        threshold = self.lam * (self.gamma * step) ** 0.5
        return xp.where(is_convex, xp.where(size <= flat, firm, size), xp.where(size > threshold, size, 0))


@dataclass(frozen=True, eq=False)
class SCAD(Concave):
    """The smoothly clipped absolute deviation: ``lam |x|`` up to `lam`, constant from ``a lam`` on.

    Between, it is ``(2 a lam |x| - x^2 - lam^2) / (2 (a - 1))``.

    Parameters
    ----------
    lam : float
        The slope at zero, >= 0.
    a : float
        The penalty is constant from ``a * lam`` on; > 1. The larger, the nearer to L1.
    weights : float or array, shape (n,)
        Factors >= 0 of the coefficients; 0 leaves a coefficient free.

    Raises
    ------
    ValueError
        `lam` or a weight is negative, or `a` is not above one.

    Notes
    -----
    The proximal map is the global minimiser for every step t. It is continuous for ``t < a - 1``. For
    larger steps it jumps from the soft-thresholded value to the value itself, at ``lam (a + 1 + t) / 2``,
    or for ``t > a + 1`` from zero at ``lam * sqrt((a + 1) t)`` [1]_.

    References
    ----------
    .. [1] J. Fan and R. Li, *Variable selection via nonconcave penalized likelihood and its oracle
       properties*, J. Am. Stat. Assoc. 96, 2001, 1348-1360, doi:10.1198/016214501753382273.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import SCAD
    >>> SCAD(1.0, a=3.0).prox(np.array([0.5, 1.5, 2.5, 4.0]), 1.0)
    array([0. , 0.5, 2. , 4. ])
    """

    lam: float
    a: float = 3.7
    weights: Any = 1.0

    def __post_init__(self):
        _set(self, lam=_validate.tolerance(self.lam, "lam"), a=_validate.number(self.a, "a"))
        if not self.a > 1:
            raise ValueError(f"a is {self.a!r}; a number above 1 is needed")
        _set(self, weights=_checked_weights(self.weights))

    @property
    def _bend(self):
        return 1 / (self.a - 1)

    def _sizes(self, size):
        xp, lam = namespace(size), self.lam
        inner, beyond = xp.minimum(size, lam), xp.clip(size - lam, 0, (self.a - 1) * lam)
        return lam * inner + beyond * (lam - beyond / (2 * (self.a - 1)))

    def _slopes(self, size):
        return namespace(size).clip((self.a * self.lam - size) / (self.a - 1), 0, self.lam)

    def _shrunk(self, size, step):
        xp, lam, a = namespace(size), self.lam, self.a
        is_convex = step < a - 1
        softened = soft(size, step * lam, positive=True)
        divisor = xp.where(is_convex, a - 1 - step, 1)
        bent = xp.clip(((a - 1) * size - step * a * lam) / divisor, 0, size)
        convex = xp.where(size <= lam * (1 + step), softened, xp.where(size <= a * lam, bent, size))
        jump = lam * xp.where(step <= a + 1, (a + 1 + step) / 2, ((a + 1) * step) ** 0.5)
        return xp.where(is_convex, convex, xp.where(size > jump, size, softened))


def _set(penalty, **values):
    """Set attributes of a frozen dataclass, at its making."""
    for name, value in values.items():
        object.__setattr__(penalty, name, value)


def _checked_weights(weights) -> Any:
    """Return the weights of a penalty: one number or an array of finite numbers >= 0."""
    if np.ndim(weights) == 0:
        return _validate.tolerance(weights, "weights")
    weights = _validate.real(weights, "weights", namespace(weights))
    if bool((weights < 0).any()):
        raise ValueError("weights has negative entries; weights >= 0 are needed")
    return weights
