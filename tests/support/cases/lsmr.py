"""Cases of ``lsmr``."""

import numpy as np

from .lsqr import squares, state
from .vector import vectors

CASES = {
    "lsmr_update": lambda rng, n, t, i: (
        np.array([n != 31]),
        *squares(n, t),
        *state([0.8, -0.4, 0.6, 0.7, 1.3], t),
        *vectors(rng, 4, n, t),
    ),
}
RETURNS_SUM = {"lsmr_update"}
