"""Halpern's iteration for finite sums, with a variance-reduced estimate of the operator."""

from dataclasses import dataclass
from dataclasses import fields as fields_of
from math import ceil, nan, sqrt

import numpy as np

from ... import _validate
from ..._functions import VectorFunction
from ..._result import Result, Status, warn_of_miss
from ..._variables import Variables
from .._proximal import projection
from .._results import InclusionResult
from .._search import Search
from ._solve import GROWS

SAYS = {
    Status.MAXITER: "maxiter reached: raise it, or pass a longer step",
    Status.TIME_LIMIT: "time limit reached: raise it, or pass a longer step",
    Status.NONFINITE: "F is not finite at the starting point: choose another z0",
}


@dataclass(frozen=True, eq=False, repr=False)
class VarianceReducedResult(InclusionResult):
    """Result of `variance_reduced_halpern`.

    Attributes
    ----------
    passes : float
        Evaluations of single components, over their number; those of the checks are included.
    """

    passes: float = nan


def variance_reduced_halpern(
    F,
    z0,
    n,
    *,
    lipschitz,
    project=None,
    step=None,
    batch=None,
    check=None,
    rng=None,
    args=(),
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> VarianceReducedResult:
    """Solve an inclusion with a finite sum by Halpern's iteration and the estimator PAGE.

    The operator is the mean of n components, which are cocoercive on average: ``mean |F_i(z) - F_i(u)|^2``
    is at most ``L (F(z) - F(u)) . (z - u)``.

    Parameters
    ----------
    F : callable
        ``F(z, index, *args)`` returns the mean of the components in the array `index`, or of all of them if
        `index` is None.
    z0 : array_like
        Starting point and anchor, of any shape, real.
    n : int
        Number of components.
    lipschitz : float
        The constant L.
    project : set, callable, pair or None
        As in `extragradient`.
    step : float, optional
        The step; default ``1 / (4 L)``, for which the rate is proved. Up to ``1 / L`` is often faster.
    batch : int, optional
        Number of components in an estimate; default the root of n, rounded up.
    check : int, optional
        Iterations between two checks of the residual, each of which reads all components. Default: so many
        that the checks cost a quarter of the rest.
    rng : int or numpy.random.Generator, optional
        Source of the random choices.
    args, rtol, atol, maxiter, time_limit, callback : as there
        As in `extragradient`; an iteration of the loop is a check.

    Returns
    -------
    VarianceReducedResult
        The point with the smallest residual; `residuals` has an entry for each check.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `extragradient`.

    Notes
    -----
    An iteration reads all components with the probability p, and a batch at two points otherwise. The weight
    of the anchor is ``2 / (k + 4)``; p is ``4 / (k + 5)``, at least ``4 / (sqrt(n) + 5)``. To a residual
    eps it reads of the order of ``n + sqrt(n) L / eps`` components. It gains over `halpern` only where
    the constant on average is near that of the mean.

    References
    ----------
    X. Cai, A. Alacaoglu, J. Diakonikolas, *Variance reduced Halpern iteration for finite-sum monotone
    inclusions*, :doi:`10.48550/arXiv.2310.02987`; Z. Li et al., *PAGE: a simple and optimal probabilistic
    gradient estimator for nonconvex optimization*, :doi:`10.48550/arXiv.2008.10898`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import variance_reduced_halpern
    >>> a = np.linspace(0.5, 1.0, 100)
    >>> F = lambda z, index: (a if index is None else a[index]).mean() * z
    >>> variance_reduced_halpern(F, [1.0, 2.0], 100, lipschitz=1.0, rtol=1e-2, rng=0).success
    True
    """
    rtol, atol = _validate.tolerances(rtol, atol)
    maxiter, deadline = _validate.count(maxiter, "maxiter"), _validate.deadline(time_limit)
    n = _validate.count(n, "n", 1)
    L = _validate.positive(lipschitz, "lipschitz")
    step = 1 / (4 * L) if step is None else _validate.positive(step, "step")
    batch = min(ceil(sqrt(n)) if batch is None else _validate.count(batch, "batch", 1), n)
    root = sqrt(n)
    check = max(1, round(4 * root / 8)) if check is None else _validate.count(check, "check", 1)
    variables, rng = Variables(z0, real=True, name="z0"), np.random.default_rng(rng)
    function = VectorFunction(F, variables, args, "F", variables.n, "z0 has")
    function.deadline = deadline
    P, xp, read = projection(project), variables.xp, [0]

    def project_vector(z):
        return P(z.reshape(variables.shape)).reshape(-1).astype(variables.dtype, copy=False)

    def operator(z, index=None):
        read[0] += n if index is None else len(index)
        return function(z, index)

    def residual(z):
        return z - project_vector(z - operator(z))

    def points(z):
        first, estimate, k = z, operator(z), 0
        while True:
            for _ in range(check):
                weight = 2 / (k + 4)
                after = weight * first + (1 - weight) * project_vector(z - step * estimate)
                if rng.random() < max(4 / (k + 5), 4 / (root + 5)):
                    estimate = operator(after)
                else:
                    index = xp.asarray(rng.integers(0, n, batch))
                    estimate = estimate + operator(after, index) - operator(z, index)
                z, k = after, k + 1
            yield z, residual(z)

    found = Search(residual, points, GROWS).run(
        variables, rtol, atol, maxiter, callback, deadline, (function,), SAYS
    )
    kept = {field.name: getattr(found, field.name) for field in fields_of(Result)}
    return warn_of_miss(
        VarianceReducedResult(
            **kept, average=found.x, step=float(step), nfev=function.calls, passes=read[0] / n
        )
    )
