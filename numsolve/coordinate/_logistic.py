"""Sparse logistic regression by a proximal Newton method on working sets."""

from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any

import numpy as np

from .. import _validate
from .._array import is_sparse
from .._result import Breakdown, Status, warn_of_miss
from ._arguments import feature_weights, first_coefficients, host_features, two_classes
from ._datafits import mean_weights
from ._descent import Descent, Point, descend
from ._models import Model
from ._result import CoordinateResult

FIRST_SIZE = 100  # features that join the first working set; later it may double
NEAR = 0.98  # a feature joins if its derivative is at least this fraction of the penalty's
ACCURACY = 0.1  # of the minimum of a model, as a fraction of the present violation and gap
SUFFICIENT = 1e-4  # fraction of the decrease of the model that a step has to reach
LEAST_STEP = 1e-10


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


class LogisticProblem:
    """A penalised logistic regression in double precision.

    Parameters
    ----------
    X : array or csc_array, shape (m, n)
        The features.
    y : array, shape (m,)
        Labels -1 and 1.
    s : array, shape (m,)
        Weights of the samples, of sum one.
    kink, ridge : array, shape (n,)
        The penalty is ``kink @ abs(w) + ridge @ w**2 / 2``.
    positive : bool
        Whether ``w >= 0``.
    intercept : bool
        Whether there is an intercept, the last entry of an iterate.
    """

    def __init__(self, X, y, s, kink, ridge, *, positive=False, intercept=False):
        self.X, self.y, self.s, self.kink, self.ridge = X, y, s, kink, ridge
        self.positive, self.intercept = positive, intercept
        self.transposed = X.T
        self.free = np.flatnonzero((kink == 0) & (ridge == 0))

    @cached_property
    def best_intercept(self):
        """The intercept that is best for coefficients zero: the logit of the share of the second class."""
        up = float(self.s[self.y > 0].sum())
        return np.log(up / (1 - up)) if self.intercept else 0.0

    @cached_property
    def first(self):
        """The objective for coefficients zero and the best intercept."""
        return float(self.s @ np.logaddexp(0, -self.y * self.best_intercept))

    def penalty(self, w):
        """Return the penalty of coefficients."""
        return float(self.kink @ abs(w) + self.ridge @ (w * w) / 2)

    def point(self, x):
        """Return the point of an iterate."""
        return LogisticPoint(self, x, self.X @ x[:-1] + x[-1])

    def free_columns(self, w):
        """Return the dense columns to which the derivatives are orthogonal at the solution."""
        free = self.free[w[self.free] > 0] if self.positive else self.free
        columns = self.X[:, free]
        columns = columns.toarray() if is_sparse(columns) else columns
        return np.column_stack([np.ones(len(self.y)), columns]) if self.intercept else columns

    def conjugate(self, c, size):
        """Return the conjugate of the penalty for derivatives of absolute value `size` times `c`."""
        over = c * size - self.kink
        over = np.where(over > 1e-12 * self.kink, over, 0)
        soft = self.ridge > 0
        if over[~soft & (self.kink > 0)].any():
            return inf
        return float((over[soft] ** 2 / self.ridge[soft]).sum()) / 2


class LogisticPoint(Point):
    """The loss, its derivatives and a dual value at an iterate.

    The dual function of derivatives g is the entropy of ``abs(g) / s`` minus the conjugate of the penalty.
    """

    def __init__(self, problem, x, z):
        self.problem, self.x, self.z = problem, x, z
        margin = problem.y * z
        e = np.exp(-abs(margin))
        losses = np.log1p(e) - np.minimum(margin, 0)
        self.value = float(problem.s @ losses) + problem.penalty(x[:-1])
        self._e, self._right = e, margin >= 0

    @cached_property
    def g(self):
        """First derivatives of the loss in the predictions."""
        other = np.where(self._right, self._e, 1) / (1 + self._e)  # the probability of the other class
        return -self.problem.y * self.problem.s * other

    @cached_property
    def d(self):
        """Second derivatives of the loss in the predictions."""
        return self.problem.s * self._e / (1 + self._e) ** 2

    @cached_property
    def gradient(self):
        """Derivatives of the loss in the coefficients."""
        return self.problem.transposed @ self.g

    def size(self, gradient):
        """Return the absolute values, or the parts that can make a coefficient positive."""
        return -gradient if self.problem.positive else abs(gradient)

    @cached_property
    def dual(self):
        problem, g = self.problem, self.feasible()
        if g is None:
            return 0.0
        size = self.size(self.gradient if g is self.g else problem.transposed @ g)
        if problem.positive and (size[problem.free] > 1e-12 * size.max(initial=0)).any():
            return 0.0
        penalised = problem.kink > 0
        scales = np.full(len(size), inf)
        np.divide(problem.kink, size, out=scales, where=penalised & (size > 0))
        hard = min(1.0, scales[problem.ridge == 0].min(initial=inf))
        candidates = {hard, min(1.0, scales.min(initial=inf))}
        return max([0.0, *(self.entropy(c * g) - problem.conjugate(c, size) for c in candidates)])

    def feasible(self):
        """Return derivatives near g that are orthogonal to what is not penalised, or None."""
        problem = self.problem
        U = problem.free_columns(self.x[:-1])
        if not U.shape[1]:
            return self.g
        change = U @ np.linalg.lstsq(U.T @ (self.d[:, None] * U), U.T @ self.g, rcond=None)[0]
        g = self.g - self.d * change
        p = -problem.y * g
        return g if (p >= 0).all() and (p <= problem.s).all() else None

    def entropy(self, g):
        """Return minus the conjugate of the loss."""
        some = self.problem.s > 0
        s = self.problem.s[some]
        p = np.clip(-self.problem.y[some] * g[some] / s, 0, 1)
        inner = np.log(np.where(p > 0, p, 1)) * p + np.log1p(-np.where(p < 1, p, 0)) * (1 - p)
        return -float(s @ inner)

    def violations(self):
        """Return the violations of the optimality conditions of the penalised features."""
        problem, w = self.problem, self.x[:-1]
        derivative = self.gradient + problem.ridge * w
        moving = abs(derivative + problem.kink * np.sign(w))
        return np.where(w != 0, moving, np.maximum(self.size(derivative) - problem.kink, 0))


