"""Run a method on the caller's variables in the loop of all iterative methods."""

from contextlib import suppress
from dataclasses import replace
from math import inf

import numpy as np

from . import _callbacks
from ._iterate import iterate
from ._result import FunctionError, Interrupted, Result, Status

SAYS = {
    Status.MAXITER: "maxiter reached: raise it, or start nearer to the solution",
    Status.TIME_LIMIT: "time limit reached: raise it, or start nearer to the solution",
    Status.NONFINITE: "the function is not finite at the starting point: choose another x0",
}


class Callback:
    """The caller's callback, called with the iterate in the caller's shape."""

    def __init__(self, callback, variables):
        self._callback, self._shown = callback, variables.shown

    def __call__(self, x, residual_norm):
        """Call the callback."""
        return self._callback(self._shown(x), residual_norm)


def run(
    steps,
    variables,
    *,
    first,
    tol,
    maxiter,
    callback=None,
    deadline=inf,
    functions=(),
    says=None,
    batches=False,
):
    """Run a method from ``variables.start`` and return a `Result` whose `x` has the caller's shape.

    Parameters
    ----------
    steps : callable
        ``steps(x)`` returns a generator with the protocol of `iterate`. It yields ``(x, rr)``: `x` is an
        array that is not overwritten later, and ``rr`` the squared norm divided by ``first**2``. A method
        that cannot go on raises `Breakdown` with a status and a remedy.
    variables : Variables
        The caller's variables.
    first : float
        The norm at the starting point, which is the unit of the norms.
    tol : float
        Absolute tolerance.
    maxiter : int
        Largest number of iterations.
    callback : callable, optional
        ``callback(x, norm)`` or ``callback(x)`` after each iteration.
    deadline : float
        Time of ``time.monotonic()`` at which to stop.
    functions : sequence of Function
        The caller's functions. If one raised an exception, the run raises `FunctionError` from it.
    says : dict, optional
        Messages of the method, by status.
    batches : bool
        Whether the method takes many steps at a time: see `iterate`.

    Raises
    ------
    FunctionError
        A function of the caller raised an exception after the first point.
    Interrupted
        Ctrl-C; both have an attribute `result`.
    """
    callback = _callbacks.checked(callback)
    if callback is not None:
        callback = Callback(callback, variables)
    unit = first if 0 < first < inf else 1.0
    try:
        result = iterate(
            steps,
            variables.start.copy(),
            tol=tol / unit,
            maxiter=maxiter,
            callback=callback,
            deadline=deadline,
            scale=(1.0, unit),
            fresh=True,
            every=1,
            says=SAYS | (says or {}),
            batches=batches,
        )
    except Interrupted as error:
        raise Interrupted(_in_shape(error.result, variables)) from None
    return _without_failure(_in_shape(result, variables), functions)


def ended_at_start(error, variables, functions):
    """Return the `Result` of a method that a `Breakdown` ended before its first iteration.

    Raise `FunctionError` if an exception in a function of the caller is the reason.
    """
    start = variables.shown(variables.start)
    return _without_failure(Result(start, error.status, str(error), np.array([np.nan])), functions)


def _without_failure(result, functions):
    """Return the result; raise `FunctionError` if a function of the caller raised an exception."""
    for function in functions:
        if function.failure is not None:
            raise FunctionError(f"{function.name} raised an exception", result) from function.failure
    return result


def _in_shape(result: Result, variables):
    with suppress(ValueError):
        return replace(result, x=variables.shown(result.x))
    return result
