"""The vector work of conjugate gradients.

Kernels that change the iterate take the flag `live`: once it is false they change nothing and return NaN.
"""

import numpy as np


def cg_update(live, rz, pq, p, q, x, r):
    """Step `x` and `r` along `p` in place, return ``r^H r``; or return NaN and move nothing."""
    if not (live[0] and rz > 0 and pq > 0):
        return pq * np.nan
    alpha = rz / pq
    x += alpha * p
    r -= alpha * q
    return np.vdot(r, r).real


def cg_direction(live, rz, rz_old, z, p):
    """Turn `p` into the next direction ``z + (rz / rz_old) p`` in place."""
    if live[0]:
        p *= rz / rz_old
        p += z
