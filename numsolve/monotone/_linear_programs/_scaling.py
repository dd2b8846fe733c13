"""A linear program in the units in which the iteration runs."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._array import namespace
from ..._random import scattered
from ...kernels import kernels_for
from ._kkt import norm_of_bounds

ROUNDS = 10  # of Ruiz's scaling
LEAST_PRODUCTS, MOST_PRODUCTS = 12, 32  # with A and its transpose, for the largest singular value
EXAMINED = 4  # products between two looks at the estimate
SAFETY = 0.998  # of the step, over the largest one that converges


@dataclass(frozen=True, eq=False)
class Scaled:
    """A scaled linear program; the objective is minimised.

    ``x = columns * scaled x / of_bounds`` and ``y = rows * scaled y / of_costs``.

    Attributes
    ----------
    A, At : sparse matrices
        The scaled matrix and its transpose, both by rows.
    c, rl, ru, l, u : arrays
        The scaled objective and bounds.
    rows, columns : arrays
        The factors of rows and columns.
    of_bounds, of_costs : float
        The factors of all bounds and of the objective.
    step : float
        The product of the primal and the dual step is the square of this number.
    """

    A: Any
    At: Any
    c: Any
    rl: Any
    ru: Any
    l: Any
    u: Any
    rows: Any
    columns: Any
    of_bounds: float
    of_costs: float
    step: float

    def to_x(self, x):
        """Return variables in the caller's units."""
        return x * self.columns / self.of_bounds

    def to_y(self, y):
        """Return multipliers of rows in the caller's units, of the minimisation."""
        return y * self.rows / self.of_costs

    def from_x(self, x):
        """Return scaled variables."""
        return x / self.columns * self.of_bounds

    def from_y(self, y):
        """Return scaled multipliers of rows."""
        return y / self.rows * self.of_costs


def scaled(lp) -> Scaled:
    """Scale a linear program: ten rounds of Ruiz, one of Pock and Chambolle, then costs and bounds."""
    xp = namespace(lp.c)
    rows, columns, data = _factors(xp, lp.A)
    csr = type(lp.A)
    A = csr((data, lp.A.indices, lp.A.indptr), shape=lp.shape)
    At = A.T.tocsr()
    c = (-1.0 if lp.maximize else 1.0) * lp.c * columns
    rl, ru, l, u = lp.rl * rows, lp.ru * rows, lp.l / columns, lp.u / columns
    of_bounds, of_costs = 1 / (norm_of_bounds(rl, ru) + 1), 1 / (float(c @ c) ** 0.5 + 1)
    step = SAFETY / _largest_singular_value(xp, A, At)
    rl, ru, l, u = (value * of_bounds for value in (rl, ru, l, u))
    return Scaled(A, At, c * of_costs, rl, ru, l, u, rows, columns, of_bounds, of_costs, step)


def segments(ends):
    """Return the number of the segment of each entry: the row, for the `indptr` of a matrix by rows."""
    xp = namespace(ends)
    return xp.searchsorted(ends, xp.arange(int(ends[-1])), side="right") - 1


def stable_order(keys):
    """Return the places of the keys in ascending order; equal ones stay in their order."""
    return np.argsort(keys, kind="stable") if isinstance(keys, np.ndarray) else namespace(keys).argsort(keys)


def _factors(xp, A):
    """Return the factors of rows and columns, and the scaled entries."""
    m, n = A.shape
    data, column_of = abs(A.data), A.indices
    row_of = segments(A.indptr)
    by_column = stable_order(column_of)
    ends = xp.concatenate((xp.zeros(1, int), xp.cumsum(xp.bincount(column_of, minlength=n))))
    rows, columns = xp.ones(m), xp.ones(n)
    for _ in range(ROUNDS):
        r = _largest_in_segments(xp, data, A.indptr) ** 0.5
        q = _largest_in_segments(xp, data[by_column], ends) ** 0.5
        data = data / (r[row_of] * q[column_of])
        rows, columns = rows / r, columns / q
    r = _positive(xp, xp.bincount(row_of, data, m)) ** 0.5
    q = _positive(xp, xp.bincount(column_of, data, n)) ** 0.5
    rows, columns = rows / r, columns / q
    return rows, columns, A.data * rows[row_of] * columns[column_of]


def _largest_in_segments(xp, values, ends):
    """Return the largest value of each segment, 1 for an empty one."""
    if not len(values):
        return xp.ones(len(ends) - 1)
    starts = xp.minimum(ends[:-1], len(values) - 1)
    if xp is np:
        found = np.maximum.reduceat(values, starts)
    else:
        found = xp.zeros(len(starts))
        xp.maximum.at(found, segments(ends), values)
    return _positive(xp, xp.where(xp.diff(ends) > 0, found, 1.0))


def _positive(xp, values):
    """Return the values with 1 in place of 0."""
    return xp.where(values > 0, values, 1.0)


def product(A, x):
    """Return ``A @ x`` for a sparse matrix by rows, without the fixed cost of the libraries."""
    home = kernels_for(x)
    found = namespace(x).empty(A.shape[0])
    home.spmv(A.indptr, A.indices, A.data, x, found)
    return found


def _largest_singular_value(xp, A, At):
    """Return an upper estimate of the largest singular value, by Lanczos' method for ``A^T A``.

    After the scaling of Pock and Chambolle it is at most 1.
    """
    m, n = A.shape
    if not m or not n or not len(A.data):
        return 1.0
    q = scattered(xp.arange(n, dtype=float)) - 0.3
    q, before, off = q / float(q @ q) ** 0.5, 0 * q, 0.0
    diagonal: list[float] = []
    others: list[float] = []
    found = 1.0
    for step in range(1, min(MOST_PRODUCTS, n) + 1):
        w = product(At, product(A, q)) - off * before
        diagonal.append(float(w @ q))
        w = w - diagonal[-1] * q
        off = float(w @ w) ** 0.5
        ends = step == min(MOST_PRODUCTS, n) or off <= 1e-12 * diagonal[0]
        if ends or step % EXAMINED == 0:
            T = np.diag(diagonal) + np.diag(others, 1) + np.diag(others, -1)
            values, vectors = np.linalg.eigh(T)
            error = off * abs(vectors[-1, -1])
            found = (values[-1] + error) ** 0.5
            if ends or (step >= LEAST_PRODUCTS and error <= 1e-4 * values[-1]):
                break
        before, q = q, w / off
        others.append(off)
    return min(max(float(found), 1e-150), 1 + 1e-12)
