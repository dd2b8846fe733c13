"""Calls that were written for SciPy: their arguments are translated, or refused with what to use instead."""

import sys
from functools import wraps
from inspect import signature
from typing import Any, TypeVar, cast

import numpy as np

from .. import _callbacks, _validate
from .._array import namespace, to_host
from .._linear.direct import column_norms
from .._operators.hermitian import hermitian

F = TypeVar("F", bound=Any)
CALLBACK_TYPES = ("legacy", "pr_norm", "x")
INSTEAD = {
    "tol": "pass rtol",
    "residuals": "the history is the attribute residuals of the result",
    "M1": "pass M, one approximation of the inverse",
    "M2": "pass M, one approximation of the inverse",
    "iter_lim": "pass maxiter",
    "show": "pass callback=numsolve.Progress()",
    "check": "A is tested unless it is numsolve.hermitian(A)",
    "callback_type": "a callback is called as callback(x, residual_norm) or callback(x)",
}


def call(translate=None):
    """Return a decorator for a method that also takes calls written for SciPy.

    ``translate(method, A, b, args, options)`` changes the dictionary of keyword arguments in place. It
    returns A, b, the positional arguments after them, and a function that is applied to the result. None of
    the methods has an argument that it does not know: what is left after the translation is refused.
    """

    def decorate(method: F) -> F:
        own = signature(method).parameters

        @wraps(method)
        def called(A, b, *args, **options):
            finish = None
            if translate is not None:
                A, b, args, finish = translate(method, A, b, args, options)
            for name in sorted(options.keys() - own.keys()):
                remedy = f": {INSTEAD[name]}" if name in INSTEAD else ""
                raise TypeError(f"{method.__name__}() got an unexpected keyword argument {name!r}{remedy}")
            if options.get("restart", 0) is None:
                del options["restart"]
            result = method(A, b, *args, **options)
            return result if finish is None else finish(result)

        return cast(F, called)

    return decorate


class OfNorm:
    """A callback of the norm of the residual relative to that of b, in the form that the loop calls."""

    wants_x = False

    def __init__(self, callback, b):
        self._callback, self._b, self._size = callback, b, None

    def __call__(self, x, residual_norm):  # noqa: ARG002 - a callback takes both
        """Call the callback."""
        if self._size is None:
            xp = namespace(self._b)
            self._size = np.float64(to_host(column_norms(xp.asarray(self._b).ravel(), xp)))
        self._callback(residual_norm / self._size)


class OfCycle:
    """A callback of the iterate at the end of each cycle, in the form that the loop calls."""

    def __init__(self, callback, length):
        self._callback, self._length, self._steps = callback, length, 0

    @property
    def wants_x(self):
        """Whether the next call ends a cycle."""
        return (self._steps + 1) % self._length == 0

    def __call__(self, x, residual_norm):  # noqa: ARG002 - a callback takes both
        """Count an iteration."""
        self._steps += 1
        if self._steps % self._length == 0:
            self._callback(x.copy())

    def finish(self, result):
        """Call the callback after the last cycle, if it was not a full one; return the result."""
        if self._steps % self._length:
            self._callback(result.x.copy())
        return result


class Log:
    """A callback that writes the residual norms to the standard output, and calls another callback."""

    def __init__(self, callback):
        self._callback, self._steps = _callbacks.checked(callback), 0
        self.wants_x = callback is not None and getattr(callback, "wants_x", True)

    def __call__(self, x, residual_norm):
        """Write a line."""
        self._steps += 1
        sys.stdout.write(f"{self._steps:6d}  {np.max(residual_norm):.3e}\n")
        return self._callback is not None and self._callback(x, residual_norm)

    def finish(self, result):
        """Write the message of the result; return the result."""
        sys.stdout.write(f"{result.message}\n")
        return result


def logged(options):
    """Replace the option `show` by a callback; return what is applied to the result, or None."""
    if not options.pop("show", False):
        return None
    options["callback"] = log = Log(options.get("callback"))
    return log.finish


def minres(method, A, b, args, options):  # noqa: ARG001 - as other translations
    """Translate `show` and `check`: without the check, A is taken to be Hermitian."""
    if not options.pop("check", True):
        A = hermitian(A)
    return A, b, args, logged(options)


def cycle_length(method, A, options):
    """Return the number of iterations of a cycle, and the number of unknowns."""
    n, restart = _validate.square_shape(A, empty=True), options.get("restart")
    if restart is None:
        restart = signature(method).parameters["restart"].default
    return max(min(_validate.count(restart, "restart", least=1), n), 1), n


def cycles(method, A, b, args, options):
    """Set the default of `maxiter`: that of ``10 * n`` cycles, as in SciPy."""
    length, n = cycle_length(method, A, options)
    if options.get("maxiter") is None:
        options["maxiter"] = 10 * n * length
    return A, b, args, None


def after_cycles(callback, length):
    """Return a callback and what is applied to the result; one of the iterate is called once a cycle."""
    if not callable(callback) or not _callbacks.takes_one(callback):
        return callback, lambda result: result
    of_cycle = OfCycle(callback, length)
    return of_cycle, of_cycle.finish


def gmres(method, A, b, args, options):
    """Translate `callback_type` and callbacks of one argument; the types "x" and "pr_norm" limit cycles."""
    length, _ = cycle_length(method, A, options)
    kind, callback, finish = options.pop("callback_type", None), options.get("callback"), None
    if kind is not None:
        _validate.choice(kind, "callback_type", CALLBACK_TYPES)
    if kind in ("x", "pr_norm") and options.get("maxiter") is not None:
        options["maxiter"] = length * _validate.count(options["maxiter"], "maxiter")
    if kind == "x":
        options["callback"], finish = after_cycles(callback, length)
    elif callable(callback) and _callbacks.takes_one(callback) and _validate.shape_of(b)[1:] in ((), (1,)):
        options["callback"] = OfNorm(callback, b)
    return *cycles(method, A, b, args, options)[:3], finish
