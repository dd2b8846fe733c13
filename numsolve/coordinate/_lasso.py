"""Lasso and elastic net: least squares with a penalty that makes coefficients zero."""

from typing import Any

from .. import _validate
from .._result import warn_of_miss
from ._regression import MAXITER, checked_problem, checked_terms, solved, starting_coefficients
from ._result import CoordinateResult
from ._working_sets import WorkingSets


def lasso(
    X: Any,
    y: Any,
    lam: float,
    *,
    rtol: float = 1e-6,
    x0: Any = None,
    weights: Any = None,
    positive: bool = False,
    sample_weight: Any = None,
    fit_intercept: bool = False,
    maxiter: int = MAXITER,
    time_limit: float | None = None,
    callback: Any = None,
) -> CoordinateResult:
    r"""Fit a linear model with few nonzero coefficients: least squares with an L1 penalty.

    Minimise :math:`\frac{1}{2m} |y - X w - b|^2 + \lambda \sum_j v_j |w_j|` over the coefficients w and, with
    `fit_intercept`, the intercept b. m is the number of samples and v are the `weights`.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The features, of NumPy, SciPy or CuPy, dense in C or Fortran order or sparse. float32 or float64;
        integers are taken as float64. It is not copied, except to change the dtype, or from another sparse
        format to compressed sparse columns.
    y : array, shape (m,)
        The observations.
    lam : float
        The factor of the penalty, >= 0. From the largest ``abs(X.T @ y) / m`` on, all coefficients are zero.
        Zero means least squares without a penalty, as for `weights` of zero.
    rtol : float
        Stop once the duality gap is at most `rtol` times the objective at w = 0 with the best intercept.
    x0 : array, shape (n,), optional
        Coefficients to start from, as the solution for another `lam`. Default: zeros.
    weights : array, shape (n,), optional
        Factors >= 0 of the penalty, one for each feature. Features with the factor 0 have no penalty; they
        are taken as a dense matrix. Default: ones.
    positive : bool
        Whether all coefficients have to be >= 0.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples; the mean of the squares is the weighted mean. Default: all equal.
    fit_intercept : bool
        Whether the model has an intercept, without a penalty. The features are centred implicitly: sparse
        ones stay sparse.
    maxiter : int
        Largest number of iterations, each with one working set.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate. Default: no limit.
    callback : callable, optional
        ``callback(x, gap)`` or ``callback(x)`` after each iteration; true stops.

    Returns
    -------
    CoordinateResult
        ``x``, ``intercept``, ``gap``, ``objective``, ``status``, ``message`` and the gaps in ``residuals``.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, or a parameter is out of range.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    The gap is an upper bound of the distance of the objective to its minimum. It is computed from the
    coefficients that are returned, with the residuals, scaled to be feasible, as the dual point.

    An iteration computes the correlations of all features with the residuals. It screens out the features
    whose coefficients must be zero, by the gap-safe rule [1]_, and chooses a working set of those nearest to
    their dual constraints [2]_. On the working set, sweeps of coordinate descent find the signs of the
    coefficients, and Newton steps extrapolate to the minimum for these signs. Sweeps over dense features
    use the Gram matrix of the working set, which is kept from one iteration to the next.

    Cost per iteration: one pass over X; ``m k`` operations for each of the features that join a working set
    of k dense features; ``k`` operations for each coefficient that a sweep changes. Storage for dense X:
    ``k (m + k)`` numbers, for at most 8000 features in a Gram matrix; for sparse X a few vectors. The working
    set is treated in double precision whatever the dtype of X.

    For scikit-learn's users: `lam` is its ``alpha``, and `rtol` is its ``tol`` divided by two.

    References
    ----------
    .. [1] E. Ndiaye, O. Fercoq, A. Gramfort, J. Salmon, *Gap safe screening rules for sparsity enforcing
       penalties*, Journal of Machine Learning Research 18, 2017.
    .. [2] M. Massias, A. Gramfort, J. Salmon, *Celer: a fast solver for the lasso with dual extrapolation*,
       Proceedings of ICML, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import lasso
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> result = lasso(X, X @ [2.0, 0.0], 0.1)
    >>> result.x.round(6)
    array([1.85, 0.  ])
    """
    return elastic_net(
        X,
        y,
        lam,
        1.0,
        rtol=rtol,
        x0=x0,
        weights=weights,
        positive=positive,
        sample_weight=sample_weight,
        fit_intercept=fit_intercept,
        maxiter=maxiter,
        time_limit=time_limit,
        callback=callback,
    )


