"""Sweeps over the coordinates of a ratio of two functions, by one thread."""

import numpy as np

from ._jit import inline

FARTHEST = 1e4
HALVINGS = 70


@inline
def ratio_sweep(order, columns, curvature, x, r, top, lam):
    squares, sizes, total = _inner(r, r), 0.0, 0.0
    for j in range(np.uint64(x.size)):
        sizes += abs(x[j])
        total += abs(x[j]) if top[j] else 0.0
    low, high = -1, -1  # the smallest of the top entries and the largest of the others; negative: not known
    for step in range(order.size):
        i = np.uint64(order[step])
        a, old, is_top, column = curvature[i], x[i], top[i], columns[i]
        rival = high if is_top else low
        if rival < 0:
            rival = _extreme(x, top, not is_top)
        low, high = (low, rival) if is_top else (rival, high)
        tau = abs(x[np.uint64(rival)]) if rival >= 0 else 0 * old
        c = (squares / 2 + lam * sizes) / (lam * total)
        best = _minimiser(a, old, old - _inner(column, r) / a, tau, lam, c)
        if best == old:
            continue
        x[i] = best
        squares = _add(x[i] - old, column, r)
        size = abs(x[i])
        sizes += size - abs(old)
        total += max(size, tau) - abs(old) if is_top else max(size - tau, 0.0)
        swap = rival >= 0 and (size < tau if is_top else size > tau)
        if swap:
            top[i], top[np.uint64(rival)] = not is_top, is_top
        low, high = -1 if is_top or swap else low, high if is_top and not swap else -1


@inline
def _inner(u, v):
    """Return the inner product."""
    total = 0.0
    for j in range(np.uint64(v.size)):
        total += u[j] * v[j]
    return total


@inline
def _add(factor, u, r):
    """Add ``factor * u`` to `r`, and return the squared norm of `r`."""
    squares = 0.0
    for j in range(np.uint64(r.size)):
        r[j] += factor * u[j]
        squares += r[j] * r[j]
    return squares


@inline
def _extreme(x, top, is_top):
    """Return the smallest of the top entries, or the largest of the others; -1 if there is none."""
    found, most = -1, x.dtype.type(-np.inf)
    for j in range(np.uint64(x.size)):
        size = -abs(x[j]) if is_top else abs(x[j])
        if top[j] == is_top and size > most:
            found, most = np.int64(j), size
    return found


@inline
def _minimiser(a, old, v, tau, lam, c):
    """Return the global minimiser of the function of one coordinate."""
    best, most = old, 0.0
    size, sign = abs(v), 1.0 if v >= 0 else -1.0
    inner, outer = max(size - lam / a, 0.0), size + (c - 1) * lam / a
    for k in range(2):
        if (k == 0 and inner <= tau) or (k == 1 and outer >= tau):
            u = sign * (inner if k == 0 else outer)
            gain = a / 2 * (old - u) * (old + u - 2 * v) + lam * (abs(old) - abs(u))
            gain -= c * lam * (max(abs(old), tau) - max(abs(u), tau))
            if gain > most:
                best, most = u, gain
    return best


@inline
def kurtosis_sweep(order, columns, x, z, theta):
    m, length = np.uint64(z.size), 0.0
    for j in range(np.uint64(x.size)):
        length += x[j] * x[j]
    p, n, c = np.empty(5), np.empty(3), np.empty(5)
    points, roots = np.empty(6), np.empty(6)
    for step in range(order.size):
        i = np.uint64(order[step])
        p0, p1, p2, p3, p4 = 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(m):
            u, v = columns[i, j], z[j]
            uu, uv, vv = u * u, u * v, v * v
            p0 += vv * vv
            p1 += uv * vv
            p2 += uv * uv
            p3 += uu * uv
            p4 += uu * uu
        p[0], p[1], p[2], p[3], p[4] = p0, 4 * p1, 6 * p2, 4 * p3, p4
        n[0], n[1], n[2] = length, 2.0 * x[i], 1 + theta
        _stationary_points(p, n, c)
        t = _best_step(p, n, c, points, roots)
        if t == 0:
            continue
        old = x[i]
        x[i] += t
        length += (x[i] - old) * (x[i] + old)
        for j in range(m):
            z[j] += z.dtype.type(t) * columns[i, j]


@inline
def _stationary_points(p, n, c):
    """Write the coefficients of ``2 N' P - N P'``."""
    c[0] = 2 * n[1] * p[0] - n[0] * p[1]
    c[1] = 4 * n[2] * p[0] + n[1] * p[1] - 2 * n[0] * p[2]
    c[2] = 3 * n[2] * p[1] - 3 * n[0] * p[3]
    c[3] = 2 * n[2] * p[2] - n[1] * p[3] - 4 * n[0] * p[4]
    c[4] = n[2] * p[3] - 2 * n[1] * p[4]


@inline
def _best_step(p, n, c, points, roots):
    """Return the root of the polynomial c at which ``N / sqrt(P)`` is smallest, or zero.

    Between neighbouring roots of the derivative of a polynomial there is at most one of its own, which
    halving finds: so the roots of the derivatives of c are found one after the other, the linear one first.
    """
    count = 2
    points[0], points[1] = -FARTHEST, FARTHEST
    for degree in range(1, 5):
        found = 1
        roots[0] = -FARTHEST
        for k in range(count - 1):
            low, high = points[k], points[k + 1]
            at_low = _derivative(c, 4 - degree, low)
            if (at_low < 0) == (_derivative(c, 4 - degree, high) < 0):
                continue
            for _ in range(HALVINGS):
                middle = (low + high) / 2
                if (_derivative(c, 4 - degree, middle) < 0) == (at_low < 0):
                    low = middle
                else:
                    high = middle
            roots[found] = (low + high) / 2
            found += 1
        roots[found] = FARTHEST
        count = found + 1
        for k in range(count):
            points[k] = roots[k]
    best, least = 0.0, n[0] / np.sqrt(p[0])
    for k in range(1, count - 1):
        t = points[k]
        power = _derivative(p, 0, t)
        value = (n[0] + t * (n[1] + t * n[2])) / np.sqrt(power) if power > 0 else np.inf
        if value < least:
            best, least = t, value
    return best


@inline
def _derivative(c, times, t):
    """Return a derivative at t of the polynomial with the coefficients c, over the factorial of `times`."""
    value = 0.0
    for k in range(4, times - 1, -1):
        factor = 1.0
        for l in range(times):
            factor *= (k - l) / (l + 1)
        value = value * t + factor * c[k]
    return value
