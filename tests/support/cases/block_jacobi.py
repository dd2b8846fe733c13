"""Cases of ``block_jacobi``."""

import numpy as np

from .vector import vectors


def blocks(rng, n, dtype, index):
    """Return blocks of up to three rows, which are scattered, and matrices for them."""
    count = -(-n // 3) + (n > 2)  # with a block of one row to spare, if there are rows enough
    rows = np.full((count, 3), -1, index)
    sizes = np.full(count, 3)
    if n > 2:
        sizes[0] = 1
        sizes[-1] = n - 1 - 3 * (count - 2)
    elif count:
        sizes[0] = n
    rows[np.arange(3) < sizes[:, None]] = rng.permutation(n)
    return rows, vectors(rng, count * 3, 3, dtype).reshape(count, 3, 3)


CASES = {"block_jacobi": lambda rng, n, t, i: (*blocks(rng, n, t, i), *vectors(rng, 2, n, t))}
RETURNS_SUM = set()
