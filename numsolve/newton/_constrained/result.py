"""From the arguments of a minimisation with equality constraints to its result."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import _callbacks, _validate
from ..._array import is_sparse, library
from ..._linear.system import length
from ..._result import Breakdown, FunctionError, Interrupted, Status
from ..._run import ended_at_start, run
from ..._variables import Variables
from .._differences import in_doubt
from .._results import NewtonResult
from . import constraints as _constraints
from .augmented_lagrangian import Method, Rules
from .constraints import Constraint
from .kkt import Direct, dependent_rows, least_squares_multipliers
from .kkt_iterative import Minres, Sketched
from .lagrangian import Curvature, Lagrangian, Objective
from .matrices import has_entries, scaled_rows

SOLVERS = ("direct", "minres", "kaczmarz", "gaussian", "block")
PRODUCTS_ARE_ENOUGH = ("minres", "gaussian")
LARGEST_RANK_TEST = 500  # rows of a sparse Jacobian up to which their dependence is tested at the end
LARGEST_RANK_WORK = 1e8  # operations of this test on a dense Jacobian


@dataclass(frozen=True, eq=False, repr=False)
class ConstrainedResult(NewtonResult):
    """Result of a minimisation with constraints.

    Attributes
    ----------
    x : array, shape of x0
        The best point found.
    fun : float
        The objective at `x`.
    jac : array, shape (n,)
        The gradient of the objective at `x`.
    multipliers : array, shape (m,)
        The Lagrange multipliers y, in the order of the constraints: ``grad f + J^T y`` is near zero.
    constraints : array, shape (m,)
        The values of the constraints at `x`, which are near zero.
    constraints_jac : array, sparse matrix or Operator, shape (m, n)
        Their Jacobian J at `x`.
    kkt_residual : float
        The norm of ``grad f + J^T y`` and the values of the constraints, together.
    penalties : tuple of float
        The last values of eta_1 and eta_2.
    inner_steps : numpy.ndarray of int, shape (nit,)
        Steps of the inner solver in each outer step; for a direct solver, solutions with its factors.
    dependent : numpy.ndarray of int
        Rows of `constraints_jac` that were found to depend on the others.
    ncev : int
        Evaluations of the constraints.
    """

    multipliers: Any = None
    constraints: Any = None
    constraints_jac: Any = None
    kkt_residual: float = np.nan
    penalties: tuple = ()
    inner_steps: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    dependent: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    ncev: int = 0


def gradient_argument(grad, jac):
    """Return the gradient, which has two names: ours and SciPy's."""
    if grad is not None and jac is not None:
        raise ValueError("grad and jac are two names of the gradient: give one of them")
    return jac if grad is None else grad


@np.errstate(all="ignore")
def minimize(
    rules: Rules,
    fun,
    x0,
    constraints,
    args=(),
    *,
    grad=None,
    hess=None,
    hessp=None,
    hess_sparsity=None,
    multipliers=None,
    linear_solver: Any = "direct",
    theta=None,
    rtol=None,
    atol=0.0,
    maxiter=500,
    inner_maxiter=None,
    block_size=None,
    M: Any = "auto",
    time_limit=None,
    callback=None,
    rng=None,
):
    """Minimise by the method with the constants `rules`."""
    maxiter, deadline = _validate.count(maxiter, "maxiter"), _validate.deadline(time_limit)
    variables = Variables(x0, real=True)
    rtol = float(np.finfo(variables.dtype).eps) ** 0.5 if rtol is None else rtol
    rtol, atol = _validate.tolerances(rtol, atol)
    solver = _solver(linear_solver, inner_maxiter, block_size, M, rng, variables)
    theta, callback = _accuracy_factor(theta), _callbacks.checked(callback)
    if hess is not None and hessp is not None:
        raise ValueError("hess and hessp are both given: give one of them")
    given = _constraints.read(constraints)
    objective = Objective(fun, grad, variables, args)
    found = [Constraint(each, variables) for each in given]
    needs_entries = not (isinstance(linear_solver, str) and linear_solver in PRODUCTS_ARE_ENOUGH)
    curvature = Curvature(objective, found, variables, hess, hessp, hess_sparsity, args, needs_entries)
    problem = Lagrangian(objective, found, curvature, variables)
    for function in problem.functions:
        function.deadline = deadline
    try:
        start = _start(problem, multipliers)
        if start.is_finite and rules.has_units:
            start = problem.choose_units(start)
    except Breakdown as error:
        return _ended_at_start(error, problem)
    if not start.is_finite:
        return _without_values(problem, start)
    first = length(problem.given_residual(start))
    tol = max(rtol * first, atol)
    rounding = 4 * problem.rounding(start)
    if first <= rounding:
        tol = max(tol, rounding)
    method = Method(problem, start, solver, rules, theta, first, deadline)
    try:
        result = run(
            method,
            Joint(start.v),
            first=first,
            tol=tol,
            maxiter=maxiter,
            callback=None if callback is None else _of_variables(callback, variables),
            deadline=deadline,
            functions=problem.functions,
        )
    except FunctionError as error:
        raise FunctionError(str(error), _dressed(error.result, method, tol)) from error.__cause__
    except Interrupted as error:
        raise Interrupted(_dressed(error.result, method, tol)) from None
    return _dressed(result, method, tol)


class Joint:
    """Variables and multipliers as the iterate of the loop."""

    def __init__(self, start):
        self.start = start

    def shown(self, v):
        """Return a copy of the iterate."""
        return v.copy()


def _of_variables(callback, variables):
    """Return a callback that gets the variables alone, in the caller's shape."""

    def call(v, residual_norm):
        return callback(variables.shown(v[: variables.n]), residual_norm)

    return call


