"""The exceptions for breakdowns of Hermitian methods."""

import numpy as np

from .._array import read_sum
from .._result import Breakdown, Status, not_definite, not_finite
from ..kernels import kernels_for

LARGEST_ENTRY = 6  # the last number in a row of MINRES' `state`: the largest entry of its tridiagonal matrix


def indefinite(rz, pq):
    """Return the exception that names the divisor of CG that was not positive."""
    if rz - rz != 0 or pq - pq != 0:
        return not_finite()
    return not_definite("M", rz) if rz <= 0 else not_definite("A", pq)


def check_residual(A, b, M, x, size):
    """After a NaN in MINRES: raise unless a new start from `x` is possible; `size` is the norm of A."""
    dot = kernels_for(b).dot
    r = A.residual(b, x)
    z = r if M is None else M @ r
    q = A @ z
    rz, qq = read_sum(dot(r, z)), read_sum(dot(q, q if M is None else M @ q))
    if rz - rz != 0 or qq - qq != 0:
        raise not_finite()
    if rz <= 0:
        raise not_definite("M", rz)
    # Once the residual is an eigenvector to the root of the precision, the Lanczos vectors repeat it.
    if qq <= 16 * np.finfo(b.dtype).eps * size**2 * rz:
        raise Breakdown(
            "A maps the residual to almost nothing: A is singular in this precision, and b is not in its "
            "range; x is a least-squares solution",
            Status.SINGULAR,
        )
