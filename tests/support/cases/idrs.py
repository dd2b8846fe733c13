"""Cases of ``idrs``; size 31 is not live."""

import numpy as np

from .vector import is_complex, number, real, vectors


def sizes(n):
    """Return s and a place k below it."""
    return {0: (1, 0), 3: (1, 0), 1: (2, 1), 2: (3, 1), 31: (5, 3), 257: (4, 2), 1025: (5, 4)}.get(n, (4, 2))


def triangle(rng, n, dtype):
    """Return a lower triangular matrix like ``P^H G``, and four vectors of its size."""
    s, _ = sizes(n)
    S = np.tril(vectors(rng, s, s, dtype)) + 3 * np.eye(s, dtype=dtype)
    return S, *vectors(rng, 4, s, dtype)


def begin(rng, n, dtype):
    """Return the arguments of idrs_begin."""
    S, h, f, c, _ = triangle(rng, n, dtype)
    return np.append(h, h[:1]), S, f, c


def solve(rng, n, dtype):
    """Return the arguments of idrs_solve; for size 257 the pivot vanishes, for 1025 the product is NaN."""
    S, h, f, a, c = triangle(rng, n, dtype)
    k = sizes(n)[1]
    square = np.nan if n == 1025 else 1e8 if n == 257 else 1
    return k, real(1e-3, dtype), np.append(h, np.dtype(dtype).type(square)), S, f, a, c


def rows(rng, n, dtype, more):
    """Return k, s coefficients, s rows and some more vectors."""
    s, k = sizes(n)
    return k, vectors(rng, 1, s, dtype)[0], vectors(rng, s, n, dtype), *vectors(rng, more, n, dtype)


def direction(rng, n, dtype):
    """Return the arguments of idrs_direction."""
    k, c, U, v = rows(rng, n, dtype, 1)
    return k, c, vectors(rng, 1, 1, dtype)[0], v, U


def advance(rng, n, dtype):
    """Return the arguments of idrs_advance; for size 257 the step is NaN."""
    k, a, G, x, r = rows(rng, n, dtype, 2)
    a[k] *= np.nan if n == 257 else 1
    return np.array([n != 31]), k, a, G, vectors(rng, len(G), n, dtype), x, r


def reduce(rng, n, dtype):
    """Return the arguments of idrs_reduce; v is r for some, as without a preconditioner."""
    v, t, x, r = vectors(rng, 4, n, dtype)
    return (
        np.array([n != 31]),
        number(0 if n == 1 else 0.5 if n == 2 else 0.1, dtype),
        real(0 if n == 257 else 0.8, dtype),
        real(0.6, dtype),
        0.7,
        vectors(rng, 1, 1, dtype)[0],
        *(r if n == 1025 and is_complex(dtype) else v, t, x, r),
    )


CASES = {
    "idrs_project": lambda rng, n, t, i: (vectors(rng, sizes(n)[0], n, t), vectors(rng, 1, n, t)[0]),
    "idrs_begin": lambda rng, n, t, i: begin(rng, n, t),
    "idrs_solve": lambda rng, n, t, i: solve(rng, n, t),
    "idrs_shift": lambda rng, n, t, i: rows(rng, n, t, 2),
    "idrs_direction": lambda rng, n, t, i: direction(rng, n, t),
    "idrs_advance": lambda rng, n, t, i: advance(rng, n, t),
    "idrs_reduce": lambda rng, n, t, i: reduce(rng, n, t),
}
RETURNS_SUM = {"idrs_advance", "idrs_reduce"}
