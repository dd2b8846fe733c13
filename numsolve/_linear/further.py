"""Further solves with the method of a solve: to a smaller residual, and for a random right-hand side."""

from math import inf, sqrt

from .._operators.operator import Csr, Dense, entries
from .._random import standard_normal
from .column import solve_column
from .system import length

FURTHER = 1e-3  # how much smaller the residual becomes when a method goes on
MISSED = 0.3  # part of a random vector along a direction that is left if the solution misses the direction
RESOLVED = 0.005  # part of a random vector along a direction; about one vector in 250 has less


def gone_on(method, system, b, x, nit):
    """Return the result of going on from x to a residual that is FURTHER times its present limit."""
    tighter = system._replace(rtol=system.rtol * FURTHER, atol=system.atol * FURTHER, maxiter=most(nit))
    return solve_column(method, tighter, b, x, None)


def most(nit):
    """Return the largest number of iterations of a further solve, after a solve that took `nit`."""
    return 4 * nit + 200


def inverse_norm(method, system, nit, thorough):
    r"""Return an estimate of the norm of the inverse, from a solve for a random right-hand side.

    The part of a random vector f along one direction is about :math:`\|f\| / \sqrt n`. A method that reduces
    the residual below a small part of this has found the solution y along every direction, also along those
    of the smallest singular values. If a few of these are far below the others, y consists of their vectors,
    and :math:`\sqrt n \, \|y\| / \|f\|` is about the norm of the inverse. If the residual s stays larger, it
    is often the part that A hardly reaches: :math:`\|s\| / \|A^H s\|` is a lower bound of the norm. If the
    estimate must be `thorough`, it is then infinite.
    """
    A, n = system.A, system.b.shape[0]
    f = standard_normal(0, n, dtype=A.dtype, like=A.library)
    f = f if A.null_space is None else A.null_space.in_range(f)
    probe = system._replace(rtol=RESOLVED / sqrt(n), atol=0.0, maxiter=most(nit), x0=None)
    y = solve_column(method, probe, f, None, None).x
    s, found = A.residual(f, y), sqrt(n) * length(y) / length(f)
    if thorough and not length(s) * sqrt(n) < MISSED * length(f):
        return inf
    return max(found, ratio(length(s), length(adjoint_product(A, s)))) if has_adjoint(A) else found


def has_adjoint(A):
    """Tell whether products with the adjoint need no copy of the matrix."""
    known = isinstance(A, (Csr, Dense))
    return A.known_hermitian or (known and (A.library == "numpy" or is_symmetric(A)))


def adjoint_product(A, w):
    """Return ``A^H w`` for a matrix, without a copy of it, or for an operator that is known as Hermitian."""
    if A.known_hermitian or (isinstance(A, (Csr, Dense)) and is_symmetric(A)):
        return A @ w
    return (entries(A).T @ w.conj()).conj()


def is_symmetric(A):
    """Tell whether a matrix is known to be Hermitian, because it was asserted or tested."""
    return A.known_hermitian or (A.found_asymmetry is not None and A.found_asymmetry < 1e-12)


def ratio(part, whole):
    """Return ``part / whole``, infinite if `whole` is zero and `part` is not."""
    return part / whole if whole else (inf if part else 0.0)
