"""Many sweeps over a small matrix in one call, whose overhead is as long as a sweep."""

import numpy as np

from ..cpu._jit import inline
from ..cpu.relaxation import ONE, _residuals
from ..cpu.triangular import _relax_in_turn


@inline
def sweeps(goal, symmetric, at_once, indptr, indices, data, scale, b, x, y, squares):
    """Sweep from `x` to `y`, back from `y` to `x`, and so on; return how often.

    Each sweep writes the squared residual of its first iterate to `squares`, whose size is the largest number
    of sweeps. The first whose root is not above `goal` is the last. With `at_once` they are sweeps of Jacobi.
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
