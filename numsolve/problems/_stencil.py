"""Matrices of regular grids, in which each cell is coupled to its neighbours along every axis."""

import numpy as np
import scipy.sparse as sp


def stencil(diagonal, lower, upper):
    """Assemble the matrix that couples each cell to its two neighbours along each axis.

    Parameters
    ----------
    diagonal : array, shape (m1, m2, ...)
        The diagonal entries, cell by cell.
    lower, upper : sequences of arrays of the same shape, one an axis
        The entries of each cell's row for the neighbour before it and the one after it. Entries for
        neighbours outside the grid are dropped.

    Returns
    -------
    scipy.sparse.csr_array, shape (n, n)
        Columns in order.
    """
    shape = diagonal.shape
    strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    index = np.int32 if diagonal.size * (2 * len(shape) + 1) < 2**31 else np.int64
    steps = np.array([*(-s for s in strides), 0, *strides[::-1]], index)
    values = np.stack([*lower, diagonal, *upper[::-1]], axis=-1)
    inside = np.ones(values.shape, bool)
    for axis in range(len(shape)):
        here = (slice(None),) * axis
        inside[(*here, 0, ..., axis)] = False
        inside[(*here, -1, ..., -1 - axis)] = False
    columns = np.arange(diagonal.size, dtype=index).reshape((*shape, 1)) + steps
    indptr = np.zeros(diagonal.size + 1, index)
    np.cumsum(inside.sum(axis=-1).ravel(), out=indptr[1:])
    return sp.csr_array((values[inside], columns[inside], indptr), shape=2 * (diagonal.size,))


def conductances(coefficient, axis):
    """Return the harmonic means of each inner cell with its neighbours before and after it along `axis`."""
    inner = tuple(slice(None) if a == axis else slice(1, -1) for a in range(coefficient.ndim))
    resistance = 0.5 / coefficient[inner]
    return both_sides(1 / (np.delete(resistance, -1, axis) + np.delete(resistance, 0, axis)), axis)


def both_sides(faces, axis):
    """Return the values on the faces before each cell along `axis`, and those on the faces after it."""
    return np.delete(faces, -1, axis), np.delete(faces, 0, axis)
