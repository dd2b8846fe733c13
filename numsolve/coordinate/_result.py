"""The results of the methods of this family."""

from dataclasses import dataclass, field
from math import nan
from typing import Any

import numpy as np

from .._result import Result


@dataclass(frozen=True, eq=False, repr=False)
class CoordinateResult(Result):
    """Result of block coordinate descent.

    Attributes
    ----------
    x : array, shape (n,) or (n, k)
        The coefficients: the last iterate, or the one with the smallest objective.
    residuals : numpy.ndarray of floats
        The measure of convergence that is compared with the tolerance, at each check.
    objective : float
        The value of datafit plus penalty at `x`.
    gap : float
        The duality gap at `x`, an upper bound of the distance to the smallest objective. NaN if the problem
        has no dual that the library knows.
    intercept : float or array
        The intercept; 0 without one.
    objectives : numpy.ndarray of floats
        The value of datafit plus penalty at each check; empty where the method does not record it.
    iterations : int
        Number of block steps of `minimize`; -1 for a method that checks at each iteration.
    """

    objective: float = nan
    gap: float = nan
    intercept: Any = 0.0
    objectives: np.ndarray = field(default_factory=lambda: np.zeros(0))
    iterations: int = -1

    @property
    def nit(self):
        """Number of iterations."""
        return self.iterations if self.iterations >= 0 else super().nit
