"""Cases of ``vector``, and the random arrays that all cases are made of."""

import numpy as np


def vectors(rng, count, n, dtype):
    """Return `count` random vectors of `dtype`."""
    values = rng.standard_normal((count, n))
    if np.dtype(dtype).kind == "c":
        values = values + 1j * rng.standard_normal((count, n))
    return values.astype(dtype)


def real(value, dtype):
    """Return a number of the real dtype."""
    return np.finfo(dtype).dtype.type(value)


def number(value, dtype):
    """Return a number of the dtype, turned in the plane if that is complex."""
    return np.dtype(dtype).type(value * ((0.6 + 0.8j) if np.dtype(dtype).kind == "c" else 1))


CASES = {
    "dot": lambda rng, n, t, i: tuple(vectors(rng, 2, n, t)),
    "vdot": lambda rng, n, t, i: tuple(vectors(rng, 2, n, t)),
    "projection": lambda rng, n, t, i: tuple(vectors(rng, 2, n, t)),
    "row_sums": lambda rng, n, t, i: (vectors(rng, 5, n, t),),
    "residual_norm": lambda rng, n, t, i: (
        real(n, t),
        real(5, t),
        n % 3,
        vectors(rng, 1, 3, real(0, t).dtype)[0],
        np.array([True]),
    ),
    "residual_norms": lambda rng, n, t, i: (
        np.linspace(0, 9, n % 40).astype(t),
        np.full(n % 40, real(2, t)),
        n % 3,
        np.ones((3, n % 40), t),
        rng.random(n % 40) < 0.7,
    ),
}
RETURNS_SUM = {"dot", "vdot", "projection"}
