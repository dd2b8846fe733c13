"""The exceptions for breakdowns, and the evidence for what they say about A and M."""

from .._linear.evidence import is_null
from .._result import Breakdown, Status, not_definite, not_finite


def indefinite(rz, pq):
    """Return the exception that names the divisor of CG that was not positive."""
    if rz - rz != 0 or pq - pq != 0:
        return not_finite()
    return not_definite("M", rz) if rz <= 0 else not_definite("A", pq)


def check_null(A, z):
    """Raise if A maps the vector z, which is not zero, to rounding errors."""
    if is_null(A, z):
        raise Breakdown(
            "A maps a vector of the Krylov space to rounding errors: A is singular in this precision, and b "
            "may not be in its range",
            Status.SINGULAR,
        )
