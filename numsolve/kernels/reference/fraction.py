"""Sweeps over the coordinates of a ratio of two functions: each is moved to its global minimiser."""

import numpy as np

FARTHEST = 1e4  # largest step of `kurtosis_sweep`, for a point of length one


def ratio_sweep(order, columns, curvature, x, r, top, lam):
    """Reduce ``c = (|r|^2 / 2 + lam |x|_1) / (lam |x|_top)``, ``r = G x - y``, one coordinate after another.

    Row i of `columns` is column i of G, `curvature` holds their squared norms plus a positive number theta,
    and `top` marks the k entries of `x` whose magnitudes are the largest; ``|x|_top`` is the sum of these.
    With the ratio c before a step, the new entry u minimises ``|r + (u - x_i) g_i|^2 / 2 + theta (u - x_i)^2
    / 2 + lam |u| - c lam max(|u|, tau)``, where tau is the k-th largest magnitude of the other entries. Where
    ``|u| <= tau`` this is soft thresholding, where ``|u| >= tau`` a step away from zero, and there is a
    concave kink between: the better of the two is the global minimiser.
    """
    for i in order:
        a, g, old = curvature[i], columns[i], x[i]
        total = abs(x[top]).sum()
        c = (r @ r / 2 + lam * abs(x).sum()) / (lam * total)
        rival, tau = _rival(x, top, i)
        v = old - g @ r / a
        size, sign = abs(v), np.copysign(1, v)
        inner, outer = max(size - lam / a, 0), size + (c - 1) * lam / a
        best, most = old, 0
        for u in ([sign * inner] if inner <= tau else []) + ([sign * outer] if outer >= tau else []):
            gain = a / 2 * (old - u) * (old + u - 2 * v) + lam * (abs(old) - abs(u))
            gain -= c * lam * (max(abs(old), tau) - max(abs(u), tau))
            if gain > most:
                best, most = u, gain
        r += (best - old) * g
        x[i] = best
        if rival >= 0 and (abs(x[i]) < tau if top[i] else abs(x[i]) > tau):
            top[i], top[rival] = top[rival], top[i]


def kurtosis_sweep(order, columns, x, z, theta):
    """Reduce ``x^T x / |z|_4^2``, with ``z = A x``, in one coordinate after another.

    Row i of `columns` is column i of A. The step t minimises ``(x^T x + 2 x_i t + (1 + theta) t^2) /
    sqrt(P(t))`` with the quartic polynomial ``P(t) = |z + t a_i|_4^4``, over the real roots of the
    derivative's numerator, of degree four, up to `FARTHEST`.
    """
    for i in order:
        a = columns[i]
        p = [(z**4).sum(), 4 * (a * z**3).sum(), 6 * (a**2 * z**2).sum(), 4 * (a**3 * z).sum(), (a**4).sum()]
        n = [x @ x, 2 * x[i], 1 + theta]
        roots = np.roots(_stationary_points(p, n)[::-1])
        best, least = 0, n[0] / np.sqrt(p[0])
        for t in roots[(roots.imag == 0) & (abs(roots.real) < FARTHEST)].real:
            power = np.polyval(p[::-1], t)
            value = np.polyval(n[::-1], t) / np.sqrt(power) if power > 0 else np.inf
            if value < least:
                best, least = t, value
        x[i] += best
        z += x.dtype.type(best) * a


def _stationary_points(p, n):
    """Return the coefficients of ``2 N' P - N P'``, constant first: the numerator of ``(N / sqrt(P))'``."""
    return [
        2 * n[1] * p[0] - n[0] * p[1],
        4 * n[2] * p[0] + n[1] * p[1] - 2 * n[0] * p[2],
        3 * n[2] * p[1] - 3 * n[0] * p[3],
        2 * n[2] * p[2] - n[1] * p[3] - 4 * n[0] * p[4],
        n[2] * p[3] - 2 * n[1] * p[4],
    ]


def _rival(x, top, i):
    """Return the entry with which i would change places at the edge of the top ones, and its magnitude.

    For one of the top entries it is the largest other one, or -1 if there is none; else the smallest top one.
    """
    size = abs(x)
    if not top[i]:
        rival = np.where(top, size, np.inf).argmin()
    elif top.all():
        return -1, 0
    else:
        rival = np.where(top, -1, size).argmax()
    return rival, size[rival]
