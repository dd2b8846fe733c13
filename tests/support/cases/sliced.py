"""Cases of ``sliced``."""

import numpy as np

from numsolve.kernels import home

from .vector import vectors

ROWS = 32  # in a slice


def banded(rng, n, dtype, index):
    """Return the CSR arrays of a matrix with few diagonals, holes, stored zeros, and a few stray entries."""
    mask = np.zeros((n, n), bool)
    for offset in (-(n // 2), -3, -1, 0, 2, n // 3):
        mask |= np.diag(np.ones(max(0, n - abs(offset)), bool), offset)[:n, :n]
    mask &= rng.random((n, n)) < 0.8
    mask[n // 2 :: 11, : n : max(1, n // 9)] = True  # more diagonals there than `find` has room for
    values = vectors(rng, 1, int(mask.sum()), dtype)[0]
    values[::7] = 0
    indptr = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
    return indptr.astype(index), np.nonzero(mask)[1].astype(index), values


def find(rng, n, dtype, index, room=24):
    """Return the arguments of sliced_find."""
    slices = -(-n // ROWS)
    return ROWS, *banded(rng, n, dtype, index), np.zeros(slices, index), np.zeros((slices, room), index)


def fill(rng, n, dtype, index):
    """Return the arguments of sliced_fill; its output holds rubbish."""
    rows, indptr, indices, data, counts, offsets = find(rng, n, dtype, index, room=2 * n)
    home("reference").sliced_find(rows, indptr, indices, data, counts, offsets)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(index)
    offsets = offsets[np.arange(2 * n) < counts[:, None]]
    return indptr, indices, data, starts, offsets, np.full((offsets.size, rows), 3, dtype)


def product(rng, n, dtype, index):
    """Return the arguments of sliced_spmv."""
    *csr, starts, offsets, data = fill(rng, n, dtype, index)
    home("reference").sliced_fill(*csr, starts, offsets, data)
    return starts, offsets, data, *vectors(rng, 2, n, dtype)


CASES = {"sliced_find": find, "sliced_fill": fill, "sliced_spmv": product, "sliced_spmv_dot": product}
RETURNS_SUM = {"sliced_spmv_dot"}
