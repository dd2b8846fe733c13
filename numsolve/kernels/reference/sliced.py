"""Products with a matrix in sliced diagonals, and the way there from compressed sparse rows.

A slice is ``data.shape[1]`` consecutive rows. Diagonals ``starts[s]`` to ``starts[s + 1]`` are those of slice
`s`: ``data[k]`` has the entries ``A[i, i + offsets[k]]`` of its rows `i`, and zeros where there are none.
"""

import numpy as np


def sliced_find(rows, indptr, indices, data, counts, offsets):
    """Write the offsets of each slice's diagonals, ascending, and their number.

    Entries that are zero do not count. A slice with more diagonals than `offsets` has columns gets one more
    than that as its count, and zeros. Columns ascend in each row of the matrix; `rows` is 256 at most.
    """
    room = offsets.shape[1]
    for s in range(counts.size):
        begin, end = indptr[s * rows], indptr[min((s + 1) * rows, indptr.size - 1)]
        lengths = np.diff(indptr[s * rows : (s + 1) * rows + 1])
        row = np.repeat(s * rows + np.arange(lengths.size), lengths)
        found = np.unique((indices[begin:end] - row)[data[begin:end] != 0])
        counts[s] = min(found.size, room + 1)
        offsets[s, : min(found.size, room)] = found if found.size <= room else 0


def sliced_fill(indptr, indices, data, starts, offsets, sliced):
    """Write the entries of a matrix to its sliced diagonals; every offset that occurs is there."""
    rows, n = sliced.shape[1], indptr.size - 1
    i = np.repeat(np.arange(n), np.diff(indptr))[data != 0]
    offset, span = indices[data != 0] - i, 2 * max(n, int(indices.max(initial=0))) + 1
    diagonals = np.repeat(np.arange(starts.size - 1), np.diff(starts)) * span + offsets  # these ascend
    sliced[:] = 0
    sliced[np.searchsorted(diagonals, i // rows * span + offset), i % rows] = data[data != 0]


def sliced_spmv(starts, offsets, data, x, y):
    """Write ``A @ x`` to `y`."""
    y[:] = 0
    rows = data.shape[1]
    for s in range(starts.size - 1):
        i = np.arange(s * rows, min((s + 1) * rows, y.size))
        for k in range(starts[s], starts[s + 1]):
            inside = (i + offsets[k] >= 0) & (i + offsets[k] < x.size)
            y[i[inside]] += data[k, : i.size][inside] * x[i[inside] + offsets[k]]


def sliced_spmv_dot(starts, offsets, data, p, q):
    """Write ``A @ p`` to `q`, return the real part of ``p^H q``."""
    sliced_spmv(starts, offsets, data, p, q)
    return np.vdot(p, q).real
