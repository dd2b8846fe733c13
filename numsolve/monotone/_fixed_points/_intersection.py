"""A common point of several convex sets."""

from dataclasses import fields, replace

from ... import _validate
from ..._functions import VectorFunction
from ..._result import Result, Status, warn_of_miss
from ..._variables import Variables
from .._proximal import projection
from .._results import FixedPointResult
from .._search import Search

GROWS = "the points move away without bound: a map is not the projection onto a convex set"
SAYS = {
    Status.MAXITER: "maxiter reached: raise it; if the sets have no common point, displacement is not 0",
    Status.TIME_LIMIT: "time limit reached: raise it, or try another method",
    Status.NONFINITE: "a projection is not finite at the starting point: choose another x0",
}


def intersection(
    sets,
    x0,
    *,
    method="alternating",
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> FixedPointResult:
    """Find a point that lies in several convex sets.

    Parameters
    ----------
    sets : sequence
        Sets of this module, or projections: functions of a point.
    x0 : array_like
        Starting point, of any shape.
    method : {"alternating", "averaged", "dykstra"}
        "alternating" projects onto one set after the other. "averaged" takes the mean of the projections.
        "dykstra" finds the common point that is nearest to x0.
    rtol, atol : float
        The run ends when the norm of all distances, of x to each set, is at most ``max(rtol * first, atol)``,
        where `first` is that of x0.
    maxiter, time_limit, callback : as there
        As in `picard`.

    Returns
    -------
    FixedPointResult
        `displacement` is the change of x in the last cycle.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `picard`.

    Notes
    -----
    An iteration is a cycle over all sets; the measure of distances takes another one. Storage of Dykstra's
    method: a vector for each set.

    References
    ----------
    H. H. Bauschke, J. M. Borwein, *On projection algorithms for solving convex feasibility problems*,
    :doi:`10.1137/S0036144593251710`; J. P. Boyle, R. L. Dykstra, *A method for finding projections onto the
    intersection of convex sets in Hilbert spaces*, :doi:`10.1007/978-1-4613-9940-7_3`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import Ball, Halfspace, intersection
    >>> sets = [Ball(1.0), Halfspace(np.array([-1.0, 0.0]), -0.6)]
    >>> found = intersection(sets, [0.0, 2.0], method="dykstra")
    >>> found.x.round(3)
    array([0.6, 0.8])
    """
    _validate.choice(method, "method", ("alternating", "averaged", "dykstra"))
    rtol, atol = _validate.tolerances(rtol, atol)
    maxiter, deadline = _validate.count(maxiter, "maxiter"), _validate.deadline(time_limit)
    variables = Variables(x0, real=True)
    maps = [projection(P, f"sets[{i}]") for i, P in enumerate(sets)]
    if not maps:
        raise ValueError("sets is empty; at least one set is needed")
    functions = [VectorFunction(P, variables, (), f"sets[{i}]", variables.n) for i, P in enumerate(maps)]
    xp = variables.xp

    def residual(x):
        return xp.concatenate(tuple(x - P(x) for P in functions))

    def points(x):
        corrections = [xp.zeros_like(x) for _ in functions]
        while True:
            if method == "averaged":
                x = sum(P(x) for P in functions) / len(functions)
            else:
                for i, P in enumerate(functions):
                    moved = x + corrections[i]
                    x = P(moved)
                    if method == "dykstra":
                        corrections[i] = moved - x
            yield x, residual(x)

    before = [variables.start, variables.start]

    def remembered(x):
        for pair in points(x):
            before[:] = before[1], pair[0]
            yield pair

    search = Search(residual, remembered, GROWS)
    found = search.run(variables, rtol, atol, maxiter, callback, deadline, functions, SAYS)
    kept = {field.name: getattr(found, field.name) for field in fields(Result)}
    calls = sum(P.calls for P in functions)
    result = FixedPointResult(**kept, displacement=variables.shown(before[0] - before[1]), nfev=calls)
    return warn_of_miss(replace(result, x=found.x))
