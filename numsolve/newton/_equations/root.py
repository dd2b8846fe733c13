"""Roots of systems of equations by inexact Newton methods."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from ... import _validate
from ..._array import namespace
from ..._functions import VectorFunction, WithDerivative
from ..._linear.system import length
from ..._operators.operator import Csr, Dense, entries
from ..._result import Breakdown, FunctionError, Interrupted, Status, warn_of_miss
from ..._run import run
from ..._variables import Variables
from ...krylov.recycling.space import RecycledSpace
from .._jacobians import ProductsOnly, jacobian
from .._results import NewtonResult
from . import line_search as _line_search
from . import pseudo_transient as _pseudo_transient
from . import trust_region as _trust_region
from .equations import NO_ROOT, AtRounding, Equations, Point, squared_ratio
from .forcing import Forcing
from .linear_steps import LinearSolver

METHODS = {
    "line-search": _line_search.steps,
    "trust-region": _trust_region.steps,
    "pseudo-transient": _pseudo_transient.steps,
}
PATIENCE, SLOWEST = 20, 0.99  # steps in which the norm has to fall at least by this factor
SLOW = 0.15, 0.9  # ratios of successive norms that show linear convergence


@dataclass(frozen=True, eq=False, repr=False)
class RootResult(NewtonResult):
    """Result of `root`.

    Attributes
    ----------
    method : str
        The method that took the last step.
    products : int
        Products with Jacobians in the inner solves. Without a Jacobian each is one evaluation of `fun`.
    recycle : RecycledSpace or None
        Directions for the argument `recycle` of the next call.
    """

    method: str = ""
    products: int = 0
    recycle: RecycledSpace | None = None


def root(
    fun: Callable[..., Any],
    x0: Any,
    args: tuple | Any = (),
    *,
    jac: Callable[..., Any] | bool | str | None = None,
    jac_sparsity: Any = None,
    linear_solver: str = "gmres",
    method: str = "auto",
    forcing: str | float = "eisenstat-walker",
    M: Any = None,
    refresh: str | int = "auto",
    recycle: RecycledSpace | int | None = None,
    restart: int | None = None,
    rtol: float | None = None,
    atol: float = 0.0,
    maxiter: int = 200,
    inner_maxiter: int = 1000,
    time_limit: float | None = None,
    callback: Callable[..., Any] | None = None,
) -> RootResult:
    r"""Find a root of a system of equations, :math:`F(x) = 0`, by an inexact Newton method.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` returns F(x), an array with as many entries as `x`, which has the shape of `x0`. If
        `x0` is complex, F has to be holomorphic: a function of x, not of its conjugate, real part or modulus.
    x0 : array of any shape
        Starting point, in NumPy or CuPy; it decides where the work runs, and in which precision. Integers
        are taken as float64.
    args : tuple
        Further arguments of `fun` and `jac`.
    jac : callable, True, "2-point", "3-point" or None
        ``jac(x, *args)`` returns the Jacobian: an array of n^2 entries, a sparse array of shape (n, n) or a
        LinearOperator. True: `fun` returns a pair, F and the Jacobian. "2-point" or "3-point": a dense matrix
        of forward or central differences. None: no matrix is formed; each product with the Jacobian is a
        difference of two values of `fun`. (With ``linear_solver="direct"`` None means "2-point".)
    jac_sparsity : array or sparse array, shape (n, n), optional
        Where the Jacobian may have nonzeros. It is then a sparse matrix of finite differences, for columns
        without a common row together.
    linear_solver : str
        How Newton's steps are solved for: "gmres" (without M it keeps directions at a restart, as "gcrodr"
        does; with M it is "fgmres", so M may vary), "gcrodr" (which always keeps directions), "bicgstab",
        "idrs", "minres" (symmetric Jacobians), "cg" (definite ones), or "direct" (a factorisation of a given
        or differenced matrix).
    method : {"auto", "line-search", "trust-region", "pseudo-transient"}
        "auto" begins with the line search. If that fails, it starts again from `x0` with a trust region, and
        then with pseudo-transient continuation.
    forcing : {"eisenstat-walker", "eisenstat-walker-1"} or float
        Relative tolerance of the inner solves: choice 2 or 1 of [1]_, or a constant between 0 and 1.
    M : array, sparse array, LinearOperator or callable, optional
        Approximates the inverse of the Jacobian, for all steps. A callable makes it: ``M(J)`` gets the
        Jacobian as a matrix, where its entries are known, or as an operator, as ``precondition.ilu0`` does.
    refresh : {"auto", "always", "never"} or int
        When a callable `M` is called again: once the iterations that an old one loses have cost as much as
        a new one ("auto"), in each step, never, or every so many steps. A failed step always repeats it.
    recycle : int or RecycledSpace, optional
        Number of directions that the Krylov method (gmres, gcrodr, minres or cg) keeps from one step to the
        next, or the attribute `recycle` of an earlier result. Default: 10 with gcrodr, and with gmres without
        `M` after steps of at least 30 iterations.
    restart : int, optional
        Size of the Krylov space of gmres and gcrodr at which it is reduced to the kept directions, or
        discarded. Default: 40, and up to 100 if the basis then takes at most 20 megabytes.
    rtol, atol : float
        Stop once ``norm(F(x)) <= max(rtol * norm(F(x0)), atol)``, in the 2-norm. Default of `rtol`: the root
        of machine epsilon, 1.5e-8 in double and 3.5e-4 in single precision.
    maxiter : int
        Largest number of Newton steps.
    inner_maxiter : int
        Largest number of iterations of the Krylov method in a step.
    time_limit : float, optional
        Seconds after which to stop. Default: no limit.
    callback : callable, optional
        ``callback(x, norm)`` after each step; true stops. Or ``callback(x)``.

    Returns
    -------
    RootResult
        ``x``, ``status``, ``message``, ``residuals`` (norms of F), ``fun``, ``jac``, ``nfev``, ``njev``,
        ``method``, ``products`` and ``recycle``.

    Raises
    ------
    ValueError
        A shape does not fit, as when `fun` returns more or fewer values than x has (`least_squares` is for
        that), `x0` is not finite, or an option is out of range.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.
    FunctionError
        `fun` or `jac` raised an exception after the first evaluation. It is the cause, and the attribute
        `result` has the last point. An exception of the first evaluation is raised unchanged.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    A step solves :math:`J(x) s = -F(x)` to a relative residual :math:`\eta`, the forcing term, and costs one
    evaluation of `fun` and one for each Krylov iteration, if there is no Jacobian; more if it is shortened.
    No evaluation is spent on checks: the value of F at the new point is the check. Storage without a matrix:
    about ``restart + 8`` vectors (with M: ``2 restart + 8``).

    The line search [2]_ shortens a step until the norm of F falls, by quadratic and cubic interpolation. The
    trust region minimises the linear model of F over the span of Newton's step, the gradient
    :math:`J^H F` and F. Pseudo-transient continuation [3]_ solves :math:`(J + I/\delta) s = -F`, with
    :math:`\delta` inversely proportional to the norm of F; the norm may rise, and the result is the best
    point.

    The status is `SINGULAR` if a linear system cannot be solved. It is `STAGNATED` at a local minimum of the
    norm of F that is no root, or if F is rounding error above the tolerance,
    :math:`\lVert F \rVert \le 8 \epsilon \lVert |J| |x| \rVert`. If this holds at the start, the status is
    `CONVERGED`.

    References
    ----------
    .. [1] S. C. Eisenstat, H. F. Walker, *Choosing the forcing terms in an inexact Newton method*, SIAM J.
       Sci. Comput. 17, 1996, :doi:`10.1137/0917003`.
    .. [2] S. C. Eisenstat, H. F. Walker, *Globally convergent inexact Newton methods*, SIAM J. Optim. 4,
       1994, :doi:`10.1137/0804022`.
    .. [3] C. T. Kelley, D. E. Keyes, *Convergence analysis of pseudo-transient continuation*, SIAM J. Numer.
       Anal. 35, 1998, :doi:`10.1137/S0036142996304796`.
    .. [4] D. A. Knoll, D. E. Keyes, *Jacobian-free Newton-Krylov methods*, J. Comput. Phys. 193, 2004,
       :doi:`10.1016/j.jcp.2003.08.010`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve import newton
    >>> result = newton.root(lambda x: [x[0] ** 2 + x[1] - 3, x[0] + x[1] ** 3 - 9], [0.5, 2.5]).check()
    >>> result.x.round(6)
    array([1., 2.])
    """
    _validate.choice(method, "method", ("auto", *METHODS))
    deadline = _validate.deadline(time_limit)
    variables = Variables(x0)
    eps = float(np.finfo(variables.dtype).eps)
    rtol, atol = _validate.tolerances(eps**0.5 if rtol is None else rtol, atol)
    maxiter = _validate.count(maxiter, "maxiter")
    solver = LinearSolver(linear_solver, M, refresh, recycle, restart, inner_maxiter, deadline)
    solver.prepare(variables.n, variables.dtype, variables.library)
    Forcing(forcing, 0.0)
    if jac is True:
        pair = WithDerivative(fun)
        fun, jac = pair.value, pair.derivative
    because = "one for each variable is needed (least_squares takes other numbers):"
    function = VectorFunction(fun, variables, args, m=variables.n, because=because)
    f = function(variables.start)
    function.deadline = deadline
    derivative = jacobian(jac, function, variables, args, jac_sparsity, matrix=linear_solver == "direct")
    norm = length(f)
    tol = max(rtol * norm, atol) if norm < inf else atol
    equations = Equations(
        function, derivative, solver, Forcing(forcing, tol), Point(variables.start, f, norm)
    )
    search = Search(equations, method)
    try:
        result = run(
            search,
            variables,
            first=norm,
            tol=tol,
            maxiter=maxiter,
            callback=callback,
            deadline=deadline,
            functions=(function, *derivative.functions),
        )
    except (Interrupted, FunctionError) as error:
        error.result = search.finished(error.result, variables)
        raise
    return warn_of_miss(search.finished(result, variables))


class Search:
    """The points of a method, or of several in turn, as the loop takes them.

    Attributes
    ----------
    best : Point
        The point of the least norm.
    """

    def __init__(self, equations, method):
        self._equations, self._names = equations, list(METHODS) if method == "auto" else [method]
        self._point = self.best = equations.first
        self._failures = []
        self._xp = namespace(equations.first.x)

    def __call__(self, x):
        """Yield the points from `x` on, each with the square of its norm over the first one."""
        if self._point.x is not x and not bool((self._point.x == x).all()):
            self._point = self._equations.at(x)
        yield self._shown(self._point)
        for point in self._points():
            self._point = point
            if point.norm < self.best.norm:
                self.best = point
            yield self._shown(point)

    def _points(self):
        """Yield the points of the methods in turn; if one fails, the next one starts from the first point."""
        while True:
            start = self._equations.first if self._failures else self._point
            try:
                yield from self._watched(METHODS[self._names[0]](self._equations, start))
            except AtRounding:
                raise
            except Breakdown as error:
                self._equations.raise_failure()
                self._failures.append(error)
                if len(self._names) == 1 or error.status is Status.TIME_LIMIT:
                    raise self._failures[0] from None
                del self._names[0]

    def _watched(self, points):
        """Yield points; raise once the norm hardly falls, in a method in which it always falls."""
        norms, may_rise = [], self._names[0] == "pseudo-transient"
        for point in points:
            norms.append(point.norm)
            yield point
            if not may_rise and norms[-1] > SLOWEST * min(norms[: -1 - PATIENCE], default=np.inf):
                what = f"norm(F) hardly falls in {PATIENCE} steps: {NO_ROOT}"
                raise self._equations.failure(point, self._equations.J, what)

    def _shown(self, point):
        """Return a point as the loop takes it."""
        square = squared_ratio(point.norm, self._equations.first.norm or 1.0)
        return point.x, square if self._xp is np else self._xp.full(1, square)

    def finished(self, result, variables):
        """Return the result of the best point, with the counts of the run."""
        equations, residuals = self._equations, result.residuals
        point = self._point
        if not result.success and self.best.norm < residuals[-1]:
            point = self.best
            residuals = np.append(residuals[:-1], point.norm)
        status, message = self._ending(result, residuals)
        shape, J = equations.function.shape, equations.J
        return RootResult(
            x=variables.shown(point.x),
            status=status,
            message=message,
            residuals=residuals,
            fun=point.f.reshape(shape),
            jac=_shown_jacobian(equations.jacobian, J),
            nfev=equations.function.calls,
            njev=equations.jacobian.calls,
            method=self._names[0],
            products=equations.solver.products,
            recycle=equations.solver.space,
        )

    def _ending(self, result, residuals):
        """Return the status, and the message with what happened before the last method began."""
        status, message = result.status, result.message
        if result.success and self._failures:
            return status, f"{message} by {self._names[0]}, after the line search failed: {self._failures[0]}"
        if len(self._failures) > 1 and status is not Status.TIME_LIMIT:
            failure = next((each for each in self._failures if NO_ROOT in str(each)), self._failures[0])
            return failure.status, f"{failure} (a trust region and pseudo-transient continuation failed too)"
        if status is Status.MAXITER and _is_linear(residuals):
            message = f"{message}; the norm falls by a constant factor, as where the Jacobian is singular"
        return status, message


def _is_linear(norms):
    """Tell whether the last norms fall by a factor that hardly changes."""
    last = norms[-4:]
    ratios = last[1:] / last[:-1] if len(last) == 4 and (last > 0).all() else np.zeros(3)
    low, high = SLOW
    return bool(low < ratios.min() and ratios.max() < high and ratios.max() < 1.2 * ratios.min())


def _shown_jacobian(jacobian, J):
    """Return the Jacobian for the caller; None where only products are formed."""
    if J is None or isinstance(jacobian, ProductsOnly):
        return None
    return entries(J) if isinstance(J, (Csr, Dense)) else J
