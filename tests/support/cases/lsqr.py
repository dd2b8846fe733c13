"""Cases of ``lsqr``."""

import numpy as np

from .vector import real, real_dtype, vectors


def squares(n, dtype):
    """Return the squares of beta and alpha; the latter is sometimes zero, as when the gradient is."""
    return real(0.3, dtype), real(0.7 if n != 257 else 0, dtype)


def state(values, dtype):
    """Return the old state and room for the new one."""
    old = np.array(values, real_dtype(dtype))
    return old, np.zeros_like(old)


CASES = {
    "lsqr_update": lambda rng, n, t, i: (
        np.array([n != 31]),
        *squares(n, t),
        *state([-0.8, 0.4], t),
        *vectors(rng, 3, n, t),
    ),
}
RETURNS_SUM = {"lsqr_update"}
