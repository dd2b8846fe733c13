"""A common point of several convex sets."""

from dataclasses import fields
from itertools import combinations
from math import inf

from ... import _validate
from ..._functions import VectorFunction
from ..._result import Breakdown, Result, Status, warn_of_miss
from ..._variables import Variables
from .._proximal import projection
from .._results import FixedPointResult
from .._search import Search

GROWS = "the points move away without bound: a map is not the projection onto a convex set"
SAYS = {
    Status.MAXITER: (
        "maxiter reached: raise it; if the sets have no common point, displacement tends to their distance"
    ),
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
        where `first` is that of x0. "dykstra" takes the norm of all ``x - P(x + y)``, where y is the
        correction for the set of P: if they are 0, then x is the nearest point.
    maxiter, time_limit, callback : as there
        As in `picard`.

    Returns
    -------
    FixedPointResult
        `displacement` is the longest difference of two projections of x. For two sets without a common point
        it tends to the shortest vector between them, from the first to the second. `residuals` are the norms
        of the distances.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `picard`.

    Notes
    -----
    An iteration is a cycle over all sets; the measure of distances takes another one. Storage of Dykstra's
    method: a vector for each set. A correction y is normal to its set at the point ``P(x + y)``, and the sum
    of all corrections is ``x0 - x``. So a point with ``x = P(x + y)`` for all sets is the nearest one. A
    point that only lies in all sets need not be.

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
    functions = _projections(sets, variables, deadline)
    xp = variables.xp

    corrections = [xp.zeros_like(variables.start) for _ in functions]

    def residual(x):
        parts = zip(functions, corrections, strict=True)
        return xp.concatenate(tuple(x - P(x + y) for P, y in parts))

    def points(x):
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

    search = Search(residual, points, GROWS)
    found = search.run(variables, rtol, atol, maxiter, callback, deadline, functions, SAYS)
    kept = {field.name: getattr(found, field.name) for field in fields(Result)}
    gap = _gap(found.x.reshape(-1), functions, variables)
    calls = sum(P.calls for P in functions)
    return warn_of_miss(FixedPointResult(**kept, displacement=gap, nfev=calls))


def _projections(sets, variables, deadline):
    """Return the projections onto the sets, as functions of a vector."""
    if callable(sets) or not hasattr(sets, "__iter__"):
        raise TypeError(f"sets is a {type(sets).__name__}; a sequence of sets is needed: pass [set]")
    maps = [projection(P, f"sets[{i}]") for i, P in enumerate(sets)]
    if not maps:
        raise ValueError("sets is empty; at least one set is needed")
    functions = [
        VectorFunction(P, variables, (), f"sets[{i}]", variables.n, "x0 has") for i, P in enumerate(maps)
    ]
    for function in functions:
        function.deadline = deadline
    return functions


def _gap(x, functions, variables):
    """Return the longest difference of two projections of x, or None if they cannot be evaluated."""
    for function in functions:
        function.deadline = inf
    try:
        images = [P(x) for P in functions]
    except Breakdown:
        return None
    gaps = [q - p for p, q in combinations(images, 2)] or [images[0] - x]
    return variables.shown(max(gaps, key=lambda gap: float((gap * gap).sum())))
