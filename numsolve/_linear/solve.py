"""Solve a checked system."""

from .. import _validate
from .column import solve_column
from .columns import solve_columns


def solve_system(method, system, callback, block=None):
    """Solve a checked system for each column of b, or with `block` for several at once; return the `Result`.

    A method is a generator function ``method(A, b, M, x)``, with the protocol that `iterate` describes for
    ``start(x)``. A method that keeps data between its starts is an object; its ``begin(b)`` is called with
    each new right-hand side. `block` is a method for b of shape (n, k).
    """
    _validate.function(callback, "callback")
    if system.b.ndim == 1:
        return solve_column(method, system, system.b, system.x0, callback)
    return solve_columns(method, system, callback, block)
