"""Fixed points of nonexpansive maps."""

from dataclasses import fields
from typing import Any

from ... import _validate
from ..._functions import VectorFunction
from ..._result import Result, Status, warn_of_miss
from ..._variables import Variables
from .._results import FixedPointResult
from .._search import Last, Search
from ._rules import Anderson, Halpern, Picard

GROWS = (
    "the residual grows without bound: T is not nonexpansive; use a smaller relaxation or picard with less"
)
SAYS = {
    Status.MAXITER: "maxiter reached: raise it, or use anderson; without a fixed point displacement is not 0",
    Status.TIME_LIMIT: "time limit reached: raise it, or use anderson",
    Status.NONFINITE: "T is not finite at the starting point: choose another x0",
}


def picard(
    T,
    x0,
    *,
    relaxation=1.0,
    args=(),
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> FixedPointResult:
    """Find a fixed point by the iteration of Picard, or of Krasnoselskii and Mann.

    Parameters
    ----------
    T : callable
        ``T(x, *args)`` returns an array of the shape of x. It should be nonexpansive.
    x0 : array_like
        Starting point, of any shape, real or complex, of NumPy or CuPy.
    relaxation : float
        Factor in (0, 2) of the step to ``T x``. With 1, T has to be averaged, as a projection or a proximal
        map is; a map that is only nonexpansive needs less than 1.
    args : tuple
        More arguments of T.
    rtol, atol : float
        The run ends when ``norm(x - T x) <= max(rtol * norm(x0 - T x0), atol)``.
    maxiter : int
        Largest number of iterations.
    time_limit : float, optional
        Seconds after which to stop.
    callback : callable, optional
        ``callback(x, residual)`` or ``callback(x)`` after each iteration; true stops.

    Returns
    -------
    FixedPointResult
        The point with the smallest residual.

    Raises
    ------
    TypeError
        T is not callable, or returns complex values for a real x0.
    ValueError
        T returns an array of another size, or an argument is out of range.
    FunctionError
        T raised an exception after the first point; `result` holds the best one.
    Interrupted
        Ctrl-C; `result` holds the best point.

    Notes
    -----
    An iteration costs one evaluation of T. Storage: five vectors. Let ``(1 - a) I + a N`` be the map of an
    iteration, relaxed by `relaxation`, with N nonexpansive and ``a < 1``. Its squared residual is at most
    ``a / (1 - a) |x0 - x*|^2 / (k + 1)``. For a projection or a proximal map, a is half the relaxation. The
    residual of a contraction falls by a constant factor.

    References
    ----------
    M. A. Krasnoselskii, *Two remarks on the method of successive approximations*, 1955; W. R. Mann, *Mean
    value methods in iteration*, :doi:`10.1090/S0002-9939-1953-0054846-3`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import picard
    >>> picard(np.cos, 1.0, rtol=1e-10).x.round(6)
    array([0.739085])
    """
    relaxation = _validate.relaxation(relaxation, "relaxation")
    return _solve(T, x0, args, Picard(relaxation), rtol, atol, maxiter, time_limit, callback)


def halpern(
    T,
    x0,
    *,
    anchor="plain",
    reflected=False,
    args=(),
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> FixedPointResult:
    """Find a fixed point by Halpern's iteration, which moves towards an anchor by less and less.

    Parameters
    ----------
    T : callable
        ``T(x, *args)`` returns an array of the shape of x. It should be nonexpansive.
    x0 : array_like
        Starting point and anchor, of any shape, of NumPy or CuPy.
    anchor : {"plain", "adaptive", "restarted"}
        "plain": the weight of the anchor is ``1 / (k + 2)``. "adaptive": it is chosen from the residual,
        never larger than that. "restarted": the anchor is replaced when the residual has fallen to a fifth.
    reflected : bool
        Whether T is replaced by ``2 T - I``, which halves the residual if T is firmly nonexpansive, as a
        projection or a proximal map is.
    args, rtol, atol, maxiter, time_limit, callback : as there
        As in `picard`.

    Returns
    -------
    FixedPointResult
        The point with the smallest residual. Without a fixed point, `displacement` tends to the smallest
        displacement of T.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `picard`.

    Notes
    -----
    An iteration costs one evaluation of T. Storage: six vectors. The residual of the plain form is at most
    ``2 |x0 - x*| / (k + 1)``, the best possible rate. If there is no fixed point, the squared distance of
    ``x - T x`` to the smallest displacement is of the order ``log(k) / k^2``.

    References
    ----------
    B. Halpern, *Fixed points of nonexpanding maps*, :doi:`10.1090/S0002-9904-1967-11864-0`; F. Lieder,
    *On the convergence rate of the Halpern-iteration*, :doi:`10.1007/s11590-020-01617-9`; J. Park, E. K. Ryu,
    *Accelerated infeasibility detection of constrained optimization and fixed-point iterations*,
    :doi:`10.48550/arXiv.2303.15876`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import halpern
    >>> turn = lambda x: np.array([-x[1], x[0]]) + [1, 0]
    >>> halpern(turn, [0.0, 0.0], anchor="restarted", rtol=1e-8).x.round(6)
    array([0.5, 0.5])
    """
    _validate.choice(anchor, "anchor", ("plain", "adaptive", "restarted"))
    rule = Halpern(anchor, bool(reflected))
    return _solve(T, x0, args, rule, rtol, atol, maxiter, time_limit, callback)


def anderson(
    T,
    x0,
    *,
    depth=5,
    damping=1.0,
    regularization=1e-10,
    safeguard=2.0,
    args=(),
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> FixedPointResult:
    """Find a fixed point by Anderson's acceleration of the iteration ``x = T x``.

    Parameters
    ----------
    T : callable
        ``T(x, *args)`` returns an array of the shape of x.
    x0 : array_like
        Starting point, of any shape, real or complex, of NumPy or CuPy.
    depth : int
        Number of earlier points that are combined.
    damping : float
        Factor in (0, 1] of the combined residual that is added.
    regularization : float
        Of the least-squares problem, relative to the mean square of the differences of residuals. It is at
        least four units of rounding.
    safeguard : float
        A plain step is taken when the residual has grown by more than this factor.
    args, rtol, atol, maxiter, time_limit, callback : as there
        As in `picard`.

    Returns
    -------
    FixedPointResult
        The point with the smallest residual.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `picard`.

    Notes
    -----
    An iteration costs one evaluation of T, ``depth^2`` inner products and a system of size `depth`. Storage:
    ``2 depth + 5`` vectors. On affine maps it is equivalent to GMRES as long as `depth` is not exceeded. For
    maps that are not affine there is no general proof of convergence: the safeguard only limits growth.

    References
    ----------
    D. G. Anderson, *Iterative procedures for nonlinear integral equations*, :doi:`10.1145/321296.321305`;
    H. F. Walker, P. Ni, *Anderson acceleration for fixed-point iterations*, :doi:`10.1137/10078356X`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import anderson
    >>> anderson(np.cos, np.ones(3), rtol=1e-10).nit < 10
    True
    """
    damping = _validate.positive(damping, "damping")
    if damping > 1:
        raise ValueError(f"damping is {damping}; a number > 0 and <= 1 is needed")
    rule = Anderson(
        _validate.count(depth, "depth", 1),
        damping,
        _validate.tolerance(regularization, "regularization"),
        _validate.positive(safeguard, "safeguard"),
    )
    return _solve(T, x0, args, rule, rtol, atol, maxiter, time_limit, callback)


def _solve(T, x0, args, rule, rtol, atol, maxiter, time_limit, callback, functions=()) -> FixedPointResult:
    """Check the arguments, run a rule, and return the result."""
    rtol, atol = _validate.tolerances(rtol, atol)
    maxiter, deadline = _validate.count(maxiter, "maxiter"), _validate.deadline(time_limit)
    variables = Variables(x0)
    function = VectorFunction(T, variables, args, "T", variables.n, "x0 has")
    function.deadline = deadline
    image = Last(function)

    def residual(x):
        return x - image(x)

    def points(x):
        rule.begin(x)
        while True:
            x = rule.next(x, image(x))
            yield x, x - image(x)

    search = Search(residual, points, GROWS)
    found = search.run(variables, rtol, atol, maxiter, callback, deadline, (function, *functions), SAYS)
    return warn_of_miss(_result(found, rule, variables, search, function.calls))


def _result(found: Result, rule, variables, search, calls) -> FixedPointResult:
    """Return the result with the estimate of the smallest displacement."""
    last: Any = search.last
    if last is None:
        displacement = None
    elif isinstance(rule, Halpern) and rule.anchor != "restarted" and search.count:
        scale = 1 if rule.reflected else 2
        displacement = scale * (variables.start - last[0]) / (search.count + 1)
    elif isinstance(rule, Picard) and search.count:
        displacement = (variables.start - last[0]) / (search.count * rule.relaxation)
    else:
        displacement = last[1]
    shown = None if displacement is None else variables.shown(displacement)
    kept = {field.name: getattr(found, field.name) for field in fields(Result)}
    return FixedPointResult(**kept, displacement=shown, nfev=calls)
