"""Sparse logistic regression, at one factor of the penalty or for a path of factors."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import _validate
from .._result import warn_of_miss
from ._arguments import feature_weights, first_coefficients, host_features, two_classes
from ._datafits import mean_weights
from ._descent import descend
from ._logistic_newton import LogisticProblem, ProximalNewton
from ._path import CoordinatePath
from ._paths import path_of
from ._result import CoordinateResult


@dataclass(frozen=True, eq=False, repr=False)
class LogisticResult(CoordinateResult):
    """Result of a logistic regression.

    Attributes
    ----------
    classes : numpy.ndarray, shape (2,)
        The labels of the two classes, in order. Positive predictions ``X @ x + intercept`` stand for the
        second.
    """

    classes: Any = field(default_factory=lambda: np.array([-1, 1]))


def logistic(
    X: Any,
    y: Any,
    lam: float,
    *,
    rho: float = 1.0,
    rtol: float = 1e-6,
    x0: Any = None,
    weights: Any = None,
    positive: bool = False,
    sample_weight: Any = None,
    fit_intercept: bool = False,
    maxiter: int = 200,
    time_limit: float | None = None,
    callback: Any = None,
) -> LogisticResult:
    r"""Fit a logistic regression with an L1 or elastic-net penalty.

    Minimise over the coefficients w and the intercept b, for labels :math:`y_i = \pm 1`,

    .. math::

        \sum_i s_i \log(1 + e^{-y_i (x_i^T w + b)})
        + \lambda \sum_j v_j \left(\rho |w_j| + \frac{1 - \rho}{2} w_j^2\right).

    The sample weights s are divided by their sum: the loss is a mean. The `C` of scikit-learn and LIBLINEAR
    is ``1 / (m * lam)`` for m samples.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The samples, real. Computations are in double precision; sparse X stays sparse.
    y : array, shape (m,)
        Labels of two classes: two numbers, booleans or strings. The second in order is the class 1.
    lam : float
        Factor of the penalty, above zero.
    rho : float
        Share of the L1 norm in the penalty, from 0 to 1.
    rtol : float
        Stop once the duality gap is at most `rtol` times the objective at w = 0 with the best intercept;
        without intercept and for equal weights, that is ``log(2)``.
    x0 : array, shape (n,), optional
        Coefficients to start from. Default: zero.
    weights : array, shape (n,), optional
        Factors v >= 0 of the penalty for each feature. A feature of weight zero is not penalised.
    positive : bool
        Whether all coefficients have to be >= 0; the intercept is free.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples. Default: all equal.
    fit_intercept : bool
        Whether to fit an intercept. It is not penalised, and X is not centred.
    maxiter : int
        Largest number of Newton steps.
    time_limit : float, optional
        Seconds after which to stop.
    callback : callable, optional
        ``callback(w, gap)`` or ``callback(w)`` after each step; a true value of the first form stops.

    Returns
    -------
    LogisticResult
        ``x``, the coefficients, in the dtype of X; ``intercept``, ``objective``, ``gap``, ``classes``,
        ``status``; ``residuals``, the gap at the start and after each step, ...

    Raises
    ------
    ValueError
        X is empty or has NaN, y does not have two classes, one of them has no samples of positive weight, or
        an option is out of range.
    TypeError
        X is complex, or an array of CuPy.

    Notes
    -----
    The method is the proximal Newton method of [1]_. A step takes the derivatives of the loss (one product
    with ``X^T``) and chooses a working set: the features with coefficients, and those whose derivatives
    violate the optimality conditions, as many again at most. Coordinate descent minimises the quadratic model
    over the working set, with its Gram matrix or with the features, whichever is less work. The step is
    halved until the objective falls. Storage: the columns of the working set, and the Gram matrix of at most
    3000.

    The dual value comes from the derivatives of the loss, scaled until they are feasible [2]_. They are first
    projected on those that are orthogonal to the intercept and to features without penalty. Zero is always
    feasible, so that the gap is never larger than the objective: if X separates the classes and `lam` is
    tiny, the coefficients stay bounded.

    References
    ----------
    .. [1] G.-X. Yuan, C.-H. Ho, C.-J. Lin, *An improved GLMNET for L1-regularized logistic regression*,
       J. Mach. Learn. Res. 13 (2012) 1999-2030.
    .. [2] M. Massias, S. Vaiter, A. Gramfort, J. Salmon, *Dual extrapolation for sparse generalized linear
       models*, J. Mach. Learn. Res. 21 (2020) 234.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import logistic
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 20))
    >>> y = X[:, 3] - X[:, 7] > 0
    >>> result = logistic(X, y, 0.15).check()
    >>> np.flatnonzero(result.x)
    array([3, 7])
    """
    lam = _validate.positive(lam, "lam")
    problem, dtype, classes = _checked(X, y, rho, weights, positive, sample_weight, fit_intercept, "logistic")
    problem = problem.times(lam)
    start = first_coefficients(x0, problem.X.shape[1], problem.positive)
    result: Any = descend(
        ProximalNewton(problem),
        problem.start(start),
        dtype,
        rtol=rtol,
        maxiter=maxiter,
        time_limit=time_limit,
        callback=callback,
        kind=LogisticResult,
        classes=classes,
    )
    return warn_of_miss(result, "logistic")


def logistic_path(
    X: Any,
    y: Any,
    lams: Any = None,
    *,
    count: int = 100,
    ratio: float = 1e-2,
    rho: float = 1.0,
    rtol: float = 1e-6,
    weights: Any = None,
    positive: bool = False,
    sample_weight: Any = None,
    fit_intercept: bool = False,
    maxiter: int = 200,
    time_limit: float | None = None,
    callback: Any = None,
) -> CoordinatePath:
    """Fit logistic regressions for a decreasing sequence of factors of the penalty.

    Parameters
    ----------
    X : array or sparse array, shape (m, n)
        The samples.
    y : array, shape (m,)
        Labels of two classes.
    lams : array, optional
        The factors of the penalty. Default: `count` values with equal ratios, from the smallest one for which
        all penalised coefficients are zero down to `ratio` times it.
    count, ratio : int, float
        The default `lams`.
    rho : float
        Share of the L1 norm in the penalty, from 0 to 1. At 0, pass `lams`.
    rtol : float
        Tolerance for each gap, relative to the objective at w = 0 with the best intercept.
    weights : array, shape (n,), optional
        Factors >= 0 of the penalty for each feature.
    positive : bool
        Whether all coefficients have to be >= 0.
    sample_weight : array, shape (m,), optional
        Weights >= 0 of the samples.
    fit_intercept : bool
        Whether to fit an intercept.
    maxiter : int
        Largest number of Newton steps for each factor.
    time_limit : float, optional
        Seconds for the whole path.
    callback : callable, optional
        ``callback(w, gap)`` or ``callback(w)`` after each step; a true value of the first form stops
        this factor.

    Returns
    -------
    CoordinatePath
        A sequence of results, with ``lams``, ``coefs``, ``intercepts`` and ``gaps`` as arrays.

    See Also
    --------
    logistic : One factor; it describes the arguments and the method.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import logistic_path
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 20))
    >>> path = logistic_path(X, X[:, 3] > X[:, 7], count=5)
    >>> (path.coefs.toarray() != 0).sum(axis=0)
    array([ 0,  2,  7, 13, 16])
    """
    problem, dtype, classes = _checked(
        X, y, rho, weights, positive, sample_weight, fit_intercept, "logistic_path"
    )
    start = problem.start(np.zeros(problem.X.shape[1]))
    fields = {"kind": LogisticResult, "classes": classes}
    options = {"rtol": rtol, "maxiter": maxiter, "callback": callback, **fields}
    return path_of(ProximalNewton, problem, (lams, count, ratio), start, dtype, time_limit, options)


def _checked(X, y, rho, weights, positive, sample_weight, fit_intercept, call):
    """Return the problem for the factor 1 of the penalty, the dtype of the caller's X, and the classes."""
    features = host_features(X, call, y=y, sample_weight=sample_weight, weights=weights)
    m, n = features.shape
    y, classes = two_classes(y, m)
    rho = _validate.number(rho, "rho")
    if not 0 <= rho <= 1:
        raise ValueError(f"rho is {rho!r}; a number from 0 to 1 is needed")
    s = mean_weights(sample_weight, m, np).astype(float)
    for label, sign in zip(classes.tolist(), (-1, 1), strict=True):
        if not s[y == sign].any():
            raise ValueError(f"sample_weight is zero for all samples of the class {label!r}; both are needed")
    v = feature_weights(weights, n)
    X = features.matrix.astype(float, copy=False)
    problem = LogisticProblem(
        X, y, s, rho * v, (1 - rho) * v, positive=bool(positive), intercept=bool(fit_intercept)
    )
    return problem, features.dtype, classes
