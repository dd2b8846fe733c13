"""When a matrix leaves compressed sparse rows for sliced diagonals, whose product reads no column index."""

from typing import Any, NamedTuple

import numpy as np

from ._array import library, namespace
from .kernels import kernels_for

SLICE = 128  # rows: longer slices share fewer offsets, shorter ones vectorise worse
PADDING = 1.25  # places stored for an entry, zeros included: 8 bytes each against 12 in CSR
PATIENCE = 20  # products before the conversion, which costs as much as so many save
LEAST_ON_GPU = 1 << 17  # rows; below, a launch takes longer than the product


class Sliced(NamedTuple):
    """What the kernels of ``sliced`` take; their reference says what it means."""

    starts: Any
    offsets: Any
    data: Any


class Layout:
    """What the products of one matrix run on: CSR at first, sliced diagonals once they have paid.

    Who rents until the rent has cost as much as buying spends at most twice as much as who knows the future.
    Products are counted, not timed, so that a program gives the same bits at every run.
    """

    def __init__(self):
        self._left = PATIENCE
        self._sliced = None

    def next(self, indptr, indices, data):
        """Count a product; return the sliced diagonals it should run on, or None for CSR."""
        if self._left:
            self._left -= 1
            if not self._left:
                self._sliced = sliced(indptr, indices, data)
        return self._sliced


def sliced(indptr, indices, data):
    """Return a matrix in sliced diagonals, or None where that would store many zeros; columns ascend."""
    xp, kernels, n = namespace(data), kernels_for(data), len(indptr) - 1
    if len(data) == 0 or (library(data) == "cupy" and n < LEAST_ON_GPU):
        return None
    slices, width = -(-n // SLICE), indptr.dtype
    room = 2 * (len(data) // n) + 8  # diagonals in a slice; more are too many, wherever they are
    counts, offsets = xp.zeros(slices, width), xp.zeros((slices, room), width)
    kernels.sliced_find(SLICE, indptr, indices, data, counts, offsets)
    total = int(counts.sum())
    if int(counts.max()) > room or total * SLICE > PADDING * len(data):
        return None
    starts = xp.zeros(slices + 1, width)
    starts[1:] = xp.cumsum(counts)
    offsets = offsets[xp.arange(room) < counts[:, None]]
    entries = xp.empty((total, SLICE), data.dtype)
    kernels.sliced_fill(indptr, indices, data, starts, offsets, entries)
    return Sliced(*(frozen(array) for array in (starts, offsets, entries)))


def frozen(array):
    """Return a read-only view, so that every matrix has one type for Numba and no kernel can spoil it."""
    if isinstance(array, np.ndarray):
        array = array.view()
        array.flags.writeable = False
    return array
