"""Chunks of a fixed size: results depend on it, and not on the number of threads that share the chunks."""

import numpy as np

from ._jit import inline

CHUNK = 2048  # items summed in one go; a sum's bits depend on it and on nothing else


@inline
def chunk_range(c, n):
    """Return the range of chunk `c` of `n` items, unsigned."""
    return np.uint64(c * CHUNK), np.uint64(min((c + 1) * CHUNK, n))


@inline
def chunk_count(n):
    """Return the number of chunks of `n` items."""
    return (n + CHUNK - 1) // CHUNK


@inline
def total(sums):
    """Return the sum of the chunks' sums, in order: Numba would share out ``sums.sum()`` among threads."""
    result = sums.dtype.type(0)
    for c in range(sums.size):
        result += sums[c]
    return result
