"""Rows in an order: incomplete factorisation, triangular solves, Gauss-Seidel; see the reference.

Without `bounds` one thread takes the rows in their natural order. The time of a row is the latency of its
dependence on the row before: a load, a product, a sum. So diagonals are divided out beforehand, and the entry
nearest to the diagonal comes last. With `bounds` threads share the rows of a level, which gains if levels are
wide.
"""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range
from ._jit import inline, kernel, paste
from .sparse import _row

ONE = np.uint64(1)


@inline
def ilu0(bounds, order, indptr, indices, diag, data):  # noqa: ARG001 - the natural order is one of them
    n = indptr.size - 1
    places = np.zeros(n, np.uint64)  # of the entries of row i: 1 + place, and 0 where there is none
    for i in range(np.uint64(n)):
        start, end = np.uint64(indptr[i]), np.uint64(indptr[i + ONE])
        for k in range(start, end):
            places[np.uint64(indices[k])] = k + ONE
        for k in range(start, np.uint64(diag[i])):
            j = np.uint64(indices[k])
            pivot = np.uint64(diag[j])
            # Numba raises an error where a complex number is divided by zero.
            factor = data[k] / data[pivot] if data[pivot] != 0 else data.dtype.type(np.nan)
            data[k] = factor
            for q in range(pivot + ONE, np.uint64(indptr[j + ONE])):
                place = places[np.uint64(indices[q])]
                if place > 0:
                    data[place - ONE] -= factor * data[q]
        for k in range(start, end):
            places[np.uint64(indices[k])] = 0


def ldu_solve(bounds, order, L_indptr, L_indices, L_data, U_indptr, U_indices, U_data, scale, b, z, x):
    factors = L_indptr, L_indices, L_data, U_indptr, U_indices, U_data, scale
    if bounds is None:
        _ldu_natural(*factors, b, x)
    else:
        _ldu_levels(bounds, order, *factors, b, z, x)


@inline
def _ldu_natural(L_indptr, L_indices, L_data, U_indptr, U_indices, U_data, scale, b, x):
    n = np.uint64(x.size)
    start = np.uint64(0)
    for i in range(n):
        end = np.uint64(L_indptr[i + ONE])
        value = b[i]
        for k in range(start, end):
            value -= L_data[k] * x[np.uint64(L_indices[k])]
        start = end
        x[i] = value
    end = np.uint64(U_data.size)
    for step in range(n):
        i = n - ONE - step
        start = np.uint64(U_indptr[i])
        value = scale[i] * x[i]
        k = end
        while k > start:
            k -= ONE
            value -= U_data[k] * x[np.uint64(U_indices[k])]
        end = start
        x[i] = value


def _mean_level(*args):
    """Return four times the mean size of a level, whose bounds come first: threads share a level."""
    return 4 * args[-1].size // max(args[0].size - 1, 1)


@kernel(items=_mean_level)
def _ldu_levels(bounds, order, L_indptr, L_indices, L_data, U_indptr, U_indices, U_data, scale, b, z, x):
    levels = bounds.size - 1
    for level in range(levels):
        top, size = np.uint64(bounds[level]), bounds[level + 1] - bounds[level]
        for chunk in prange(chunk_count(size)):
            first, last = chunk_range(chunk, size)
            for i in range(top + first, top + last):
                z[i] = _minus_row(L_indptr, L_indices, L_data, i, b[np.uint64(order[i])], z)
    for step in range(levels):
        level = levels - 1 - step
        top, size = np.uint64(bounds[level]), bounds[level + 1] - bounds[level]
        for chunk in prange(chunk_count(size)):
            first, last = chunk_range(chunk, size)
            for i in range(top + first, top + last):
                value = _minus_row(U_indptr, U_indices, U_data, i, scale[i] * z[i], z)
                z[i] = x[np.uint64(order[i])] = value


@paste
def _minus_row(indptr, indices, data, i, value, z):
    """Return `value` minus the product of row i with z."""
    for k in range(np.uint64(indptr[i]), np.uint64(indptr[i + ONE])):
        value -= data[k] * z[np.uint64(indices[k])]
    return value


def relax(bounds, order, reverse, indptr, indices, data, scale, b, x):
    if bounds is None:
        _relax_in_turn(reverse, indptr, indices, data, scale, b, x)
    elif data.size:
        _relax_levels(bounds, order, reverse, indptr, indices, data, scale, b, x)


@kernel(items=_mean_level)
def _relax_levels(bounds, order, reverse, indptr, indices, data, scale, b, x):
    for step in range(bounds.size - 1):
        level = bounds.size - 2 - step if reverse else step
        for chunk in prange(chunk_count(bounds[level + 1] - bounds[level])):
            first, last = chunk_range(chunk, bounds[level + 1] - bounds[level])
            for item in range(first, last):
                i = np.uint64(order[np.uint64(bounds[level]) + item])
                start, end = np.uint64(indptr[i]), np.uint64(indptr[i + ONE])
                x[i] += scale[i] * (b[i] - _row(start, end, indices, data, x))


@inline
def _relax_in_turn(reverse, indptr, indices, data, scale, b, x):
    n = np.uint64(x.size)
    if reverse:
        end = np.uint64(data.size)
        for step in range(n):
            i = n - ONE - step
            start = np.uint64(indptr[i])
            value = b[i]
            for k in range(start, end):
                value -= data[k] * x[np.uint64(indices[k])]
            end = start
            x[i] += scale[i] * value
        return
    start = np.uint64(0)
    for i in range(n):
        end = np.uint64(indptr[i + ONE])
        value = b[i]
        k = end
        while k > start:
            k -= ONE
            value -= data[k] * x[np.uint64(indices[k])]
        start = end
        x[i] += scale[i] * value
