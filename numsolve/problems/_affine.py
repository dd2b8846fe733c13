"""Functions of A x - b: sums of a function of each entry, and the soft maximum."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import _validate
from ._residuals import DENSE
from ._unconstrained import UnconstrainedProblem


def positive_power(t, p, order):
    """Return a derivative of ``max(t, 0)**p``."""
    t = np.maximum(t, 0)
    return (t**p, p * t ** (p - 1), p * (p - 1) * (t ** (p - 2) if p > 2 else (t > 0)))[order]


def absolute_power(t, p, order):
    """Return a derivative of ``abs(t)**p / p``."""
    size = abs(t)
    return (size**p / p, size ** (p - 1) * np.sign(t), (p - 1) * size ** (p - 2))[order]


def softplus(t, p, order):  # noqa: ARG001 - the protocol
    """Return a derivative of ``log(1 + exp(t))``."""
    if order == 0:
        return np.logaddexp(0, t)
    sigmoid = np.where(t < 0, np.exp(-np.logaddexp(0, -t)), 1 / (1 + np.exp(-abs(t))))
    return sigmoid if order == 1 else np.exp(-abs(t)) / (1 + np.exp(-abs(t))) ** 2


def log_barrier(t, p, order):  # noqa: ARG001 - the protocol
    """Return a derivative of ``-log(-t)``, which is infinite unless t is negative."""
    t = np.where(t < 0, t, np.nan)
    return (np.where(np.isnan(t), np.inf, -np.log(-t)), -1 / t, 1 / t**2)[order]


@dataclass(frozen=True, eq=False, repr=False)
class SumOfTerms(UnconstrainedProblem):
    r"""A sum over the entries of A x - b and a ridge.

    :math:`f(x) = c \sum_i \varphi_p((Ax - b)_i) + \frac{l}{2} \|x\|^2`

    Attributes
    ----------
    A : array or sparse array, shape (m, n)
        The matrix.
    b : array, shape (m,)
        The shift.
    term : callable
        ``term(t, p, order)`` returns a derivative of the function of an entry.
    power : float
        The parameter p.
    factor : float
        The factor c.
    ridge : float
        The factor l.
    """

    A: Any = None
    b: Any = None
    term: Any = None
    power: float = 0.0
    factor: float = 1.0
    ridge: float = 0.0

    def _derivative(self, x, order) -> Any:
        return self.factor * self.term(self.A @ x - self.b, self.power, order)

    def _value(self, x):
        return float(self._derivative(x, 0).sum() + self.ridge / 2 * (x @ x))

    def _gradient(self, x):
        return self.A.T @ self._derivative(x, 1) + self.ridge * x

    def _hessian(self, x):
        scaled: Any = self.A * np.sqrt(self._derivative(x, 2))[:, None]
        if not sp.issparse(scaled):
            return scaled.T @ scaled + self.ridge * np.eye(self.n)
        H: Any = scaled.T @ scaled + self.ridge * sp.eye_array(self.n)
        few = self.n > DENSE and H.nnz < 0.2 * self.n**2
        return sp.csr_array(H) if few else H.toarray()

    def _product(self, x, v):
        return self.A.T @ (self._derivative(x, 2) * (self.A @ v)) + self.ridge * v


@dataclass(frozen=True, eq=False, repr=False)
class SoftMaximum(UnconstrainedProblem):
    r"""The soft maximum of affine functions, :math:`f(x) = \mu \ln \sum_i \exp((Ax - b)_i / \mu)`.

    Attributes
    ----------
    A : array, shape (m, n)
        The matrix.
    b : array, shape (m,)
        The shift.
    mu : float
        The smoothing.
    """

    A: Any = None
    b: Any = None
    mu: float = 1.0

    @property
    def metric(self):
        r"""The matrix :math:`A^T A`, a norm that suits the problem."""
        return self.A.T @ self.A

    def _shares(self, x):
        """Return the value at `x`, and the softmax of the affine functions."""
        t = (self.A @ x - self.b) / self.mu
        top = t.max()
        shares = np.exp(t - top)
        total = shares.sum()
        return float(self.mu * (top + np.log(total))), shares / total

    def _value(self, x):
        return self._shares(x)[0]

    def _gradient(self, x):
        return self.A.T @ self._shares(x)[1]

    def _hessian(self, x):
        shares = self._shares(x)[1]
        return _weighted_square(self.A - self.A.T @ shares, shares / self.mu)

    def _product(self, x, v):
        shares, along = self._shares(x)[1], self.A @ v
        return self.A.T @ (shares * (along - shares @ along)) / self.mu

    def gauss_newton(self, x):
        r"""Return the weighted Gauss-Newton approximation of the Hessian at `x`.

        It is :math:`A^T \mathrm{diag}(\pi) A / \mu` with the softmax :math:`\pi` of the affine functions.

        Parameters
        ----------
        x : array, shape (n,)
            The point.

        Returns
        -------
        numpy.ndarray, shape (n, n)
            The approximation, positive semidefinite.
        """
        return _weighted_square(self.A, self._shares(np.asarray(x, dtype=float))[1] / self.mu)


def _weighted_square(A, weights):
    """Return ``A.T @ diag(weights) @ A``, symmetric to the last bit."""
    scaled = np.sqrt(weights)[:, None] * A
    return scaled.T @ scaled


def soft_maximum(n, terms, *, mu=0.05, rng=None):
    r"""Return a soft maximum of random affine functions, whose minimum is at zero.

    Parameters
    ----------
    n : int
        Number of variables.
    terms : int
        Number of affine functions.
    mu : float
        The smoothing: the smaller, the nearer the function to the maximum, and the harder the problem.
    rng : int or numpy.random.Generator, optional
        Seed or generator. First the transpose of A is drawn, then b, uniform in [-1, 1]; then the gradient at
        zero is subtracted from the rows of A.

    Returns
    -------
    SoftMaximum
        :math:`f(x) = \mu \ln \sum_i \exp((\langle a_i, x \rangle - b_i) / \mu)`. It starts at ones.

    Raises
    ------
    TypeError, ValueError
        If `n` or `terms` is not a positive integer, or `mu` is not positive.

    Notes
    -----
    The problem of N. Doikov, K. Mishchenko, Y. Nesterov, *Super-universal regularized Newton method*, SIAM J.
    Optim. 34 (2024), :doi:`10.1137/22M1519444`; with ``mu=1`` it is called log-sum-exp.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.problems import soft_maximum
    >>> problem = soft_maximum(10, 20, rng=0)
    >>> bool(np.linalg.norm(problem.grad(np.zeros(10))) < 1e-14)
    True
    """
    n, terms = _validate.count(n, "n", least=1), _validate.count(terms, "terms", least=1)
    mu = _validate.positive(mu, "mu")
    rng = np.random.default_rng(rng)
    A, b = rng.uniform(-1, 1, (n, terms)).T, rng.uniform(-1, 1, terms)
    zero = np.zeros(n)
    drawn = SoftMaximum("", zero, A=A, b=b, mu=mu)
    source = "doi:10.1137/22M1519444"
    return SoftMaximum(
        "soft maximum", np.ones(n), (drawn.fun(zero),), zero, source, A=A - drawn.grad(zero), b=b, mu=mu
    )


def polytope_feasibility(n, m, *, power=3.0, rng=None):
    r"""Return the violation of random linear inequalities A x <= b.

    Parameters
    ----------
    n : int
        Number of variables.
    m : int
        Number of inequalities.
    power : float
        The power p, at least 2.
    rng : int or numpy.random.Generator, optional
        Seed or generator. First A is drawn, then b, uniform in [-1, 1].

    Returns
    -------
    SumOfTerms
        :math:`f(x) = \sum_i \max(\langle a_i, x \rangle - b_i, 0)^p`. It starts at ones. Its minimum is zero
        if there is a point that fulfils all inequalities, and is known only if m <= n.

    Raises
    ------
    TypeError, ValueError
        If `n` or `m` is not a positive integer, or `power` is below 2.

    Notes
    -----
    The Hessian is singular where few inequalities are violated. For p = 2 it jumps. The problem of N. Doikov,
    K. Mishchenko, Y. Nesterov, *Super-universal regularized Newton method*, SIAM J. Optim. 34 (2024),
    :doi:`10.1137/22M1519444`.

    Examples
    --------
    >>> from numsolve.problems import polytope_feasibility
    >>> polytope_feasibility(20, 10, rng=0).minimum
    0.0
    """
    n, m = _validate.count(n, "n", least=1), _validate.count(m, "m", least=1)
    power = _power(power)
    rng = np.random.default_rng(rng)
    A, b = rng.uniform(-1, 1, (m, n)), rng.uniform(-1, 1, m)
    minima, x = ((0.0,), np.linalg.lstsq(A, b)[0]) if m <= n else ((), None)
    source = "doi:10.1137/22M1519444"
    return SumOfTerms(
        "polytope feasibility", np.ones(n), minima, x, source, A=A, b=b, term=positive_power, power=power
    )


def analytic_centre(n, m, *, start=0.99, rng=None):
    r"""Return the logarithmic barrier of a random polytope, which is self-concordant.

    Parameters
    ----------
    n : int
        Number of variables.
    m : int
        Number of inequalities, at least 2 n, of which n bound the variables from above and n from below.
    start : float
        The start: 0 is the origin, 1 a point of the boundary.
    rng : int or numpy.random.Generator, optional
        Seed or generator for the other rows of A, uniform in [-1, 1].

    Returns
    -------
    SumOfTerms
        :math:`f(x) = -\sum_i \ln(1 - \langle a_i, x \rangle)`, which is infinite outside of the polytope.

    Raises
    ------
    TypeError, ValueError
        If `n` is not a positive integer, `m` is too small, or `start` is not in [0, 1).

    Notes
    -----
    :math:`|D^3 f(x)[h, h, h]| \le 2\,(D^2 f(x)[h, h])^{3/2}`: Yu. Nesterov, A. Nemirovskii, *Interior-point
    polynomial algorithms in convex programming*, SIAM 1994, :doi:`10.1137/1.9781611970791`.

    Examples
    --------
    >>> from numsolve.problems import analytic_centre
    >>> problem = analytic_centre(5, 15, rng=0)
    >>> float(problem.fun(2 * problem.x0))
    inf
    """
    n = _validate.count(n, "n", least=1)
    m, start = _validate.count(m, "m", least=2 * n), _validate.tolerance(start, "start")
    if start >= 1:
        raise ValueError(f"start is {start}; a number below 1 is needed")
    A = np.concatenate([np.eye(n), -np.eye(n), np.random.default_rng(rng).uniform(-1, 1, (m - 2 * n, n))])
    x0 = start * np.ones(n) / (A @ np.ones(n)).max()
    source = "doi:10.1137/1.9781611970791"
    return SumOfTerms("analytic centre", x0, source=source, A=A, b=np.ones(m), term=log_barrier)


def worst_instance(n, *, power=3.0):
    r"""Return a chain of powers of differences, the hardest problem for methods of one order.

    Parameters
    ----------
    n : int
        Number of variables.
    power : float
        The power q, at least 2; the problem is the hardest for methods with derivatives up to order q - 1.

    Returns
    -------
    SumOfTerms
        :math:`f(x) = \frac{1}{q} \sum_{i < n} |x_i - x_{i+1}|^q + \frac{1}{q} |x_n|^q`. It starts at ones and
        has its minimum at zero.

    Raises
    ------
    TypeError, ValueError
        If `n` is not a positive integer, or `power` is below 2.

    Notes
    -----
    The derivative of order q - 1 has the Lipschitz constant :math:`2^{q - 1} (q - 1)!`, which is 8 for q = 3.
    At the start all differences but the last are zero: a step changes one more variable. The problem of Y.
    Nesterov, *Implementable tensor methods in unconstrained convex optimization*, Math. Program. 186 (2021)
    157-183, :doi:`10.1007/s10107-019-01449-1`.

    Examples
    --------
    >>> from numsolve.problems import worst_instance
    >>> problem = worst_instance(100)
    >>> problem.fun(problem.x0) == 1 / 3
    True
    """
    n, power = _validate.count(n, "n", least=1), _power(power)
    A: Any = sp.csr_array(sp.eye_array(n) - sp.eye_array(n, k=1))
    source = "doi:10.1007/s10107-019-01449-1"
    zero = np.zeros(n)
    return SumOfTerms(
        "worst instance", np.ones(n), (0.0,), zero, source, A=A, b=zero, term=absolute_power, power=power
    )


def logistic_regression(X, y, *, ridge=1e-4):
    r"""Return the mean loss of logistic regression with a ridge.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The features, one row an observation.
    y : array, shape (m,)
        The labels, two different numbers.
    ridge : float
        The factor l of the ridge, zero or positive.

    Returns
    -------
    SumOfTerms
        :math:`f(x) = \frac{1}{m} \sum_i \ln(1 + \exp(-s_i \langle X_i, x \rangle)) + \frac{l}{2} \|x\|^2`,
        where :math:`s_i` is -1 for the smaller label and 1 for the larger. It starts at zero.

    Raises
    ------
    TypeError, ValueError
        If X and y do not fit, y does not have two labels, or `ridge` is negative.

    Notes
    -----
    Without a ridge there is no minimum if a hyperplane separates the labels.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.problems import logistic_regression
    >>> problem = logistic_regression(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0]]), np.array([0, 1, 1]))
    >>> round(problem.fun(problem.x0), 6)
    0.693147
    """
    y = np.asarray(y)
    X = sp.csr_array(X) if sp.issparse(X) else np.asarray(X, dtype=float)
    m, n = _validate.matrix_shape(X, "X")
    labels = np.unique(y)
    if y.shape != (m,) or len(labels) != 2:
        raise ValueError(f"y has shape {y.shape} and {len(labels)} labels; ({m},) and two labels are needed")
    ridge = _validate.number(ridge, "ridge")
    if ridge < 0:
        raise ValueError(f"ridge is {ridge}; zero or a positive number is needed")
    minus = np.where(y == labels[1], -1.0, 1.0)
    A: Any = X * minus[:, None]
    A = sp.csr_array(A) if sp.issparse(A) else A
    return SumOfTerms(
        "logistic regression", np.zeros(n), A=A, b=np.zeros(m), term=softplus, factor=1 / m, ridge=ridge
    )


def _power(power):
    power = _validate.number(power, "power")
    if power < 2:
        raise ValueError(f"power is {power}; at least 2 is needed")
    return power
