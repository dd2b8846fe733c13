"""The vector work of conjugate gradients; see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range, total
from ._jit import kernel


@kernel
def cg_update(live, rz, pq, p, q, x, r):
    chunks = chunk_count(r.size)
    sums = np.zeros(chunks, r.real.dtype)
    if not (live[0] and rz > 0 and pq > 0):
        return pq * np.nan
    alpha = sums.dtype.type(rz / pq)
    for c in prange(chunks):
        first, last = chunk_range(c, r.size)
        found = sums[c]
        for i in range(first, last):
            x[i] += alpha * p[i]
            r[i] -= alpha * q[i]
            found += r[i].real * r[i].real + r[i].imag * r[i].imag
        sums[c] = found
    return total(sums)


@kernel
def cg_direction(live, rz, rz_old, z, p):
    if live[0]:
        beta = p.real.dtype.type(rz / rz_old)
        for c in prange(chunk_count(p.size)):
            first, last = chunk_range(c, p.size)
            for i in range(first, last):
                p[i] = z[i] + beta * p[i]
