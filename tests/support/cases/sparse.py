"""Cases of ``sparse``."""

import numpy as np
import scipy.sparse as sp

from .block_cg import width
from .vector import real_dtype, vectors


def csr(rng, n, dtype, index, columns=None):
    """Return the arrays of a random matrix with empty, short and long rows; of size 2 it has no entries.

    It is square unless the number of `columns` is given.
    """
    columns = n if columns is None else columns
    lengths = rng.integers(0, 12 if n != 2 else 1, n)
    lengths[: n // 50] = rng.integers(20, 70, n // 50)
    rows = np.repeat(np.arange(n), np.minimum(lengths, n))
    A = sp.csr_array(
        (vectors(rng, 1, rows.size, dtype)[0], (rows, rng.integers(0, max(columns, 1), rows.size))),
        (n, columns),
    )
    return A.indptr.astype(index), A.indices.astype(index), A.data.astype(dtype)


def blocks(rng, n, k, dtype):
    """Return two random blocks of k vectors."""
    return vectors(rng, n, k, dtype), vectors(rng, n, k, dtype)


CASES = {
    "spmv": lambda rng, n, t, i: (*csr(rng, n, t, i), *vectors(rng, 2, n, t)),
    "spmv_dot": lambda rng, n, t, i: (*csr(rng, n, t, i), *vectors(rng, 2, n, t)),
    "spmm": lambda rng, n, t, i: (
        *csr(rng, n, t, i),
        *blocks(rng, n, 10 if n == 257 else width(n), t),  # multiplied eight columns at a time
    ),
    "spmm_gram": lambda rng, n, t, i: (
        *csr(rng, n, t, i),
        *blocks(rng, n, width(n), t),
    ),
    "row_terms": lambda rng, n, t, i: (
        *csr(rng, n, t, i),
        *vectors(rng, 1, n, t),
        *vectors(rng, 2, n, real_dtype(t)),
    ),
    "examine_rows": lambda rng, n, t, i: (
        *csr(rng, n, t, i),
        *vectors(rng, 2, n, t),
        *(np.full(count, 3, real_dtype(t)) for count in (11, 5)),
    ),
}
RETURNS_SUM = {"spmv_dot"}
