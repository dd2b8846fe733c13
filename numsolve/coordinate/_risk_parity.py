"""Risk parity: the portfolio in which each asset has a given share of the variance."""

from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

import numpy as np

from .. import _validate
from .._array import namespace
from .._random import scattered
from .._result import Breakdown, Result, Status, warn_of_miss
from .._run import run
from ..kernels import kernels_for

METHODS = ("ccd", "newton")
# Iterations after which C x is computed anew, and the run ends if nothing was gained.
RENEWED = {"ccd": 1000, "newton": 100}
ENTRIES_PER_CALL = 1 << 26  # read by the sweeps of one call: some milliseconds, for which Ctrl-C has to wait
ASYMMETRY = 1e-6  # largest difference of two correlations that count as equal
FULL_STEP = 0.5  # relative change of a variable up to which a Newton step is taken in full

SAYS = {
    Status.MAXITER: "maxiter reached: raise it, or use the method 'newton'",
    Status.TIME_LIMIT: "time limit reached: raise it, or use the method 'newton'",
    Status.STAGNATED: "the shares stopped improving above the tolerance, at rounding errors: loosen rtol",
    Status.NONFINITE: "the variance of the portfolio is not positive: cov is not positive semidefinite",
}


@dataclass(frozen=True, eq=False, repr=False)
class RiskParityResult(Result):
    """Result of `risk_parity`.

    Attributes
    ----------
    x : array, shape (n,)
        The weights of the assets, which sum to one.
    residuals : numpy.ndarray of floats, shape (nit + 1,)
        The largest difference between the share of an asset and its budget, at the start and after each
        iteration.
    shares : array, shape (n,)
        The share of each asset in the variance, ``x * (cov @ x) / (x @ cov @ x)``.
    volatility : float
        The standard deviation of the portfolio, ``sqrt(x @ cov @ x)``.
    """

    shares: Any = None
    volatility: float = 0.0


