"""The vector work of Chebyshev iterations; see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range, total
from ._jit import kernel


@kernel
def chebyshev_step(live, keep, gain, q, d, x, r):
    chunks = chunk_count(r.size)
    sums = np.zeros(chunks, r.real.dtype)
    keep, gain = sums.dtype.type(keep), sums.dtype.type(gain)
    if not live[0]:
        return sums.dtype.type(np.nan)
    for c in prange(chunks):
        first, last = chunk_range(c, r.size)
        found = sums[c]
        for i in range(first, last):
            v, e = d[i], r[i] - q[i]
            x[i] += v
            r[i] = e
            d[i] = keep * v + gain * e
            found += e.real * e.real + e.imag * e.imag
        sums[c] = found
    return total(sums)


@kernel
def chebyshev_update(live, q, d, x, r):
    chunks = chunk_count(r.size)
    sums = np.zeros(chunks, r.real.dtype)
    if not live[0]:
        return sums.dtype.type(np.nan)
    for c in prange(chunks):
        first, last = chunk_range(c, r.size)
        found = sums[c]
        for i in range(first, last):
            x[i] += d[i]
            e = r[i] - q[i]
            r[i] = e
            found += e.real * e.real + e.imag * e.imag
        sums[c] = found
    return total(sums)


@kernel
def chebyshev_direction(live, keep, gain, z, d):
    if live[0]:
        keep, gain = d.real.dtype.type(keep), d.real.dtype.type(gain)
        for c in prange(chunk_count(d.size)):
            first, last = chunk_range(c, d.size)
            for i in range(first, last):
                d[i] = keep * d[i] + gain * z[i]


@kernel
def chebyshev_start(gain, scale, b, d, x):
    gain = x.real.dtype.type(gain)
    for c in prange(chunk_count(x.size)):
        first, last = chunk_range(c, x.size)
        for i in range(first, last):
            v = gain * scale[i] * b[i]
            d[i] = v
            x[i] = v


@kernel
def chebyshev_smooth(keep, gain, scale, q, b, r, d, x):
    keep, gain = x.real.dtype.type(keep), x.real.dtype.type(gain)
    for c in prange(chunk_count(x.size)):
        first, last = chunk_range(c, x.size)
        for i in range(first, last):
            e = b[i] - q[i]
            v = keep * d[i] + gain * scale[i] * e
            r[i] = e
            d[i] = v
            x[i] += v
