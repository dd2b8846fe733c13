"""Cases of ``bidiagonal``."""

from .sparse import csr
from .vector import real, vectors


def squares(n, dtype):
    """Return the squared norms; that of x is sometimes zero."""
    return real(0.3 if n != 31 else 0, dtype), real(0.7, dtype)


CASES = {
    "bidiagonal": lambda rng, n, t, i: (*squares(n, t), *vectors(rng, 2, n, t)),
    "bidiagonal_csr": lambda rng, n, t, i: (*csr(rng, n, t, i), *squares(n, t), *vectors(rng, 2, n, t)),
}
RETURNS_SUM = set(CASES)
