"""Cases of ``bicgstab``: the sizes 31 and 257 start again, 2 has nothing to step by."""

import numpy as np

from .vector import is_complex, number, real, vectors


def update(rng, n, t, i):
    """Return the arguments of bicgstab_update; z is r for some, as without a preconditioner."""
    y, z, *others, r = vectors(rng, 6, n, t)
    return (
        np.array([n != 31]),
        number(0 if n in (2, 257) else 0.3, t),
        number(1e-9 if n == 2 else 0 if n == 1 else 0.4, t),
        real(0 if n == 1 else np.inf if n == 0 else 0.8, t),
        real(1.2, t),
        real(1e-3, t),
        *(y, r if n == 1025 and is_complex(t) else z, *others, r),
    )


CASES = {
    "bicgstab_half": lambda rng, n, t, i: (
        number(0.3, t),
        number(1e-9 if n == 31 else 0.7, t),
        real(np.inf if n == 257 else 1.1, t),
        real(0.9, t),
        real(1e-3, t),
        *vectors(rng, 2, n, t),
    ),
    "bicgstab_update": update,
    "bicgstab_direction": lambda rng, n, t, i: (
        number(0.6, t),
        number(1e-9 if n == 31 else 0.5, t),
        real(np.inf if n == 2 else 1.3, t),
        real(0.9, t),
        number(0 if n == 257 else 0.3, t),
        number(0.4, t),
        real(0.8, t),
        real(1e-3, t),
        *vectors(rng, 4, n, t),
    ),
}
RETURNS_SUM = {"bicgstab_half", "bicgstab_update", "bicgstab_direction"}
