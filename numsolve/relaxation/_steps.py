"""Sweeps as the steps of the loop."""

import numpy as np

from .._array import namespace
from .._result import Breakdown, Status
from ..kernels import kernels_for

ENTRIES_PER_CALL = 1 << 20  # read by the sweeps of one call: milliseconds, for which Ctrl-C has to wait


def iterates(rows, scale, factor, symmetric, b, x):
    """Yield iterates and their squared residuals, which the sweep that starts from an iterate computes.

    A sweep solves ``factor * A x = b`` and changes each unknown by `scale` times its residual.
    """
    xp = namespace(b)
    data, b, x, live = _multiplied(rows.data, factor), rows.to_order(b), rows.to_order(x), xp.ones(1, bool)
    y, back = xp.empty_like(x), kernels_for(b).colour_sweep
    while live is not None:
        rr = rows.sweep(live, data, scale, b, x, y)
        if symmetric:
            back(live, rows.bounds, True, rows.indptr, rows.indices, data, scale, b, y)
        live = yield rows.iterate_from(x), rr
        x, y = y, x
    raise _diverged()


def iterates_in_batches(rows, scale, factor, symmetric, b, x):
    """Yield the same, many sweeps at a time: for systems whose sweeps are shorter than a step of the loop."""
    from ..kernels.host.sweeps import many_sweeps

    at_once = rows.bounds is not None and len(rows.bounds) == 2
    matrix = rows.indptr, rows.indices, _multiplied(rows.data, factor)
    b, x = rows.to_order(b), rows.to_order(x)
    y, squares = np.empty_like(x), np.empty(1 + ENTRIES_PER_CALL // (1 + len(rows.data)), x.real.dtype)
    many_sweeps(np.inf, symmetric, at_once, *matrix, scale, b, x, y, squares[:1])
    limits = yield rows.iterate_from(x), squares[0]
    while limits is not None:
        goal, room = limits
        x, y = y, x
        taken = many_sweeps(goal, symmetric, at_once, *matrix, scale, b, x, y, squares[:room])
        if taken % 2 == 0:
            x, y = y, x
        limits = yield rows.iterate_from(x), squares[:taken]
    raise _diverged()


def _multiplied(data, factor):
    return data if factor == 1 else data * data.real.dtype.type(factor)


def _diverged():
    return Breakdown(
        "the sweeps diverge until the residual overflows: use a smaller omega, or a Krylov method",
        Status.NONFINITE,
    )
