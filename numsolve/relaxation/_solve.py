"""What the relaxation methods share: the checked system, the sweeps, the result and its message."""

from dataclasses import dataclass, replace
from math import ceil, inf, isfinite, log
from typing import Any

from .. import _callbacks, _validate
from .._linear.column import explained
from .._linear.solve import solve_system
from .._linear.system import norm, prepare
from .._operators.entries import sparse_of
from .._operators.rows import ordered_rows
from .._result import LinearResult, Status
from ._steps import iterates, iterates_in_batches

BATCHED_BELOW = 1 << 14  # entries of A; a sweep over fewer takes no longer than a step of the loop

_LIMITS = {  # what was reached, and the argument that sets it
    Status.MAXITER: ("maxiter", "maxiter"),
    Status.TIME_LIMIT: ("time limit", "time_limit"),
}


@dataclass(frozen=True, eq=False, repr=False)
class RelaxationResult(LinearResult):
    """Solution and history of a relaxation method.

    Attributes
    ----------
    omega : float
        The relaxation that was used: the given number, or the suggestion of the learner.
    colours : numpy.ndarray of int, shape (n,), or None
        The colouring that was used, for the next matrix with the same pattern; None without one.
    """

    omega: float = 1.0
    colours: Any = None


def checked_system(method, A, b, x0, rtol, atol, maxiter, time_limit):
    """Return the checked system. The default of `maxiter` is at least 1000, enough for small systems."""
    matrix = sparse_of(A, method)
    maxiter = max(10 * matrix.shape[0], 1000) if maxiter is None else maxiter
    system = prepare(matrix, b, x0, None, rtol=rtol, atol=atol, maxiter=maxiter, time_limit=time_limit)
    return system._replace(starts_anywhere=True)


def solve_over_relaxed(
    method,
    system,
    omega,
    callback,
    *,
    symmetric=False,
    reverse=False,
    colours=None,
    block_size=None,
    context=None,
):
    """Run sweeps of successive over-relaxation; return the result. `omega` may be a learner."""
    if symmetric and block_size is not None:
        raise ValueError("symmetric sweeps do not support blocks: leave out block_size, or symmetric")
    callback = _callbacks.checked(callback)
    rows, colours = ordered_rows(system.A, block_size, colours, reverse)
    scale = rows.scale(method)
    learner = omega if hasattr(omega, "suggest") and hasattr(omega, "observe") else None
    if learner is None:
        omega = _validate.relaxation(omega)
    else:
        omega = _validate.relaxation(learner.suggest(context), "what omega.suggest(context) returned")
    result = solve_by_sweeps(rows, omega, scale, system, callback, symmetric)
    if learner is not None:
        ended = result.success or result.status == Status.STOPPED
        learner.observe(omega, result.nit if ended else system.maxiter, context)
    return replace(result, colours=colours)


def solve_by_sweeps(rows, omega, scale, system, callback, symmetric=False):
    """Run sweeps that change each unknown by ``omega * scale`` times its residual; return the result."""
    scale = scale * scale.real.dtype.type(omega * system.A_unit)

    def sweeps(A, b, M, x):  # noqa: ARG001 - as other methods
        return generate(rows, scale, 1 / system.A_unit, symmetric, b, x)

    by_rows_on_host = rows.library == "numpy" and scale.ndim == 1
    batched = by_rows_on_host and callback is None and system.A.nnz < BATCHED_BELOW
    generate = iterates_in_batches if batched else iterates
    result = solve_system(sweeps, system._replace(batches=batched), callback)
    return RelaxationResult(**vars(_with_advice(result, system)), omega=omega)


def _with_advice(result, system):
    """Add to the message of a reached limit how fast the residual falls, or that it is at rounding errors."""
    if result.status not in _LIMITS or result.residuals.ndim > 1:
        return result
    reached, limit = _LIMITS[result.status]
    remedy = f"raise {limit}, choose another omega, or use a Krylov method"
    if result.nit < 4:
        return replace(result, message=f"{reached} reached: {remedy}")
    end, middle = result.nit - 1, (result.nit - 1) // 2  # the last norm may be that of an earlier iterate
    before, last = result.residuals[middle], result.residuals[end]
    rate = (last / before) ** (1 / (end - middle)) if 0 < before < inf else 1.0
    if not rate < 0.99:
        at_rounding = explained(system.A, result, norm(system.b) or result.residuals[0])
        if at_rounding is not result:
            return at_rounding
    if not isfinite(rate) or rate > 1 - 1e-6:
        message = f"{reached} reached, and the residual does not fall: use another omega, or a Krylov method"
    else:
        digit = ceil(log(0.1) / log(rate))
        message = f"{reached} reached: the residual now falls by a digit in {digit} sweeps; {remedy}"
    return replace(result, message=message)
