"""Cases of ``minres``."""

import numpy as np

from .vector import real, vectors


def rotation(n, dtype):
    """Return the scalars before a step: the first one, later ones of both parities, one that may not go."""
    c, s = np.cos(0.4), np.sin(0.4)
    state = np.array([[c, s, 0.7, -0.2, 0.9, 1.5], [-s, c, -0.4, 0.3, 0.8, 1.4]], real(0, dtype).dtype)
    bb_next = {1: 0.0, 2: -0.5}.get(n, 0.6)  # a Krylov space that is exhausted, an indefinite M
    return np.array([n != 31]), n % 4, real(-0.3, dtype), real(0.7, dtype), real(bb_next, dtype), state


CASES = {
    "minres_lanczos": lambda rng, n, t, i: (
        np.array([n != 31]),
        real(-0.3, t),
        real(0.7, t),
        real(0.4, t),
        *vectors(rng, 3, n, t),
    ),
    "minres_update": lambda rng, n, t, i: (*rotation(n, t), *vectors(rng, 4, n, t)),
    "minres_update_residual": lambda rng, n, t, i: (*rotation(n, t), *vectors(rng, 6, n, t)),
}
RETURNS_SUM = {"minres_lanczos", "minres_update", "minres_update_residual"}
