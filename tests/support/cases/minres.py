"""Cases of ``minres``."""

import numpy as np

from .vector import real, real_dtype, vectors


def rotation(n, dtype):
    """Return the scalars before a step: the first one, later ones of both parities, some that may not go."""
    c, s = np.cos(0.4), np.sin(0.4)
    most = 1e9 if n == 1025 else 1.3  # A maps the residual to nothing
    rows = [[c, s, 0.7, -0.2, 0.9, most, 1.5], [-s, c, -0.4, 0.3, 0.8, most, 1.4]]
    bb_next = {0: -0.5, 1: 0.0}.get(n, 0.6)  # an indefinite M; a Krylov space that is exhausted
    return (
        np.array([n != 31]),
        n % 4,
        real(-0.3, dtype),
        real(0.7, dtype),
        real(bb_next, dtype),
        np.array(rows, real_dtype(dtype)),
    )


CASES = {
    "minres_lanczos": lambda rng, n, t, i: (
        np.array([n != 31]),
        *(real(value, t) for value in (-0.3, 0.7, 0.4, 0.01)),
        *vectors(rng, 4, n, t),
    ),
    "minres_update": lambda rng, n, t, i: (*rotation(n, t), *vectors(rng, 4, n, t)),
    "minres_update_residual": lambda rng, n, t, i: (*rotation(n, t), *vectors(rng, 6, n, t)),
}
RETURNS_SUM = {"minres_lanczos", "minres_update", "minres_update_residual"}
