"""Cases of ``cg``."""

import numpy as np

from .vector import real, vectors

CASES = {
    "cg_update": lambda rng, n, t, i: (
        np.array([n != 31]),
        real(0.3, t),
        real(0.7, t),
        *vectors(rng, 4, n, t),
    ),
    "cg_direction": lambda rng, n, t, i: (
        np.array([n != 31]),
        real(0.3, t),
        real(0.7, t),
        *vectors(rng, 2, n, t),
    ),
}
RETURNS_SUM = {"cg_update"}
