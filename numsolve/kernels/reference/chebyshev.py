"""The vector work of Chebyshev iterations: ``d = keep * d + gain * z; x += d; r -= A d``.

The coefficients are numbers of the host, because no inner product is needed to find them.
"""

import numpy as np


def chebyshev_step(live, keep, gain, q, d, x, r):
    """Step `x` by `d` and `r` by ``-q``, turn `d` into the next direction from r; return ``r^H r``.

    If `live` is false: return NaN and change nothing.
    """
    rr = chebyshev_update(live, q, d, x, r)
    if live[0]:
        chebyshev_direction(live, keep, gain, r, d)
    return rr


def chebyshev_update(live, q, d, x, r):
    """Step `x` by `d` and `r` by ``-q``, return ``r^H r``; if `live` is false, change nothing, return NaN."""
    if not live[0]:
        return r.real.dtype.type(np.nan)
    x += d
    r -= q
    return np.vdot(r, r).real


def chebyshev_direction(live, keep, gain, z, d):
    """Turn `d` into ``keep * d + gain * z`` in place."""
    if live[0]:
        d *= keep
        d += gain * z


def chebyshev_start(gain, scale, b, d, x):
    """Write ``gain * scale * b`` to `d` and to `x`: the first step from zero."""
    d[...] = gain * scale * b
    x[...] = d


def chebyshev_smooth(keep, gain, scale, q, b, r, d, x):
    """Write ``b - q`` to `r`, turn `d` into ``keep * d + gain * scale * r``, step `x` by it; b may be r."""
    r[...] = b - q
    d *= keep
    d += gain * scale * r
    x += d
