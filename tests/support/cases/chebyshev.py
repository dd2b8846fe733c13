"""Cases of ``chebyshev``."""

import numpy as np

from .vector import real, vectors


def live(n):
    return np.array([n != 31])


CASES = {
    "chebyshev_step": lambda rng, n, t, i: (live(n), real(0.3, t), real(0.7, t), *vectors(rng, 4, n, t)),
    "chebyshev_update": lambda rng, n, t, i: (live(n), *vectors(rng, 4, n, t)),
    "chebyshev_direction": lambda rng, n, t, i: (live(n), real(0.3, t), real(0.7, t), *vectors(rng, 2, n, t)),
    "chebyshev_start": lambda rng, n, t, i: (real(0.7, t), *vectors(rng, 4, n, t)),
    "chebyshev_smooth": lambda rng, n, t, i: (real(0.3, t), real(0.7, t), *vectors(rng, 6, n, t)),
}
RETURNS_SUM = {"chebyshev_step", "chebyshev_update"}
