"""Group lasso, at one factor of the penalty or for a path of factors."""

from functools import partial
from typing import Any

import numpy as np

from .. import _validate
from .._result import warn_of_miss
from ._arguments import feature_weights, first_coefficients, host_features
from ._datafits import mean_weights, observations
from ._descent import descend
from ._group_descent import GroupDescent, GroupProblem, WorkingGram
from ._groups import Groups
from ._path import CoordinatePath
from ._paths import path_of
from ._result import CoordinateResult


def group_lasso(
    X: Any,
    y: Any,
    lam: float,
    groups: Any,
    *,
    rtol: float = 1e-6,
    x0: Any = None,
    weights: Any = None,
    positive: bool = False,
    sample_weight: Any = None,
    fit_intercept: bool = False,
    maxiter: int = 200,
    time_limit: float | None = None,
    callback: Any = None,
) -> CoordinateResult:
    r"""Least squares with a penalty that makes groups of coefficients zero together.

    Minimise over the coefficients w and the intercept b

    .. math::

        \frac12 \sum_i s_i (y_i - x_i^T w - b)^2 + \lambda \sum_g v_g \lVert w_g \rVert_2 .

    The sample weights s are divided by their sum: the loss is half of the mean of the squares.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The samples, real. Computations are in double precision; sparse X stays sparse.
    y : array, shape (m,)
        The observations.
    lam : float
        Factor of the penalty, >= 0.
    groups : int, array of shape (n,) or sequence of arrays
        The size of consecutive groups, or the label of the group of each feature, or the features of each
        group. Groups do not overlap; labels are numbers or strings.
    rtol : float
        Stop once the duality gap is at most `rtol` times the objective at w = 0 with the best intercept.
    x0 : array, shape (n,), optional
        Coefficients to start from. Default: zero.
    weights : array, optional
        Factors v >= 0 of the penalty for each group, in the order of their labels. Default: the root of the
        number of features. A group of weight zero is not penalised.
    positive : bool
        Whether all coefficients have to be >= 0; the intercept is free.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples. Default: all equal.
    fit_intercept : bool
        Whether to fit an intercept. It is not penalised; X and y are centred, implicitly.
    maxiter : int
        Largest number of working sets.
    time_limit : float, optional
        Seconds after which to stop.
    callback : callable, optional
        ``callback(w, gap)`` or ``callback(w)`` after each working set; a true value of the first form stops.

    Returns
    -------
    CoordinateResult
        ``x``, the coefficients, in the dtype of X; ``intercept``, ``objective``, ``gap``, ``status``;
        ``residuals``, the gap at the start and after each working set, ...

    Raises
    ------
    ValueError
        X is empty or has NaN, `groups` is no partition of the features, or an option is out of range.
    TypeError
        X is complex, or an array of CuPy.

    Notes
    -----
    An iteration takes one product with ``X^T``, and chooses the groups with coefficients and those whose
    correlations with the residuals violate the optimality conditions, with as many features again at most.
    Their problem is solved with its Gram matrix: a group takes proximal steps with the largest eigenvalue of
    its block, one group after the other [1]_, and every 50 passes the groups that are not zero take a Newton
    step together. Storage: the features that have been in working sets, and their Gram matrix; above 8000
    features, block descent uses the features themselves.

    The dual point is the residual, scaled until it is feasible [2]_, after a projection if some groups have
    no penalty.

    References
    ----------
    .. [1] M. Yuan, Y. Lin, *Model selection and estimation in regression with grouped variables*, J. R. Stat.
       Soc. B 68 (2006) 49-67, :doi:`10.1111/j.1467-9868.2005.00532.x`.
    .. [2] M. Massias, A. Gramfort, J. Salmon, *Celer: a fast solver for the lasso with dual extrapolation*,
       Proc. Mach. Learn. Res. 80 (2018) 3315-3324.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import group_lasso
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 12))
    >>> y = X[:, 3] + 2 * X[:, 4] - X[:, 5]
    >>> result = group_lasso(X, y, 0.3, groups=3).check()
    >>> np.flatnonzero(result.x)
    array([3, 4, 5])
    """
    lam = _validate.tolerance(lam, "lam")
    options = weights, positive, sample_weight, fit_intercept
    problem, dtype = _checked(X, y, groups, *options, "group_lasso")
    problem = problem.times(lam)
    start = first_coefficients(x0, problem.X.shape[1], problem.positive)
    start[problem.empty] = 0
    result = descend(
        GroupDescent(problem, WorkingGram(problem)),
        np.append(start, 0.0),
        dtype,
        rtol=rtol,
        maxiter=maxiter,
        time_limit=time_limit,
        callback=callback,
    )
    return warn_of_miss(result, "group_lasso")


