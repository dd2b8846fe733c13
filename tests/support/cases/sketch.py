"""Cases of ``sketch``."""

import numpy as np

from .sparse import csr
from .vector import vectors


def signs(rng, d, n, index):
    """Return the arrays of a matrix of signs (d, n) with empty, short and long rows."""
    lengths = rng.integers(0, 12, d) if n else np.zeros(d, int)
    places = rng.integers(0, max(n, 1), lengths.sum())
    places[::2] = ~places[::2]
    return np.concatenate(([0], np.cumsum(lengths))).astype(index), places.astype(index)


def rows(rng, n, t, i):
    """Return the arguments of sketch_rows: few rows of many columns, and many of few."""
    d, k = 1 + n // 3, 1 + n % 70
    return (*signs(rng, d, n, i), 0.7, vectors(rng, n, k, t), np.ones((d, k), t))


def sparse(rng, n, t, i):
    """Return the arguments of sketch_sparse."""
    d, k = 1 + n // 64, min(n, 300)
    return (*signs(rng, d, n, i), 0.7, *csr(rng, n, t, i, k), np.ones((d, k), t))


CASES = {
    "sketch_rows": rows,
    "sketch_sparse": sparse,
    "hadamard": lambda rng, n, t, i: (vectors(rng, 1 << n.bit_length() // 2, 1 + n % 140, t),),
}
RETURNS_SUM = set()
