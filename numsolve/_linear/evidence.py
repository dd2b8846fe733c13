"""Evidence for what a method says about a matrix: sizes of rounding errors, vectors of its null space."""

import numpy as np

from .._array import array_module, namespace
from .._operators.operator import Csr, Dense, Scaled, Shifted, absolute
from .._random import scattered
from .system import norm

SLACK = 16  # units of rounding in the product of a matrix with a vector of its null space


def sizes_of(A):
    """Return the matrix of absolute values up to a factor, and the factor; None if entries are not known."""
    if isinstance(A, Scaled):
        sizes, factor = sizes_of(A.operator)
        return sizes, abs(A.factor) * factor
    if isinstance(A, Shifted):
        sizes, factor = sizes_of(A.operator)
        return None if sizes is None else Shifted(sizes, -abs(A.shift) / factor), factor
    return (absolute(A) if isinstance(A, (Csr, Dense)) else None), 1.0


def size_of_terms(A, x):
    """Return ``norm(|A| |x|)``, the size of the terms in A x, without overflow.

    If the entries of A are not known, this is a lower estimate of ``norm(A) norm(x)``, from three products.
    """
    largest = float(abs(x).max())
    if not 0 < largest < np.inf:
        return largest
    x = abs(x) / largest
    sizes, factor = sizes_of(A)
    if sizes is None:
        return norm_estimate(A) * norm(x) * largest
    terms = abs(sizes @ x.astype(A.dtype))
    highest = float(terms.max()) or 1.0
    return norm(terms / highest) * highest * factor * largest


def norm_estimate(A):
    """Return a lower estimate of the 2-norm, from three products with fixed vectors."""
    index = array_module(A.library).arange(A.shape[1], dtype=np.float64)
    v, estimate = (scattered(index) - 0.5).astype(A.dtype), 0.0
    for _ in range(3):
        size = norm(v)
        if not 0 < size < np.inf or len(v) != A.shape[1]:
            break
        v = A @ (v / size)
        estimate = max(estimate, norm(v))
    return estimate


def mapped(A, z):
    """Return ``norm(A z) / norm(|A| |z|)``: how much of the terms of the product remains."""
    terms = size_of_terms(A, z)
    return norm(A @ z) / terms if terms > 0 else 0.0


def is_null(A, z):
    """Tell whether A maps the nonzero vector z, or z without its small entries, to rounding errors.

    Some matrix within a few units of rounding of A, entry by entry, is then singular.
    """
    xp, largest = namespace(z), float(abs(z).max())
    if not 0 < largest < np.inf:
        return False
    z = z / z.real.dtype.type(largest)
    vectors = (xp.where(abs(z) > small, z, 0) for small in (0.0, 64 * A.rounding, A.rounding**0.5))
    vectors = (v.astype(z.dtype) for v in vectors)
    return any(mapped(A, v) <= SLACK * A.rounding and _is_noise(A, v) for v in vectors)


def _is_noise(A, z):
    """Tell whether A z is rounding error: known if entries are known, else if it differs for a multiple of z.

    An operator whose rows differ much in size may map z to a vector that is small, but has correct digits.
    """
    if sizes_of(A)[0] is not None:
        return True
    q = A @ z
    return norm(A @ (3 * z) / 3 - q) >= 0.01 * norm(q)
