"""From the caller's X and y to a checked problem, its solution, and a result."""

from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, common_library
from .._result import Status
from .._run import run
from .._variables import Variables
from ._datafits import mean_weights, observations
from ._features import Features
from ._result import CoordinateResult
from ._terms import Terms
from ._working_sets import LeastSquaresProblem

MAXITER = 1000
_REMEDY = "raise it, raise lam or rtol, or pass as x0 the solution for a larger lam"
SAYS = {
    Status.MAXITER: f"maxiter reached: {_REMEDY}",
    Status.TIME_LIMIT: f"time limit reached: {_REMEDY}",
    Status.INTERRUPTED: "interrupted: the last iterate is kept",
    Status.NONFINITE: "the objective overflows at the starting point: scale X and y, or choose another x0",
}


def checked_problem(X, y, sample_weight, fit_intercept, **others) -> LeastSquaresProblem:
    """Return the problem of checked data; `others` have to be in the same library."""
    library = common_library(X=X, y=y, sample_weight=sample_weight, **others)
    features = Features(X)
    if 0 in features.shape:
        raise ValueError(f"X is empty: it has shape {features.shape}")
    m, xp = features.shape[0], array_module(library)
    y = observations(y, m, xp).astype(float)
    h = mean_weights(sample_weight, m, xp).astype(float)
    return LeastSquaresProblem(features, y, h, fit_intercept=bool(fit_intercept))


def checked_terms(problem, lam, rho, weights, positive) -> Terms:
    """Return the penalty of checked parameters."""
    lam, xp = _validate.tolerance(lam, "lam"), problem.xp
    if not 0 <= _validate.number(rho, "rho") <= 1:
        raise ValueError(f"rho is {rho!r}; a number from 0 to 1 is needed")
    if weights is None:
        weights = xp.ones(problem.n)
    weights = _validate.real_array(weights, "weights", xp)
    if weights.shape != (problem.n,):
        raise ValueError(f"weights has shape {weights.shape}; ({problem.n},) is needed, one for each feature")
    if bad := int((weights < 0).sum()):
        raise ValueError(f"weights has {bad} entries < 0; all must be >= 0")
    return Terms(lam * float(rho) * weights, lam * (1 - float(rho)) * weights, bool(positive))


def starting_coefficients(x0, problem, positive) -> Any:
    """Return the coefficients to start from, a new array in the dtype of X."""
    n, xp, dtype = problem.n, problem.xp, problem.features.dtype
    if x0 is None:
        return xp.zeros(n, dtype)
    x0 = _validate.as_array(x0, "x0", xp)
    _validate.starting_guess(x0, (n,), xp, "X needs")
    if x0.dtype.kind == "c":
        raise TypeError("x0 is complex; real numbers are needed")
    if positive and (bad := int((x0 < 0).sum())):
        raise ValueError(f"x0 has {bad} entries < 0, but positive=True needs x0 >= 0")
    return xp.where(problem.empty, 0, x0).astype(dtype)


def solved(method, start, *, rtol, maxiter, deadline, callback) -> CoordinateResult:
    """Run a method of working sets to a gap of `rtol` times the objective at zero."""
    first, method.deadline = method.problem.first, deadline
    found = run(
        method.steps,
        Variables(start if first > 0 else 0 * start),
        first=first,
        tol=rtol * first,
        maxiter=maxiter,
        callback=callback,
        deadline=deadline,
        says=SAYS,
    )
    point = method.point
    return CoordinateResult(
        found.x,
        found.status,
        found.message,
        np.asarray(found.residuals),
        objective=point.objective,
        gap=point.gap,
        intercept=method.problem.intercept(point.w),
    )
