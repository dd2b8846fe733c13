"""The residual of each row, compared with the terms of the row."""

from .._array import namespace
from .._operators.terms import row_terms


def backward_error(r, b, terms):
    """Return the row-wise backward error of a solution with residual `r`.

    This is the formula of Oettli and Prager: theorem 7.3 of N. J. Higham, *Accuracy and Stability of
    Numerical Algorithms*, 2nd ed., SIAM, 2002, doi:10.1137/1.9780898718027.
    """
    size = terms + abs(b)
    return float((abs(r) / namespace(r).where(size > 0, size, 1)).max())


def largest_backward_error(A, b, x):
    """Return the row-wise backward error of the worst column of a matrix system."""
    columns = [(b, x)] if b.ndim == 1 else zip(b.T, x.T, strict=True)
    pairs = [tuple(map(namespace(x).ascontiguousarray, pair)) for pair in columns]
    return max((backward_error(A.residual(b, x), b, row_terms(A, x)[0]) for b, x in pairs), default=0.0)
