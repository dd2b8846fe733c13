"""Powers of the norm of residuals, among them sums of squares; derivatives from the text of the residuals."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import _validate
from ._jets import Jet
from ._unconstrained import UnconstrainedProblem

DENSE = 64  # largest number of variables for which sparse derivatives are returned as dense arrays


class ElementResiduals:
    """Residuals that are a function of few variables each, or of all.

    Parameters
    ----------
    function : callable
        Takes an array `x` or a `Jet` and returns a tuple of such. Without `indices`, `x` holds all variables.
    n : int
        Number of variables.
    indices : array of int, shape (k, count), optional
        Column j names the variables of element j. Then `x` has shape (k, count), and an array that the
        function returns holds a residual of each of the first elements. The index n names the number zero.
    """

    def __init__(self, function, n, indices=None):
        self._function, self._n, self._indices = function, n, indices

    def _variables(self, x):
        return x if self._indices is None else np.append(x, 0.0)[self._indices]

    def values(self, x):
        """Return the residuals at `x`, an array of shape (m,)."""
        return np.concatenate([np.atleast_1d(part) for part in self._function(self._variables(x))])

    def at(self, x):
        """Return the residuals, their Jacobian, and a function of m weights: the weighted sum of Hessians."""
        parts = self._function(Jet.variables(self._variables(x)))
        first = [np.atleast_2d(part.first) for part in parts]
        k = first[0].shape[1]
        second = np.concatenate([part.second.reshape(-1, k, k) for part in parts])
        r, J = np.concatenate([np.atleast_1d(part.value) for part in parts]), np.concatenate(first)
        if self._indices is None:
            return r, J, lambda weights: np.tensordot(weights, second, 1)
        where = np.concatenate([self._indices.T[: len(part)] for part in first])
        rows = np.broadcast_to(np.arange(len(r))[:, None], where.shape)
        i, j = np.broadcast_arrays(where[:, :, None], where[:, None, :])

        def curvature(weights):
            return self._scattered(weights[:, None, None] * second, i, j, self._n)

        return r, self._scattered(J, rows, where, len(r)), curvature

    def _scattered(self, values, i, j, rows):
        """Return a sum of entries as an array or a sparse array, without the row and column of the zero."""
        shape = (max(rows, self._n + 1), self._n + 1)
        entries: Any = (values.ravel(), (i.ravel(), j.ravel()))
        matrix: Any = sp.coo_array(entries, shape=shape).tocsr()
        matrix = matrix[:rows, : self._n]
        return matrix.toarray() if self._n <= DENSE else matrix


class AffineResiduals:
    """The residuals A x - b."""

    def __init__(self, A, b):
        self.A, self.b = A, b

    def values(self, x):
        """Return the residuals at `x`."""
        return self.A @ x - self.b

    def at(self, x):
        """Return the residuals, their Jacobian, and a function that returns the sum of their Hessians."""
        return self.values(x), self.A, lambda weights: 0.0  # noqa: ARG005 - the protocol


@dataclass(frozen=True, eq=False, repr=False)
class PowerOfNorm(UnconstrainedProblem):
    r"""A power of the norm of residuals r: :math:`f(x) = c\,\|r(x)\|_2^p`.

    Attributes
    ----------
    residuals : ElementResiduals or AffineResiduals
        The residuals.
    power : float
        The power p; 2 for a sum of squares.
    factor : float
        The factor c.
    metric : array, shape (n, n), or None
        A positive definite matrix that suits the problem as a norm.
    """

    residuals: Any = None
    power: float = 2.0
    factor: float = 1.0
    metric: Any = None

    def residual(self, x):
        """Return the residuals at a point.

        Parameters
        ----------
        x : array, shape (n,)
            The point.

        Returns
        -------
        numpy.ndarray, shape (m,)
            The residuals.
        """
        return self.residuals.values(np.asarray(x, dtype=float))

    def jacobian(self, x):
        """Return the Jacobian of the residuals at a point.

        Parameters
        ----------
        x : array, shape (n,)
            The point.

        Returns
        -------
        numpy.ndarray or sparse array, shape (m, n)
            The Jacobian.
        """
        return self.residuals.at(np.asarray(x, dtype=float))[1]

    def gauss_newton(self, x):
        """Return the Hessian at a point without the second derivatives of the residuals.

        Parameters
        ----------
        x : array, shape (n,)
            The point.

        Returns
        -------
        numpy.ndarray or sparse array, shape (n, n)
            The approximation, positive semidefinite.
        """
        r, J, _ = self.residuals.at(np.asarray(x, dtype=float))
        return self._composed(r, J, J.T @ J)

    def fisher(self, x):
        r"""Return the term of rank one of the Hessian at a point, which is zero for a sum of squares.

        It is :math:`c\,p\,(p - 2)\,\|r\|^{p - 4} (J^T r)(J^T r)^T`.

        Parameters
        ----------
        x : array, shape (n,)
            The point.

        Returns
        -------
        numpy.ndarray, shape (n, n)
            The term, positive semidefinite.
        """
        r, J, _ = self.residuals.at(np.asarray(x, dtype=float))
        g = J.T @ r
        return (self.power - 2) * self._weight(r, 4) * np.outer(g, g)

    def with_power(self, power):
        r"""Return the problem of the same residuals with :math:`f(x) = \|r(x)\|_2^p / p`.

        Parameters
        ----------
        power : float
            The power p, at least 2.

        Returns
        -------
        PowerOfNorm
            Its minima are the powers of those of this problem.
        """
        power = _validate.number(power, "power")
        if power < 2:
            raise ValueError(f"power is {power}; at least 2 is needed")
        norms = [(f / self.factor) ** (1 / self.power) for f in self.minima]
        minima = tuple(norm**power / power for norm in norms)
        name = f"{self.name}, power {power:g}"
        return replace(self, name=name, power=power, factor=1 / power, minima=minima)

    def _value(self, x):
        return float(self.factor * np.linalg.norm(self.residuals.values(x)) ** self.power)

    def _gradient(self, x):
        r, J, _ = self.residuals.at(x)
        return self._weight(r, 2) * (J.T @ r)

    def _hessian(self, x):
        r, J, curvature = self.residuals.at(x)
        return self._composed(r, J, J.T @ J + curvature(r))

    def _weight(self, r, lower):
        """Return ``c p norm(r)**(p - lower)``, and zero at a zero residual where the power is negative."""
        size = float(np.linalg.norm(r))
        return (
            self.factor * self.power * (size ** (self.power - lower) if size or self.power >= lower else 0.0)
        )

    def _composed(self, r, J, inner):
        """Return the Hessian from its part within the power."""
        if self.power == 2:
            return self._weight(r, 2) * inner
        g = J.T @ r
        inner = inner.toarray() if sp.issparse(inner) else inner
        return self._weight(r, 2) * inner + (self.power - 2) * self._weight(r, 4) * np.outer(g, g)


def norm_power(n, m, *, power=4.0, rng=None):
    r"""Return a power of the norm of random affine residuals, :math:`f(x) = \|A x - b\|_2^p / p`.

    Parameters
    ----------
    n : int
        Number of variables.
    m : int
        Number of residuals.
    power : float
        The power p, at least 2.
    rng : int or numpy.random.Generator, optional
        Seed or generator. First A is drawn, then b, uniform in [-1, 1].

    Returns
    -------
    PowerOfNorm
        It starts at ones. Its `metric` is :math:`A^T A + 10^{-8} I`.

    Raises
    ------
    TypeError, ValueError
        If `n` or `m` is not a positive integer, or `power` is below 2.

    Notes
    -----
    For p > 2 the Hessian is singular at a zero residual. With n >= m the minimum is zero. The problem of A.
    Semenov, M. Jaggi, N. Doikov, *Gradient-normalized smoothness for optimization with approximate Hessians*,
    2025, :doi:`10.48550/arXiv.2506.13710`.

    Examples
    --------
    >>> from numsolve.problems import norm_power
    >>> problem = norm_power(20, 10, rng=0)
    >>> problem.minimum
    0.0
    """
    n, m = _validate.count(n, "n", least=1), _validate.count(m, "m", least=1)
    rng = np.random.default_rng(rng)
    A, b = rng.uniform(-1, 1, (m, n)), rng.uniform(-1, 1, m)
    x: Any = np.linalg.lstsq(A, b)[0]
    least = 0.0 if n >= m else float(np.sum((A @ x - b) ** 2))
    squares = PowerOfNorm(
        "norm of affine residuals",
        np.ones(n),
        (least,),
        x,
        "doi:10.48550/arXiv.2506.13710",
        residuals=AffineResiduals(A, b),
        metric=A.T @ A + 1e-8 * np.eye(n),
    )
    return squares.with_power(power)
