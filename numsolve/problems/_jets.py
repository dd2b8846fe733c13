"""Arrays with their first and second derivatives: exact derivatives of a function from its text alone."""

from typing import Any

import numpy as np


class Jet(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of functions of k variables at a point: values, gradients and Hessians.

    NumPy's operators and elementary functions apply to it, so that the text of a function of arrays is also
    the text of its derivatives.

    Griewank, Walther, *Evaluating derivatives*, 2nd ed., SIAM 2008, chapter 13,
    doi:10.1137/1.9780898717761.

    Attributes
    ----------
    value : array, shape S
        The values.
    first : array, shape S + (k,)
        The gradients.
    second : array, shape S + (k, k)
        The Hessians.
    """

    def __init__(self, value, first, second):
        self.value, self.first, self.second = np.asarray(value), first, second

    @classmethod
    def variables(cls, x):
        """Return k variables whose values are the rows of `x`, of shape (k,) or (k, count)."""
        k = len(x)
        unit = np.eye(k).reshape(k, *(1,) * (x.ndim - 1), k)
        return cls(x, np.broadcast_to(unit, (*x.shape, k)), np.zeros((*x.shape, k, k)))

    @classmethod
    def constant(cls, x):
        """Return an array that does not depend on the variables."""
        x = np.asarray(x, dtype=float)
        return cls(x, np.zeros((*x.shape, 1)), np.zeros((*x.shape, 1, 1)))

    def __array_ufunc__(self, ufunc, method, *operands, **options):
        if method != "__call__" or options or ufunc not in RULES:
            return NotImplemented
        return RULES[ufunc](*operands)

    def __len__(self):
        return len(self.value)

    def __getitem__(self, key):
        return Jet(self.value[key], self.first[key], self.second[key])

    def sum(self):
        """Return the sum over the first axis."""
        return Jet(self.value.sum(0), self.first.sum(0), self.second.sum(0))

    def compose(self, value, slope, curvature):
        """Return a function of this array, from its value and its two derivatives at `self.value`."""
        slope, curvature = np.asarray(slope), np.asarray(curvature)
        outer = self.first[..., :, None] * self.first[..., None, :]
        second = slope[..., None, None] * self.second + curvature[..., None, None] * outer
        return Jet(value, slope[..., None] * self.first, second)


def value_of(x):
    """Return the values of an array, which may be a `Jet`."""
    return x.value if isinstance(x, Jet) else x


def as_jet(x, k):
    """Return a number, which may be a `Jet` or not depend on the variables, as a jet of k variables."""
    return x if isinstance(x, Jet) else Jet(x, np.zeros(k), np.zeros((k, k)))


def _jets(*operands):
    return [x if isinstance(x, Jet) else Jet.constant(x) for x in operands]


def _add(x, y):
    x, y = _jets(x, y)
    return Jet(x.value + y.value, x.first + y.first, x.second + y.second)


def _multiply(x, y):
    x, y = _jets(x, y)
    u, v = x.value, y.value
    cross = x.first[..., :, None] * y.first[..., None, :] + y.first[..., :, None] * x.first[..., None, :]
    second = u[..., None, None] * y.second + v[..., None, None] * x.second + cross
    return Jet(u * v, u[..., None] * y.first + v[..., None] * x.first, second)


def _divide(x, y):
    return _multiply(x, _power(y, -1.0) if isinstance(y, Jet) else 1 / np.asarray(y))


def _power(x, p):
    """Return the power of an array; p is a number other than 0 and 1."""
    u = x.value
    return x.compose(u**p, p * u ** (p - 1), p * (p - 1) * u ** (p - 2))


def _matmul(A, x):
    """Multiply an array of numbers with one of a single axis."""
    return Jet(A @ x.value, A @ x.first, np.tensordot(A, x.second, 1))


def _elementary(function, slope, curvature):
    """Return the rule of a function of a number, whose derivatives are functions of its argument."""
    return lambda x: x.compose(function(x.value), slope(x.value), curvature(x.value))


RULES: dict[Any, Any] = {
    np.add: _add,
    np.subtract: lambda x, y: _add(x, -y),
    np.negative: lambda x: _multiply(-1.0, x),
    np.multiply: _multiply,
    np.divide: _divide,
    np.power: _power,
    np.matmul: _matmul,
    np.exp: _elementary(np.exp, np.exp, np.exp),
    np.log: _elementary(np.log, lambda u: 1 / u, lambda u: -1 / u**2),
    np.sin: _elementary(np.sin, np.cos, lambda u: -np.sin(u)),
    np.cos: _elementary(np.cos, lambda u: -np.sin(u), lambda u: -np.cos(u)),
    np.arctan: _elementary(np.arctan, lambda u: 1 / (1 + u**2), lambda u: -2 * u / (1 + u**2) ** 2),
}