def _solver(name, most, size, M, rng, variables):
    """Return the inner solver by its name; an object with the methods of `Minres` is returned as it is."""
    if hasattr(name, "solve"):
        return name
    _validate.choice(name, "linear_solver", SOLVERS)
    most = None if most is None else _validate.count(most, "inner_maxiter", least=1)
    size = None if size is None else _validate.count(size, "block_size", least=1)
    if size is not None and name not in ("block", "gaussian"):
        raise ValueError(f"block_size is for 'block' and 'gaussian', but linear_solver is {name!r}")
    if not (M is None or callable(M) or (isinstance(M, str) and M == "auto")):
        raise TypeError(f"M is a {type(M).__name__}; needed: 'auto', None, or a function M(H, J)")
    if name == "direct":
        if variables.library != "numpy":
            raise TypeError("linear_solver='direct' factorises on the host: for CuPy arrays use 'minres'")
        return Direct()
    if name == "minres":
        return Minres(M, most)
    return Sketched(name, size, most, np.random.default_rng(rng))


def _accuracy_factor(theta: Any):
    """Return the factor of the inner accuracy as a function of the step and of how far the residual fell."""

    def factor(k, ratio):
        if theta is None:
            return min(1.0, ratio)
        return _validate.positive(theta(k) if callable(theta) else theta, "theta")

    if theta is not None and not callable(theta):
        factor(0, 1.0)
    return factor


def _start(problem, multipliers):
    """Return the values at the start, with the first multipliers."""
    xp, variables, m = problem.xp, problem.variables, problem.m
    y = xp.zeros(m, variables.dtype)
    wants_fit = isinstance(multipliers, str)
    if wants_fit:
        _validate.choice(multipliers, "multipliers", ("least-squares",))
    elif multipliers is not None:
        y = _validate.real(multipliers, "multipliers", xp).reshape(-1).astype(variables.dtype)
        if len(y) != m:
            raise ValueError(f"multipliers has {len(y)} entries, but there are {m} constraints")
    start = problem.point(xp.concatenate((variables.start, y)))
    if not wants_fit or not start.is_finite:
        return start
    return problem.with_multipliers(start, least_squares_multipliers(start))


def _without_values(problem, start):
    """Return the result for a start where the objective or a constraint is not finite."""
    what = "the objective" if not np.isfinite(start.f) else "a derivative"
    if not np.isfinite(float(abs(start.c).sum())):
        what = "a constraint"
    return ConstrainedResult(
        problem.variables.shown(start.x),
        Status.NONFINITE,
        f"{what} is not finite at x0: choose another x0",
        np.array([np.nan]),
        fun=start.f,
        multipliers=start.y.copy(),
        constraints=start.c,
        **_counts(problem),
    )


def _ended_at_start(error, problem):
    """Return the result for a start where derivatives could not be formed, for which values may be known."""
    try:
        result = ended_at_start(error, problem.variables, problem.functions)
    except FunctionError as failure:
        failure.result = ConstrainedResult(**vars(failure.result), **_counts(problem))
        raise
    return ConstrainedResult(**vars(result), **_counts(problem))


def _counts(problem):
    """Return the numbers of evaluations."""
    gradient, hessians = problem.objective.functions[1:], problem.curvature.functions
    return {
        "nfev": problem.objective.value.calls,
        "njev": sum(f.calls for f in gradient),
        "nhev": sum(f.calls for f in hessians),
        "ncev": max(c.functions[0].calls for c in problem.constraints),
    }


def _dressed(result, method, tol):
    """Return the result with the values at `x`, which is the best point found unless the last one is it."""
    problem, progress = method.problem, method.progress
    point, residuals = problem.point(result.x), result.residuals
    if result.status != Status.CONVERGED and not residuals[-1] <= method.best[1]:
        point = method.best[0]
        residuals = np.append(residuals[:-1], method.best[1])
    gradient, value = problem.objective.gradient, point.f * problem.objective_unit
    result = in_doubt(result, gradient, point.x, value, tol)
    J = scaled_rows(point.J, problem.row_units)
    dependent = _dependent(J, result.status)
    return ConstrainedResult(
        problem.variables.shown(point.x),
        result.status,
        result.message + _remarks(progress, dependent),
        residuals,
        fun=point.f * problem.objective_unit,
        jac=point.g * problem.objective_unit,
        multipliers=problem.given_multipliers(point.y),
        constraints=point.c * problem.row_units,
        constraints_jac=J,
        kkt_residual=float(residuals[-1]),
        penalties=progress.penalties,
        inner_steps=np.array(progress.inner_steps, int),
        dependent=dependent,
        **_counts(problem),
    )


def _dependent(J, status):
    """Return the rows of a Jacobian that depend on the others, if the test is needed or takes little time."""
    if not has_entries(J) or library(J) != "numpy":
        return np.zeros(0, int)
    m, n = J.shape
    takes_long = m > LARGEST_RANK_TEST if is_sparse(J) else m * m * n > LARGEST_RANK_WORK
    return np.zeros(0, int) if takes_long and status != Status.SINGULAR else dependent_rows(J)


def _remarks(progress, dependent):
    """Return what the message says beside the reason for the end."""
    text = ""
    if progress.capped:
        text += (
            f"; the inner solver reached its limit of steps in {len(progress.capped)} of "
            f"{len(progress.inner_steps)} iterations: raise inner_maxiter, or use linear_solver='direct'"
        )
    if len(dependent):
        text += (
            f"; rows {dependent.tolist()} of the Jacobian of the constraints depend on the others, so that "
            "the multipliers are not unique"
        )
    return text
