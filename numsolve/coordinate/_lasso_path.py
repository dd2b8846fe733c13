"""Lasso and elastic net for a decreasing sequence of penalties, each started from the solution before."""

from typing import Any

import numpy as np

from .. import _validate
from .._array import to_host
from .._result import warn_of_misses
from ._path import CoordinatePath
from ._regression import MAXITER, checked_problem, checked_terms, solved
from ._terms import Terms
from ._unpenalised import Unpenalised
from ._working_sets import Point, WorkingSets


def lasso_path(
    X: Any,
    y: Any,
    lams: Any = None,
    *,
    count: int = 100,
    ratio: float = 1e-2,
    rtol: float = 1e-6,
    weights: Any = None,
    positive: bool = False,
    sample_weight: Any = None,
    fit_intercept: bool = False,
    maxiter: int = MAXITER,
    time_limit: float | None = None,
    callback: Any = None,
) -> CoordinatePath:
    """Solve `lasso` for several values of `lam`, from the largest to the smallest.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The features, as for `lasso`.
    y : array, shape (m,)
        The observations.
    lams : array, shape (k,), optional
        The factors of the penalty. Default: `count` values with equal ratios, from the smallest one for which
        all coefficients are zero down to `ratio` times it.
    count, ratio : int, float
        The default `lams`.
    rtol : float
        Stop once the duality gap is at most `rtol` times the objective at w = 0 with the best intercept.
    weights : array, shape (n,), optional
        Factors >= 0 of the penalty, one for each feature. Default: ones.
    positive : bool
        Whether all coefficients have to be >= 0.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples. Default: all equal.
    fit_intercept : bool
        Whether the model has an intercept, without a penalty.
    maxiter : int
        Largest number of iterations for each `lam`.
    time_limit : float, optional
        Seconds after which to stop; the remaining results are the last iterate. Default: no limit.
    callback : callable, optional
        ``callback(x, gap)`` or ``callback(x)`` after each iteration; true stops this `lam`.

    Returns
    -------
    CoordinatePath
        A sequence of results, with arrays ``lams``, ``coefs``, ``intercepts`` and ``gaps``, and ``plot()``.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, or a parameter is out of range.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        Some tolerances were not met; ``path.statuses`` says which, ``path[i].message`` what to try.

    Notes
    -----
    The method is that of `lasso`. One `lam` starts from the coefficients and the correlations of the one
    before, and from its Gram matrix.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import lasso_path
    >>> path = lasso_path(np.eye(3), np.array([3.0, 2.0, 1.0]), [1.0, 0.5, 0.1])
    >>> path.coefs.toarray().round(6)
    array([[0. , 1.5, 2.7],
           [0. , 0.5, 1.7],
           [0. , 0. , 0.7]])
    """
    return elastic_net_path(
        X,
        y,
        1.0,
        lams,
        count=count,
        ratio=ratio,
        rtol=rtol,
        weights=weights,
        positive=positive,
        sample_weight=sample_weight,
        fit_intercept=fit_intercept,
        maxiter=maxiter,
        time_limit=time_limit,
        callback=callback,
    )


