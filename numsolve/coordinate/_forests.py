"""Forests in the graph of a quadratic function: partitions into forests, and exact solution on one of them.

The nodes of the graph are the coefficients; an entry of A off the diagonal is an edge. A block whose subgraph
has no cycle is a forest, and its system ``A_bb d = r`` is solved in O(|b|) operations, because elimination
from the leaves to the roots creates no new entries (D. J. Rose, J. Math. Anal. Appl. 32, 1970, 597-609).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from .._array import library, to_host
from .._operators.colours import greedy_colouring
from ..kernels import kernels_for
from ._datafits import Quadratic


class Graph:
    """The graph of a symmetric matrix, on the host.

    Attributes
    ----------
    A : scipy.sparse.csr_array, shape (n, n)
        The matrix, without stored zeros, its indices sorted.
    """

    def __init__(self, A):
        self.A: Any = sp.csr_array(to_host(A), copy=True)
        self.A.sum_duplicates()
        self.A.eliminate_zeros()
        self._pattern = self.A.indptr.astype(np.int64), self.A.indices.astype(np.int64)

    @property
    def n(self):
        """Number of nodes."""
        return self.A.shape[0]

    def forest(self, order, most=None) -> Any:
        """Visit nodes in an order; return those that close no cycle with the ones before, sorted.

        Parameters
        ----------
        order : array of int
            Different nodes.
        most : int, optional
            Largest number of nodes that are chosen. Default: no limit.
        """
        from ..kernels.host.forests import greedy_forest

        n, chosen = self.n, np.zeros(self.n, bool)
        most, work = n if most is None else most, (np.arange(n), np.full(n, -1))
        greedy_forest(order, most, *self._pattern, *work, chosen)
        return np.flatnonzero(chosen)

    def forests(self, order) -> list[Any]:
        """Return forests that cover all nodes: the first has all nodes that close no cycle, and so on."""
        blocks, order = [], np.asarray(order)
        while len(order):
            blocks.append(self.forest(order))
            order = order[~np.isin(order, blocks[-1])]
        return blocks

    def independent(self) -> list[Any]:
        """Return blocks without edges that cover all nodes: two of them if the graph has no odd cycle.

        A greedy colouring in breadth-first order. There a node of a graph without odd cycles follows only
        neighbours of the other colour.
        """
        order = sp.csgraph.reverse_cuthill_mckee(self.A, symmetric_mode=True)[::-1]
        permuted: Any = self.A[order][:, order].tocsr()
        colours = greedy_colouring(permuted.indptr, permuted.indices)
        return [np.sort(order[colours == c]).astype(np.intp) for c in range(colours.max() + 1)]

    def rooted(self, block, like="numpy") -> "Forest | None":
        """Return a block as a forest in the library `like`; None if it has a cycle."""
        from ..kernels.host.forests import rooted_forest

        A, m, place = self.A, len(block), np.full(self.n, -1)
        place[block] = np.arange(m)
        order, starts, bounds = (np.empty(size, np.int64) for size in (m, m + 1, m + 1))
        coupling, diagonal = np.zeros((2, m), A.dtype)
        matrix, work = (*self._pattern, A.data), np.zeros((2, m), np.int64)
        levels = rooted_forest(block, place, *matrix, work, order, starts, bounds, coupling, diagonal)
        if levels < 0:
            return None
        return Forest(order, starts, bounds[: levels + 1], coupling, diagonal).moved_to(like)


@dataclass(frozen=True, eq=False)
class Forest:
    """The matrix of a block that is a forest, its nodes numbered by levels, the roots first.

    Attributes
    ----------
    order : array of int, shape (m,)
        The place of each node in the block.
    starts : array of int, shape (m + 1,)
        The children of node i have the numbers from ``starts[i]`` to ``starts[i + 1]``.
    bounds : array of int
        The first number of each level, and m.
    coupling, diagonal : arrays, shape (m,)
        The entries between a node and its parent, zero for a root, and on the diagonal.
    """

    order: Any
    starts: Any
    bounds: Any
    coupling: Any
    diagonal: Any

    def moved_to(self, like) -> "Forest":
        """Return the forest with its arrays in the library `like`."""
        from .._array import array_module

        if like == "numpy":
            return self
        move = array_module(like).asarray
        return Forest(*map(move, (self.order, self.starts, self.bounds, self.coupling, self.diagonal)))

    def solve(self, r) -> tuple[Any, Any]:
        """Return the solution for the right-hand side `r`, and the pivots over the diagonal entries."""
        values, pivots = r[self.order], self.diagonal.copy()
        with np.errstate(all="ignore"):
            kernels_for(r).forest_solve(self.bounds, self.starts, self.coupling, pivots, values)
        found = values.copy()
        found[self.order] = values
        return found, pivots / self.diagonal

    def believed(self, r) -> Any:
        """Return the solution for `r` by Gaussian belief propagation.

        Each node sends to each neighbour a precision and a potential, computed from those that its other
        neighbours sent before. After as many rounds as the longest path has edges, the sums of a node are
        its pivot as a root and the eliminated right-hand side, so that their quotient is exact.

        Y. Weiss, W. T. Freeman, Neural Computation 13, 2001, 2173-2200, doi:10.1162/089976601750541769.
        """
        from .._array import array_module

        xp, m = array_module(library(r) or "numpy"), len(self.order)
        children = xp.arange(int(self.bounds[1]) if m else 0, m)
        parents = xp.searchsorted(self.starts, children, side="right") - 1
        sources, targets = xp.concatenate((children, parents)), xp.concatenate((parents, children))
        back = xp.concatenate((xp.arange(len(children)) + len(children), xp.arange(len(children))))
        a = xp.concatenate((self.coupling[children], self.coupling[children]))
        own, mine = self.diagonal, r[self.order]
        precision, potential = xp.zeros_like(a), xp.zeros_like(a)

        def gathered(first, messages):
            return first + xp.bincount(targets, messages, minlength=m).astype(first.dtype)

        for _ in range(2 * (len(self.bounds) - 1)):
            others = gathered(own, precision)[sources] - precision[back]
            potential = -a * (gathered(mine, potential)[sources] - potential[back]) / others
            precision = -a * a / others
        found = xp.empty_like(mine)
        found[self.order] = gathered(mine, potential) / gathered(own, precision)
        return found


def graph_of(datafit) -> Graph:
    """Return the graph of a quadratic datafit."""
    return Graph(datafit.features.matrix)


def lacks_graph(datafit) -> str | None:
    """Return why a datafit has no graph, with a remedy; None if it has one."""
    if not isinstance(datafit, Quadratic):
        return (
            f"needs the graph of a matrix, which {type(datafit).__name__} does not have: pass the datafit "
            "Quadratic, or partition='order', select='gs' and update='newton'"
        )
    return None


def trees(problem, block_size, rng) -> list[Any]:  # noqa: ARG001 - the protocol of a partition
    """Return blocks that are forests, coefficients of large curvatures first."""
    return _graph_for(problem, "trees").forests(np.argsort(-to_host(problem.curvatures), kind="stable"))


def red_black(problem, block_size, rng) -> list[Any]:  # noqa: ARG001 - the protocol of a partition
    """Return blocks whose Hessian is diagonal."""
    return _graph_for(problem, "red-black").independent()


def _graph_for(problem, name):
    refusal = lacks_graph(problem.datafit)
    if refusal:
        raise ValueError(f"partition={name!r} {refusal}")
    return graph_of(problem.datafit)
