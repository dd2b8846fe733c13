"""Losses of one sample: functions of the prediction z and the observation y."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf
from typing import Any

from .. import _validate
from .._array import namespace


class Loss(ABC):
    """A convex loss; all methods take arrays of predictions and observations, and return an array.

    Subclass it for a loss of your own, and pass it to `GeneralizedLinear`.

    Attributes
    ----------
    curvature : float
        Upper bound of the second derivative in z; infinite if there is none.
    """

    curvature: float = inf

    @abstractmethod
    def value(self, z, y) -> Any:
        """Return the losses.

        Parameters
        ----------
        z : array, shape (m,)
            The predictions.
        y : array, shape (m,)
            The observations.

        Returns
        -------
        array, shape (m,)
            The losses.
        """

    @abstractmethod
    def derivative(self, z, y) -> Any:
        """Return the derivatives in z.

        Parameters
        ----------
        z : array, shape (m,)
            The predictions.
        y : array, shape (m,)
            The observations.

        Returns
        -------
        array, shape (m,)
            The derivatives.
        """

    @abstractmethod
    def second(self, z, y) -> Any:
        """Return the second derivatives in z.

        Parameters
        ----------
        z : array, shape (m,)
            The predictions.
        y : array, shape (m,)
            The observations.

        Returns
        -------
        array, shape (m,)
            The second derivatives.
        """

    def conjugate(self, u, y) -> Any:
        """Return ``max_z (u z - loss(z, y))``, infinite where it is unbounded.

        Only the duality gap needs it; without it the measure of convergence is the KKT violation.

        Parameters
        ----------
        u : array, shape (m,)
            Slopes.
        y : array, shape (m,)
            The observations.

        Returns
        -------
        array, shape (m,)
            The conjugates.
        """
        raise NotImplementedError(f"{type(self).__name__} has no conjugate")


@dataclass(frozen=True)
class SquaredLoss(Loss):
    """The loss ``(z - y)**2 / 2``."""

    curvature = 1.0

    def value(self, z, y):
        return (z - y) ** 2 / 2

    def derivative(self, z, y):
        return z - y

    def second(self, z, y):  # noqa: ARG002 - the protocol
        return namespace(z).ones_like(z)

    def conjugate(self, u, y):
        return u * (u / 2 + y)


@dataclass(frozen=True)
class LogisticLoss(Loss):
    """The loss ``log(1 + exp(-y z))`` for labels -1 and 1."""

    curvature = 0.25

    def value(self, z, y):
        return namespace(z).logaddexp(0, -y * z)

    def derivative(self, z, y):
        return -y * _sigmoid(-y * z)

    def second(self, z, y):
        p = _sigmoid(y * z)
        return p * (1 - p)

    def conjugate(self, u, y):
        xp = namespace(u)
        p = -u * y  # the probability of the other class
        inside = (p >= 0) & (p <= 1)
        p = xp.clip(p, 0, 1)
        return xp.where(inside, _x_log_x(p) + _x_log_x(1 - p), inf)


@dataclass(frozen=True)
class HuberLoss(Loss):
    """Half of the square of the residual; linear beyond `delta`."""

    delta: float = 1.35
    curvature = 1.0

    def __post_init__(self):
        _validate.positive(self.delta, "delta")

    def value(self, z, y):
        xp = namespace(z)
        r = abs(z - y)
        return xp.where(r <= self.delta, r * r / 2, self.delta * (r - self.delta / 2))

    def derivative(self, z, y):
        return namespace(z).clip(z - y, -self.delta, self.delta)

    def second(self, z, y):
        return (abs(z - y) <= self.delta).astype(z.dtype)

    def conjugate(self, u, y):
        return namespace(u).where(abs(u) <= self.delta, u * (u / 2 + y), inf)


@dataclass(frozen=True)
class PoissonLoss(Loss):
    """The loss ``exp(z) - y z`` for counts y; its second derivative has no bound."""

    def value(self, z, y):
        return namespace(z).exp(z) - y * z

    def derivative(self, z, y):
        return namespace(z).exp(z) - y

    def second(self, z, y):  # noqa: ARG002 - the protocol
        return namespace(z).exp(z)

    def conjugate(self, u, y):
        xp = namespace(u)
        mean = u + y
        return xp.where(mean >= 0, _x_log_x(xp.maximum(mean, 0)) - mean, inf)


def _sigmoid(t):
    """Return ``1 / (1 + exp(-t))`` without overflow."""
    xp = namespace(t)
    e = xp.exp(-abs(t))
    return xp.where(t >= 0, 1, e) / (1 + e)


def _x_log_x(p):
    """Return ``p log p``, 0 at 0."""
    xp = namespace(p)
    return p * xp.log(xp.where(p > 0, p, 1))
