"""Cases of ``sparse``."""

import numpy as np
import scipy.sparse as sp

from .vector import vectors


def csr(rng, n, dtype, index):
    """Return the arrays of a random matrix with empty, short and long rows."""
    lengths = rng.integers(0, 12, n)
    lengths[: n // 50] = rng.integers(20, 70, n // 50)
    rows = np.repeat(np.arange(n), np.minimum(lengths, n))
    A = sp.csr_array(
        (vectors(rng, 1, rows.size, dtype)[0], (rows, rng.integers(0, max(n, 1), rows.size))), (n, n)
    )
    return A.indptr.astype(index), A.indices.astype(index), A.data.astype(dtype)


def blocks(rng, n, dtype, wide):
    """Return two random blocks of vectors, sometimes `wide`; each width is compiled anew."""
    k = wide if n == 257 else 5 if n % 2 else 2
    return vectors(rng, n, k, dtype), vectors(rng, n, k, dtype)


CASES = {
    "spmv": lambda rng, n, t, i: (*csr(rng, n, t, i), *vectors(rng, 2, n, t)),
    "spmv_dot": lambda rng, n, t, i: (*csr(rng, n, t, i), *vectors(rng, 2, n, t)),
    "spmm": lambda rng, n, t, i: (
        *csr(rng, n, t, i),
        *blocks(rng, n, t, 10),
    ),
    "spmm_gram": lambda rng, n, t, i: (
        *csr(rng, n, t, i),
        *blocks(rng, n, t, 8),
    ),
}
RETURNS_SUM = {"spmv_dot"}
