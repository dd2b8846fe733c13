"""The order and the fill of a sparse factorisation, forecast before it is begun."""

from math import inf
from typing import Any, NamedTuple

import numpy as np

# Factors with row interchanges, columns ordered by COLAMD: entries of one and work of both, over those of the
# Cholesky factor of A^H A, which bounds them. Measured on grids, networks, saddle points and random
# matrices: 0.45 to 0.75, and 0.6 to 1.5.
SHARE_OF_ENTRIES, SHARE_OF_WORK = 0.6, 1.2
# The same over those of the Cholesky factor of A + A^H, where A^H A is nearly full: a row is nearly full.
SHARES_OF_SUM = 2.0, 6.0
# The time of a count for A^H A, in entries of an ordinary pattern, over the sum of the squared lengths of the
# rows of A: many of its rows are alike.
ORDERED = 0.2
LARGEST_PRODUCT = 60  # entries of A^H A over those of A up to which it is formed


class Fill(NamedTuple):
    """The forecast of a factorisation.

    Attributes
    ----------
    order : array of int, shape (n,), or None
        Rows and columns in the order of elimination; None where the factorisation orders the columns itself.
    entries, work : float
        Entries of the lower factor, and the sum of the squares of its column counts; infinite if the work
        exceeds the limit.
    """

    order: Any
    entries: float
    work: float


def forecast(matrix, keeps_diagonal, most_work=inf):
    """Return the `Fill` of a matrix in compressed rows.

    Parameters
    ----------
    matrix : sparse matrix, shape (n, n)
        Its pattern must be symmetric if `keeps_diagonal`.
    keeps_diagonal : bool
        Whether the pivots are taken from the diagonal, so that the order is free; else rows are interchanged.
    most_work : float
        Work at which the count stops.

    Notes
    -----
    With pivots from the diagonal the counts are those of the Cholesky factor in a minimum degree order, which
    is the order that is used. The time is that of about a thousand products with the matrix, or less if the
    limit is reached before.
    """
    from ..kernels.host.fill import minimum_degree

    pattern, shares = _pattern(matrix, keeps_diagonal)
    n, most_work = matrix.shape[0], most_work / shares[1]
    indptr, indices = (part.astype(np.int32) for part in (pattern.indptr, pattern.indices))
    order, entries, work = minimum_degree(indptr, indices, most_work, 2 * len(indices) + 20 * n)
    if len(order) < n or work > most_work:
        return Fill(None, inf, inf)
    return Fill(order if keeps_diagonal else None, shares[0] * entries, shares[1] * work)


def _pattern(matrix, keeps_diagonal):
    """Return the symmetric pattern to count with, and the shares of its entries and work."""
    if keeps_diagonal:
        return matrix, (1.0, 1.0)
    ones = np.ones(len(matrix.indices), np.float32)
    pattern = type(matrix)((ones, matrix.indices, matrix.indptr), shape=matrix.shape)
    lengths = np.diff(matrix.indptr).astype(float)
    if (lengths**2).sum() > max(LARGEST_PRODUCT * len(ones), 1e6):
        return (pattern + pattern.T).tocsr(), SHARES_OF_SUM
    return (pattern.T @ pattern).tocsr(), (SHARE_OF_ENTRIES, SHARE_OF_WORK)
