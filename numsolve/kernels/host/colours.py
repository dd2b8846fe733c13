"""Colours of rows: serial loops on the host, once for each pattern."""

import numpy as np

from ..cpu._jit import inline

INSERTION_SORT_LIMIT = 64  # entries of a row; a longer one is sorted by argsort


@inline
def greedy_colours(indptr, indices):
    """Return for each row the lowest colour that no earlier row coupled to it has.

    An entry couples two rows whichever of them holds it. A round assigns 64 colours, one bit each; rows for
    which all of them are taken are left to the next round.
    """
    n = indptr.size - 1
    one, colours, left, base = np.uint64(1), np.full(n, -1, np.int32), n, 0
    while left > 0:
        taken = np.zeros(n, np.uint64)
        for i in range(n):
            if colours[i] >= 0:
                continue
            mask = taken[i]
            for k in range(indptr[i], indptr[i + 1]):
                j = indices[k]
                if j < i and colours[j] >= base:
                    mask |= one << np.uint64(colours[j] - base)
            own = 0
            while own < 64 and mask & (one << np.uint64(own)):
                own += 1
            if own == 64:
                continue
            colours[i] = base + own
            left -= 1
            for k in range(indptr[i], indptr[i + 1]):
                if indices[k] > i:
                    taken[indices[k]] |= one << np.uint64(own)
        base += 64
    return colours


@inline
def first_conflict(indptr, indices, colours):
    """Return two coupled rows of one colour, or (-1, -1)."""
    for i in range(indptr.size - 1):
        for k in range(indptr[i], indptr[i + 1]):
            if indices[k] != i and colours[indices[k]] == colours[i]:
                return i, indices[k]
    return -1, -1


@inline
def permuted(indptr, indices, order):
    """Return the pattern with rows and columns in another order, and the former place of each entry."""
    n, one = order.size, np.uint64(1)
    place = np.empty(n, indices.dtype)
    for new in range(n):
        place[order[new]] = new
    starts = np.empty(n + 1, indptr.dtype)
    columns, places = np.empty(indices.size, indices.dtype), np.empty(indices.size, indices.dtype)
    starts[0], begin = 0, np.uint64(0)
    for new in range(n):
        first, last = np.uint64(indptr[order[new]]), np.uint64(indptr[order[new] + 1])
        end = begin
        if last - first > np.uint64(INSERTION_SORT_LIMIT):
            found = place[indices[first:last]]
            ranks = np.argsort(found)
            end = begin + (last - first)
            for k in range(last - first):
                columns[begin + k], places[begin + k] = found[ranks[k]], np.uint64(ranks[k]) + first
        else:  # by insertion
            for k in range(first, last):
                column, at = place[indices[k]], end
                while at > begin and columns[at - one] > column:
                    columns[at], places[at] = columns[at - one], places[at - one]
                    at -= one
                columns[at], places[at] = column, k
                end += one
        starts[new + 1], begin = end, end
    return starts, columns, places
