"""The result of nonlinear least squares."""

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from ..._array import to_host
from ..._operators.operator import Csr, Dense, entries
from .._results import NewtonResult


@dataclass(frozen=True, eq=False, repr=False)
class NonlinearLeastSquaresResult(NewtonResult):
    """Result of a nonlinear least-squares fit.

    Attributes
    ----------
    fun : array, shape (m,)
        The residuals at `x`, in the shape that the function returned.
    jac : array, sparse array or operator, shape (m, n)
        The Jacobian at `x`. With a robust loss its rows are weighted, so that ``jac.T @ jac`` is the
        Gauss-Newton matrix of the cost.
    cost : float
        The cost at `x`.
    grad : array, shape of x0
        The gradient of the cost at `x`.
    optimality : float
        The norm that was compared with the tolerance, the last of `residuals`: that of the gradient in scaled
        variables, without those that a bound holds.
    active_mask : array of int, shape of x0
        -1 where `x` is at its lower bound, 1 at the upper one, else 0.
    linear_solver : str
        The linear solver that was used.
    """

    cost: float = nan
    grad: Any = None
    optimality: float = nan
    active_mask: Any = None
    linear_solver: str = ""

    def covariance(self, *, absolute_sigma=False):
        """Return the covariance matrix of the variables, as ``scipy.optimize.curve_fit`` does.

        Parameters
        ----------
        absolute_sigma : bool
            Whether the residuals were divided by their true standard deviations. If not, their common
            variance is estimated by ``2 * cost / (m - k)``, with `k` variables that no bound holds.

        Returns
        -------
        numpy.ndarray, shape (n, n)
            The inverse of ``jac.T @ jac``, times the variance. Rows and columns of variables at a bound are
            zero: they count as fixed.

        Raises
        ------
        ValueError
            The data do not determine all variables, or there are too few residuals to estimate the variance.
        TypeError
            The Jacobian is an operator without entries.
        """
        J: Any = self.jac
        if J is None or not (hasattr(J, "toarray") or hasattr(J, "dtype")) or hasattr(J, "matvec"):
            raise TypeError("the covariance needs the entries of jac: return an array or a sparse array")
        J = to_host(J)
        J = np.asarray(J.toarray() if hasattr(J, "toarray") else J, float)
        m, n = J.shape
        free = np.flatnonzero(to_host(self.active_mask).ravel() == 0)
        if m <= len(free) and not absolute_sigma:
            raise ValueError(
                f"{m} residuals do not determine a variance beside {len(free)} variables: pass "
                "absolute_sigma=True"
            )
        scale = np.linalg.norm(J[:, free], axis=0)
        _, s, Vt = np.linalg.svd(J[:, free] / np.where(scale > 0, scale, 1), full_matrices=False)
        rank = int((s > np.finfo(float).eps * max(m, n) * s.max(initial=0)).sum())
        if rank < len(free):
            null = abs(Vt[-1]) if len(s) == len(free) else np.ones(len(free))
            names = ", ".join(f"x[{free[i]}]" for i in np.flatnonzero(null > 0.1)[:5])
            raise ValueError(
                f"the data do not determine {names}: jac has rank {rank} for {len(free)} variables"
            )
        half = Vt / s[:, None] / scale
        found = np.zeros((n, n))
        found[np.ix_(free, free)] = half.T @ half
        return found if absolute_sigma else found * (2 * self.cost / (m - len(free)))


def shown(jac):
    """Return a Jacobian as an array, a sparse array or an operator."""
    return entries(jac) if isinstance(jac, (Csr, Dense)) else jac