def elastic_net(
    X: Any,
    y: Any,
    lam: float,
    rho: float,
    *,
    rtol: float = 1e-6,
    x0: Any = None,
    weights: Any = None,
    positive: bool = False,
    sample_weight: Any = None,
    fit_intercept: bool = False,
    maxiter: int = MAXITER,
    time_limit: float | None = None,
    callback: Any = None,
) -> CoordinateResult:
    r"""Fit a linear model with a mixed penalty: an L1 part, and a quadratic part that groups like features.

    Minimise :math:`\frac{1}{2m} |y - X w - b|^2 + \lambda \sum_j v_j (\rho |w_j| + \frac{1 - \rho}{2} w_j^2)`
    over the coefficients w and, with `fit_intercept`, the intercept b.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The features, as for `lasso`.
    y : array, shape (m,)
        The observations.
    lam : float
        The factor of the penalty, >= 0.
    rho : float
        The part of the L1 penalty, from 0 (ridge regression) to 1 (`lasso`).
    rtol : float
        Stop once the duality gap is at most `rtol` times the objective at w = 0 with the best intercept.
    x0 : array, shape (n,), optional
        Coefficients to start from. Default: zeros.
    weights : array, shape (n,), optional
        Factors >= 0 of the penalty, one for each feature. Default: ones.
    positive : bool
        Whether all coefficients have to be >= 0.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples. Default: all equal.
    fit_intercept : bool
        Whether the model has an intercept, without a penalty.
    maxiter : int
        Largest number of iterations, each with one working set.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate. Default: no limit.
    callback : callable, optional
        ``callback(x, gap)`` or ``callback(x)`` after each iteration; true stops.

    Returns
    -------
    CoordinateResult
        ``x``, ``intercept``, ``gap``, ``objective``, ``status``, ``message`` and the gaps in ``residuals``.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, or a parameter is out of range.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    The method, its cost and its storage are those of `lasso`. In the duality gap, the quadratic part of the
    penalty belongs to the squares, as ``sqrt(lam v (1 - rho))`` times the identity below X [1]_. At
    ``rho = 0`` the working set soon has all features.

    For scikit-learn's users: `lam` is its ``alpha`` and `rho` its ``l1_ratio``.

    References
    ----------
    .. [1] H. Zou, T. Hastie, *Regularization and variable selection via the elastic net*, Journal of the
       Royal Statistical Society B 67, 2005, :doi:`10.1111/j.1467-9868.2005.00503.x`.

    Examples
    --------
    Two equal features share the weight:

    >>> import numpy as np
    >>> from numsolve.coordinate import elastic_net
    >>> X = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    >>> elastic_net(X, X[:, 0], 0.1, 0.5).x.round(6)
    array([0.492007, 0.492007])
    """
    rtol, maxiter = _validate.tolerance(rtol, "rtol"), _validate.count(maxiter, "maxiter")
    deadline = _validate.deadline(time_limit)
    problem = checked_problem(X, y, sample_weight, fit_intercept, x0=x0, weights=weights)
    terms = checked_terms(problem, lam, rho, weights, positive)
    start = starting_coefficients(x0, problem, positive)
    method = WorkingSets(problem, terms, rtol * problem.first, problem.block())
    return warn_of_miss(
        solved(method, start, rtol=rtol, maxiter=maxiter, deadline=deadline, callback=callback)
    )
