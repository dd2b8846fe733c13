"""Cases of ``chebyshev``."""

import numpy as np

from .vector import is_complex, vectors


def live(n):
    return np.array([n != 31])


def smooth(rng, n, t, i):
    """Return the arguments of chebyshev_smooth; b is r for some, as after the first step."""
    scale, q, b, r, d, x = vectors(rng, 6, n, t)
    return 0.3, 0.7, scale, q, r if n == 1025 and is_complex(t) else b, r, d, x


CASES = {
    "chebyshev_step": lambda rng, n, t, i: (live(n), 0.3, 0.7, *vectors(rng, 4, n, t)),
    "chebyshev_update": lambda rng, n, t, i: (live(n), *vectors(rng, 4, n, t)),
    "chebyshev_direction": lambda rng, n, t, i: (live(n), 0.3, 0.7, *vectors(rng, 2, n, t)),
    "chebyshev_start": lambda rng, n, t, i: (0.7, *vectors(rng, 4, n, t)),
    "chebyshev_smooth": smooth,
}
RETURNS_SUM = {"chebyshev_step", "chebyshev_update"}
