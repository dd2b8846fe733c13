"""Cases of ``fraction``."""

import numpy as np

from .vector import vectors

STEPS = 7
MOST = 300  # coordinates
SAMPLES = 37


def problem(rng, n, dtype):
    """Return a random matrix of columns, and a point with some zeros, of length one."""
    columns = vectors(rng, n, SAMPLES, dtype)
    x = vectors(rng, 1, n, dtype)[0]
    x[::3] = 0
    return columns, x / dtype_of(dtype)(max(np.sqrt(x @ x), 1e-3))


def dtype_of(dtype):
    """Return the scalar type of a dtype."""
    return np.dtype(dtype).type


def order(rng, n, index):
    """Return some coordinates, one of them twice."""
    chosen = rng.permutation(n)[:STEPS]
    return np.concatenate((chosen, chosen[:1])).astype(index)


def ratio(rng, n, dtype, index):
    """Return the arguments of ratio_sweep; there are no steps where no entry differs from zero."""
    n = min(n, MOST)
    columns, x = problem(rng, n, dtype)
    curvature = (columns * columns).sum(axis=1) + dtype_of(dtype)(1e-2)
    r = x @ columns - vectors(rng, 1, SAMPLES, dtype)[0]
    top = np.zeros(n, bool)
    top[np.argsort(-abs(x), kind="stable")[: (n + 3) // 4]] = True
    steps = order(rng, n, index)
    return steps[: len(steps) * bool(x.any())], columns, curvature.astype(dtype), x, r.astype(dtype), top, 0.3


def kurtosis(rng, n, dtype, index):
    """Return the arguments of kurtosis_sweep; there are no steps where no entry differs from zero."""
    n = min(n, MOST // 3)
    columns, x = problem(rng, n, dtype)
    columns[:, 0] *= 5  # one sample decides, so that minima are not flat
    steps = order(rng, n, index)[-3:]
    return steps[: len(steps) * bool(x.any())], columns, x, (x @ columns).astype(dtype), 1e-3


CASES = {"ratio_sweep": ratio, "kurtosis_sweep": kurtosis}
RETURNS_SUM = set()
