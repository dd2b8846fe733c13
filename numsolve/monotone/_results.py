"""The results of the methods for operators."""

from dataclasses import dataclass
from math import nan
from typing import Any

from .._result import Result


@dataclass(frozen=True, eq=False, repr=False)
class FixedPointResult(Result):
    """Result of a method for a fixed point.

    Attributes
    ----------
    x : array
        The point with the smallest residual.
    residuals : numpy.ndarray of floats
        The norms of ``x - T x``.
    displacement : array
        The estimate of the smallest displacement ``x - T x``: zero if there is a fixed point. Of `halpern` it
        is the normalised iterate ``2 (x0 - x) / (k + 1)``, of `picard` ``(x0 - x) / k``, whose errors are of
        the order ``1 / k``. `anderson` gives the last ``x - T x``.
    nfev : int
        Number of evaluations of T.
    """

    displacement: Any = None
    nfev: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class InclusionResult(Result):
    """Result of a method for a monotone inclusion.

    Attributes
    ----------
    x : array, or tuple of arrays
        The point with the smallest residual, in the shape of the starting point.
    residuals : numpy.ndarray of floats
        The norms of ``z - P(z - F(z))``.
    average : array, or tuple of arrays
        The mean of the points at which the operator was read, weighted by the steps. The gap of a monotone
        problem at this point is of the order ``1 / k``.
    step : float
        The last step.
    nfev : int
        Number of evaluations of F.
    """

    average: Any = None
    step: float = nan
    nfev: int = 0
