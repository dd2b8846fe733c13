"""Solve for one right-hand side: the units of the solve, and the message of its result."""

from dataclasses import replace

import numpy as np

from .._array import namespace
from .._iterate import iterate
from .._operators.operator import Csr, Dense, absolute
from .._result import Result, Status
from .system import norm, unit_near


def solve_column(method, system, b, x0, callback):
    """Solve for one column of the system; A and b are scaled to near one if they are far from it."""
    xp = namespace(b)
    b = xp.ascontiguousarray(b)
    largest = float(abs(b).max())
    if largest == 0:
        return Result(xp.zeros_like(b), Status.CONVERGED, "converged: b is zero, and so is x", np.zeros(1))
    A, M = system.scaled()
    b_unit = unit_near(largest, b.dtype)
    x_unit = b_unit / system.A_unit
    b = b if b_unit == 1 else b * b.real.dtype.type(1 / b_unit)
    x = xp.zeros_like(b) if x0 is None else xp.array(x0, dtype=b.dtype, order="C") / x_unit
    size = norm(b)
    tol = max(system.rtol * size, system.atol / b_unit)
    result = iterate(
        starter(method, A, b, M),
        x.astype(b.dtype, copy=False),
        tol=tol,
        maxiter=system.maxiter,
        callback=callback,
        deadline=system.deadline,
        scale=(x_unit, b_unit),
        batches=system.batches,
    )
    if result.status == Status.STAGNATED and isinstance(system.A, (Csr, Dense)):
        return explained(system.A, result, size * b_unit)
    return result


def starter(method, A, b, M):
    """Return ``start(x)`` for the loop; call ``begin(b)`` of a method that keeps data between its starts."""
    if hasattr(method, "begin"):
        method.begin(b)
    return lambda x: method(A, b, M, x)


def explained(A, result, size):
    """Return the result, with a message about rounding if its residual stagnated at rounding errors.

    The rounding of `x` alone leaves a residual of about ``eps norm(|A| |x|)``, and at most a few times that
    after a new start. No method reaches a smaller one.
    """
    terms = abs(absolute(A) @ abs(result.x))
    largest = float(terms.max()) or 1.0
    terms /= largest
    rounding = float(np.finfo(A.dtype).eps) * largest * norm(terms)
    if result.residuals[-1] > 4 * rounding:
        return result
    message = (
        "the residual stopped falling before it met the tolerance, at rounding errors: those of A x are "
        f"about {rounding / size:.1e} of norm(b), whatever the method. Loosen rtol or use a higher precision"
    )
    return replace(result, message=message)
