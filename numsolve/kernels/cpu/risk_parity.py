"""Sweeps of cyclical coordinate descent for risk budgets, by one thread."""

import numpy as np

from ._jit import inline


@inline
def risk_sweep(live, C, signs, b, x, q):
    n, most = np.uint64(x.size), x.dtype.type(0)
    if live[0] and n > 0:
        for i in range(n):
            a, s = (q[i] - C[i, i] * x[i]) / 2, signs[i]
            root = np.sqrt(a * a + C[i, i] * b[i])
            d = (s * b[i] / (root + abs(a)) if s * a > 0 else (s * root - a) / C[i, i]) - x[i]
            x[i] += d
            for j in range(n):
                q[j] += d * C[i, j]
        total = x.dtype.type(0)
        for i in range(n):
            total += x[i] * q[i]
        if not total > 0:
            return x.dtype.type(np.nan)
        scale = 1 / np.sqrt(total)
        for i in range(n):
            x[i] *= scale
            q[i] *= scale
    for i in range(n):
        error = x[i] * q[i] - b[i]
        if not error * error <= most:
            most = error * error
    return most
