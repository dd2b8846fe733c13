"""Solve for one right-hand side: the units of the solve, and the message of its result."""

from dataclasses import replace
from functools import partial
from math import inf

import numpy as np

from .._array import namespace
from .._iterate import iterate
from .._result import Result, Status
from .evidence import is_null, size_of_terms
from .system import largest, norm, unit_near


@np.errstate(all="ignore")
def solve_column(method, system, b, x0, callback):
    """Solve for one column of the system; A and b are scaled to near one if they are far from it."""
    xp = namespace(b)
    b = xp.ascontiguousarray(b)
    magnitude = largest(b)
    if magnitude == 0 and not (system.starts_anywhere and x0 is not None and bool((x0 != 0).any())):
        return Result(xp.zeros_like(b), Status.CONVERGED, "converged: b is zero, and so is x", np.zeros(1))
    A, M = system.scaled()
    b_unit = unit_near(magnitude, b.dtype)
    x_unit = b_unit / system.A_unit
    b = b if b_unit == 1 else b * b.real.dtype.type(1 / b_unit)
    size = norm(b)
    if not 0 < x_unit < inf:
        return out_of_range(xp.zeros_like(b), np.full(1, size * b_unit))

    def guess():
        x = xp.zeros_like(b) if x0 is None else xp.array(x0, dtype=b.dtype, order="C") / x_unit
        return x.astype(b.dtype, copy=False)

    size = size or norm(A.residual(b, guess()))
    tol = max(system.rtol * size, system.atol / b_unit)
    result = iterate(
        starter(method, A, b, M),
        guess(),
        tol=tol,
        maxiter=system.maxiter,
        callback=callback,
        deadline=system.deadline,
        scale=(x_unit, b_unit),
        batches=system.batches,
        guess=guess,
        explain=partial(explanation, A, b, M),
    )
    if x_unit != 1:
        result = represented(result, A, b, x_unit, b_unit, tol)
    return replace(result, message=result.message + single_products(A))


def starter(method, A, b, M):
    """Return ``start(x)`` for the loop; call ``begin(b)`` of a method that keeps data between its starts."""
    if hasattr(method, "begin"):
        method.begin(b)
    return lambda x: method(A, b, M, x)


def explanation(A, b, M, x):
    """Return a status and a message if the residual of `x` cannot fall further, else None.

    Either it is rounding error, or A maps it to rounding errors, with M if there is one.
    """
    r = A.residual(b, x)
    message = at_rounding(A, x, norm(r), norm(b))
    if message:
        return Status.STAGNATED, message
    z = r if M is None else M @ r
    if not is_null(A, z):
        return None
    what = "the residual" if M is None else "M times the residual"
    return Status.SINGULAR, (
        f"A maps {what} to rounding errors: A is singular in this precision, and a new start cannot reduce "
        "the residual"
    )


def at_rounding(A, x, residual, size):
    """Return a message if the norm of the residual is that of rounding errors, else an empty text.

    The rounding of `x` alone leaves a residual of about ``eps norm(|A| |x|)``, and at most a few times that
    after a new start. No method reaches a smaller one.
    """
    rounding = A.rounding * size_of_terms(A, x)
    if residual > 4 * rounding:
        return ""
    return (
        "the residual stopped falling before it met the tolerance, at rounding errors: those of A x are "
        f"about {rounding / size:.1e} of norm(b), whatever the method. Loosen rtol or use a higher precision"
    )


def explained(A, result, size):
    """Return the result, with a message about rounding if its residual stagnated at rounding errors."""
    message = at_rounding(A, result.x, result.residuals[-1], size)
    return replace(result, message=message) if message else result


def single_products(A):
    """Return a sentence for the message if products with A were returned in a lower precision than b."""
    if A.rounding <= np.finfo(A.dtype).eps:
        return ""
    return (
        f". The products with A have a relative precision of {A.rounding:.1e} only, below that of b, and so "
        "has the residual: return them in the precision of b"
    )


def represented(result, A, b, x_unit, b_unit, tol):
    """Return the result; if `x` overflows or loses digits in the caller's units, it is not a success."""
    x = result.x
    if not bool((abs(x) < inf).all()):
        return out_of_range(namespace(x).zeros_like(x), result.residuals)
    small = float(np.finfo(x.dtype).tiny)
    if not bool((abs(x) < small).any()):
        return result
    true = norm(A.residual(b, (x / x_unit).astype(b.dtype)))
    return result if true <= tol or not result.success else out_of_digits(result, true * b_unit)


def out_of_digits(result, norm):
    """Return the result, of residual `norm`, for a solution so small that it has lost digits."""
    dtype = result.x.dtype
    message = (
        f"entries of x are below {np.finfo(dtype).tiny:.0e}, where {dtype} has few digits or none: multiply "
        "b, or divide A, by a power of two"
    )
    residuals = np.append(result.residuals[:-1], norm)
    return replace(result, status=Status.STAGNATED, message=message, residuals=residuals)


def out_of_range(x, residuals):
    """Return the result for a solution that the dtype cannot represent."""
    message = f"the solution is out of the range of {x.dtype}: multiply A or b by a power of two"
    return Result(x, Status.NONFINITE, message, residuals)
