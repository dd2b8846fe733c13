"""An ordering that keeps factors sparse, and the work of the factorisation: serial loops on the host.

Unknowns are eliminated from a quotient graph. An eliminated unknown becomes an element: the list of the
unknowns that its elimination couples. Unknowns with the same couplings are merged and eliminated together.
"""

from typing import Any, NamedTuple

import numpy as np

from ..cpu._jit import inline


class Graph(NamedTuple):
    """The quotient graph: for each node its list of elements, then of unknowns, in `entries`."""

    entries: Any
    begin: Any  # where the list starts
    elements: Any  # how many elements it has
    length: Any  # how many entries in all
    weight: Any  # unknowns that the node stands for; 0 if gone or merged, negative while the pivot couples it
    degree: Any  # bound of the number of unknowns that it is coupled to; size of an element
    alive: Any  # whether it is an element in use
    mark: Any


class Buckets(NamedTuple):
    """Doubly linked lists of the nodes of each degree; -1 ends a list."""

    first: Any
    before: Any
    after: Any


@inline
def minimum_degree(indptr, indices, most_work, most_space):
    """Return an elimination order of a symmetric pattern, and the work of a Cholesky factorisation in it.

    Parameters
    ----------
    indptr, indices : array of int
        The pattern, in compressed rows; entries of the diagonal are ignored.
    most_work : float
        Work after which the elimination stops.
    most_space : int
        Entries of the quotient graph at which it stops, at least twice those of the pattern.

    Returns
    -------
    order : array of int64, shape (n,)
        The unknowns in the order of their elimination; empty if it stopped.
    entries, work : float
        Entries of the factor below the diagonal, and the sum of the squares of these counts over the columns.

    Notes
    -----
    The approximate minimum degree ordering of P. R. Amestoy, T. A. Davis, I. S. Duff, SIAM J. Matrix Anal.
    Appl. 17, 1996, doi:10.1137/S0895479894278952. The sizes of the eliminated columns are exact. Rows with
    more than ``16 + 10 sqrt(n)`` entries come last, and count as coupled to all others.
    """
    n = indptr.size - 1
    graph, hubs = quotient_graph(indptr, indices, most_space)
    lists = Buckets(np.full(n + 1, -1), np.full(n, -1), np.full(n, -1))
    for i in range(n):
        if graph.weight[i]:
            insert(graph, lists, i)
    bucket, chain, tail, pivots = np.full(n, -1), np.full(n, -1), np.arange(n), np.empty(n, np.int64)
    entries, work = 0.0, 0.0
    stamp, count, done, least, free = 1, 0, 0, 0, np.int64(indices.size)
    while done < n - hubs:
        while lists.first[least] < 0:
            least += 1
        pivot = lists.first[least]
        start, free = free, couple(graph, lists, pivot, free)
        if free < 0 or work > most_work:
            return pivots[:0], entries, work
        count_outside(graph, start, free, stamp)
        size, together = absorb(graph, pivot, start, free, stamp, chain, tail)
        stamp = merge(graph, lists, bucket, start, free, stamp + n + 1, chain, tail)
        done += together
        free, least = settle(graph, lists, pivot, start, free, size, n - done, least)
        pivots[count] = pivot
        count += 1
        for column in range(together):
            below = float(size + column + hubs)
            entries += below
            work += below * below
    entries += hubs * (hubs - 1.0) / 2
    return expand(pivots[:count], chain, n, hubs), entries, work + hubs**3 / 3


