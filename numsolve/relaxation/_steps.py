"""Sweeps as steps of the loop."""

import numpy as np

from .._array import namespace
from .._result import Breakdown, Status
from ..kernels import kernels_for

BATCH = 1 << 20  # entries that sweeps take between two looks: Ctrl-C waits for milliseconds


def steps(rows, scale, factor, symmetric, b, x):
    """Yield the iterates of sweeps and their squared residuals, each found by the sweep that follows it.

    `scale` times its residual is what an unknown moves by; the entries count `factor` times.
    """
    xp = namespace(b)
    data, b, x, live = _times(rows.data, factor), rows.into(b), rows.into(x), xp.ones(1, bool)
    y, back = xp.empty_like(x), kernels_for(b).colour_sweep
    while live is not None:
        rr = rows.sweep(live, data, scale, b, x, y)
        if symmetric:
            back(live, rows.bounds, True, rows.indptr, rows.indices, data, scale, b, y)
        live = yield rows.form(x), rr
        x, y = y, x
    raise _diverged()


def batches(rows, scale, factor, symmetric, b, x):
    """Yield the same many sweeps at a time: for a system so small that a look at one takes longer than it."""
    from ..kernels.host.sweeps import sweeps

    at_once = rows.bounds is not None and len(rows.bounds) == 2
    matrix = rows.indptr, rows.indices, _times(rows.data, factor)
    b, x = rows.into(b), rows.into(x)
    y, squares = np.empty_like(x), np.empty(1 + BATCH // (1 + len(rows.data)), x.real.dtype)
    sweeps(np.inf, symmetric, at_once, *matrix, scale, b, x, y, squares[:1])
    limits = yield rows.form(x), squares[0]
    while limits is not None:
        goal, room = limits
        x, y = y, x
        taken = sweeps(goal, symmetric, at_once, *matrix, scale, b, x, y, squares[:room])
        if taken % 2 == 0:
            x, y = y, x
        limits = yield rows.form(x), squares[:taken]
    raise _diverged()


def _times(data, factor):
    return data if factor == 1 else data * data.real.dtype.type(factor)


def _diverged():
    return Breakdown(
        "the sweeps diverge until the residual overflows: use a smaller omega, or a Krylov method",
        Status.NONFINITE,
    )
