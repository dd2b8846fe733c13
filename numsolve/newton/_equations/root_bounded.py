"""Roots of systems of equations within bounds, by a trust region in scaled variables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from time import monotonic
from typing import Any

import numpy as np

from ... import _validate
from ..._array import namespace
from ..._functions import VectorFunction, WithDerivative
from ..._linear.system import length
from ..._operators.operator import Csr, Dense
from ..._result import Breakdown, FunctionError, Interrupted, Status, inner_solve, warn_of_miss
from ..._run import run
from ..._variables import Variables
from ...krylov import lsmr
from ...krylov._least_squares import Damped
from .._fitting.box import Box
from .._fitting.damped_systems import rescaled
from .._jacobians import jacobian
from . import scaled_region as _scaled_region
from . import scalings as _scalings
from .equations import Equations, Point
from .forcing import Forcing
from .interior import Interior
from .linear_steps import LinearSolver, Step
from .root import RootResult, Search

METHOD = "scaled-trust-region"
SOLVERS = ("auto", "direct", "gmres", "lsmr")
INNER_RTOL = 1e-10  # of lsmr
DAMPED_RTOL, DAMPED_MAXITER = 1e-4, 300


@dataclass(frozen=True, eq=False, repr=False)
class BoundedRootResult(RootResult):
    """Result of `root_bounded`.

    Attributes
    ----------
    active_mask : array of int8, shape of x0
        -1 where x is at its lower bound, 1 where at its upper one, and 0 elsewhere. At a bound means within
        1e-8 of the distance of the bounds, and of ``max(1, abs(bound))``; x itself is strictly inside.
    """

    active_mask: Any = None


def root_bounded(
    fun: Callable[..., Any],
    x0: Any,
    bounds: Any,
    args: tuple | Any = (),
    *,
    jac: Callable[..., Any] | bool | str | None = None,
    jac_sparsity: Any = None,
    scaling: str | Mapping[str, float] = "convex",
    linear_solver: str = "auto",
    shorten: str = "better",
    radius: float = 1.0,
    rtol: float | None = None,
    atol: float = 0.0,
    maxiter: int = 300,
    time_limit: float | None = None,
    callback: Callable[..., Any] | None = None,
) -> BoundedRootResult:
    r"""Find a root of a system of equations within bounds: :math:`F(x) = 0` with :math:`l \le x \le u`.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` returns F(x), an array with as many entries as `x`, which has the shape of `x0`.
    x0 : array of any shape
        Starting point within the bounds, real, in NumPy or CuPy; it decides where the work runs, and in which
        precision.
    bounds : pair (lower, upper) or scipy.optimize.Bounds
        Numbers, or arrays of the shape of `x0`; they may be infinite, and every lower bound is less than the
        upper one.
    args : tuple
        Further arguments of `fun` and `jac`.
    jac : callable, True, "2-point", "3-point" or None
        ``jac(x, *args)`` returns the Jacobian: an array of n^2 entries, a sparse array of shape (n, n), or a
        LinearOperator with ``rmatvec``. True: `fun` returns a pair, F and the Jacobian. "2-point" or None:
        a matrix of forward differences within the bounds; "3-point": of central ones.
    jac_sparsity : array or sparse array, shape (n, n), optional
        Where the Jacobian may have nonzeros. It is then a sparse matrix of finite differences, for columns
        without a common row together.
    scaling : str or dict
        How a bound limits its variable: "coleman-li", "hager-mair-zhang", "kanzow-klug",
        "heinkenschloss-ulbrich-ulbrich", "none", or "convex", the mean of the first three. A dictionary gives
        the weight of each name in a convex combination; the weights are divided by their sum.
    linear_solver : {"auto", "direct", "gmres", "lsmr"}
        How Newton's steps are solved for. "auto": by factorisation where the entries of the Jacobian are
        known, by GMRES for an operator, and by LSMR if that finds it singular.
    shorten : {"better", "pull-back", "projection"}
        How a step that would leave the bounds is shortened: as a whole, or each variable on its own, or
        whichever decreases the model more.
    radius : float
        Radius of the first trust region over ``sqrt(n)``, in scaled variables and units of the bounds.
    rtol, atol : float
        Stop once ``norm(F(x)) <= max(rtol * norm(F(x0)), atol)``, in the 2-norm. Default of `rtol`: the root
        of machine epsilon, 1.5e-8 in double and 3.5e-4 in single precision.
    maxiter : int
        Largest number of steps.
    time_limit : float, optional
        Seconds after which to stop. Default: no limit.
    callback : callable, optional
        ``callback(x, norm)`` after each step; true stops. Or ``callback(x)``.

    Returns
    -------
    BoundedRootResult
        ``x``, ``status``, ``message``, ``residuals`` (norms of F), ``fun``, ``jac``, ``nfev``, ``njev``,
        ``products`` and ``active_mask``.

    Raises
    ------
    ValueError
        A bound is NaN or has another shape, two bounds are equal or in the wrong order, `x0` is outside, or
        `fun` returns more or fewer values than x has (`least_squares` is for that).
    TypeError
        `x0` is complex, a dtype is not supported, NumPy and CuPy arrays are mixed, or the Jacobian has no
        adjoint product.
    FunctionError
        `fun` or `jac` raised an exception after the first evaluation. It is the cause, and the attribute
        `result` has the last point. An exception of the first evaluation is raised unchanged.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    Let g be the gradient :math:`J^T F` and D the diagonal matrix of the scaling [1]_ at x. The step minimises
    the linear model :math:`\lVert F + J p \rVert` along the dogleg path from the Cauchy point on
    :math:`-D g` to Newton's step, within :math:`\lVert D^{-1/2} p \rVert \le \Delta`. It is shortened so
    that x stays strictly within the bounds: to a share :math:`\max(0.99995, 1 - \lVert p \rVert)` of the
    way to the first bound [2]_, or each variable to this share of the way to its own bound [3]_. The first
    alone may stall at roots where several variables are at bounds. If neither decreases the square of the
    model by half, the least-squares step of Coleman and Li takes the place of Newton's; it is damped for
    variables near a bound to which :math:`-g` points.

    The unit of a variable is the distance of its bounds; if that is infinite, the size of its `x0` or the
    distance of `x0` to its bound, whichever is larger, or one if both are zero. The unit of F is the norm at
    `x0`. The scalings are formed in these units, so that multiples of F and of variables have the same
    iterates, up to rounding.

    A root at a bound is approached from inside; `active_mask` tells the bounds. All values of F are taken
    within the bounds: that at `x0`, and then strictly inside. An `x0` that lies within 1e-6 units of a bound,
    or on it, and is no root, is moved to 1e-3 units from it.

    The status is `STAGNATED` at a stationary point of the norm of F within the bounds that is no root, and
    if F is rounding error above the tolerance. If F is rounding error at the start, it is `CONVERGED`.

    A step costs one Jacobian, one linear system, one product with the adjoint, four to six with the Jacobian,
    and one value of F; a rejected trial one value of F and up to four products. A damped least-squares step
    costs two products for each iteration of LSMR. Storage: the Jacobian, its
    factors, and about 20 vectors.

    References
    ----------
    .. [1] A. Ayanzadeh, S. Yazdanian, E. Shahamatnia, *A new class of scaling matrices for scaled trust
       region algorithms*, 2019, :doi:`10.48550/arXiv.1904.09209`.
    .. [2] S. Bellavia, M. Macconi, B. Morini, *STRSCNE: a scaled trust-region solver for constrained
       nonlinear equations*, Comput. Optim. Appl. 28, 2004, :doi:`10.1023/B:COAP.0000018878.95983.4e`.
    .. [3] S. Bellavia, M. Macconi, S. Pieraccini, *Constrained dogleg methods for nonlinear systems with
       simple bounds*, Comput. Optim. Appl. 53, 2012.

    Examples
    --------
    Two of the four roots of this system have a negative coordinate.

    >>> from numsolve import newton
    >>> def fun(x):
    ...     return [x[0] ** 2 + x[1] ** 2 - 5, x[0] * x[1] - 2]
    >>> newton.root_bounded(fun, [0.5, 3.0], ([0, 1.5], [2, 4])).check().x.round(6)
    array([1., 2.])
    """
    deadline = _validate.deadline(time_limit)
    variables = Variables(x0, real=True)
    eps = float(np.finfo(variables.dtype).eps)
    rtol, atol = _validate.tolerances(eps**0.5 if rtol is None else rtol, atol)
    maxiter = _validate.count(maxiter, "maxiter")
    measure = _scalings.named(scaling)
    radius = _validate.positive(radius, "radius")
    _validate.choice(linear_solver, "linear_solver", SOLVERS)
    _validate.choice(shorten, "shorten", _scaled_region.SHORTEN)
    box = Box(bounds, variables)
    interior = Interior(box.lower, box.upper, variables.start, variables.xp)
    if jac is True:
        pair = WithDerivative(fun)
        fun, jac = pair.value, pair.derivative
    because = "x has (least_squares is for other numbers)"
    function = VectorFunction(fun, variables, args, m=variables.n, because=because)
    first = _first_point(function, variables, interior)
    function.deadline = deadline
    tol = max(rtol * first.norm, atol) if first.norm < inf else atol
    differences = {"bounds": interior.inner_sides(), "scale": variables.xp.minimum(interior.unit, 1)}
    derivative = jacobian(jac, function, variables, args, jac_sparsity, matrix=True, **differences)
    newton, forcing = NewtonSteps(linear_solver, variables, deadline), Forcing("eisenstat-walker", tol)
    equations = Equations(function, derivative, newton, forcing, first)
    search = BoundedSearch(equations, interior, measure, radius * variables.n**0.5, shorten)
    try:
        result = run(
            search,
            variables,
            first=first.norm,
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


def _first_point(function, variables, interior):
    """Return the starting point, or one inside the bounds if F is not finite there."""
    f = function(variables.start)
    inside = interior.moved(variables.start)
    if not length(f) < inf and bool((inside != variables.start).any()):
        variables.start, f = inside, function(inside)
    return Point(variables.start, f, length(f))


class NewtonSteps:
    """Newton steps by the solver that suits the Jacobian; the shortest least-squares step if it is singular.

    Attributes
    ----------
    products : int
        Products with Jacobians in Krylov methods.
    space : None
        No directions are kept.
    """

    space = None

    def __init__(self, name, variables, deadline):
        self._name, self._variables, self._deadline = name, variables, deadline
        self._solver: Any = None
        self._of_lsmr = 0

    @property
    def products(self):
        """Products in both methods."""
        return self._of_lsmr + (0 if self._solver is None else self._solver.products)

    def solve(self, J, f, eta):
        """Return the step for the Jacobian `J`, to a relative residual of `eta` if J is not singular."""
        if self._name == "lsmr":
            return self._shortest(J, f)
        if self._solver is None:
            self._solver = self._chosen(J)
        try:
            return self._solver.solve(J, f, eta)
        except Breakdown as error:
            if error.status is Status.TIME_LIMIT:
                raise
        return self._shortest(J, f)

    def _chosen(self, J):
        known = isinstance(J, Dense) or (isinstance(J, Csr) and J.library == "numpy")
        name = ("direct" if known else "gmres") if self._name == "auto" else self._name
        variables, solver = self._variables, LinearSolver(name, deadline=self._deadline)
        solver.prepare(variables.n, variables.dtype, variables.library)
        return solver

    def _shortest(self, J, f):
        """Return the shortest step that minimises the linear model."""
        result = self._least_squares(J, -f, INNER_RTOL)
        return Step(result.x, float(result.residual_norm))

    def damped(self, J, f, columns, damping):
        """Return ``p = columns * s``, where s minimises ``norm(f + J p)**2 + norm(damping * s)**2``."""
        b = namespace(f).concatenate([-f, 0 * f])
        A = Damped(rescaled(J, None, columns.astype(f.dtype)), damping.astype(f.dtype))
        return columns * self._least_squares(A, b, DAMPED_RTOL, DAMPED_MAXITER).x

    def _least_squares(self, A, b, rtol, maxiter=None):
        left = self._deadline - monotonic()
        if left <= 0:
            raise Breakdown("time limit reached: raise it, or start nearer", Status.TIME_LIMIT)
        with inner_solve():
            result = lsmr(A, b, rtol=rtol, maxiter=maxiter, time_limit=None if left == inf else left)
        self._of_lsmr += 2 * result.nit
        return result


class BoundedSearch(Search):
    """The points of the method, as the loop takes them."""

    def __init__(self, equations, interior, *options):
        super().__init__(equations, METHOD)
        self._interior, self._options = interior, options

    def _points(self):
        return _scaled_region.steps(self._equations, self._point, self._interior, *self._options)

    def finished(self, result, variables):
        """Return the result of the best point, with the counts of the run and the active bounds."""
        found = super().finished(result, variables)
        x = found.x.reshape(-1)
        mask = self._interior.active(x).reshape(variables.shape)
        return BoundedRootResult(**vars(found), active_mask=mask)
