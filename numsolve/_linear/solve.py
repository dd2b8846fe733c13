"""Solve a checked system."""

from contextlib import contextmanager, suppress

import numpy as np

from .. import _callbacks
from .._array import namespace
from .._operators.hermitian import check_hermitian
from .._result import Interrupted, LinearResult, Result, Status
from .column import solve_column
from .columns import solve_columns
from .complement import solve_in_complement
from .doubt import examined
from .system import norm


def solve_system(method, system, callback, block=None, *, thorough=False):
    """Solve a checked system for each column of b, or with `block` for several at once.

    Return a `LinearResult`. A `thorough` solve makes further ones to find whether x is right: see `doubt`.

    A method is a generator function ``method(A, b, M, x)``, with the protocol that `iterate` describes for
    ``start(x)``. A method that keeps data between its starts is an object; its ``begin(b)`` is called with
    each new right-hand side. `block` is a method for b of shape (n, k). If the null space of A is known, the
    system is solved in its complement.
    """
    callback = _callbacks.checked(callback)
    if system.b.size == 0:
        x = namespace(system.b).zeros_like(system.b)
        return LinearResult(x, Status.CONVERGED, "converged: b is empty", np.zeros((1, *x.shape[1:])))
    if system.is_singular():

        def solve(inside):
            return solve_system(method, inside, callback, block, thorough=thorough)

        return solve_in_complement(solve, system)
    if system.b.ndim == 1:
        result = solve_column(method, system, system.b, system.x0, callback)
    else:
        result = solve_columns(method, system, callback, block)
    return examined(method, system, result, thorough)


@contextmanager
def interruptible(system):
    """Let Ctrl-C before the first iteration raise `Interrupted`, with the starting guess as its result."""
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt:
        A, b = system.A, system.b
        x = namespace(b).zeros_like(b) if system.x0 is None else system.x0.astype(b.dtype)
        with suppress(KeyboardInterrupt):  # a second one leaves b
            b = b if system.x0 is None else A.residual(b, x)
        norms = [norm(namespace(b).ascontiguousarray(column)) for column in b.reshape(len(b), -1).T]
        message = "interrupted before the first iteration"
        found = Result(x, Status.INTERRUPTED, message, np.array(norms).reshape(1, *b.shape[1:]))
        raise Interrupted(found) from None


def require_hermitian(system):
    """Raise unless the matrix of a system is Hermitian."""
    with interruptible(system):
        check_hermitian(system.A)
