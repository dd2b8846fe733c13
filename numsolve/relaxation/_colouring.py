"""Colours for the rows of a matrix, so that rows of one colour can be relaxed at once."""

from typing import Any

import numpy as np

from .._array import to_host
from .._matrix import sparse_of


def colouring(A):
    """Return a colour for each row of `A`; rows that an entry couples have different ones.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix of NumPy/SciPy or CuPy; only its pattern counts, which need not be symmetric.

    Returns
    -------
    numpy.ndarray of int32, shape (n,)
        Colours 0, 1, ..., on the host; the argument `colours` of `sor`, `gauss_seidel`, `ssor` and
        ``precondition.ssor``, for every matrix with this pattern or fewer entries.

    Raises
    ------
    ValueError
        `A` is not square or not finite.
    TypeError
        `A` is a LinearOperator, whose entries are not at hand.

    Notes
    -----
    Each row in turn gets the lowest colour that no neighbour has: two on 5- and 7-point grids in their
    natural order, at most one more than the largest number of neighbours. One pass over the pattern, on
    one thread of the host; storage: 12 n bytes. Section 3.3.3 of [1]_.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.

    Examples
    --------
    >>> from numsolve.problems import poisson
    >>> from numsolve.relaxation import colouring
    >>> colouring(poisson((3, 3)))
    array([0, 1, 0, 1, 0, 1, 0, 1, 0], dtype=int32)
    """
    matrix = sparse_of(A, "colouring")
    return greedy(*to_host(matrix.indptr, matrix.indices))


def greedy(indptr, indices):
    """Return the greedy colouring of a pattern on the host."""
    from ..kernels.cpu._colours import greedy_colours

    return greedy_colours(indptr, indices)


def checked(colours: Any, indptr, indices, kind="row"):
    """Return a colouring given by the caller as an array; raise unless it fits the pattern."""
    from ..kernels.cpu._colours import clash

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
    i, j = clash(indptr, indices, colours)
    if i >= 0:
        raise ValueError(
            f"colours gives {kind}s {i} and {j} the same colour, but an entry of A couples them: "
            "use numsolve.relaxation.colouring(A), or 'greedy'"
        )
    return colours
