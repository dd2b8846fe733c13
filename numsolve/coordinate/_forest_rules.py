"""Rules for forest-structured blocks: greedy and random trees, and the exact step by message passing."""

from typing import Any

import numpy as np

from .._array import to_host
from .._result import Breakdown
from ._block_models import generalized_inverse_step
from ._forests import Forest, graph_of, lacks_graph
from ._penalties import NoPenalty
from ._selections import Selection
from ._setting import lacks
from ._updates import Update

CYCLE = (
    "update='message-passing' met a block with a cycle: pass select='gs-tree', or partition='trees' or "
    "'red-black', or update='newton'"
)


class TreeSelection(Selection):
    """Visit the coefficients in some order, and choose those that close no cycle, `block_size` at most."""

    @classmethod
    def refusal(cls, setting):
        return lacks_graph(setting.problem.datafit) or lacks(setting, "variable")

    def __init__(self, setting):
        super().__init__(setting)
        self._graph = graph_of(setting.problem.datafit)

    def choose(self, iterate):
        return self.problem.index(self._graph.forest(self.order(iterate), self.setting.block_size))

    def order(self, iterate) -> Any:
        """Return the order of the visits, on the host."""
        raise NotImplementedError


class GreedyTree(TreeSelection):
    """GSTree: in the order of decreasing violations."""

    reads_gradient = True

    def order(self, iterate):
        return np.argsort(-to_host(self.scores(iterate)), kind="stable")

    def scores(self, iterate) -> Any:
        """Return the scores of the coefficients."""
        return iterate.violations()


class GreedyDiagonalTree(GreedyTree):
    """GSDTree: in the order of decreasing violations over the roots of the curvatures."""

    def scores(self, iterate):
        return iterate.violations() / self.problem.xp.sqrt(self.problem.curvatures)


class RandomTree(TreeSelection):
    """RTree: in a random order."""

    is_random = True

    def order(self, iterate):  # noqa: ARG002 - the protocol
        return self.setting.rng.permutation(self.problem.n)


class MessagePassing(Update):
    """The exact minimiser on a block that is a forest, by elimination from the leaves to the roots."""

    @classmethod
    def refusal(cls, setting):
        if not isinstance(setting.problem.penalty, NoPenalty):
            return "is defined without a penalty only: pass update='newton'"
        return lacks_graph(setting.problem.datafit)

    def __init__(self, setting):
        super().__init__(setting)
        self._graph, self._library = graph_of(self.problem.datafit), self.problem.datafit.library
        # By the identity of the arrays of the setting, so that no index is read from a device.
        self._kept: dict[int, Forest] = {id(block): self.forest(block) for block in setting.device_blocks}

    def forest(self, block) -> Forest:
        """Return a block as a forest; raise if it has a cycle."""
        found = self._graph.rooted(to_host(block), self._library)
        if found is None:
            if self.setting.blocks is None:
                raise Breakdown(CYCLE)
            raise ValueError(CYCLE)
        return found

    def step(self, iterate, block):
        return self.solved(self._kept.get(id(block)) or self.forest(block), iterate, block)

    def solved(self, forest, iterate, block) -> Any:
        """Return the change of a block; where its matrix is not positive definite, the least one."""
        g = iterate.block_gradient(block)
        d, pivots = forest.solve(-g)
        eps = float(np.finfo(g.dtype).eps)
        if self.problem.xp is np and not (pivots > 16 * eps).all():
            return generalized_inverse_step(self.problem.datafit.block_hessian(block), g, np)
        return d


class BeliefPropagation(MessagePassing):
    """The same minimiser by Gaussian belief propagation, in two rounds for each level of the forest."""

    def solved(self, forest, iterate, block):
        return forest.believed(-iterate.block_gradient(block))


TREE_SELECTIONS: dict[str, type[Selection]] = {
    "gs-tree": GreedyTree,
    "gsd-tree": GreedyDiagonalTree,
    "random-tree": RandomTree,
}
TREE_UPDATES: dict[str, type[Update]] = {
    "message-passing": MessagePassing,
    "belief-propagation": BeliefPropagation,
}
