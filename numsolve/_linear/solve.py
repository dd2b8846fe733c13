"""From a checked system to its result, and the warning of a miss."""

import warnings
from contextlib import contextmanager
from contextvars import ContextVar

from .. import _validate
from .._result import ConvergenceWarning, Status
from .column import solve_column
from .columns import solve_columns

_is_inner = ContextVar("is_inner", default=False)  # one for each thread, unlike the filters of `warnings`


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


def warn_of_miss(result):
    """Return the result; warn the caller of the caller if it missed its tolerance."""
    if result.status not in (Status.CONVERGED, Status.STOPPED) and not _is_inner.get():
        warnings.warn(result.message, ConvergenceWarning, stacklevel=3)
    return result


def warn_of_misses(results):
    """Return many results; warn once of those that missed their tolerance."""
    missed = [p for p, r in enumerate(results) if r.status not in (Status.CONVERGED, Status.STOPPED)]
    if missed and not _is_inner.get():
        message = f"{len(missed)} of {len(results)} problems, first {missed[0]}: {results[missed[0]].message}"
        warnings.warn(message, ConvergenceWarning, stacklevel=3)
    return results


@contextmanager
def inner_solve():
    """Solve inside another solve, which answers for the tolerance: a miss does not warn."""
    token = _is_inner.set(True)
    try:
        yield
    finally:
        _is_inner.reset(token)
