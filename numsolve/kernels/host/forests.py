"""Forests in the graph of a symmetric sparse matrix: serial loops on the host."""

import numpy as np

from ..cpu._jit import inline


@inline
def _root(parents, i):
    """Return the root of a node, and halve its path."""
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i


@inline
def greedy_forest(order, most, indptr, indices):
    """Visit nodes in an order, and choose those that close no cycle with the chosen ones, `most` at most.

    A node closes a cycle if two of its chosen neighbours lie in the same tree. Returns for each node whether
    it was chosen.
    """
    n, left = indptr.size - 1, most
    parents, marks, chosen = np.arange(n), np.full(n, -1), np.zeros(n, np.bool_)
    for i in order:
        if left == 0:
            break
        is_free = True
        for k in range(indptr[i], indptr[i + 1]):
            j = indices[k]
            if j != i and chosen[j]:
                tree = _root(parents, j)
                if marks[tree] == i:
                    is_free = False
                    break
                marks[tree] = i
        if not is_free:
            continue
        chosen[i] = True
        left -= 1
        for k in range(indptr[i], indptr[i + 1]):
            if chosen[indices[k]]:
                parents[_root(parents, indices[k])] = i
    return chosen


@inline
def rooted_forest(block, indptr, indices, data):
    """Return a forest of nodes by levels, the roots first and the children of a node together.

    Returns
    -------
    order : array
        The places in `block` of the nodes.
    starts : array
        The children of the k-th node have the numbers from ``starts[k]`` to ``starts[k + 1]``.
    bounds : array
        The first number of each level, and the number of nodes; empty if the block is no forest.
    coupling, diagonal : arrays
        The entries of the matrix between a node and its parent (0 for a root), and on the diagonal.
    """
    n, m = indptr.size - 1, block.size
    place = np.full(n, -1)
    for k in range(m):
        place[block[k]] = k
    order, starts, bounds = np.empty(m, np.int64), np.empty(m + 1, np.int64), np.zeros(m + 2, np.int64)
    coupling, diagonal, is_met = np.zeros(m, data.dtype), np.zeros(m, data.dtype), np.zeros(m, np.bool_)
    roots, edges = _roots(block, place, indptr, indices, order)
    if edges != 2 * (m - roots):
        return order, starts, bounds[:0], coupling, diagonal
    for k in range(roots):
        is_met[order[k]] = True
    end, levels, last = roots, 0, 0
    for seen in range(m):
        if seen == last:
            bounds[levels], levels, last = seen, levels + 1, end
        starts[seen] = end
        i = block[order[seen]]
        for k in range(indptr[i], indptr[i + 1]):
            j = place[indices[k]]
            if indices[k] == i:
                diagonal[seen] = data[k]
            elif j >= 0 and not is_met[j]:
                is_met[j], order[end], coupling[end] = True, j, data[k]
                end += 1
    starts[m], bounds[levels] = m, m
    return order, starts, bounds[: levels + 1], coupling, diagonal


@inline
def _roots(block, place, indptr, indices, roots):
    """Write a node of each connected part to `roots`; return the number of parts and twice that of edges."""
    m, parts, edges = block.size, 0, 0
    is_met, queue = np.zeros(m, np.bool_), np.empty(m, np.int64)
    for first in range(m):
        if is_met[first]:
            continue
        is_met[first], queue[0], seen, end = True, first, 0, 1
        while seen < end:
            i = block[queue[seen]]
            seen += 1
            for k in range(indptr[i], indptr[i + 1]):
                j = place[indices[k]]
                if indices[k] != i and j >= 0:
                    edges += 1
                    if not is_met[j]:
                        is_met[j], queue[end] = True, j
                        end += 1
        roots[parts] = first
        parts += 1
    return parts, edges
