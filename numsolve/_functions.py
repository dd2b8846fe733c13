"""The caller's variables and functions: shapes and dtypes are checked, evaluations counted, faults kept."""

import time
from math import inf
from typing import Any

import numpy as np

from . import _validate
from ._result import Breakdown, Status


class Function:
    """A function of the caller, which maps the variables to an array.

    It is called with a copy of the point in the caller's shape. An exception in the first evaluation is
    raised unchanged. A later one becomes a `Breakdown`, which the loop turns into a status; `failure` keeps
    it. Values that are not finite are returned: methods shorten their step.

    Attributes
    ----------
    calls : int
        Number of evaluations.
    failure : Exception or None
        What the function raised.
    deadline : float
        Time of ``time.monotonic()`` from which on a call raises a `Breakdown`, except the first one.
    """

    def __init__(self, fun, variables, args=(), name="fun"):
        if not callable(fun):
            raise TypeError(f"{name} is a {type(fun).__name__}; a callable is needed")
        self._fun, self._variables, self.name = fun, variables, name
        self._args = args if isinstance(args, tuple) else (args,)
        self.calls, self.failure, self.deadline = 0, None, inf

    def __call__(self, x, *more) -> Any:
        """Return what the function returns at the vector `x`, with `more` arguments before the caller's."""
        return self._called(self._variables.shown(x), *more)

    def _called(self, point, *more) -> Any:
        """Call the function with an array that it may keep."""
        if self.calls and time.monotonic() > self.deadline:
            raise Breakdown("time limit reached: raise it, or choose another x0", Status.TIME_LIMIT)
        self.calls += 1
        try:
            return self._fun(point, *more, *self._args)
        except Exception as error:
            if self.calls == 1:
                raise
            self.failure = error
            raise Breakdown(
                f"{self.name} raised {type(error).__name__}: {error}", Status.BREAKDOWN
            ) from error


class VectorFunction(Function):
    """A function whose values are arrays of one size; they are returned as vectors of the working dtype.

    Attributes
    ----------
    m : int or None
        The number of values. None before the first evaluation, unless it was given.
    shape : tuple or None
        The shape of what the function returned first.
    """

    def __init__(self, fun, variables, args=(), name="fun", m=None, because="the first value has"):
        super().__init__(fun, variables, args, name)
        self.m, self.shape, self._because = m, None, because

    def __call__(self, x, *more):
        return self.checked(super().__call__(x, *more))

    def difference(self, x, f, out):
        """Write the value at `x`, which the function may keep, minus `f` to `out`: without further copies."""
        value = self.checked(self._called(x.reshape(self._variables.shape)), copied=False)
        out[...] = value - f
        return out

    def checked(self, value, copied=True):
        """Return a value of the function as a vector, which may be the caller's array unless `copied`.

        Raise unless its size and dtype fit.
        """
        variables = self._variables
        value = _validate.as_array(value, f"the value of {self.name}", variables.xp)
        if self.m is not None and value.size != self.m:
            raise ValueError(
                f"{self.name} returned an array of shape {value.shape} with {value.size} entries, but "
                f"{self._because} {self.m}"
            )
        if value.dtype.kind == "c" and variables.dtype.kind != "c":
            raise TypeError(f"{self.name} returned complex values for real variables: pass a complex x0")
        if self.shape is None:
            self.m, self.shape = value.size, value.shape or (1,)
        return value.reshape(-1).astype(variables.dtype, copy=copied)


class ScalarFunction(Function):
    """A function whose values are numbers; they are returned as floats of the host."""

    def __call__(self, x):
        return self.checked(super().__call__(x))

    def checked(self, value):
        """Return a value of the function as a float; raise unless it is one real number."""
        try:
            size = int(np.prod(_validate.shape_of(value)))
            number = complex(value.item() if hasattr(value, "item") and size == 1 else value)
        except (TypeError, ValueError):
            raise TypeError(
                f"{self.name} returned a {type(value).__name__} of shape {_validate.shape_of(value)}; one "
                "number is needed"
            ) from None
        if number.imag:
            raise TypeError(f"{self.name} returned the complex number {number}; a real one is needed")
        return number.real


class WithDerivative:
    """A function that returns a pair, its value and its derivative, as two functions of the caller.

    The derivative belongs to the last point, so that one call gives both.
    """

    def __init__(self, fun):
        if not callable(fun):
            raise TypeError(f"fun is a {type(fun).__name__}; a callable is needed")
        self._fun = fun
        self._x: Any = None
        self._pair: Any = None

    def _at(self, x, args):
        if self._x is None or not bool((self._x == x).all()):
            at = x.copy()  # the caller may change x
            pair = self._fun(x, *args)
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                raise TypeError("jac=True needs a fun that returns a pair: the value and the derivative")
            self._x, self._pair = at, pair
        return self._pair

    def value(self, x, *args):
        """Return the value at `x`."""
        return self._at(x, args)[0]

    def derivative(self, x, *args):
        """Return the derivative at `x`."""
        return self._at(x, args)[1]
