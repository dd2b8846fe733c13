"""Cases of ``sliced``."""

import numpy as np

from numsolve.kernels import home

from .vector import vectors

ROWS = 32  # in a slice


def banded(rng, n, dtype, index):
    """Return the CSR arrays of a matrix with few diagonals, holes, stored zeros, and rows that stray."""
    diagonal = rng.choice(n, (6, n * 4 // 5)) if n else np.zeros((6, 0), int)
    offsets = np.array([-(n // 2), -3, -1, 0, 2, n // 3])[:, None]
    stray = np.repeat(np.arange(n // 2, n, 11), 9)  # more diagonals there than `find` has room for
    rows = np.concatenate([np.broadcast_to(diagonal, (6, n * 4 // 5)).ravel(), stray])
    columns = np.concatenate([(diagonal + offsets).ravel(), rng.integers(0, max(n, 1), stray.size)])
    inside = (columns >= 0) & (columns < n)
    place = np.unique(rows[inside] * max(n, 1) + columns[inside])
    rows, columns = np.divmod(place, max(n, 1))
    values = vectors(rng, 1, place.size, dtype)[0]
    values[::7] = 0
    indptr = np.searchsorted(rows, np.arange(n + 1))
    return indptr.astype(index), columns.astype(index), values


def find(rng, n, dtype, index, room=24):
    """Return the arguments of sliced_find."""
    slices = -(-n // ROWS)
    return ROWS, *banded(rng, n, dtype, index), np.zeros(slices, index), np.zeros((slices, room), index)


def fill(rng, n, dtype, index):
    """Return the arguments of sliced_fill; its output holds rubbish."""
    rows, indptr, indices, data, counts, offsets = find(rng, n, dtype, index, room=80)
    home("reference").sliced_find(rows, indptr, indices, data, counts, offsets)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(index)
    offsets = offsets[np.arange(80) < counts[:, None]]
    return indptr, indices, data, starts, offsets, np.full((offsets.size, rows), 3, dtype)


def product(rng, n, dtype, index):
    """Return the arguments of sliced_spmv."""
    *csr, starts, offsets, data = fill(rng, n, dtype, index)
    home("reference").sliced_fill(*csr, starts, offsets, data)
    return starts, offsets, data, *vectors(rng, 2, n, dtype)


CASES = {"sliced_find": find, "sliced_fill": fill, "sliced_spmv": product, "sliced_spmv_dot": product}
RETURNS_SUM = {"sliced_spmv_dot"}
