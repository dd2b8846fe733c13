"""Many sweeps over a small matrix in one call, because one sweep takes as long as a call."""

import numpy as np

from ..cpu._jit import inline
from ..cpu.relaxation import ONE, _residuals
from ..cpu.triangular import _relax_in_turn

ZERO, TWO, THREE, FOUR = np.uint64(0), np.uint64(2), np.uint64(3), np.uint64(4)


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
def many_risk_sweeps(goal, C, signs, b, x, squares):
    """Make sweeps of `risk_sweep`; return their number.

    Each writes its largest squared error to `squares`. The sweeps end after the first error of at most
    `goal`, or one that is not finite, or when `squares` is full. C is symmetric, and only its lower triangle
    is read: `upper` has the products with the upper one, which are added up while its mirror image is read.
    """
    n = np.uint64(x.size)
    lower, upper, rest = np.zeros_like(x), np.zeros_like(x), n % FOUR
    _from_block(C, ZERO, rest, x, upper)
    for i in range(rest, n, FOUR):
        _from_block(C, i, i + FOUR, x, upper)
        _from_four(C, i, x, upper)
    for step in range(squares.size):
        _solve_block(C, signs, b, ZERO, rest, x, lower, upper)
        for i in range(rest, n, FOUR):
            lower[i], lower[i + ONE], lower[i + TWO], lower[i + THREE] = _of_four(C, i, x)
            _solve_block(C, signs, b, i, i + FOUR, x, lower, upper)
            _from_four(C, i, x, upper)
        squares[step] = _scale_to_unit_variance(C, b, x, lower, upper)
        lower[:rest] = 0
        if not np.inf > np.sqrt(squares[step]) > goal:
            return step + 1
    return squares.size


@inline
def _solve_block(C, signs, b, start, end, x, lower, upper):
    """Solve for x[start:end] in turn; `lower` has the products with the entries of x before them."""
    for i in range(start, end):
        for j in range(start, i):
            lower[i] += C[i, j] * x[j]
        a, s = (lower[i] + upper[i]) / 2, signs[i]
        root = np.sqrt(a * a + C[i, i] * b[i])
        x[i] = s * b[i] / (root + abs(a)) if s * a > 0 else (s * root - a) / C[i, i]
        upper[i] = 0
        for j in range(start, i):
            upper[j] += C[i, j] * x[i]


@inline
def _from_block(C, start, end, x, upper):
    """Add the products of the upper triangle of a diagonal block."""
    for i in range(start, end):
        for j in range(start, i):
            upper[j] += C[i, j] * x[i]


@inline
def _of_four(C, i, x):
    """Return the products of four rows with the entries of x before their block."""
    zero = x.dtype.type(0)
    p, q, r, s = zero, zero, zero, zero
    for j in range(i):
        p += C[i, j] * x[j]
        q += C[i + ONE, j] * x[j]
        r += C[i + TWO, j] * x[j]
        s += C[i + THREE, j] * x[j]
    return p, q, r, s


@inline
def _from_four(C, i, x, upper):
    """Add four rows, times their entries of x, to the entries of `upper` before their block."""
    p, q, r, s = x[i], x[i + ONE], x[i + TWO], x[i + THREE]
    for j in range(i):
        upper[j] += (p * C[i, j] + q * C[i + ONE, j]) + (r * C[i + TWO, j] + s * C[i + THREE, j])


@inline
def _scale_to_unit_variance(C, b, x, lower, upper):
    """Scale x to the variance one; return the largest squared error, NaN if the variance is not positive.

    `lower` and `upper` are the products of x with the strict triangles of C; `upper` is scaled too.
    """
    n, total, most = np.uint64(x.size), x.dtype.type(0), x.dtype.type(0)
    for i in range(n):
        lower[i] += C[i, i] * x[i] + upper[i]
        total += x[i] * lower[i]
    if n > 0 and not total > 0:
        return x.dtype.type(np.nan)
    scale = 1 / np.sqrt(total)
    for i in range(n):
        error = scale * scale * x[i] * lower[i] - b[i]
        x[i] *= scale
        upper[i] *= scale
        if not error * error <= most:
            most = error * error
    return most
