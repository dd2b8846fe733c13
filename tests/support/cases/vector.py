"""Cases of ``vector``, and the random arrays that all cases are made of."""

import numpy as np


def vectors(rng, count, n, dtype):
    """Return `count` random vectors of `dtype`."""
    values = rng.standard_normal((count, n))
    if is_complex(dtype):
        values = values + 1j * rng.standard_normal((count, n))
    return values.astype(dtype)


def real_dtype(dtype):
    """Return the real dtype of the same precision."""
    return np.finfo(dtype).dtype


def real(value, dtype):
    """Return a number of the real dtype as Numba's kernels leave it: a float of Python."""
    return real_dtype(dtype).type(value).item()


def number(value, dtype):
    """Return a number of the dtype as Numba's kernels leave it, turned in the plane if that is complex."""
    return np.dtype(dtype).type(value * ((0.6 + 0.8j) if is_complex(dtype) else 1)).item()


def is_complex(dtype):
    """Tell whether a dtype is complex."""
    return np.dtype(dtype).kind == "c"


CASES = {
    "dot": lambda rng, n, t, i: tuple(vectors(rng, 2, n, t)),
    "vdot": lambda rng, n, t, i: tuple(vectors(rng, 2, n, t)),
    "projection": lambda rng, n, t, i: tuple(vectors(rng, 2, n, t)),
    "row_sums": lambda rng, n, t, i: (vectors(rng, 5, n, t),),
    "residual_norm": lambda rng, n, t, i: (
        real(n, t),
        5.0,
        n % 3,
        vectors(rng, 1, 3, real_dtype(t))[0],
        np.array([True]),
    ),
    "residual_norms": lambda rng, n, t, i: (
        np.linspace(0, 9, n % 40).astype(t),
        np.full(n % 40, 2, real_dtype(t)),
        n % 3,
        np.ones((3, n % 40), t),
        rng.random(n % 40) < 0.7,
    ),
}
RETURNS_SUM = {"dot", "vdot", "projection"}
