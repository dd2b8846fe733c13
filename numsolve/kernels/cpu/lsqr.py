"""The vector work of LSQR; see the reference for what the kernel means."""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range
from ._jit import kernel


@kernel
def lsqr_update(live, bb, aa, old, new, v, w, x):
    alpha, beta = np.sqrt(aa), np.sqrt(bb)
    rho = np.hypot(old[0], beta)
    if not (live[0] and rho > 0 and alpha >= 0):
        return rho * np.nan
    real = old.dtype.type
    c, s = old[0] / rho, beta / rho
    step, turn = real(c * old[1] / rho), real(s * alpha / rho)
    inverse = real(1 / alpha if alpha > 0 else 0)
    new[0], new[1] = -c * alpha, s * old[1]
    for chunk in prange(chunk_count(x.size)):
        first, last = chunk_range(chunk, x.size)
        for i in range(first, last):
            x[i] += step * w[i]
            w[i] = inverse * v[i] - turn * w[i]
    return (s * old[1] * c * alpha) ** 2