def group_lasso_path(
    X: Any,
    y: Any,
    groups: Any,
    lams: Any = None,
    *,
    count: int = 100,
    ratio: float = 1e-2,
    rtol: float = 1e-6,
    weights: Any = None,
    positive: bool = False,
    sample_weight: Any = None,
    fit_intercept: bool = False,
    maxiter: int = 200,
    time_limit: float | None = None,
    callback: Any = None,
) -> CoordinatePath:
    """Solve the group lasso for a decreasing sequence of factors of the penalty.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The samples.
    y : array, shape (m,)
        The observations.
    groups : int, array of shape (n,) or sequence of arrays
        The size of consecutive groups, or the label of the group of each feature, or the features of each
        group.
    lams : array, optional
        The factors of the penalty. Default: `count` values with equal ratios, from the smallest one for which
        all penalised coefficients are zero down to `ratio` times it.
    count, ratio : int, float
        The default `lams`.
    rtol : float
        Tolerance for each gap, relative to the objective at w = 0 with the best intercept.
    weights : array, optional
        Factors >= 0 of the penalty for each group. Default: the root of the number of features.
    positive : bool
        Whether all coefficients have to be >= 0.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples.
    fit_intercept : bool
        Whether to fit an intercept.
    maxiter : int
        Largest number of working sets for each factor.
    time_limit : float, optional
        Seconds for the whole path.
    callback : callable, optional
        ``callback(w, gap)`` or ``callback(w)`` after each working set; a true value of the first form stops
        this factor.

    Returns
    -------
    CoordinatePath
        A sequence of results, with ``lams``, ``coefs``, ``intercepts`` and ``gaps`` as arrays.

    See Also
    --------
    group_lasso : One factor; it describes the arguments and the method.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import group_lasso_path
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 12))
    >>> path = group_lasso_path(X, X[:, 3] + 2 * X[:, 4], groups=3, count=3)
    >>> (path.coefs.toarray() != 0).sum(axis=0)
    array([0, 3, 3])
    """
    penalty = weights, positive, sample_weight, fit_intercept
    problem, dtype = _checked(X, y, groups, *penalty, "group_lasso_path")
    method = partial(GroupDescent, gram=WorkingGram(problem))
    options = {"rtol": rtol, "maxiter": maxiter, "callback": callback}
    start = np.zeros(problem.X.shape[1] + 1)
    return path_of(method, problem, (lams, count, ratio), start, dtype, time_limit, options)


def _checked(X, y, groups, weights, positive, sample_weight, fit_intercept, call):
    """Return the problem for the factor 1 of the penalty, and the dtype of the caller's X."""
    features = host_features(X, call, y=y, sample_weight=sample_weight, weights=weights)
    m, n = features.shape
    y = observations(y, m, np).astype(float)
    groups = Groups(groups, n)
    v = np.sqrt(groups.sizes) if weights is None else feature_weights(weights, groups.count, "group")
    s = mean_weights(sample_weight, m, np).astype(float)
    X = features.matrix.astype(float, copy=False)
    problem = GroupProblem(X, y, s, groups, v, positive=bool(positive), intercept=bool(fit_intercept))
    return problem, features.dtype
