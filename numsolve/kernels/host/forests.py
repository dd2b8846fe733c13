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
def greedy_forest(order, indptr, indices):
    """Visit nodes in an order; tell for each node whether it was chosen: it closes no cycle with those before.

    A node closes a cycle if two of its chosen neighbours lie in the same tree.
    """
    n = indptr.size - 1
    parents, marks, chosen = np.arange(n), np.full(n, -1), np.zeros(n, np.bool_)
    for i in order:
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
    place, tree = np.full(n, -1), np.full(m, -1)
    for k in range(m):
        place[block[k]] = k
    order, roots, edges = np.empty(m, np.int64), 0, 0
    for first in range(m):  # find the trees
        if tree[first] >= 0:
            continue
        tree[first], order[0], seen, end = roots, first, 0, 1
        while seen < end:
            i = block[order[seen]]
            seen += 1
            for k in range(indptr[i], indptr[i + 1]):
                j = place[indices[k]]
                if indices[k] != i and j >= 0:
                    edges += 1
                    if tree[j] < 0:
                        tree[j], order[end] = roots, j
                        end += 1
        roots += 1
    starts, bounds = np.empty(m + 1, np.int64), np.empty(m + 2, np.int64)
    coupling, diagonal = np.zeros(m, data.dtype), np.zeros(m, data.dtype)
    if edges != 2 * (m - roots):
        return order, starts, bounds[:0], coupling, diagonal
    end = 0
    for first in range(m):
        if tree[first] == end:  # the first node of the next tree
            order[end] = first
            end += 1
    tree[:] = 0
    for k in range(end):
        tree[order[k]] = 1
    bounds[0], levels, last = 0, 0, 0
    for seen in range(m):
        if seen == last:
            bounds[levels], levels, last = seen, levels + 1, end
        starts[seen] = end
        i = block[order[seen]]
        for k in range(indptr[i], indptr[i + 1]):
            j = place[indices[k]]
            if indices[k] == i:
                diagonal[seen] = data[k]
            elif j >= 0 and tree[j] == 0:
                tree[j], order[end], coupling[end] = 1, j, data[k]
                end += 1
    starts[m], bounds[levels] = m, m
    return order, starts, bounds[: levels + 1], coupling, diagonal
