"""From the caller's arguments to the sweeps and back: what the relaxation methods share."""

from dataclasses import dataclass, replace
from math import ceil, inf, isfinite, log
from typing import Any

from .. import _validate
from .._linear.column import explained
from .._linear.solve import solve_system
from .._linear.system import norm, prepare
from .._operators.entries import sparse_of
from .._operators.rows import arranged
from .._result import Result, Status
from ._steps import batches, steps

SMALL = 1 << 14  # entries below which a sweep takes about as long as the loop's look at it


@dataclass(frozen=True, repr=False)
class RelaxationResult(Result):
    """Solution and history of a relaxation method.

    Attributes
    ----------
    omega : float
        The relaxation that was used: the number that was given, or what the learner suggested.
    colours : numpy.ndarray of int, shape (n,), or None
        The colouring that was used, for the next matrix with the same pattern.
    """

    omega: float = 1.0
    colours: Any = None


def gathered(method, A, b, x0, rtol, atol, maxiter):
    """Return the checked system; its default for `maxiter` has room for small systems too."""
    matrix = sparse_of(A, method)
    maxiter = max(10 * matrix.shape[0], 1000) if maxiter is None else maxiter
    return prepare(matrix, b, x0, None, rtol=rtol, atol=atol, maxiter=maxiter)


def over_relaxed(
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
        raise ValueError("symmetric sweeps take no blocks: leave out block_size, or symmetric")
    _validate.function(callback, "callback")
    rows, colours = arranged(system.A, block_size, colours, reverse)
    scale = rows.scale(method)
    learner = omega if hasattr(omega, "suggest") and hasattr(omega, "observe") else None
    if learner is None:
        omega = _validate.relaxation(omega)
    else:
        omega = _validate.relaxation(learner.suggest(context), "what omega.suggest(context) returned")
    result = relaxed(rows, omega, scale, system, callback, symmetric)
    if learner is not None:
        ended = result.success or result.status == Status.STOPPED
        learner.observe(omega, result.nit if ended else system.maxiter, context)
    return replace(result, colours=colours)


def relaxed(rows, omega, scale, system, callback, symmetric=False):
    """Run sweeps in which each unknown moves by ``omega * scale`` times its residual."""
    scale = scale * scale.real.dtype.type(omega * system.A_unit)

    def sweeps(A, b, M, x):  # noqa: ARG001 - as other methods
        return generate(rows, scale, 1 / system.A_unit, symmetric, b, x)

    small = rows.library == "numpy" and scale.ndim == 1 and callback is None and system.A.nnz < SMALL
    generate = batches if small else steps
    result = solve_system(sweeps, system._replace(batches=small), callback)
    return RelaxationResult(**vars(_advised(result, system)), omega=omega)


def _advised(result, system):
    """Say of sweeps that ran out how fast they were, or that rounding errors hold them up."""
    if result.status != Status.MAXITER or result.residuals.ndim > 1 or result.nit < 4:
        return result
    before, last = result.residuals[result.nit // 2], result.residuals[-1]
    rate = (last / before) ** (1 / (result.nit - result.nit // 2)) if 0 < before < inf else 1.0
    if not isfinite(rate) or rate > 1 - 1e-6:
        message = "maxiter reached, and the residual does not fall: use another omega, or a Krylov method"
        at_rounding = explained(system.A, result, norm(system.b))
        message = message if at_rounding is result else at_rounding.message
    else:
        digit = ceil(log(0.1) / log(rate))
        message = (
            f"maxiter reached: the residual now falls by a digit in {digit} sweeps; raise maxiter, "
            "choose another omega, or use a Krylov method"
        )
    return replace(result, message=message)