class ProximalNewton(Descent):
    """Minimise quadratic models of the loss plus the penalty over working sets, with a line search."""

    def improved(self, point):
        """Return the point of the next iterate."""
        problem, chosen = self.problem, self.working_set(point)
        block = problem.X[:, chosen]
        model = Model(
            block,
            point.g,
            point.d,
            problem.kink[chosen],
            problem.ridge[chosen],
            positive=problem.positive,
            intercept=problem.intercept,
        )
        new = point.x.copy()
        new[chosen], shift = model.minimised(
            point.x[chosen], point.gradient[chosen], self.accuracy(point, chosen)
        )
        new[-1] += shift
        return self.search(point, new, block @ (new - point.x)[chosen] + shift)

    def working_set(self, point):
        """Return the features with coefficients, and those of large derivatives, as many at most."""
        problem = self.problem
        must = point.x[:-1] != 0
        must[problem.free] = True
        ratio = np.full(problem.X.shape[1], inf)
        np.divide(point.size(point.gradient), problem.kink, out=ratio, where=problem.kink > 0)
        count = int(must.sum())
        ratio[must] = inf
        chosen = np.flatnonzero(ratio > NEAR)
        most = count + max(FIRST_SIZE, count)
        if len(chosen) > most:
            chosen = chosen[np.argpartition(-ratio[chosen], most)[:most]]
            chosen.sort()
        return chosen

    def accuracy(self, point, chosen):
        """Return the violation up to which a model is minimised."""
        found = ACCURACY * float(point.violations()[chosen].max(initial=0))
        norm = self.problem.kink @ abs(point.x[:-1])
        if norm > 0:
            found = min(found, ACCURACY * self.gap / norm * float(self.problem.kink.max()))
        return found

    def search(self, point, new, dz):
        """Return the point of the longest step, of 1, 1/2, 1/4 ..., that decreases the objective enough."""
        problem, change, step = self.problem, new - point.x, 1.0
        slope = point.g @ dz + problem.penalty(new[:-1]) - problem.penalty(point.x[:-1])
        rounding = 8 * np.finfo(float).eps * abs(point.value)
        while step > LEAST_STEP:
            x = new if step == 1 else point.x + step * change
            found = LogisticPoint(problem, x, point.z + step * dz)
            if found.value <= point.value + SUFFICIENT * step * slope + rounding:
                return found
            step /= 2
        raise Breakdown(
            "the objective does not fall along the step of the model: raise rtol, or scale X",
            Status.STAGNATED,
        )


def logistic(
    X,
    y,
    lam,
    *,
    rho=1.0,
    rtol=1e-6,
    x0=None,
    weights=None,
    positive=False,
    sample_weight=None,
    fit_intercept=False,
    maxiter=200,
    time_limit=None,
    callback=None,
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
    problem, dtype, classes = logistic_problem(
        X, y, lam, rho, weights, positive, sample_weight, fit_intercept, "logistic"
    )
    start = first_coefficients(x0, problem.X.shape[1], problem.positive)
    result: Any = descend(
        ProximalNewton(problem),
        np.append(start, problem.best_intercept),
        dtype,
        rtol=rtol,
        maxiter=maxiter,
        time_limit=time_limit,
        callback=callback,
        kind=LogisticResult,
        classes=classes,
    )
    return warn_of_miss(result, "logistic")


def logistic_problem(X, y, lam, rho, weights, positive, sample_weight, fit_intercept, call):
    """Return the checked problem, the dtype of the caller's X, and the classes."""
    features = host_features(X, call)
    m, n = features.shape
    y, classes = two_classes(y, m)
    lam, rho = _validate.positive(lam, "lam"), _validate.number(rho, "rho")
    if not 0 <= rho <= 1:
        raise ValueError(f"rho is {rho!r}; a number from 0 to 1 is needed")
    s = mean_weights(sample_weight, m, np).astype(float)
    for label, sign in zip(classes.tolist(), (-1, 1), strict=True):
        if not s[y == sign].any():
            raise ValueError(f"sample_weight is zero for all samples of the class {label!r}; both are needed")
    v = lam * feature_weights(weights, n)
    X = features.matrix.astype(float)
    problem = LogisticProblem(
        X, y, s, rho * v, (1 - rho) * v, positive=bool(positive), intercept=bool(fit_intercept)
    )
    return problem, features.dtype, classes
