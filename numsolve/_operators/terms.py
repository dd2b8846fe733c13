"""The sizes of the terms in each row of a product with a matrix."""

from .._array import namespace
from ..kernels import kernels_for
from .operator import Csr

ROWS = 256  # of a dense matrix whose magnitudes are held at a time


def row_terms(A, x):
    """Return ``abs(A) @ abs(x)`` and the row sums of ``abs(A)``, without a copy of the matrix."""
    xp = namespace(x)
    terms, sizes = (xp.empty(A.shape[0], x.real.dtype) for _ in range(2))
    if isinstance(A, Csr):
        kernels_for(x).row_terms(A.indptr, A.indices, A.data, x, terms, sizes)
        return terms, sizes
    for first in range(0, A.shape[0], ROWS):
        rows, part = abs(A.array[first : first + ROWS]), slice(first, first + ROWS)
        terms[part], sizes[part] = rows @ abs(x), rows.sum(axis=1)
    return terms, sizes
