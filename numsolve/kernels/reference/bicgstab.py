"""The vector work of BiCGStab, which restarts by itself if a product vanishes.

`s` is the shadow residual, ``ss`` its squared norm; a product vanishes if it is below `eps` of its factors.
"""

import numpy as np


def bicgstab_half(rho, vs, vv, ss, eps, v, r):
    """Step `r` by ``-alpha v`` in place, return alpha: ``rho / (s^H v)``, or zero if that vanishes."""
    if not vv < np.inf:
        return rho * np.nan
    if not abs(vs) > eps * np.sqrt(vv) * np.sqrt(ss):
        return rho * 0
    alpha = rho / np.conj(vs)
    if np.isfinite(alpha):
        r -= alpha * v
    return alpha


def bicgstab_update(live, alpha, tr, tt, before, eps, y, z, t, s, x, r):
    """Step `x` by ``alpha y + omega z`` and `r` by ``-omega t``, return ``s^H r`` and ``r^H r``.

    Omega is ``(t^H r) / (t^H t)``. Return NaN and change nothing if a product overflowed, or if alpha is zero
    and omega vanishes too; `before` is the squared residual that the step began with.
    """
    go = live[0] and abs(alpha) < np.inf and abs(tr) < np.inf and tt < np.inf
    if not (go and (abs(alpha) > 0 or abs(tr) > eps * np.sqrt(tt) * np.sqrt(before))):
        return tr * np.nan, tt * np.nan
    omega = tr / tt if tt > 0 else tr
    x += alpha * y + omega * z
    r -= omega * t
    return np.vdot(s, r), np.vdot(r, r).real


def bicgstab_direction(old, rho, rr, ss, alpha, tr, tt, eps, v, r, s, p):
    """Turn `p` into ``r + beta (p - omega v)`` in place, return rho and ``ss``.

    If alpha is zero, or rho or omega vanishes, restart: `r` becomes direction and shadow residual.
    """
    if not rr < np.inf:
        return rho * np.nan, rr * np.nan
    size = eps * np.sqrt(rr)
    if abs(alpha) > 0 and abs(rho) > size * np.sqrt(ss) and abs(tr) > size * np.sqrt(tt):
        p -= tr / tt * v
        p *= (rho / old) * (alpha / tr * tt)
        p += r
        return rho, ss
    s[:] = r
    p[:] = r
    return rr + 0 * rho, rr
