"""The vector work of IDR(s).

Row i of `P`, `G` and `U` is vector i; ``G = A U``, ``S = P^H G`` is lower triangular, and ``f = P^H r``. From
the current row on `c` combines the vectors so that ``r - c G`` is orthogonal to those rows of `P`.
"""

import numpy as np


def idrs_project(P, w):
    """Return ``P^H w``, and as one entry more ``w^H w``."""
    return np.append(P.conj() @ w, np.vdot(w, w))


def idrs_begin(h, S, f, c):
    """Take ``P^H r`` from `h` into `f`, and solve for `c`."""
    f[:] = h[:-1]
    _forward(0, S, f, c)


def idrs_solve(k, eps, h, S, f, a, c):
    """Find the numbers of step k from ``h = P^H A u``: `a`, column k of `S`, and the next `f` and `c`.

    ``a[:k]`` makes A u orthogonal to the first k rows of `P`; ``a[k]`` then brings r to row k, or is NaN if
    the pivot ``S[k, k]`` vanishes, to `eps` of what it is the sum of.
    """
    s = len(f)
    for i in range(k):
        a[i] = (h[i] - S[i, :i] @ a[:i]) / S[i, i]
    S[k:, k] = h[k:s] - S[k:, :k] @ a[:k]
    size = np.sqrt(h[s].real) + abs(S[k, :k]) @ abs(a[:k])
    if not (abs(S[k, k]) > eps * size and size < np.inf):
        a[k] = np.nan
        S[k, k] = 1  # later results are discarded, but have to be finite
        return
    a[k] = f[k] / S[k, k]
    f[k] = 0
    f[k + 1 :] -= a[k] * S[k + 1 :, k]
    _forward(k + 1, S, f, c)


def idrs_shift(k, c, G, r, v):
    """Write ``r - c G`` to `v`, from row k on."""
    v[:] = r - c[k:] @ G[k:]


def idrs_direction(k, c, omega, v, U):
    """Write ``c U + omega v``, from row k on, to ``U[k]``."""
    U[k] = c[k:] @ U[k:] + omega[0] * v


def idrs_advance(live, k, a, G, U, x, r):
    """Combine ``G[k]`` and ``U[k]`` with the rows before, step along them; return ``r^H r``.

    Return NaN and change nothing if ``a[k]`` is not finite.
    """
    if not (live[0] and abs(a[k]) < np.inf):
        return r.real.dtype.type(np.nan)
    G[k] -= a[:k] @ G[:k]
    U[k] -= a[:k] @ U[:k]
    x += a[k] * U[k]
    r -= a[k] * G[k]
    return np.vdot(r, r).real


def idrs_reduce(live, tr, tt, before, kappa, omega, v, t, x, r):
    """Step `x` by ``omega v`` and `r` by ``-omega t`` into the next, smaller space; return ``r^H r``.

    Omega minimises `r`, but where the cosine of `t` and `r` is below `kappa` it is lengthened to
    ``kappa |r| / |t|``. Return NaN and change nothing if `t` is zero or not finite.
    """
    if not (live[0] and tt > 0 and tt < np.inf and abs(tr) < np.inf):
        return tt * np.nan
    least = kappa * np.sqrt(before) / np.sqrt(tt)
    size = abs(tr) / tt
    omega[0] = tr / tt
    if size < least:
        omega[0] = tr / abs(tr) * least if size > 0 else least
    x += omega[0] * v
    r -= omega[0] * t
    return np.vdot(r, r).real


def _forward(k, S, f, c):
    """Solve ``S[k:, k:] c[k:] = f[k:]``."""
    for i in range(k, len(f)):
        c[i] = (f[i] - S[i, k:i] @ c[k:i]) / S[i, i]
