"""Extragradient and its relatives."""

from dataclasses import fields
from typing import Any

from ... import _validate
from ..._result import Result, Status, warn_of_miss
from .._results import InclusionResult
from .._search import Last, Search
from ._schemes import ACCELERATED, EXTRAGRADIENT, OPTIMISTIC, PAST, REFLECTED, Run, Steps
from ._variables import Parts, operator_of, projection_of, variables_of

GROWS = (
    "the residual grows without bound: the step is too long, or F is not monotone; pass a smaller step, or "
    "comonotonicity to extragradient"
)
SAYS = {
    Status.MAXITER: "maxiter reached: raise it, or pass a longer step",
    Status.TIME_LIMIT: "time limit reached: raise it, or pass a longer step",
    Status.NONFINITE: "F is not finite at the starting point: choose another z0",
}


def extragradient(
    F,
    z0,
    *,
    project=None,
    step="auto",
    lipschitz=None,
    ratio=1.0,
    comonotonicity=0.0,
    timescale=1.0,
    args=(),
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> InclusionResult:
    """Solve a monotone variational inequality by the extragradient method.

    It finds z in a set with ``F(z) . (u - z) >= 0`` for all u of the set: a zero of F, a saddle point, or an
    equilibrium of a game.

    Parameters
    ----------
    F : callable
        ``F(z, *args)`` returns an array of the shape of z. If `z0` is a tuple of arrays, ``F(x, y, *args)``
        returns as many: for the saddle point of f, its gradient in x and minus that in y.
    z0 : array_like or tuple of array_like
        Starting point, real, of NumPy or CuPy.
    project : set, callable, pair or None, or a tuple of these for a tuple `z0`
        The projection onto the set: a map of this module, a function of z, or bounds ``(lower, upper)``.
        Default: the whole space.
    step : float, callable or "auto"
        The step gamma to the point that is read, less than ``1 / L``. A function of the iteration 1, 2, ...
        that returns gamma and eta, as `SeparatedSteps`. "auto": ``0.9 / L`` with the largest constant seen so
        far; a step that was too long is not taken.
    lipschitz : float, optional
        The Lipschitz constant L of F, if you know it, for "auto".
    ratio : float
        ``eta / gamma``, where eta is the step that is taken.
    comonotonicity : float
        A number rho >= 0 with ``(F(z) - F(u)) . (z - u) >= -rho |F(z) - F(u)|^2``; eta is then
        ``gamma - 2 rho``. It converges for ``2 rho < gamma < 1 / L``.
    timescale : float
        The factor by which the first array of a tuple `z0` moves slower than the others, >= 1: for minimax
        points that are no saddle points.
    args : tuple
        More arguments of F.
    rtol, atol : float
        The run ends when ``norm(z - P(z - F(z)))`` is at most ``max(rtol * first, atol)``.
    maxiter : int
        Largest number of iterations.
    time_limit : float, optional
        Seconds after which to stop.
    callback : callable, optional
        ``callback(z, residual)`` or ``callback(z)`` after each iteration; true stops.

    Returns
    -------
    InclusionResult
        The point with the smallest residual, and the ergodic average.

    Raises
    ------
    TypeError
        F is not callable, or `project` does not fit `z0`.
    ValueError
        F returns an array of another size, or an argument is out of range.
    FunctionError
        F raised an exception after the first point; `result` holds the best one.
    Interrupted
        Ctrl-C; `result` holds the best point.

    Notes
    -----
    An iteration costs two evaluations of F and three projections. Storage: eight vectors. For monotone F the
    best residual and that of the last iterate are of the order ``1 / sqrt(k)``, the gap of the average of the
    order ``1 / k``; the rate is linear for strongly monotone or affine F.

    References
    ----------
    G. M. Korpelevich, *The extragradient method for finding saddle points and other problems*, 1976; the
    negatively comonotone case: E. Gorbunov, A. Taylor, S. Horvath, G. Gidel, *Convergence of proximal point
    and extragradient-based methods beyond monotonicity*, :doi:`10.48550/arXiv.2210.13831`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import Simplex, extragradient
    >>> A = np.array([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]])
    >>> start = np.array([1.0, 0.0, 0.0])
    >>> game = extragradient(lambda x, y: (A @ y, -A.T @ x), (start, start), project=(Simplex(), Simplex()))
    >>> game.x[0].round(4)
    array([0.3333, 0.3333, 0.3333])
    """
    rho = _validate.number(comonotonicity, "comonotonicity")
    if rho < 0:
        raise ValueError(f"comonotonicity is {rho}; a number >= 0 is needed")
    timescale = _validate.positive(timescale, "timescale")
    settings = (rtol, atol, maxiter, time_limit, callback)
    return _solve(EXTRAGRADIENT, F, z0, project, step, lipschitz, ratio, 2 * rho, timescale, args, settings)


def extragradient_plus(
    F,
    z0,
    *,
    project=None,
    step="auto",
    lipschitz=None,
    ratio=0.5,
    args=(),
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> InclusionResult:
    """Solve a variational inequality by the extragradient method with a shorter second step (EG+).

    It converges for operators that are weakly Minty: ``F(z) . (z - z*) >= -rho |F(z)|^2`` with
    ``rho < (1 - ratio) gamma / 2``.

    Parameters
    ----------
    F, z0, project, step, lipschitz : as there
        As in `extragradient`.
    ratio : float
        The second step over the first one, in (0, 1].
    args, rtol, atol, maxiter, time_limit, callback : as there
        As in `extragradient`.

    Returns
    -------
    InclusionResult
        The point with the smallest residual, and the ergodic average.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `extragradient`.

    Notes
    -----
    An iteration costs two evaluations of F and three projections.

    References
    ----------
    J. Diakonikolas, C. Daskalakis, M. I. Jordan, *Efficient methods for structured nonconvex-nonconcave
    min-max optimization*, :doi:`10.48550/arXiv.2011.00364`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import extragradient_plus
    >>> extragradient_plus(lambda z: np.array([z[1], -z[0]]), [1.0, 1.0], rtol=1e-8).success
    True
    """
    if not 0 < ratio <= 1:
        raise ValueError(f"ratio is {ratio}; a number in (0, 1] is needed")
    settings = (rtol, atol, maxiter, time_limit, callback)
    return _solve(EXTRAGRADIENT, F, z0, project, step, lipschitz, ratio, 0.0, 1.0, args, settings)


def past_extragradient(
    F,
    z0,
    *,
    project=None,
    step="auto",
    lipschitz=None,
    ratio=1.0,
    args=(),
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> InclusionResult:
    """Solve a monotone variational inequality by Popov's method, with one evaluation an iteration.

    The point that is read is found with the operator of the iteration before:
    ``w = P(z - gamma F(w before))`` and ``z = P(z - eta F(w))``.

    Parameters
    ----------
    F, z0, project : as there
        As in `extragradient`.
    step : float, callable or "auto"
        As in `extragradient`; "auto" is ``0.5 / L``. Without a set it is stable up to ``0.577 / L``.
    lipschitz, ratio, args, rtol, atol, maxiter, time_limit, callback : as there
        As in `extragradient`.

    Returns
    -------
    InclusionResult
        The point w with the smallest residual, and the ergodic average.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `extragradient`.

    Notes
    -----
    An iteration costs one evaluation of F and three projections.

    References
    ----------
    L. D. Popov, *A modification of the Arrow-Hurwicz method for search of saddle points*,
    :doi:`10.1007/BF01141092`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import past_extragradient
    >>> past_extragradient(lambda z: np.array([z[1], -z[0]]), [1.0, 1.0], rtol=1e-8).success
    True
    """
    settings = (rtol, atol, maxiter, time_limit, callback)
    return _solve(PAST, F, z0, project, step, lipschitz, ratio, 0.0, 1.0, args, settings)


def optimistic_gradient(
    F,
    z0,
    *,
    project=None,
    step="auto",
    lipschitz=None,
    ratio=1.0,
    comonotonicity=0.0,
    args=(),
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> InclusionResult:
    """Solve a monotone variational inequality by the optimistic gradient method.

    An iteration is ``z = P(z - eta F(z) - gamma (F(z) - F(z before)))``, also known as the
    forward-reflected-backward method.

    Parameters
    ----------
    F, z0, project : as there
        As in `extragradient`.
    step : float, callable or "auto"
        As in `extragradient`; "auto" is ``0.5 / L``.
    lipschitz, ratio, comonotonicity, args, rtol, atol, maxiter, time_limit, callback : as there
        As in `extragradient`.

    Returns
    -------
    InclusionResult
        The point with the smallest residual, and the ergodic average.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `extragradient`.

    Notes
    -----
    An iteration costs one evaluation of F and two projections.

    References
    ----------
    Y. Malitsky, M. K. Tam, *A forward-backward splitting method for monotone inclusions without
    cocoercivity*, :doi:`10.1137/18M1207260`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import optimistic_gradient
    >>> optimistic_gradient(lambda z: np.array([z[1], -z[0]]), [1.0, 1.0], rtol=1e-8).success
    True
    """
    rho = _validate.number(comonotonicity, "comonotonicity")
    if rho < 0:
        raise ValueError(f"comonotonicity is {rho}; a number >= 0 is needed")
    settings = (rtol, atol, maxiter, time_limit, callback)
    return _solve(OPTIMISTIC, F, z0, project, step, lipschitz, ratio, 2 * rho, 1.0, args, settings)


def reflected_gradient(
    F,
    z0,
    *,
    project=None,
    step="auto",
    lipschitz=None,
    args=(),
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> InclusionResult:
    """Solve a monotone variational inequality by the projected reflected gradient method.

    An iteration is ``z = P(z - gamma F(2 z - z before))``: one evaluation and one projection.

    Parameters
    ----------
    F, z0, project : as there
        As in `extragradient`.
    step : float, callable or "auto"
        As in `extragradient`; "auto" is ``(sqrt(2) - 1) / L``. F is read outside the set, too.
    lipschitz, args, rtol, atol, maxiter, time_limit, callback : as there
        As in `extragradient`.

    Returns
    -------
    InclusionResult
        The point with the smallest residual, and the ergodic average.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `extragradient`.

    Notes
    -----
    The residual of each iteration is that at the reflected point. What is claimed is computed at z.

    References
    ----------
    Y. Malitsky, *Projected reflected gradient methods for monotone variational inequalities*,
    :doi:`10.1137/14097238X`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import reflected_gradient
    >>> reflected_gradient(lambda z: np.array([z[1], -z[0]]), [1.0, 1.0], rtol=1e-8).success
    True
    """
    settings = (rtol, atol, maxiter, time_limit, callback)
    return _solve(REFLECTED, F, z0, project, step, lipschitz, 1.0, 0.0, 1.0, args, settings)


def accelerated_optimistic_gradient(
    F,
    z0,
    *,
    project=None,
    step="auto",
    lipschitz=None,
    args=(),
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> InclusionResult:
    """Solve a monotone variational inequality by the accelerated optimistic gradient method.

    Both steps of iteration t are pulled towards the start by ``(z0 - z) / (t + 1)``.

    Parameters
    ----------
    F, z0, project : as there
        As in `extragradient`.
    step : float, callable or "auto"
        As in `extragradient`; "auto" is ``1 / (sqrt(6) L)``.
    lipschitz, args, rtol, atol, maxiter, time_limit, callback : as there
        As in `extragradient`.

    Returns
    -------
    InclusionResult
        The point with the smallest residual, and the ergodic average.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `extragradient`.

    Notes
    -----
    An iteration costs one evaluation of F and three projections. The residual of the last iterate is of the
    order ``1 / k``, the best possible one.

    References
    ----------
    Y. Cai, W. Zheng, *Doubly optimal no-regret learning in monotone games*,
    :doi:`10.48550/arXiv.2301.13120`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import accelerated_optimistic_gradient
    >>> accelerated_optimistic_gradient(lambda z: np.array([z[1], -z[0]]), [1.0, 1.0], rtol=1e-3).success
    True
    """
    settings = (rtol, atol, maxiter, time_limit, callback)
    return _solve(ACCELERATED, F, z0, project, step, lipschitz, 1.0, 0.0, 1.0, args, settings)


def _solve(
    scheme, F, z0, project, step, lipschitz, ratio, less, timescale, args, settings
) -> InclusionResult:
    """Check the arguments, run a scheme, and return the result."""
    rtol, atol, maxiter, time_limit, callback = settings
    rtol, atol = _validate.tolerances(rtol, atol)
    maxiter, deadline = _validate.count(maxiter, "maxiter"), _validate.deadline(time_limit)
    variables = variables_of(z0)
    function = operator_of(F, variables, args)
    function.deadline = deadline
    steps = Steps(step, lipschitz, _validate.positive(ratio, "ratio"), less, scheme.limit)
    scale = _factors(timescale, variables)
    xp = variables.xp
    run = Run(scheme, Last(function), projection_of(project, variables), steps, scale, xp)
    found = Search(run.residual, run.points, GROWS).run(
        variables, rtol, atol, maxiter, callback, deadline, (function,), SAYS
    )
    kept: dict[str, Any] = {field.name: getattr(found, field.name) for field in fields(Result)}
    average = variables.start if run.average is None else run.average
    gamma = steps.gamma if steps.schedule is None else steps.at(1)[0]
    return warn_of_miss(
        InclusionResult(**kept, average=variables.shown(average), step=float(gamma), nfev=function.calls)
    )


def _factors(timescale, variables):
    """Return the factors of the operator, or None."""
    if timescale == 1:
        return None
    if not isinstance(variables, Parts):
        raise ValueError("timescale needs a tuple z0: its first array is the slow one")
    scale = variables.xp.ones(variables.n, variables.dtype)
    scale[: variables.sizes[0]] = 1 / timescale
    return scale
