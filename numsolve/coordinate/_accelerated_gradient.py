"""The accelerated gradient method for penalties that need not be convex."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, sqrt
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module
from .._result import Breakdown, Interrupted, Status, warn_of_miss
from .._run import run
from .._variables import Variables
from ._combination import check_sizes
from ._concave import Concave
from ._datafits import Datafit, GeneralizedLinear
from ._iterates import Problem
from ._lipschitz import lipschitz_constant
from ._penalties import Penalty
from ._result import CoordinateResult

SAYS = {
    Status.MAXITER: "maxiter reached: raise it, or loosen rtol",
    Status.TIME_LIMIT: "time limit reached: raise it, or loosen rtol",
    Status.STAGNATED: "the violation stopped falling before it met the tolerance: loosen rtol",
    Status.NONFINITE: "the function is not finite at the starting point: scale X and y, or choose another x0",
}
LEAST_BETWEEN_RESTARTS = 3


@dataclass(frozen=True)
class Settings:
    """The numbers of a step of the method of Ghadimi and Lan.

    Attributes
    ----------
    share : float
        The step of the averaged sequence, times the Lipschitz constant.
    damping : callable
        ``damping(k, alpha)`` is the weight of the fast sequence in iteration k = 1, 2, ..., after `alpha`.
    stretch : callable
        ``stretch(k, alpha)`` is the step of the fast sequence over that of the averaged one.
    """

    share: float
    damping: Callable[[int, float], float]
    stretch: Callable[[int, float], float]


SETTINGS = {
    "optimal": Settings(0.99, lambda k, a: 2 / (1 + sqrt(1 + 4 / a**2)), lambda k, a: 1 / a),  # noqa: ARG005
    "original": Settings(0.5, lambda k, a: 2 / (k + 1), lambda k, a: k / 2),  # noqa: ARG005
    "proximal-gradient": Settings(1.0, lambda k, a: 1.0, lambda k, a: 1.0),  # noqa: ARG005
}


def accelerated_gradient(
    datafit: Datafit,
    penalty: Penalty,
    x0: Any = None,
    *,
    settings: str = "optimal",
    restart: bool = True,
    fit_intercept: bool = False,
    lipschitz: float | None = None,
    rtol: float = 1e-6,
    atol: float = 0.0,
    maxiter: int = 10_000,
    time_limit: float | None = None,
    callback: Callable | None = None,
) -> CoordinateResult:
    r"""Minimise a smooth datafit plus a penalty, such as SCAD or MCP, by accelerated proximal gradients.

    The penalty is split into :math:`\lambda \sum_j w_j |x_j|` and a smooth concave function. The gradient of
    the latter is added to that of the datafit, and the proximal map is soft thresholding.

    Parameters
    ----------
    datafit : Datafit
        The smooth function, with a bounded Hessian: `LeastSquares`, `Logistic`, `Huber`, `Quadratic`, or
        another one with `lipschitz`.
    penalty : Penalty
        `SCAD`, `MCP`, or any convex penalty.
    x0 : array, shape (n,), optional
        Starting point, in the library of the datafit. Default: zeros.
    settings : {"optimal", "original", "proximal-gradient"}
        The step sizes. "optimal": those that minimise the bound of the rate [1]_. "original": those of the
        source of the method [2]_. "proximal-gradient": no acceleration.
    restart : bool
        Whether to begin the sequence of weights again when the steps become shorter, at most every third
        iteration. The method of the publication does not; for high accuracy it takes several times as many
        iterations.
    fit_intercept : bool
        Whether the linear model has an intercept, which is not penalised. It starts at zero.
    lipschitz : float, optional
        The Lipschitz constant of the datafit's gradient. Default: computed by Lanczos's method.
    rtol, atol : float
        Stop once the largest violation of the optimality conditions is at most ``max(rtol * v, atol)``,
        where v is the larger of the violations at zero and at `x0`.
    maxiter : int
        Largest number of iterations.
    time_limit : float, optional
        Seconds after which to stop.
    callback : callable, optional
        ``callback(x, violation)`` after each iteration; true stops.

    Returns
    -------
    CoordinateResult
        The point `x` of the averaged sequence, whose zeros are exact, with `intercept`, `objective`, and the
        history `residuals`: the largest entry of the generalised gradient, and last the violation at `x`.

    Raises
    ------
    ValueError
        The datafit's Hessian has no bound, the penalty is neither convex nor one of `SCAD` and `MCP`, or an
        argument has a wrong value.
    TypeError
        An argument is of a wrong type, or `fit_intercept` is used without a linear model.

    Warns
    -----
    ConvergenceWarning
        The tolerance was missed.

    Notes
    -----
    With L the larger of the datafit's Lipschitz constant and the penalty's `curvature`,
    :math:`\beta = 0.99/L` and :math:`\alpha_0 = 1`, an iteration of "optimal" is

    .. math::

       \alpha_k &= 2 / (1 + \sqrt{1 + 4 / \alpha_{k-1}^2}), \qquad z = (1 - \alpha_k)\, a + \alpha_k\, x, \\
       x &\leftarrow S(x - (\beta/\alpha_k)\, g(z),\ (\beta/\alpha_k)\,\lambda), \qquad
       a \leftarrow S(z - \beta\, g(z),\ \beta\lambda),

    with S soft thresholding and g the gradient of the smooth part. It takes one product with X and one with
    its transpose, and stores 4 vectors of n entries. When the generalised gradient :math:`(z - a)/\beta`
    meets the tolerance, two further products give the violation at a, which decides. The limit is a
    stationary point: for a nonconvex problem it depends on `x0`.

    References
    ----------
    .. [1] K. Yang, M. Asgharian, S. Bhatnagar, *Accelerated gradient methods for sparse statistical learning
       with nonconvex penalties*, Stat. Comput. 34, 2024, doi:10.1007/s11222-023-10371-6.
    .. [2] S. Ghadimi, G. Lan, *Accelerated gradient methods for nonconvex nonlinear and stochastic
       programming*, Math. Program. 156, 2016, 59-99, doi:10.1007/s10107-015-0871-8.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import SCAD, LeastSquares, accelerated_gradient
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 300))
    >>> y = X[:, 7] - 2 * X[:, 90] + 0.1 * rng.standard_normal(100)
    >>> result = accelerated_gradient(LeastSquares(X, y), SCAD(0.2)).check()
    >>> np.flatnonzero(result.x)
    array([ 7, 90])
    """
    rule = SETTINGS[_validate.choice(settings, "settings", SETTINGS)]
    rtol, atol = _validate.tolerances(rtol, atol)
    maxiter, deadline = _validate.count(maxiter, "maxiter"), _validate.deadline(time_limit)
    smooth = Smooth(datafit, penalty, fit_intercept, lipschitz)
    variables = _Coefficients(x0, datafit, fit_intercept)
    options = {"maxiter": maxiter, "callback": callback, "deadline": deadline}
    return warn_of_miss(_minimised(smooth, variables, rule, restart, rtol, atol, options))


@np.errstate(all="ignore")
def _minimised(smooth, variables, rule, restart, rtol, atol, options):
    """Run the method from ``variables.start``."""
    first = max(smooth.violation(x) for x in (variables.xp.zeros_like(variables.start), variables.start))
    tol = max(rtol * first, atol)
    steps = Steps(smooth, rule, restart=restart, tol=tol, unit=first if first > 0 else 1.0)
    try:
        result = run(steps, variables, first=first, tol=tol, says=SAYS, **options)
    except Interrupted as error:
        error.result = _described(error.result, steps)
        raise
    return _described(result, steps)


class Steps:
    """The iteration of the method; ``steps(x)`` follows the protocol of the loop.

    Attributes
    ----------
    middle : array
        The point z at which the last gradient was computed.
    last : array
        The last iterate that was handed to the loop.
    """

    def __init__(self, smooth, rule, *, restart=False, tol=0.0, unit=1.0):
        self.smooth, self.rule, self.restart = smooth, rule, restart
        self.tol, self.unit = tol, unit
        self.last: Any = None
        self.middle: Any = None
        self._known: Any = None  # an iterate and its violation

    def __call__(self, x):
        smooth, rule, k, alpha, speed = self.smooth, self.rule, 0, 1.0, (0.0, inf)
        step = rule.share / smooth.lipschitz
        self.last, averaged = x, x
        yield x, self.square(self.violation(x))
        while True:
            if self.restart and speed[1] < speed[0] and k >= LEAST_BETWEEN_RESTARTS:
                k, alpha = 1, 1.0
            else:
                k, alpha = k + 1, rule.damping(k + 1, alpha)
            before, self.middle = self.middle, (1 - alpha) * averaged + alpha * x
            gradient = smooth.gradient(self.middle)
            long = step * rule.stretch(k, alpha)
            x = smooth.prox(x - long * gradient, long)
            averaged = smooth.prox(self.middle - step * gradient, step)
            if self.restart:
                speed = speed[1], _length(self.middle, before)
            measure = _largest(self.middle - averaged) / step
            if measure <= self.tol:
                measure = self.violation(averaged)
            self.last = averaged
            live = yield averaged, self.square(measure)
            if live is None:
                raise Breakdown(
                    "the iterates grow without bound: the function has no minimum, or lipschitz is too small",
                    Status.NONFINITE,
                )

    def violation(self, x):
        """Return the largest violation of the optimality conditions; the last one is remembered."""
        if self._known is None or self._known[0] is not x:
            self._known = x, self.smooth.violation(x)
        return self._known[1]

    def square(self, norm):
        """Return the square of a norm in units of the first one, as an array of the iterates' library."""
        return array_module(self.smooth.datafit.library).asarray(norm / self.unit) ** 2


