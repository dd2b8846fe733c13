"""From a checked system to its result."""

from .. import _validate
from .column import solve_column
from .columns import solve_columns


def solve_system(method, system, callback, block=None):
    """Solve a checked system for each column of b, or with `block` for many at once; return the `Result`.

    A method is a generator function ``method(A, b, M, x)``, as `iterate` describes ``start(x)``. One that
    keeps something between its starts is an object with ``begin(b)`` too, which is told each new right-hand
    side. `block` is the same for b of shape (n, k).
    """
    _validate.function(callback, "callback")
    if system.b.ndim == 1:
        return solve_column(method, system, system.b, system.x0, callback)
    return solve_columns(method, system, callback, block)
