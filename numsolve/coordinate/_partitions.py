"""Partitions of the coefficients into blocks.

A partition is a function ``(problem, block_size, rng)`` that returns a list of index arrays, which cover each
coefficient once, or None: the blocks are then chosen anew at each step. `PARTITIONS` has them by name.
"""

from typing import Any

import numpy as np

from .. import _validate
from .._array import to_host
from ._forests import red_black, trees


def variable(problem, block_size, rng):  # noqa: ARG001 - the protocol
    """Return None: each step chooses its coefficients freely."""
    return


def order(problem, block_size, rng):  # noqa: ARG001 - the protocol
    """Return blocks of consecutive coefficients; the last may be shorter."""
    return cut(np.arange(problem.n), block_size)


def sort(problem, block_size, rng):  # noqa: ARG001 - the protocol
    """Return blocks of coefficients with similar curvatures."""
    return cut(sorted_by_curvature(problem), block_size)


def average(problem, block_size, rng):  # noqa: ARG001 - the protocol
    """Return blocks in which coefficients of small and of large curvatures are paired."""
    rank = sorted_by_curvature(problem)
    half = (len(rank) + 1) // 2
    paired = np.empty_like(rank)
    paired[::2], paired[1::2] = rank[:half], rank[half:][::-1]
    return cut(paired, block_size)


def sorted_by_curvature(problem):
    """Return the coefficients from the largest curvature to the smallest."""
    return np.argsort(-to_host(problem.curvatures), kind="stable")


def cut(order, block_size) -> list[Any]:
    """Return consecutive pieces of an array of indices, each sorted."""
    return [np.sort(order[at : at + block_size]) for at in range(0, len(order), block_size)]


def given(blocks, n) -> list[Any]:
    """Return the caller's blocks as index arrays; raise unless they cover each coefficient once."""
    try:
        blocks = [_validate.as_array(block, f"partition[{b}]").reshape(-1) for b, block in enumerate(blocks)]
    except TypeError as error:
        raise TypeError(f"partition is no name and no list of index arrays: {error}") from None
    blocks = [block for block in blocks if block.size]
    for block in blocks:
        if block.dtype.kind not in "iu":
            raise TypeError(f"partition has a block of dtype {block.dtype}; whole numbers are needed")
    every = np.concatenate(blocks) if blocks else np.zeros(0, int)
    if len(every) != n or (np.sort(every) != np.arange(n)).any():
        raise ValueError(f"partition does not cover each of the {n} coefficients exactly once")
    return [block.astype(np.intp) for block in blocks]


def groups(problem, block_size, rng):  # noqa: ARG001 - the protocol
    """Return the groups of the penalty."""
    if problem.penalty.groups is None:
        raise ValueError("partition is 'groups', but the penalty has none: pass 'order'")
    return list(problem.penalty.groups)


PARTITIONS = {
    "variable": variable,
    "order": order,
    "sort": sort,
    "average": average,
    "groups": groups,
    "trees": trees,
    "red-black": red_black,
}
