"""Cases of ``basis``."""

import numpy as np

from .vector import vectors


def combine(rng, n, t):
    """Return the arguments of rows_combine: whole blocks of four, and what is left of them."""
    k, p = 1 + n % 9, n % 14
    T, X, Y = vectors(rng, k, p, t), vectors(rng, p, n, t), vectors(rng, k, n, t)
    return bool(n % 2), T, X, Y if n % 3 else np.zeros_like(Y)


CASES = {
    "rows_gram": lambda rng, n, t, i: (vectors(rng, n % 11, n, t), vectors(rng, 1 + n % 4, n, t)),
    "rows_combine": lambda rng, n, t, i: combine(rng, n, t),
}
RETURNS_SUM = set()