def risk_parity(
    cov,
    budgets=None,
    *,
    method="ccd",
    signs=None,
    x0=None,
    rtol=1e-8,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> RiskParityResult:
    r"""Return the weights with which each asset contributes its budget to the variance of a portfolio.

    Find x with :math:`x_i (C x)_i = b_i \, x^T C x` for all assets i. Here C is the covariance matrix, and
    the budgets b sum to one. With equal budgets, each asset has the same share of the risk.

    Parameters
    ----------
    cov : array, shape (n, n)
        The covariance matrix of the returns: symmetric, positive semidefinite, with a positive diagonal. The
        solve is in float64.
    budgets : array, shape (n,), optional
        Positive shares of the variance; they are divided by their sum. Default: all equal.
    method : {"ccd", "newton"}
        Cyclical coordinate descent, or Newton's method.
    signs : array of -1 and 1, shape (n,), optional
        The sign of each weight: -1 for an asset that is sold short. Default: all 1.
    x0 : array, shape (n,), optional
        Starting guess, as the weights of an earlier portfolio; with the signs of `signs`. Default: the one of
        the source.
    rtol, atol : float
        The largest difference between a share and its budget is at most ``max(rtol * max(budgets), atol)``.
    maxiter : int
        Largest number of sweeps or Newton steps.
    time_limit : float, optional
        Largest time in seconds.
    callback : callable, optional
        ``callback(x, error)`` after each iteration, with the weights of the assets; true stops.

    Returns
    -------
    RiskParityResult
        The weights `x`, with the shares and the volatility of the portfolio.

    Raises
    ------
    TypeError
        An argument has the wrong type, or NumPy and CuPy arrays are mixed.
    ValueError
        `cov` is not symmetric, has an entry on the diagonal that is not positive, or is shown not to be
        semidefinite by its entries; or shapes, budgets, signs or `x0` do not fit.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met.

    Notes
    -----
    A sweep of coordinate descent solves each of the equations :math:`x_i (C x)_i = b_i` for its own
    unknown, and then scales x to the variance one; it costs :math:`2 n^2` flops, and the storage is C and
    four vectors. A Newton step solves a linear system of n unknowns, in :math:`2 n^3 / 3` flops. Sweeps
    are faster from some ten assets on, except where they need hundreds: with strong correlations of both
    signs. The sum of weights of both signs may be negative or zero; x is then divided by the sum of the
    magnitudes.

    J. Choi, R. Chen, *Improved iterative methods for solving risk parity portfolio*, J. Deriv. Quant.
    Stud. 30 (2022) 114, :doi:`10.1108/JDQS-12-2021-0031`. The original sweeps: T. Griveau-Billion, J.-C.
    Richard, T. Roncalli, *A fast algorithm for computing high-dimensional risk parity portfolios*,
    :doi:`10.48550/arXiv.1311.4057`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import risk_parity
    >>> cov = np.array([[0.04, 0.006, 0.0], [0.006, 0.01, 0.001], [0.0, 0.001, 0.0025]])
    >>> result = risk_parity(cov)
    >>> result.x.round(3)
    array([0.144, 0.259, 0.598])
    >>> result.shares.round(6)
    array([0.333333, 0.333333, 0.333333])
    """
    _validate.choice(method, "method", METHODS)
    rtol, atol = _validate.tolerances(rtol, atol)
    portfolio = Portfolio(cov, budgets, signs, x0, method)
    batches = method == "ccd" and callback is None and portfolio.library == "numpy"
    steps = newton_steps if method == "newton" else sweeps_in_batches if batches else sweeps
    found = run(
        partial(steps, portfolio),
        portfolio,
        first=1.0,
        tol=max(rtol * float(portfolio.b.max()), atol),
        maxiter=_validate.count(maxiter, "maxiter"),
        callback=callback,
        deadline=_validate.deadline(time_limit),
        says=SAYS,
        batches=batches,
    )
    return warn_of_miss(portfolio.result(found))


class Portfolio:
    """A checked problem.

    Attributes
    ----------
    cov : array, shape (n, n)
        The covariance matrix.
    variances : array, shape (n,)
        Its diagonal.
    b : array, shape (n,)
        The budgets, which sum to one.
    signs : array, shape (n,)
        The signs of the weights.
    start : array, shape (n,)
        The starting guess.
    library : {"numpy", "cupy"}
        The library of the arrays.
    """

    def __init__(self, cov, budgets, signs, x0, method):
        self.library, xp = _validate.same_library(cov=cov, budgets=budgets, signs=signs, x0=x0)
        cov = _validate.as_array(cov, "cov", xp)
        if cov.dtype.kind == "c":
            raise TypeError(f"cov has dtype {cov.dtype}; real numbers are needed")
        cov = cov.astype(float, copy=False)
        n = _validate.square_shape(cov, "cov")
        self.cov, self.variances = xp.ascontiguousarray(cov), cov.diagonal().copy()
        _check(self.cov, self.variances)
        self.b = _budgets(budgets, n, xp)
        self.signs = xp.ones(n) if signs is None else _of_assets(signs, n, "signs", xp)
        if not bool((abs(self.signs) == 1).all()):
            raise ValueError("signs has entries other than -1 and 1")
        self.start = self._usual(method) if x0 is None else self._given(_of_assets(x0, n, "x0", xp))

    def _given(self, x):
        if not bool((x * self.signs > 0).all()):
            raise ValueError("x0 has an entry that is zero, or whose sign is not the one in signs")
        return x

    def _usual(self, method):
        xp = namespace(self.b)
        x = self.signs / xp.sqrt(self.variances)
        if method == "newton":  # each equation solved once for its unknown
            x, q = self.scaled(x)
            a = (q - self.variances * x) / 2
            root = xp.sqrt(a * a + self.variances * self.b)
            x = (self.signs * root - a) / self.variances
        return x

    def scaled(self, x):
        """Return x and ``cov @ x``, scaled to the variance one, if it has any variance."""
        q = self.cov @ x
        variance = float(x @ q)
        scale = variance**-0.5 if 0 < variance < inf else 1.0
        return x * scale, q * scale

    def shown(self, x):
        """Return the weights, with the sum one."""
        total, size = float(x.sum()), float(abs(x).sum())
        return x / (total if total > 1e-12 * size else size)

    def result(self, found):
        """Return the result with what belongs to the weights."""
        x = found.x
        image = self.cov @ x
        variance = float(x @ image)
        return RiskParityResult(
            **vars(found),
            shares=x * image / variance if variance > 0 else 0 * x,
            volatility=max(variance, 0.0) ** 0.5,
        )


def sweeps(portfolio, x):
    """Yield x and its squared error after each sweep of the improved cyclical coordinate descent."""
    sweep, still = kernels_for(x).risk_sweep, namespace(x).zeros(1, bool)
    data = portfolio.cov, portfolio.signs, portfolio.b
    x, q = portfolio.scaled(x)
    live = yield x, sweep(still, *data, x, q)
    for _ in range(RENEWED["ccd"]):
        live = yield x, sweep(live, *data, x, q)
        if live is None:
            raise _not_semidefinite()


def sweeps_in_batches(portfolio, x):
    """Yield the same, many sweeps at a time: a sweep of a small portfolio takes less time than the loop."""
    from ..kernels.host.sweeps import many_risk_sweeps

    data = portfolio.cov, portfolio.signs, portfolio.b
    x, q = portfolio.scaled(x)
    best = float(((x * q - portfolio.b) ** 2).max())
    goal, room = yield x, best
    squares = np.empty(1 + min(RENEWED["ccd"], ENTRIES_PER_CALL // len(x) ** 2))
    while True:
        taken = many_risk_sweeps(goal, *data, x, squares[:room])
        if taken == len(squares) and not squares[taken - 1] < best:
            raise Breakdown(SAYS[Status.STAGNATED], Status.STAGNATED)
        best = min(best, squares[taken - 1])
        limits = yield x, squares[:taken]
        if limits is None:
            raise _not_semidefinite()
        goal, room = limits


def newton_steps(portfolio, x):
    """Yield x and its squared error after each damped Newton step for ``C x = b / x``."""
    xp, C, b, scale = namespace(x), portfolio.cov, portfolio.b, portfolio.variances**-0.5
    R, diagonal = C * scale * scale[:, None], xp.arange(len(x))
    x, q = portfolio.scaled(x)
    live = yield x, ((x * q - b) ** 2).max()
    for _ in range(RENEWED["newton"]):
        J = R.copy()
        J[diagonal, diagonal] += b * (scale / x) ** 2
        try:
            d = scale * xp.linalg.solve(J, scale * (b / x - q))
        except np.linalg.LinAlgError:
            raise _not_semidefinite() from None
        largest = abs(d / x).max()
        x = xp.where(live, x + d * xp.where(largest < FULL_STEP, 1, 1 / (1 + largest)), x)
        q = C @ x
        live = yield x, ((x * q - b) ** 2).max()
        if live is None:
            raise _not_semidefinite()


def _check(cov, variances):
    """Raise unless the diagonal is positive, and cov seems symmetric and semidefinite.

    Two products with a vector show an asymmetry, and the largest entries a correlation above one.
    """
    if not bool((variances > 0).all()):
        _validate.finite(variances, "cov")
        first = int((variances <= 0).argmax())
        raise ValueError(f"asset {first} has the variance {float(variances[first]):.3g}; it must be positive")
    deviations = variances**0.5
    v = (0.5 + scattered(namespace(cov).arange(len(cov), dtype=float))) / deviations
    with np.errstate(all="ignore"):
        difference = float((abs(cov @ v - v @ cov) / deviations).max())
    if not difference < inf:
        _validate.finite(cov, "cov")
    if difference > ASYMMETRY * len(cov):
        raise ValueError("cov is not symmetric: pass (cov + cov.T) / 2")
    if max(float(cov.max()), -float(cov.min())) > (1 + ASYMMETRY) * float(variances.max()):
        raise ValueError("cov is not positive semidefinite: an entry exceeds all variances")


def _of_assets(values, n, name, xp):
    """Return real numbers, one for each asset."""
    values = _validate.real(values, name, xp)
    if values.shape != (n,):
        raise ValueError(f"{name} has shape {values.shape}, but cov needs ({n},)")
    return values


def _budgets(budgets, n, xp):
    """Return the budgets, divided by their sum."""
    if budgets is None:
        return xp.full(n, 1 / n)
    budgets = _of_assets(budgets, n, "budgets", xp)
    if bad := int((budgets <= 0).sum()):
        raise ValueError(f"budgets has {bad} entries <= 0; all must be positive: leave such assets out")
    return budgets / budgets.sum()


def _not_semidefinite():
    return Breakdown(
        "the variance of the portfolio is not positive: cov is not semidefinite, or the assets cancel",
        Status.BREAKDOWN,
    )
