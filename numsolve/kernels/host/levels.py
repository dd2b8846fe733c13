"""The levels of rows, the diagonal and the sums of rows of a matrix: serial loops on the host."""

import numpy as np

from ..cpu._jit import inline


@inline
def levels(indptr, indices):
    """Return each row's level: one more than the highest of the earlier rows that it is coupled to.

    An entry couples two rows whichever of them holds it.
    """
    n = indptr.size - 1
    level = np.zeros(n, indices.dtype)
    for i in range(n):
        own = level[i]
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            if j < i and level[j] >= own:
                own = level[j] + 1
        level[i] = own
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            if j > i and level[j] <= own:
                level[j] = own + 1
    return level


@inline
def diagonal(indptr, indices, data):
    """Return the diagonal of a square matrix; zero where no entry is stored."""
    found = np.zeros(indptr.size - 1, data.dtype)
    for i in range(found.size):
        for k in range(indptr[i], indptr[i + 1]):
            if indices[k] == i:
                found[i] = data[k]
    return found


@inline
def row_sums(indptr, data):
    """Return the sum of magnitudes of each row."""
    sums = np.zeros(indptr.size - 1, data.real.dtype)
    for i in range(sums.size):
        for k in range(indptr[i], indptr[i + 1]):
            sums[i] += abs(data[k])
    return sums
