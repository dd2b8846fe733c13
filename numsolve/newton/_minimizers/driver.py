"""Run a minimiser in the loop of all iterative methods, and report what it found."""

from dataclasses import replace
from inspect import Parameter, signature
from typing import Any

import numpy as np

from ..._result import Breakdown, FunctionError, Interrupted, Status
from ..._run import ended_at_start, run
from .objective import Objective, Point

AT_ROUNDING = 8  # units of rounding in a gradient that counts as zero
CERTAIN = {
    True: 1e-7,
    False: 1e-4,
}  # relative size of a negative eigenvalue that is certain: given, differences
SAYS = {
    Status.MAXITER: "maxiter reached: raise it, or choose another method or x0",
    Status.TIME_LIMIT: "time limit reached: raise it, or choose another method or x0",
    Status.NONFINITE: "fun or grad is not finite at the starting point: choose another x0",
}


@np.errstate(all="ignore")
def drive(
    make, objective: Objective, variables, report, *, rtol, atol, maxiter, callback, deadline, functions
):
    """Minimise from ``variables.start``.

    Parameters
    ----------
    make : type
        The method; ``make(objective)`` returns an object whose ``walk(point)`` yields points.
    objective : Objective
        The function.
    variables : Variables
        The caller's variables.
    report : callable
        ``report(result, point)`` returns the result for the caller, from the result of the loop and the
        `Point` of its `x`. An exception of the run gets such a result too.
    rtol, atol, maxiter, callback, deadline
        As of the caller; the deadline is a time.
    functions : sequence of Function
        The caller's functions.

    Returns
    -------
    Result
        What `report` returns.
    """
    try:
        found = _run(make, objective, variables, rtol, atol, maxiter, callback, deadline, functions)
    except (FunctionError, Interrupted) as error:
        error.result = report(*best_of(error.result, objective, variables))
        raise
    return report(*best_of(found, objective, variables))


def _run(make, objective: Objective, variables, rtol, atol, maxiter, callback, deadline, functions):
    """Return the result of the loop."""
    start = objective.at(variables.start)
    objective.record(start)
    try:
        first = start.norm if start.is_finite else np.nan
    except Breakdown as error:
        return ended_at_start(error, variables, functions)
    tol, says = max(rtol * first, atol), dict(SAYS)
    if first > tol and is_rounding(start):
        tol = first
        says[Status.CONVERGED] = "converged: the gradient at x0 is rounding error"
    objective.tol, objective.first = tol, first
    method = make(objective)

    def steps(x):
        first_point = objective.at(x)
        yield first_point.x, square(first_point)
        try:
            for point in method.walk(first_point):
                objective.record(point)
                yield point.x, square(point)
        except (OverflowError, ZeroDivisionError, np.linalg.LinAlgError) as error:
            message = f"numbers are too large or too small ({error}): scale fun or the variables"
            raise Breakdown(message, Status.NONFINITE) from error

    def square(point):
        norm = point.norm if point.is_finite else np.nan
        return variables.xp.asarray((norm / first if first > 0 else norm) ** 2, dtype=variables.dtype)

    return run(
        steps,
        variables,
        first=first,
        tol=tol,
        maxiter=maxiter,
        callback=callback,
        deadline=deadline,
        functions=functions,
        says=says,
    )


def best_of(result, objective, variables) -> tuple[Any, Point]:
    """Return the result with the best point, which may not be the last one of a failed run."""
    last, best = objective.at(variables.start if result.x is None else result.x.reshape(-1)), objective.best
    if result.status == Status.CONVERGED or best is None or not best.value < last.value:
        return result, last
    residuals = result.residuals.copy()
    residuals[-1] = best.norm
    return replace(result, x=variables.shown(best.x), residuals=residuals), best


def is_rounding(point: Point):
    """Tell whether the gradient at the start is what rounding x causes: a few eps times abs(H) abs(x)."""
    try:
        size = point.model.rounding_of(point.x)
    except Breakdown:
        return False
    return point.norm <= AT_ROUNDING * float(np.finfo(point.x.dtype).eps) * size


def not_a_minimum(result, point: Point, hessians, is_given):
    """Return the result; in doubt if the Hessian at its point has certainly a negative eigenvalue."""
    if not (result.success and hessians.is_exact):
        return result
    try:
        found = point.model.negative_curvature(CERTAIN[is_given])
    except Breakdown:
        return result
    if not found:
        return result
    message = f"the gradient meets the tolerance at {found}; start from another x0"
    return replace(result, status=Status.DOUBTFUL, message=message)


def with_options(method, name, options):
    """Return the method with the caller's options; raise a TypeError that names what it takes."""
    taken = [p.name for p in signature(method).parameters.values() if p.kind is Parameter.KEYWORD_ONLY]
    unknown = sorted(set(options) - set(taken))
    if unknown:
        raise TypeError(
            f"method {name!r} does not take {', '.join(unknown)}; it takes {', '.join(taken) or 'no options'}"
        )
    return lambda objective: method(objective, **options)
