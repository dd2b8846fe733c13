"""Incomplete factorisations with fill: the pattern by levels of fill, and elimination with dropping.

Both take a row at a time. A heap yields the columns before the diagonal in ascending order, because the
elimination of one can add others.
"""

import numpy as np

from ..cpu._jit import inline


@inline
def fill_pattern(indptr, indices, level):
    """Return indptr and indices of the pattern of ILU(level), with the diagonal and ascending columns.

    An entry of A has level 0. The elimination of column k adds entry j to row i, at level
    ``level(i, k) + level(k, j) + 1``; the lowest counts.
    """
    n = indptr.size - 1
    room = 2 * indices.size + n
    starts, diag = np.zeros(n + 1, np.int64), np.empty(n, np.int64)
    found, levels = np.empty(room, indices.dtype), np.empty(room, np.int64)
    row, depth = np.full(n, -1, np.int64), np.empty(n, np.int64)
    heap, before, after = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    for i in range(n):
        waiting, lower, upper = 0, 0, 0
        row[i], depth[i] = i, 0
        for p in range(indptr[i], indptr[i + 1]):
            j = int(indices[p])
            row[j], depth[j] = i, 0
            waiting, upper = _sort_in(j, i, heap, waiting, after, upper)
        while waiting > 0:
            k = _pop(heap, waiting)
            waiting -= 1
            before[lower] = k
            lower += 1
            for p in range(diag[k] + 1, starts[k + 1]):
                j, reached = int(found[p]), depth[k] + levels[p] + 1
                if reached > level:
                    continue
                if row[j] == i:
                    depth[j] = min(depth[j], reached)
                else:
                    row[j], depth[j] = i, reached
                    waiting, upper = _sort_in(j, i, heap, waiting, after, upper)
        place = starts[i]
        starts[i + 1] = place + lower + 1 + upper
        if starts[i + 1] > found.size:
            found, levels = _longer(found, starts[i + 1]), _longer(levels, starts[i + 1])
        diag[i] = place + lower
        after[:upper] = np.sort(after[:upper])
        for p in range(lower + 1 + upper):
            j = before[p] if p < lower else (i if p == lower else after[p - lower - 1])
            found[place + p], levels[place + p] = j, depth[j]
    return starts, found[: starts[n]].copy()


@inline
def ilut(indptr, indices, data, shift, drop_tol, most):
    """Return the factors with dropping as indptr, indices and data of one matrix, and a row with its pivot.

    L has a unit diagonal, which is not stored. The elimination ends at the first row with a poor pivot, which
    is returned; the row is -1 if all pivots are good. A diagonal entry grows in magnitude by `shift`
    times the sum of magnitudes of its row. In row i an entry of U is dropped if it is at most `drop_tol`
    times the 2-norm of row i of A; a multiplier of row k, if what it adds is, by the 2-norm of row k of U.
    The `most` largest of both kinds stay: Algorithm 10.6 of Saad's book, in a form that does not depend on
    the scale of the rows.
    """
    n = indptr.size - 1
    room = 2 * indices.size + n
    starts, diag = np.zeros(n + 1, np.int64), np.empty(n, np.int64)
    found, values = np.empty(room, indices.dtype), np.empty(room, data.dtype)
    row, w = np.full(n, -1, np.int64), np.zeros(n, data.dtype)
    norms, sizes = np.zeros(n), np.empty(n)
    heap, before, after = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    for i in range(n):
        waiting, lower, upper, squares, total = 0, 0, 0, 0.0, 0.0
        row[i], w[i] = i, 0
        for p in range(indptr[i], indptr[i + 1]):
            j, size = int(indices[p]), abs(data[p])
            row[j], w[j] = i, data[p]
            squares += size * size
            total += size
            waiting, upper = _sort_in(j, i, heap, waiting, after, upper)
        size = abs(w[i])
        w[i] += shift * total * (w[i] / size if size > 0 else 1.0)
        norm = np.sqrt(squares)
        least = drop_tol * norm
        while waiting > 0:
            k = _pop(heap, waiting)
            waiting -= 1
            factor = w[k] / values[diag[k]]
            if abs(factor) * norms[k] <= least:
                row[k] = -1
                continue
            w[k] = factor
            before[lower] = k
            lower += 1
            for p in range(diag[k] + 1, starts[k + 1]):
                j = int(found[p])
                if row[j] == i:
                    w[j] -= factor * values[p]
                else:
                    row[j], w[j] = i, -factor * values[p]
                    waiting, upper = _sort_in(j, i, heap, waiting, after, upper)
        if not np.inf > abs(w[i]) > np.finfo(np.float64).eps * norm:
            return starts, found, values, i, w[i]
        for p in range(lower):
            sizes[p] = abs(w[before[p]]) * norms[before[p]]
        lower = _keep(before, sizes, lower, most, 0.0)
        for p in range(upper):
            sizes[p] = abs(w[after[p]])
        upper = _keep(after, sizes, upper, most, least)
        place = starts[i]
        starts[i + 1] = place + lower + 1 + upper
        if starts[i + 1] > found.size:
            found, values = _longer(found, starts[i + 1]), _longer(values, starts[i + 1])
        diag[i] = place + lower
        after[:upper] = np.sort(after[:upper])
        squares = 0.0
        for p in range(lower + 1 + upper):
            j = before[p] if p < lower else (i if p == lower else after[p - lower - 1])
            found[place + p], values[place + p] = j, w[j]
            squares += abs(w[j]) ** 2 if p >= lower else 0.0
        norms[i] = np.sqrt(squares)
    return starts, found[: starts[n]].copy(), values[: starts[n]].copy(), -1, values.dtype.type(0)


@inline
def _sort_in(j, i, heap, waiting, after, upper):
    """Add column j of row i to the heap, or to those after the diagonal; return the numbers of both."""
    if j < i:
        _push(heap, waiting, j)
        return waiting + 1, upper
    if j > i:
        after[upper] = j
        return waiting, upper + 1
    return waiting, upper


@inline
def _push(heap, size, value):
    """Add a value to a heap of `size` values, the least of which is first."""
    child = size
    while child > 0:
        parent = (child - 1) // 2
        if heap[parent] <= value:
            break
        heap[child] = heap[parent]
        child = parent
    heap[child] = value


@inline
def _pop(heap, size):
    """Remove the least of `size` values from a heap, and return it."""
    least, value, parent, last = heap[0], heap[size - 1], 0, size - 1
    while True:
        child = 2 * parent + 1
        if child >= last:
            break
        if child + 1 < last and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[parent] = heap[child]
        parent = child
    heap[parent] = value
    return least


@inline
def _keep(columns, sizes, count, most, least):
    """Move the columns of the `most` largest sizes above `least` to the front, in order; return how many."""
    cut, ties = -1.0, count
    if count > most:
        cut = np.partition(sizes[:count], count - most)[count - most] if most > 0 else np.inf
        ties = most
        for p in range(count):
            ties -= sizes[p] > cut
    kept = 0
    for p in range(count):
        tied = sizes[p] == cut
        if sizes[p] > least and (sizes[p] > cut or (tied and ties > 0)):
            ties -= tied
            columns[kept] = columns[p]
            kept += 1
    return kept


@inline
def _longer(array, least):
    """Return a copy with room for more values."""
    longer = np.empty(max(2 * array.size, least), array.dtype)
    longer[: array.size] = array
    return longer