def elastic_net_path(
    X: Any,
    y: Any,
    rho: float,
    lams: Any = None,
    *,
    count: int = 100,
    ratio: float = 1e-2,
    rtol: float = 1e-6,
    weights: Any = None,
    positive: bool = False,
    sample_weight: Any = None,
    fit_intercept: bool = False,
    maxiter: int = MAXITER,
    time_limit: float | None = None,
    callback: Any = None,
) -> CoordinatePath:
    """Solve `elastic_net` for several values of `lam`, from the largest to the smallest.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The features, as for `lasso`.
    y : array, shape (m,)
        The observations.
    rho : float
        The part of the L1 penalty, from 0 (ridge regression, which needs `lams`) to 1 (`lasso_path`).
    lams : array, shape (k,), optional
        The factors of the penalty. Default: `count` values with equal ratios, from the smallest one for which
        all coefficients are zero down to `ratio` times it.
    count, ratio : int, float
        The default `lams`.
    rtol : float
        Stop once the duality gap is at most `rtol` times the objective at w = 0 with the best intercept.
    weights : array, shape (n,), optional
        Factors >= 0 of the penalty, one for each feature. Default: ones.
    positive : bool
        Whether all coefficients have to be >= 0.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples. Default: all equal.
    fit_intercept : bool
        Whether the model has an intercept, without a penalty.
    maxiter : int
        Largest number of iterations for each `lam`.
    time_limit : float, optional
        Seconds after which to stop; the remaining results are the last iterate. Default: no limit.
    callback : callable, optional
        ``callback(x, gap)`` or ``callback(x)`` after each iteration; true stops this `lam`.

    Returns
    -------
    CoordinatePath
        A sequence of results, with arrays ``lams``, ``coefs``, ``intercepts`` and ``gaps``, and ``plot()``.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, or a parameter is out of range.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        Some tolerances were not met; ``path.statuses`` says which, ``path[i].message`` what to try.

    Notes
    -----
    See `lasso_path`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import elastic_net_path
    >>> path = elastic_net_path(np.eye(3), np.array([3.0, 2.0, 1.0]), 0.5, count=3)
    >>> path.lams.round(6)
    array([2.  , 0.2 , 0.02])
    """
    rtol, maxiter = _validate.tolerance(rtol, "rtol"), _validate.count(maxiter, "maxiter")
    deadline = _validate.deadline(time_limit)
    problem = checked_problem(X, y, sample_weight, fit_intercept, weights=weights)
    unit = checked_terms(problem, 1.0, rho, weights, positive)
    x, point = _zero(problem, unit)
    lams = _largest_and_smaller(unit, point, count, ratio) if lams is None else _checked(lams)
    block, known, found = problem.block(), point.known, {}
    for i in np.argsort(-lams, kind="stable"):
        terms = Terms(lams[i] * unit.l1, lams[i] * unit.l2, unit.positive)
        method = WorkingSets(problem, terms, rtol * problem.first, block, known)
        found[i] = solved(method, x, rtol=rtol, maxiter=maxiter, deadline=deadline, callback=callback)
        x, known = method.point.x, method.point.known
    results = [found[i] for i in range(len(lams))]
    warn_of_misses(results, "values of lam", [f"lam = {lam:.3e}" for lam in lams])
    return CoordinatePath.of(lams, results)


def _zero(problem, unit) -> tuple[Any, Point]:
    """Return zero coefficients, those without a penalty fitted, and their point."""
    x = Unpenalised(problem, unit).fitted(problem.xp.zeros(problem.n, problem.features.dtype))
    return x, Point(problem, unit, x)


def _largest_and_smaller(unit, point, count, ratio) -> np.ndarray:
    """Return values of lam from the smallest one for which penalised coefficients are zero."""
    count, ratio = _validate.count(count, "count", least=1), _validate.positive(ratio, "ratio")
    if ratio >= 1:
        raise ValueError(f"ratio is {ratio!r}; a number below 1 is needed")
    penalised = unit.l1 > 0
    if not bool(penalised.any()):
        raise ValueError("there is no default for lams without an L1 penalty: pass lams")
    sizes = point.dual.size[penalised] / unit.l1[penalised]
    largest = max(float(to_host(sizes.max())), 0.0)
    return (largest or 1.0) * np.logspace(0, np.log10(ratio), count)


def _checked(lams) -> np.ndarray:
    """Return values of lam."""
    lams = _validate.real_array(to_host(lams), "lams")
    if lams.ndim != 1 or not lams.size:
        raise ValueError(f"lams has shape {lams.shape}; a vector of at least one number is needed")
    if bad := int((lams < 0).sum()):
        raise ValueError(f"lams has {bad} entries < 0; all must be >= 0")
    return lams