class Smooth:
    """The objective, split into a smooth part and one with a simple proximal map.

    A vector holds the coefficients and, with an intercept, this one last.
    """

    def __init__(self, datafit, penalty, intercept=False, lipschitz=None):
        if not isinstance(datafit, Datafit):
            raise TypeError(f"datafit is a {type(datafit).__name__}; a numsolve.coordinate.Datafit is needed")
        if not isinstance(penalty, Penalty):
            raise TypeError(f"penalty is a {type(penalty).__name__}; a numsolve.coordinate.Penalty is needed")
        self.concave = penalty if isinstance(penalty, Concave) else None
        if not (penalty.is_convex or self.concave):
            raise ValueError(f"the penalty {type(penalty).__name__} is not convex; SCAD or MCP is needed")
        self.linear = datafit if isinstance(datafit, GeneralizedLinear) else None
        if intercept and self.linear is None:
            raise TypeError(f"fit_intercept needs a linear model; datafit is a {type(datafit).__name__}")
        check_sizes(Problem(datafit, penalty))
        self.datafit, self.penalty, self.intercept = datafit, penalty, bool(intercept)
        self.n, self.size = datafit.n, datafit.n + self.intercept
        self.lipschitz = max(self._constant(lipschitz), penalty.curvature) or 1.0

    def _constant(self, lipschitz) -> float:
        """Return the Lipschitz constant of the datafit's gradient, the caller's or a computed one."""
        if lipschitz is not None:
            return _validate.positive(lipschitz, "lipschitz")
        try:
            found = lipschitz_constant(self.datafit, intercept=self.intercept)
        except NotImplementedError as error:
            raise TypeError(f"{error}: give it one, or pass lipschitz") from None
        if found == inf:
            raise ValueError(
                f"the Hessian of {type(self.datafit).__name__} has no bound, so that no step size is safe: "
                "use numsolve.coordinate.minimize with a line search"
            )
        return found

    def state(self, x) -> Any:
        """Return the state of a vector: for a linear model the predictions."""
        found = self.datafit.state(x[: self.n])
        return found + x[self.n] if self.intercept else found

    def objective(self, x):
        """Return the value of datafit plus penalty."""
        w = x[: self.n]
        return self.datafit.value(self.state(x), w) + self.penalty.value(w)

    def datafit_gradient(self, x) -> Any:
        """Return the gradient of the datafit."""
        state, w = self.state(x), x[: self.n]
        gradient = self.datafit.gradient(state, w)
        if not self.intercept or self.linear is None:
            return gradient
        xp = array_module(self.datafit.library)
        return xp.concatenate((gradient, self.linear.slopes(state).sum()[None]))

    def gradient(self, x) -> Any:
        """Return the gradient of the smooth part."""
        gradient = self.datafit_gradient(x)
        if self.concave is not None:
            gradient[: self.n] += self.concave.smooth_gradient(x[: self.n])
        return gradient

    def prox(self, v, step) -> Any:
        """Return the proximal map of the other part, which overwrites `v`."""
        w = v[: self.n]
        v[: self.n] = self.penalty.prox(w, step) if self.concave is None else self.concave.kink_prox(w, step)
        return v

    def violation(self, x):
        """Return the largest violation of the optimality conditions."""
        gradient = self.datafit_gradient(x)
        found = _largest(self.penalty.violation(x[: self.n], gradient[: self.n]))
        return max(found, abs(float(gradient[self.n]))) if self.intercept else found


