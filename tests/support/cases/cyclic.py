"""Cases of ``cyclic``."""

import numpy as np
import scipy.sparse as sp

from .vector import vectors

LOSSES = 5
STEPS, LAST = 7, 3  # of an epoch, and of a call


def penalties(rng, n, dtype):
    """Return kinks, ridges and bounds, of which some are infinite."""
    penalty = rng.random((4, n)) + 0.1
    penalty[2] = np.where(rng.random(n) < 0.5, -np.inf, -penalty[2])
    penalty[3] = np.where(rng.random(n) < 0.5, np.inf, penalty[3])
    return penalty.astype(dtype)


def shapes(n):
    """Return the loss, the samples, the coefficients and the width of blocks for a size."""
    loss, samples, count = n % LOSSES, n % 300, 1 + n // 20
    return loss, count if loss == LOSSES - 1 else samples, count, 1 + n % 3


def labels(rng, m, dtype):
    """Return observations that all losses take, and weights."""
    return rng.choice([-1.0, 1.0], m).astype(dtype), (rng.random(m) / max(m, 1)).astype(dtype)


def matrix(rng, m, count, dtype):
    """Return random features, a row for each; some are zero."""
    X = vectors(rng, count, m, dtype) / 4
    X[rng.random(X.shape) < 0.3] = 0
    return X


def sweep(rng, n, dtype):
    """Return the features, and the arguments of a pass before and after them."""
    loss, m, count, width = shapes(n)
    numbers = n % 2, width, loss, 0.5, 0.75, 0.5, 1.25
    y, s = labels(rng, m, dtype)
    z, g = vectors(rng, 2, m, dtype) / 4
    base, extra, old, zeta, p, v, x = vectors(rng, 7, count, dtype)
    return (
        matrix(rng, m, count, dtype),
        numbers,
        (y, s, z, g, base, extra, penalties(rng, count, dtype), old, zeta, p, v, x),
    )


def sweep_dense(rng, n, dtype, index):
    """Return the arguments of cyclic_dense."""
    X, numbers, arrays = sweep(rng, n, dtype)
    return *numbers, X, *arrays


def sweep_csc(rng, n, dtype, index):
    """Return the arguments of cyclic_csc."""
    X, numbers, arrays = sweep(rng, n, dtype)
    return *numbers, *compressed(X, dtype, index), *arrays


def compressed(X, dtype, index):
    """Return the arrays of the compressed rows of a matrix."""
    X = sp.csr_array(X)
    return X.indptr.astype(index), X.indices.astype(index), X.data.astype(dtype)


def samples(rng, n, dtype, index):
    """Return the samples, and the arguments of some steps before and after them."""
    loss, _, count, width = shapes(n)
    m = n % 300
    first = n % 2
    rows = rng.integers(0, max(m, 1), (min(LAST, m), -(-count // width))).astype(index)
    y, s = labels(rng, m, dtype)
    z = vectors(rng, 1, m, dtype)[0] / 4
    base, mu, center, zeta, v, total = vectors(rng, 6, count, dtype) / 4
    arrays = (
        y,
        s,
        z,
        base,
        mu,
        penalties(rng, count, dtype),
        center,
        zeta,
        v,
        vectors(rng, 5, count, dtype) / 4,
        total,
    )
    return matrix(rng, count, m, dtype), (first, STEPS, width, loss % 4, 0.5, 0.5, 0.75, 1.25, rows), arrays


def steps_dense(rng, n, dtype, index):
    """Return the arguments of sampled_dense."""
    X, numbers, arrays = samples(rng, n, dtype, index)
    return *numbers, X, *arrays


def steps_csr(rng, n, dtype, index):
    """Return the arguments of sampled_csr."""
    X, numbers, arrays = samples(rng, n, dtype, index)
    return *numbers, *compressed(X, dtype, index), *arrays


CASES = {
    "cyclic_dense": sweep_dense,
    "cyclic_csc": sweep_csc,
    "sampled_dense": steps_dense,
    "sampled_csr": steps_csr,
}
RETURNS_SUM = set()
