"""A checked linear system, which methods pass to each other without checking it again."""

from math import frexp, inf, isfinite, ldexp, sqrt
from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._array import read_sum
from .._operators.operator import Csr, Dense, Operator, Scaled, as_operator
from .._operators.singular import Projected
from ..kernels import kernels_for


class System(NamedTuple):
    """A checked linear system: operators, vectors and limits of one dtype in one library.

    Attributes
    ----------
    A : Operator, shape (m, n)
        The matrix.
    b : array, shape (m,) or (m, k)
        The right-hand sides.
    x0 : array, shape (n,) or (n, k), or None
        The starting guess; None for zeros.
    M : Operator, shape (n, n), or None
        The preconditioner.
    rtol, atol : float
        The tolerance is ``max(rtol * norm(b), atol)``.
    maxiter : int
        Largest number of iterations.
    deadline : float
        Time of ``time.monotonic()`` at which the solve ends.
    A_unit : float
        A power of two. Methods get ``A / A_unit`` and ``M * A_unit``, whose squares do not overflow.
    batches : bool
        Whether the method takes many steps between two checks of the loop, as `iterate` explains.
    starts_anywhere : bool
        Whether the method iterates from x0 also where b is zero; `rtol` is then relative to ``norm(A x0)``.
    in_complement : bool
        Whether the null space of A has been taken into account, see `solve_in_complement`.
    """

    A: Operator
    b: Any
    x0: Any
    M: Operator | None
    rtol: float
    atol: float
    maxiter: int
    deadline: float = inf
    A_unit: float = 1.0
    batches: bool = False
    starts_anywhere: bool = False
    in_complement: bool = False

    def scaled(self):
        """Return A and M in the units of the method; M keeps out of a known null space of A."""
        A, M = self.A, self.M
        if M is not None and A.null_space is not None:
            M = Projected(M, A.null_space)
        if self.A_unit == 1:
            return A, M
        return _scaled(A, 1 / self.A_unit), None if M is None else Scaled(M, self.A_unit)

    def is_singular(self):
        """Tell whether a null space of A is known that has not been taken into account."""
        return self.A.null_space is not None and not self.in_complement

    def with_matrix(self, A):
        """Return the system with another matrix of the same shape, dtype and library."""
        return self._replace(A=A, A_unit=unit_near(A.magnitude(), A.dtype))


@np.errstate(all="ignore")
def prepare(A, b, x0, M, *, rtol, atol, maxiter, time_limit=None):
    """Check the caller's arguments, convert them to one dtype and return the `System`."""
    n = _validate.square_shape(A, empty=True)
    _validate.preconditioner(M, n)
    home, xp = _validate.same_library(A=A, b=b, x0=x0, M=M)
    b = _validate.right_hand_side(b, n, xp)
    if isinstance(x0, str) and x0 == "Mb":  # SciPy's name
        x0 = b if M is None else as_operator(M, home, "M") @ b
    x0 = _validate.starting_guess(x0, b.shape, xp)
    maxiter = 10 * n if maxiter is None else maxiter
    return make_system(A, b, x0, M, home, rtol, atol, maxiter, time_limit)


@np.errstate(all="ignore")
def make_system(A, b, x0, M, home, rtol, atol, maxiter, time_limit=None):
    """Convert checked arrays to one dtype, check the limits, and return the `System`."""
    A = as_operator(A, home)
    M = None if M is None else as_operator(M, home, "M")
    given = [A.dtype, _validate.floating(b.dtype, "b")]
    given += [np.dtype(np.complex64) for other in (M, x0) if other is not None and other.dtype.kind == "c"]
    dtype = np.result_type(*given)
    A = A.astype(dtype).with_workspace()
    read_only = home == "numpy" and not b.flags.writeable  # kernels would be compiled again for it
    return System(
        A,
        b.astype(dtype, copy=read_only),
        x0,
        None if M is None else M.astype(dtype).with_workspace(),
        *_validate.tolerances(rtol, atol),
        _validate.count(maxiter, "maxiter"),
        _validate.deadline(time_limit),
        unit_near(A.magnitude(), dtype),
    )


def norm(x):
    """Return the 2-norm of a vector as a float of the host."""
    return sqrt(read_sum(kernels_for(x).dot(x, x)))


def length(x):
    """Return the 2-norm of a vector as a float of the host, also where squares overflow or vanish."""
    found, limits = norm(x), np.finfo(x.dtype)
    if float(limits.tiny) ** 0.25 < found < float(limits.max) ** 0.25:
        return found
    largest = float(abs(x).max()) if x.size else 0.0
    return largest * norm(x / largest) if 0 < largest < inf else largest


def unit_near(magnitude, dtype):
    """Return a power of two near `magnitude` if its squares might overflow or vanish in `dtype`, else 1.

    For a number of `dtype` the inverse of the power is a normal number too.
    """
    limits = np.finfo(dtype)
    safe = float(limits.max) ** 0.125
    if 1 / safe < magnitude < safe or magnitude == 0 or not isfinite(magnitude):
        return 1.0
    is_of_dtype = float(limits.smallest_subnormal) <= magnitude <= float(limits.max)
    bound = (limits if is_of_dtype else np.finfo(float)).maxexp - 8
    return ldexp(1.0, max(-bound, min(frexp(magnitude)[1], bound)))


def in_units(A):
    """Return the operator in units in which squares of products do not overflow or vanish, and the unit."""
    unit = unit_near(A.magnitude(), A.dtype)
    return (A, 1.0) if unit == 1 else (Scaled(A, 1 / unit), unit)


def largest(x):
    """Return the largest magnitude of a real or imaginary part of an array, as a float of the host."""
    if x.dtype.kind == "c":
        return max(float(abs(x.real).max()), float(abs(x.imag).max()))
    return float(abs(x).max())


def _scaled(A, factor):
    """Return `A` times a power of two; if products with A might overflow or vanish, with scaled entries."""
    limit = float(np.finfo(A.dtype).max) ** 0.5
    if 1 / limit < factor < limit or not isinstance(A, (Csr, Dense)):
        return Scaled(A, factor)
    factor = A.dtype.type(factor)
    twin = A.with_data(A.data * factor) if isinstance(A, Csr) else Dense(A.array * factor)
    twin.known_hermitian = A.known_hermitian
    return twin
