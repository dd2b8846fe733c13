"""Sweeps over the rows of a matrix: each row's unknown is changed such that its residual vanishes.

Rows are stored in the order they are taken. Section c holds the rows ``bounds[c]`` to ``bounds[c + 1] - 1``,
which use each other's old values and can therefore run at once. On the host `bounds` may be None: every row
is then a section.
"""

from itertools import pairwise

import numpy as np


def sor_sweep(live, bounds, indptr, indices, data, scale, b, x, y):
    """Sweep from `x` to `y`, ``y_i = x_i + scale_i (b - A z)_i``; return ``||b - A x||^2``.

    In `z` the rows of earlier sections have their new values. One section is a sweep of Jacobi, a section for
    each colour one of multicolour Gauss-Seidel. If `live` is false: return NaN and change nothing.
    """
    if not live[0]:
        return np.array(np.nan, x.real.dtype)[()]
    r = b.copy()
    for first, last in _sections(bounds, x.size):
        for i in range(first, last):
            row = slice(indptr[i], indptr[i + 1])
            cols = indices[row]
            r[i] -= data[row] @ x[cols]
            y[i] = x[i] + scale[i] * (b[i] - data[row] @ np.where(cols < first, y[cols], x[cols]))
    return np.vdot(r, r).real


def block_sweep(live, bounds, starts, indptr, indices, data, inverses, b, x, y, r):
    """As `sor_sweep`, a block at a time: its rows from ``starts[k]`` on move by ``inverses[k]`` times theirs.

    Sections are of blocks; `r` is room for residuals.
    """
    if not live[0]:
        return np.array(np.nan, x.real.dtype)[()]
    true = b.copy()
    for begin, end in _sections(bounds, starts.size - 1):
        for k in range(begin, end):
            block, first = slice(starts[k], starts[k + 1]), starts[begin]
            for i in range(starts[k], starts[k + 1]):
                row = slice(indptr[i], indptr[i + 1])
                cols = indices[row]
                true[i] -= data[row] @ x[cols]
                r[i] = b[i] - data[row] @ np.where(cols < first, y[cols], x[cols])
            size = starts[k + 1] - starts[k]
            y[block] = x[block] + inverses[k, :size, :size] @ r[block]
    return np.vdot(true, true).real


def colour_sweep(live, bounds, reverse, indptr, indices, data, scale, b, x):
    """Sweep in place, if `reverse` from the last section on; rows of a section must not be coupled."""
    if not live[0]:
        return
    sections = _sections(bounds, x.size)
    for first, last in sections[::-1] if reverse else sections:
        for i in range(first, last):
            row = slice(indptr[i], indptr[i + 1])
            x[i] += scale[i] * (b[i] - data[row] @ x[indices[row]])


def _sections(bounds, n):
    """Return the first row of each section, and the one after its last."""
    bounds = range(n + 1) if bounds is None else bounds
    return list(pairwise(bounds))
