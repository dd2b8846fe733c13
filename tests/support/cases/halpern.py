"""Cases of ``halpern``."""

import numpy as np

from .sparse import csr
from .vector import vectors


def bounds(rng, n, dtype):
    """Return lower and upper bounds, some of them equal and some infinite."""
    lower, upper = np.sort(np.array(vectors(rng, 2, n, dtype)), axis=0)
    lower[::5], upper[::3], upper[1::7] = -np.inf, np.inf, lower[1::7]
    return lower, upper


def primal(rng, n, dtype, index):
    """Return the arguments of lp_primal."""
    y, c, anchor, x, ahead = vectors(rng, 5, n, dtype)
    return 0.3, 0.75, *csr(rng, n, dtype, index), y, c, *bounds(rng, n, dtype), anchor, x, ahead


def dual(rng, n, dtype, index):
    """Return the arguments of lp_dual."""
    ahead, anchor, y = vectors(rng, 3, n, dtype)
    return 0.3, 0.75, *csr(rng, n, dtype, index), ahead, *bounds(rng, n, dtype), anchor, y


CASES = {"lp_primal": primal, "lp_dual": dual}
RETURNS_SUM = set()