@inline
def quotient_graph(indptr, indices, most_space):
    """Return the graph of a pattern before the elimination, and the number of rows that are set aside."""
    n = indptr.size - 1
    entries, begin, length = np.empty(most_space, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    weight, free, hubs = np.ones(n, np.int64), 0, 0
    for i in range(n):
        begin[i] = free
        for k in range(indptr[i], indptr[i + 1]):
            if indices[k] != i:
                entries[free] = indices[k]
                free += 1
        length[i] = free - begin[i]
        if length[i] > 16 + 10 * np.sqrt(n):
            weight[i] = 0
            hubs += 1
    none, alive = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    return Graph(entries, begin, none, length, weight, length.copy(), alive, none.copy()), hubs


@inline
def insert(graph, lists, i):
    """Insert a node into the list of its degree."""
    following = lists.first[graph.degree[i]]
    lists.before[i], lists.after[i] = -1, following
    lists.first[graph.degree[i]] = i
    if following >= 0:
        lists.before[following] = i


@inline
def remove(graph, lists, i):
    """Remove a node from the list of its degree."""
    before, after = lists.before[i], lists.after[i]
    if before >= 0:
        lists.after[before] = after
    else:
        lists.first[graph.degree[i]] = after
    if after >= 0:
        lists.before[after] = before


@inline
def couple(graph, lists, pivot, free):
    """Append the unknowns that a pivot couples, with their weights made negative; return the end, or -1."""
    needed, start = graph.length[pivot], graph.begin[pivot]
    for k in range(start, start + graph.elements[pivot]):
        needed += graph.length[graph.entries[k]]
    if free + needed > graph.entries.size:
        return -1
    remove(graph, lists, pivot)
    graph.weight[pivot] *= -1
    for k in range(start, start + graph.elements[pivot]):
        element = graph.entries[k]
        if graph.alive[element]:
            begin = graph.begin[element]
            free = couple_each(graph, lists, begin, begin + graph.length[element], free)
            graph.alive[element] = False
    return couple_each(graph, lists, start + graph.elements[pivot], start + graph.length[pivot], free)


@inline
def couple_each(graph, lists, begin, end, free):
    """Append the unknowns of a list that are not yet coupled; return the end."""
    for k in range(begin, end):
        i = graph.entries[k]
        if graph.weight[i] > 0:
            remove(graph, lists, i)
            graph.weight[i] *= -1
            graph.entries[free] = i
            free += 1
    return free


@inline
def count_outside(graph, start, end, stamp):
    """Set ``mark - stamp`` of each element to the number of its unknowns outside of a list."""
    for at in range(start, end):
        i = graph.entries[at]
        for k in range(graph.begin[i], graph.begin[i] + graph.elements[i]):
            element = graph.entries[k]
            if graph.mark[element] < stamp:
                graph.mark[element] = stamp + graph.degree[element]
            graph.mark[element] += graph.weight[i]


@inline
def absorb(graph, pivot, start, end, stamp, chain, tail):
    """Update the unknowns that a pivot couples; return its size, and the unknowns eliminated with it.

    Those that are coupled to nothing else are eliminated together with the pivot.
    """
    size, together = 0, -graph.weight[pivot]
    for at in range(start, end):
        i = graph.entries[at]
        size -= graph.weight[i]
        if update(graph, i, pivot, stamp) == 0:
            size += graph.weight[i]
            together -= graph.weight[i]
            graph.weight[i] = 0
            chain[tail[pivot]] = i
            tail[pivot] = tail[i]
    graph.weight[pivot] = 0
    return size, together


@inline
def update(graph, i, pivot, stamp):
    """Remove what the pivot covers from the list of an unknown; return a bound of the couplings left."""
    begin, out, outside = graph.begin[i], graph.begin[i], 0
    for k in range(begin, begin + graph.elements[i]):
        element = graph.entries[k]
        if graph.alive[element] and graph.mark[element] > stamp:
            outside += graph.mark[element] - stamp
            graph.entries[out] = element
            out += 1
        else:
            graph.alive[element] = False
    kept = out
    for k in range(begin + graph.elements[i], begin + graph.length[i]):
        j = graph.entries[k]
        if graph.weight[j] > 0:
            outside += graph.weight[j]
            graph.entries[out] = j
            out += 1
    graph.entries[out] = graph.entries[kept]
    graph.entries[kept] = pivot
    graph.elements[i], graph.length[i] = kept - begin + 1, out - begin + 1
    graph.degree[i] = min(graph.degree[i], outside)
    return outside


@inline
def merge(graph, lists, bucket, start, end, stamp, chain, tail):
    """Merge the unknowns of a list that have the same couplings; return the next unused stamp."""
    for at in range(start, end):
        i = graph.entries[at]
        if graph.weight[i] < 0:
            key = 0
            for k in range(graph.begin[i], graph.begin[i] + graph.length[i]):
                key += graph.entries[k]
            key %= bucket.size
            lists.before[i], lists.after[i] = key, bucket[key]
            bucket[key] = i
    for at in range(start, end):
        i = graph.entries[at]
        if graph.weight[i] < 0:
            key = lists.before[i]
            i, bucket[key] = bucket[key], -1
            while i >= 0:
                if lists.after[i] >= 0:
                    merge_into(graph, lists, i, stamp, chain, tail)
                    stamp += 1
                i = lists.after[i]
    return stamp


@inline
def merge_into(graph, lists, i, stamp, chain, tail):
    """Merge with an unknown those after it in its list that have the same couplings."""
    begin = graph.begin[i]
    for k in range(begin, begin + graph.length[i]):
        graph.mark[graph.entries[k]] = stamp
    last, j = i, lists.after[i]
    while j >= 0:
        begin, same = graph.begin[j], graph.length[i] == graph.length[j]
        k = begin
        while same and k < begin + graph.length[j]:
            same = graph.mark[graph.entries[k]] == stamp
            k += 1
        if same:
            graph.weight[i] += graph.weight[j]
            graph.weight[j] = 0
            chain[tail[i]] = j
            tail[i] = tail[j]
            lists.after[last] = lists.after[j]
        else:
            last = j
        j = lists.after[j]


@inline
def settle(graph, lists, pivot, start, end, size, left, least):
    """Turn the pivot into an element, and list its unknowns; return the end and the least degree."""
    out = start
    for at in range(start, end):
        i = graph.entries[at]
        if graph.weight[i] < 0:
            own = -graph.weight[i]
            graph.weight[i] = own
            graph.degree[i] = min(graph.degree[i] + size, left) - own
            least = min(least, graph.degree[i])
            insert(graph, lists, i)
            graph.entries[out] = i
            out += 1
    graph.begin[pivot], graph.length[pivot] = start, out - start
    graph.degree[pivot], graph.alive[pivot] = size, size > 0
    return out, least


@inline
def expand(pivots, chain, n, hubs):
    """Return all unknowns in order: each pivot followed by those eliminated with it, rows set aside last."""
    order, seen, count = np.empty(n, np.int64), np.zeros(n, np.bool_), 0
    for i in pivots:
        while i >= 0:
            order[count] = i
            seen[i] = True
            count += 1
            i = chain[i]
    if hubs:
        for i in range(n):
            if not seen[i]:
                order[count] = i
                count += 1
    return order
