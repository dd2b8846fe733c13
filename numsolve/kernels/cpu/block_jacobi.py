"""The block diagonal preconditioner; see the reference for what the kernel means."""

import numpy as np
from numba import prange

from ._chunks import CHUNK
from ._jit import kernel


@kernel
def block_jacobi(rows, inverses, x, y):
    count, m = rows.shape
    each = max(1, CHUNK // max(1, m))  # blocks in a chunk
    for c in prange((count + each - 1) // each):
        local = np.empty(m, x.dtype)
        for k in range(np.uint64(c * each), np.uint64(min(count, (c + 1) * each))):
            size = np.uint64(0)
            while size < np.uint64(m) and rows[k, size] >= 0:
                local[size] = x[np.uint64(rows[k, size])]
                size += np.uint64(1)
            for i in range(size):
                found = x.dtype.type(0)
                for j in range(size):
                    found += inverses[k, i, j] * local[j]
                y[np.uint64(rows[k, i])] = found
