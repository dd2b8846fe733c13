"""The vector work of LSMR; see the reference for what the kernel means."""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range
from ._jit import kernel


@kernel
def lsmr_update(live, bb, aa, old, new, v, h, g, x):
    alpha, beta = np.sqrt(aa), np.sqrt(bb)
    rho = np.hypot(old[0], beta)
    theta = beta / rho * alpha
    rho_bar = np.hypot(old[2] * rho, theta)
    if not (live[0] and rho_bar > 0):
        return rho_bar * np.nan
    real = old.dtype.type
    c, s = old[2] * rho / rho_bar, theta / rho_bar
    step, turn = real(c * old[1] / (rho * rho_bar)), real(theta / rho)
    back, inverse = real(old[3] * rho * rho / old[4]), real(1 / alpha if alpha > 0 else 0)
    new[0], new[1], new[2], new[3], new[4] = old[0] / rho * alpha, -s * old[1], c, s, rho * rho_bar
    for chunk in prange(chunk_count(x.size)):
        first, last = chunk_range(chunk, x.size)
        for i in range(first, last):
            g[i] = h[i] - back * g[i]
            x[i] += step * g[i]
            h[i] = inverse * v[i] - turn * h[i]
    return (s * old[1]) ** 2
