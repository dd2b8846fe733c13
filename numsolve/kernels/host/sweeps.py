"""Many sweeps over a small matrix in one call, because one sweep takes as long as a call."""

import numpy as np

from ..cpu._jit import inline
from ..cpu.relaxation import ONE, _residuals
from ..cpu.risk_parity import risk_sweep
from ..cpu.triangular import _relax_in_turn


@inline
def many_sweeps(goal, symmetric, at_once, indptr, indices, data, scale, b, x, y, squares):
    """Sweep from `x` to `y`, then from `y` to `x`, and so on; return the number of sweeps.

    Each sweep writes the squared residual of the iterate it starts from to `squares`. The sweeps end after
    the first residual norm of at most `goal`, or when `squares` is full. `at_once` means Jacobi sweeps.
    """
    for step in range(squares.size):
        if step:
            x, y = y, x
        rr, start = squares.dtype.type(0), np.uint64(0)
        for i in range(np.uint64(x.size)):
            end = np.uint64(indptr[i + ONE])
            old, new = _residuals(start, end, np.uint64(0) if at_once else i, indices, data, b[i], x, y)
            y[i] = x[i] + scale[i] * new
            rr += old.real * old.real + old.imag * old.imag
            start = end
        squares[step] = rr
        if symmetric:
            _relax_in_turn(True, indptr, indices, data, scale, b, y)
        if not np.inf > np.sqrt(rr) > goal:
            return step + 1
    return squares.size


@inline
def many_risk_sweeps(goal, C, signs, b, x, q, squares):
    """Make sweeps of `risk_sweep`; return their number.

    Each writes its largest squared error to `squares`. The sweeps end after the first error of at most
    `goal`, or one that is not finite, or when `squares` is full.
    """
    live = np.ones(1, np.bool_)
    for step in range(squares.size):
        squares[step] = risk_sweep(live, C, signs, b, x, q)
        if not np.inf > np.sqrt(squares[step]) > goal:
            return step + 1
    return squares.size
