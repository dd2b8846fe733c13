"""Conversion of a matrix from compressed sparse rows to sliced diagonals, whose product reads no indices."""

from typing import Any, NamedTuple

from .._array import library, namespace
from ..kernels import kernels_for
from .readonly import frozen

SLICE = 128  # rows per slice: longer slices share fewer offsets, shorter ones vectorise worse
LARGEST_PADDING = 1.25  # values stored per entry, zeros included: 8 bytes each against 12 in CSR
CONVERT_AFTER = 20  # products before the conversion, which costs as much as this many products save
# Entries below which no solve recovers the time to load the kernels (CPU), or below which the launch of a
# kernel takes longer than a product (GPU).
LEAST_ENTRIES = {"numpy": 1 << 18, "cupy": 1 << 20}


class Sliced(NamedTuple):
    """The arrays of the kernels of ``sliced``; their reference describes them."""

    starts: Any
    offsets: Any
    data: Any


class Layout:
    """The storage format for the products of a solve: CSR at first, sliced diagonals after enough products.

    Convert after as many products as the conversion costs (ski-rental rule: at most twice the best cost).
    Products are counted, not timed, and each solve counts its own, so that its bits depend on nothing else.
    The solves with a matrix share what was derived from it: the dictionary `derived` holds the conversion.
    """

    def __init__(self, derived):
        self._left = CONVERT_AFTER
        self._sliced = None
        self._derived = derived

    def next(self, indptr, indices, data):
        """Count a product; return the sliced diagonals to use for it, or None for CSR."""
        if self._left:
            self._left -= 1
            if not self._left:
                if "sliced" not in self._derived:
                    self._derived["sliced"] = convert(indptr, indices, data)
                self._sliced = self._derived["sliced"]
        return self._sliced


def convert(indptr, indices, data):
    """Return a matrix in sliced diagonals, or None if it is small or would store many zeros.

    The columns of each row must ascend.
    """
    if len(data) < LEAST_ENTRIES[library(data) or "numpy"]:
        return None
    xp, kernels, n = namespace(data), kernels_for(data), len(indptr) - 1
    slices, width = -(-n // SLICE), indptr.dtype
    room = 2 * (len(data) // n) + 8  # largest number of diagonals in a slice
    counts, offsets = xp.zeros(slices, width), xp.zeros((slices, room), width)
    kernels.sliced_find(SLICE, indptr, indices, data, counts, offsets)
    total = int(counts.sum())
    if int(counts.max()) > room or total * SLICE > LARGEST_PADDING * len(data):
        return None
    starts = xp.zeros(slices + 1, width)
    starts[1:] = xp.cumsum(counts)
    offsets = offsets[xp.arange(room) < counts[:, None]]
    entries = xp.empty((total, SLICE), data.dtype)
    kernels.sliced_fill(indptr, indices, data, starts, offsets, entries)
    return Sliced(*(frozen(array) for array in (starts, offsets, entries)))
