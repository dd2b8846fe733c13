"""Sweeps of cyclical coordinate descent for risk budgets."""

import numpy as np


def risk_sweep(live, C, signs, b, x, q):
    """Solve ``x_i (C x)_i = b_i`` for one x_i after the other; return the largest squared error.

    Each x_i has its sign in `signs`, C is symmetric, and ``q = C x``. After the sweep x and q are scaled so
    that ``x . q = 1``; if it is not positive, NaN is returned. Nothing moves unless `live`.
    """
    if live[0] and len(x):
        for i in range(len(x)):
            a = (q[i] - C[i, i] * x[i]) / 2
            root = np.sqrt(a * a + C[i, i] * b[i])
            y = signs[i] * b[i] / (root + abs(a)) if signs[i] * a > 0 else (signs[i] * root - a) / C[i, i]
            d = y - x[i]
            x[i] += d
            q += d * C[i]
        total = x @ q
        if not total > 0:
            return x.dtype.type(np.nan)
        x /= np.sqrt(total)
        q /= np.sqrt(total)
    return np.max((x * q - b) ** 2, initial=0)
