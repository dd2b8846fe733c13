"""Colours for the rows of a matrix: rows of one colour can be relaxed at once."""

from typing import Any

import numpy as np

from .._array import to_host


def greedy_colouring(indptr, indices):
    """Return the greedy colouring of a pattern on the host."""
    from ..kernels.host.colours import greedy_colours

    return greedy_colours(indptr, indices)


def checked_colouring(colours: Any, indptr, indices, kind="row"):
    """Return the caller's colouring, numbered 0, 1, ...; raise unless it fits the pattern."""
    from ..kernels.host.colours import first_conflict

    n, colours = len(indptr) - 1, np.asarray(to_host(colours))
    if colours.shape != (n,) or colours.dtype.kind not in "iu":
        raise ValueError(
            f"colours has shape {colours.shape} and dtype {colours.dtype}; needed: {n} whole numbers, "
            f"the colour of each {kind}, or 'greedy'"
        )
    if 0 <= colours.min() and colours.max() < n:
        colours = (np.cumsum(np.bincount(colours) > 0, dtype=np.int32) - 1)[colours]
    else:
        colours = np.unique(colours, return_inverse=True)[1].astype(np.int32)
    i, j = first_conflict(indptr, indices, colours)
    if i >= 0:
        raise ValueError(
            f"colours gives {kind}s {i} and {j} the same colour, but an entry of A couples them: "
            "use numsolve.relaxation.colouring(A), or 'greedy'"
        )
    return colours
