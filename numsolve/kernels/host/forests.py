"""Forests in the graph of a symmetric sparse matrix: serial loops on the host, into arrays of the caller."""

from ..cpu._jit import inline


@inline
def _root(parents, i):
    """Return the root of a node, and halve its path."""
    while parents[i] != i:
        parents[i] = parents[parents[i]]
        i = parents[i]
    return i


@inline
def greedy_forest(order, most, indptr, indices, parents, marks, chosen):
    """Visit nodes in an order, and choose those that close no cycle with the chosen ones, `most` at most.

    A node closes a cycle if two of its chosen neighbours lie in the same tree.

    Parameters
    ----------
    order : array
        Different nodes.
    most : int
        Largest number of nodes that are chosen.
    indptr, indices : arrays
        The pattern of the matrix.
    parents, marks : arrays, shape (n,)
        Work space: 0, 1, ..., n - 1 and -1.
    chosen : array of bool, shape (n,)
        False; set for the nodes that are chosen.
    """
    left = most
    for step in range(order.size):
        i = order[step]
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


@inline
def rooted_forest(block, place, indptr, indices, data, work, order, starts, bounds, coupling, diagonal):
    """Number a forest of m nodes by levels, the roots first and the children of a node together.

    Returns the number of levels, or -1 if the block is no forest.

    Parameters
    ----------
    block : array, shape (m,)
        Different nodes.
    place : array, shape (n,)
        The place of each node in `block`, -1 for others.
    indptr, indices, data : arrays
        The matrix.
    work : array of int, shape (2, m)
        Work space, zeros.
    order : array, shape (m,)
        Set to the places in `block` of the nodes.
    starts : array, shape (m + 1,)
        Set: the children of the k-th node have the numbers from ``starts[k]`` to ``starts[k + 1]``.
    bounds : array, shape (m + 1,)
        Set to the first number of each level, and m.
    coupling, diagonal : arrays, shape (m,)
        Zeros; set to the entries between a node and its parent (0 for a root), and on the diagonal.
    """
    m = block.size
    roots, edges = _roots(block, place, indptr, indices, work, order)
    if edges != 2 * (m - roots):
        return -1
    for k in range(m):
        work[0, k] = 0
    for k in range(roots):
        work[0, order[k]] = 1
    end, levels, last = roots, 0, 0
    for seen in range(m):
        if seen == last:
            bounds[levels] = seen
            levels += 1
            last = end
        starts[seen] = end
        i = block[order[seen]]
        for k in range(indptr[i], indptr[i + 1]):
            j = place[indices[k]]
            if indices[k] == i:
                diagonal[seen] = data[k]
            elif j >= 0 and work[0, j] == 0:
                work[0, j] = 1
                order[end] = j
                coupling[end] = data[k]
                end += 1
    starts[m] = m
    bounds[levels] = m
    return levels


@inline
def _roots(block, place, indptr, indices, work, roots):
    """Write a node of each connected part to `roots`; return the number of parts and twice that of edges."""
    parts, edges = 0, 0
    for first in range(block.size):
        if work[0, first]:
            continue
        work[0, first], work[1, 0] = 1, first
        seen, end = 0, 1
        while seen < end:
            i = block[work[1, seen]]
            seen += 1
            for k in range(indptr[i], indptr[i + 1]):
                j = place[indices[k]]
                if indices[k] != i and j >= 0:
                    edges += 1
                    if work[0, j] == 0:
                        work[0, j], work[1, end] = 1, j
                        end += 1
        roots[parts] = first
        parts += 1
    return parts, edges
