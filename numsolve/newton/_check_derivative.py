"""A check of derivatives by central differences along random directions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _random
from .._array import to_host
from .._functions import VectorFunction, WithDerivative
from .._variables import Variables
from ._jacobians import GivenJacobian

DIRECTIONS = 3
ALL_COLUMNS = 100  # variables up to which every column is looked at
SLACK = 10  # times the estimated error of a difference


@dataclass(frozen=True)
class DerivativeCheck:
    """Result of `check_derivative`.

    Attributes
    ----------
    success : bool
        Whether the derivative agrees with differences of the function.
    error : float
        Largest relative difference in a row, along a random direction, less the error of the differences.
    entry : tuple of int, or None
        Row and column of the entry that differs most, in the order of ``ravel``; None if all agree. With more
        than 100 variables it is an entry that differs, found by halving the columns.
    given, difference : float or complex
        The value of this entry in the derivative, and that of the difference.
    message : str
        The same in words.
    nfev : int
        Evaluations of the function.
    """

    success: bool
    error: float
    entry: tuple[int, int] | None
    given: complex
    difference: complex
    message: str
    nfev: int

    def check(self):
        """Return the result itself, or raise.

        Returns
        -------
        DerivativeCheck
            The result, if the derivative agrees.

        Raises
        ------
        ValueError
            It does not; the message names the entry.
        """
        if not self.success:
            raise ValueError(self.message)
        return self


def check_derivative(
    fun: Callable[..., Any],
    x: Any,
    jac: Callable[..., Any] | bool,
    args: tuple | Any = (),
    *,
    products: bool = False,
    rng: Any = None,
) -> DerivativeCheck:
    """Compare a derivative with central differences of the function along random directions.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` returns an array or a number: for a gradient the objective, for a Hessian the
        gradient.
    x : array of any shape
        The point. Entries of a generic point show more errors than zeros.
    jac : callable or True
        ``jac(x, *args)`` returns the derivative: a gradient, a dense or sparse matrix, or a LinearOperator.
        True: `fun` returns a pair, its value and the derivative.
    args : tuple
        Further arguments of `fun` and `jac`.
    products : bool
        Whether `jac` returns products, ``jac(x, v, *args)``, as SciPy's `hessp` does.
    rng : seed, Generator or None, optional
        Random numbers for the directions.

    Returns
    -------
    DerivativeCheck
        ``success``, ``error``, ``entry`` (the row and column that differ most), ``given``, ``difference`` and
        ``message``. It is false if the derivative is wrong; ``check()`` then raises.

    Raises
    ------
    ValueError
        `x` is not finite, the shape of the derivative does not fit, or `fun` is not finite near `x`.
    TypeError
        A dtype is not supported.

    Notes
    -----
    Twelve evaluations of `fun`. If a row differs by more than the fourth root of machine epsilon, and by more
    than the differences of two step lengths differ from each other, further ones find the column: four for
    each variable, or for more than 100 variables eight for each halving.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve import newton
    >>> fun = lambda x: np.array([x[0] * x[1], np.sin(x[1])])
    >>> jac = lambda x: np.array([[x[1], x[0]], [0.0, np.sin(x[1])]])
    >>> newton.check_derivative(fun, [1.0, 2.0], jac, rng=0).message
    'the derivative of value 1 by variable 1 is 0.909297, but differences give -0.416147'
    """
    variables = Variables(x, name="x")
    if jac is True:
        pair = WithDerivative(fun)
        fun, jac = pair.value, pair.derivative
    function = VectorFunction(fun, variables, args)
    function(variables.start)
    comparison = _Comparison(function, variables, _products(function, jac, variables, args, products))
    generator = np.random.default_rng(rng)
    worst, row = 0.0, 0
    for _ in range(DIRECTIONS):
        v = _random.standard_normal(generator, variables.n, dtype=variables.dtype)
        errors = comparison.errors(variables.xp.asarray(v))
        if errors.max(initial=0) > worst:
            worst, row = float(errors.max()), int(errors.argmax())
    if worst <= comparison.tolerance:
        message = f"the derivative agrees with differences: relative error {worst:.1e}"
        return DerivativeCheck(True, worst, None, 0.0, 0.0, message, function.calls)
    column = comparison.wrong_column(row)
    given, difference = comparison.entry(row, column)
    message = (
        f"the derivative of value {row} by variable {column} is {given:.6g}, but differences give "
        f"{difference:.6g}"
    )
    return DerivativeCheck(False, worst, (row, column), given, difference, message, function.calls)


def _products(function, jac, variables, args, products):
    """Return the function ``v -> J v`` at the point, for a vector v."""
    if not products:
        return GivenJacobian(jac, function, variables, args).at(variables.start, None).__matmul__

    def multiply(v):
        def product(x, *args):
            return jac(x, variables.shown(v), *args)

        return VectorFunction(product, variables, args, "jac", function.m, "fun returned")(variables.start)

    return multiply


class _Comparison:
    """Differences of a function at a point, and the products that they should equal."""

    def __init__(self, function, variables, multiply):
        self._function, self._variables, self._multiply = function, variables, multiply
        eps = float(np.finfo(variables.dtype).eps)
        self.tolerance, self._step = eps**0.25, eps ** (1 / 3)
        self._units = variables.xp.maximum(abs(variables.start), 1)

    def pair(self, v):
        """Return the product with ``v`` in units of the variables, the difference, and the error of that."""
        step = (self._units * v).astype(self._variables.dtype)
        near, far = self._difference(step, self._step), self._difference(step, 2 * self._step)
        product, near, far = to_host(self._multiply(step), near, far)
        if not np.isfinite(near).all():
            raise ValueError("fun is not finite near x: choose another point")
        return product, near, abs(near - far)

    def _difference(self, step, h):
        """Return the central difference of the function along a step."""
        x = self._variables.start
        return (self._function(x + h * step) - self._function(x - h * step)) / (2 * h)

    def errors(self, v):
        """Return the relative difference in each row, less the error of the differences."""
        product, difference, uncertainty = self.pair(v)
        size = np.maximum(abs(product), abs(difference))
        excess = np.maximum(abs(product - difference) - SLACK * uncertainty, 0)
        excess = np.where(np.isfinite(product), excess, np.inf)
        return np.where(excess > 0, excess / np.where(size > 0, size, 1), 0)

    def wrong_column(self, row):
        """Return a column in which this row differs: the one that differs most, of not too many."""
        columns = np.arange(self._variables.n)
        while len(columns) > 1 and self._variables.n > ALL_COLUMNS:
            columns = max(np.array_split(columns, 2), key=lambda half: self._gap(row, half))
        return int(max(columns, key=lambda column: self._gap(row, [column])))

    def _gap(self, row, columns):
        product, difference, _ = self.pair(self._vector_on(columns))
        gap = abs(product[row] - difference[row])
        return gap if np.isfinite(gap) else np.inf

    def _vector_on(self, columns):
        """Return a vector with nonzeros in these columns only; one of them is 1."""
        v = np.zeros(self._variables.n)
        v[columns] = 1 - 0.5 * _random.scattered(np.arange(len(columns), dtype=float))
        return self._variables.xp.asarray(v)

    def entry(self, row, column):
        """Return an entry of the derivative and of the differences."""
        product, difference, _ = self.pair(self._vector_on([column]))
        unit = to_host(self._units)[column]
        return (product[row] / unit).item(), (difference[row] / unit).item()
