"""Functions to minimise without constraints: what all of them have."""

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class UnconstrainedProblem:
    """A smooth function of n real variables, with its derivatives, a start and its known minima.

    Far away, values beyond the range of floating point are infinite or NaN, without a warning.

    Attributes
    ----------
    name : str
        What the problem is called.
    x0 : numpy.ndarray of float64, shape (n,)
        The start.
    minima : tuple of float
        Known values of local minima, the least first; empty if none is known.
    minimizer : numpy.ndarray of float64, shape (n,), or None
        Where the first of them is taken, if known.
    source : str
        Where the problem and its minima are published.
    """

    name: str
    x0: Any
    minima: tuple[float, ...] = ()
    minimizer: Any = None
    source: str = ""

    def __repr__(self):
        return f"<{self.name}, {self.n} variables>"

    @property
    def n(self):
        """Number of variables."""
        return len(self.x0)

    @property
    def minimum(self):
        """The least value, or NaN if it is unknown."""
        return self.minima[0] if self.minima else nan

    def fun(self, x) -> float:
        """Return the value at a point.

        Parameters
        ----------
        x : array, shape (n,)
            The point.

        Returns
        -------
        float
            The value.
        """
        with np.errstate(all="ignore"):
            return self._value(np.asarray(x, dtype=float))

    def grad(self, x) -> Any:
        """Return the gradient at a point.

        Parameters
        ----------
        x : array, shape (n,)
            The point.

        Returns
        -------
        numpy.ndarray, shape (n,)
            The gradient.
        """
        with np.errstate(all="ignore"):
            return self._gradient(np.asarray(x, dtype=float))

    def hess(self, x) -> Any:
        """Return the Hessian at a point.

        Parameters
        ----------
        x : array, shape (n,)
            The point.

        Returns
        -------
        numpy.ndarray or sparse array, shape (n, n)
            The Hessian; sparse if there are many variables and few entries that are not zero.
        """
        with np.errstate(all="ignore"):
            return self._hessian(np.asarray(x, dtype=float))

    def hessp(self, x, v) -> Any:
        """Return the product of the Hessian at a point with a vector.

        Parameters
        ----------
        x : array, shape (n,)
            The point.
        v : array, shape (n,)
            The vector.

        Returns
        -------
        numpy.ndarray, shape (n,)
            The product.
        """
        with np.errstate(all="ignore"):
            return self._product(np.asarray(x, dtype=float), np.asarray(v, dtype=float))

    def _value(self, x):
        raise NotImplementedError

    def _gradient(self, x):
        raise NotImplementedError

    def _hessian(self, x):
        raise NotImplementedError

    def _product(self, x, v):
        return self._hessian(x) @ v
