"""Cases of ``smooth``."""

from .sparse import csr
from .vector import vectors

CASES = {
    "residual": lambda rng, n, t, i: (*csr(rng, n, t, i), *vectors(rng, 3, n, t)),
    "correct": lambda rng, n, t, i: (*csr(rng, n, t, i), *vectors(rng, 2, n, t)),
    "jacobi_sweep": lambda rng, n, t, i: (
        0.7,
        *vectors(rng, 1, n, t),
        *csr(rng, n, t, i),
        *vectors(rng, 3, n, t),
    ),
}
RETURNS_SUM = set()