class _Coefficients(Variables):
    """The coefficients that the caller sees, and behind them the intercept."""

    def __init__(self, x0, datafit, intercept):
        xp = array_module(datafit.library)
        if x0 is None:
            x0 = xp.zeros(datafit.shape, datafit.dtype)
        else:
            _validate.same_library(datafit=getattr(datafit, "y", xp.zeros(0)), x0=x0)
            x0 = _validate.real(x0, "x0", xp).astype(datafit.dtype)
            if x0.shape != datafit.shape:
                raise ValueError(f"x0 has shape {x0.shape}; {datafit.shape} is needed")
        super().__init__(x0, real=True)
        self._count = len(self.start)
        if intercept:
            self.start = xp.concatenate((self.start, xp.zeros(1, self.dtype)))

    def shown(self, x):
        """Return the coefficients in the caller's shape, as a copy that the caller may keep or change."""
        return x[: self._count].reshape(self.shape).copy()


def _described(result, steps):
    """Return a result of the loop with the objective and the intercept of its last iterate."""
    smooth, x = steps.smooth, steps.last
    intercept = float(x[smooth.n]) if smooth.intercept else 0.0
    return CoordinateResult(**vars(result), objective=smooth.objective(x), intercept=intercept)


def _largest(x):
    """Return the largest absolute value of a vector, 0 of an empty one."""
    return float(abs(x).max()) if x.size else 0.0


def _length(x, before):
    """Return the distance between two vectors, infinite if there is only one."""
    return inf if before is None else sqrt(float(((x - before) ** 2).sum()))
