"""Cases of ``normal``."""

from .vector import vectors

CASES = {
    "normal_product": lambda rng, n, t, i: (
        vectors(rng, n % 300, 1 + n // 20, t),
        *vectors(rng, 2, 1 + n // 20, t),
    ),
}
RETURNS_SUM = set()
