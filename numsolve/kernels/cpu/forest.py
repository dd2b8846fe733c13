"""Exact solution of a system whose graph is a forest."""

import numpy as np

from ._jit import inline

ONE = np.uint64(1)


@inline
def forest_solve(bounds, starts, coupling, diagonal, r):
    n = np.uint64(r.size)
    for back in range(n):
        i = n - ONE - back
        d, value = diagonal[i], r[i]
        for c in range(np.uint64(starts[i]), np.uint64(starts[i + ONE])):
            gain = coupling[c] / diagonal[c]
            d -= gain * coupling[c]
            value -= gain * r[c]
        diagonal[i], r[i] = d, value
    if n > 0:
        for i in range(np.uint64(bounds[1])):
            r[i] /= diagonal[i]
    for i in range(n):
        for c in range(np.uint64(starts[i]), np.uint64(starts[i + ONE])):
            r[c] = (r[c] - coupling[c] * r[i]) / diagonal[c]
