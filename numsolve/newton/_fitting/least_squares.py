"""Nonlinear least squares: checks of the input, the choice of the method, and the result."""

from collections.abc import Callable
from math import inf, isfinite
from time import monotonic
from typing import Any

import numpy as np

from ... import _validate
from ..._array import namespace
from ..._functions import VectorFunction, WithDerivative
from ..._result import Breakdown, FunctionError, Interrupted, Result, Status, warn_of_miss
from ..._run import ended_at_start, run
from ..._variables import Variables
from .._jacobians import jacobian
from . import damping as _damping
from .box import Box
from .linear_solvers import solver
from .losses import Loss
from .model import Model, Scaling
from .result import NonlinearLeastSquaresResult, shown
from .steps import Descent, Dogleg, LevenbergMarquardt

METHODS = ("auto", "levenberg-marquardt", "dogleg")
MAXITER = 1000


def least_squares(
    fun: Callable,
    x0: Any,
    args: tuple = (),
    *,
    jac: Any = None,
    jac_sparsity: Any = None,
    bounds: Any = None,
    loss: Any = "linear",
    f_scale: float = 1.0,
    x_scale: Any = "jac",
    damping: Any = "nielsen",
    method: str = "auto",
    linear_solver: str = "auto",
    eliminate: Any = None,
    rtol: float = 1e-10,
    atol: float = 0.0,
    ftol: float = 0.0,
    xtol: float = 0.0,
    maxiter: int | None = None,
    callback: Callable | None = None,
    time_limit: float | None = None,
) -> NonlinearLeastSquaresResult:
    r"""Minimise :math:`\frac12 \sum_i C^2 \rho(f_i(x)^2 / C^2)` within bounds, for residuals f.

    Parameters
    ----------
    fun : callable
        ``fun(x, *args)`` returns the residuals, real, in an array of any shape with m entries. It gets a copy
        of x in the shape of `x0`.
    x0 : array of n real numbers
        The start, of any shape, in NumPy or CuPy; its library decides where the work runs. float32 or
        float64; integers are taken as float64.
    args : tuple
        Further arguments of `fun` and `jac`.
    jac : callable, True, "2-point", "3-point" or None
        ``jac(x, *args)`` returns the Jacobian: an array or sparse array of shape (m, n), a LinearOperator
        with ``rmatvec``, or an array of the shape of `fun` followed by that of `x0`. True: `fun` returns a
        pair, the residuals and the Jacobian. Otherwise it is formed by forward differences,
        or by central ones with "3-point".
    jac_sparsity : sparse array, shape (m, n), optional
        Where the Jacobian may be nonzero: forward differences then take one evaluation for each group of
        columns without a common row.
    bounds : pair of arrays, or an object with ``lb`` and ``ub``, optional
        Lower and upper bounds, numbers or arrays; infinities for none. Equal bounds fix a variable.
    loss : {"linear", "huber", "soft_l1", "cauchy", "arctan"} or callable
        The function rho, as in SciPy. A callable returns an array of shape (3, m): the values of rho(z) and
        its first and second derivative, for ``z = (f / f_scale)**2``.
    f_scale : float
        The size C of residuals beyond which they count as outliers. Not used by "linear".
    x_scale : "jac", float or array of floats
        Sizes of the variables. "jac": the inverse of the largest norm that each column of the Jacobian has
        had; 1 for an operator, whose entries are not known.
    damping : "nielsen", float or learner
        Of Levenberg-Marquardt: Nielsen's rule, a fixed number in units of the largest diagonal entry of the
        scaled Gauss-Newton matrix, or an object with ``suggest(context)`` and ``observe(factor, cost,
        context)``, as those of `numsolve.learners`. A learner suggests the factor between the damping of two
        trials; see the notes.
    method : {"auto", "levenberg-marquardt", "dogleg"}
        "auto" is "levenberg-marquardt". "dogleg" needs no new factorisation after a rejected step.
    linear_solver : {"auto", "normal", "qr", "dual", "lsmr", "schur"}
        How the damped linear problem is solved. "normal": normal equations by Cholesky; for a dense Jacobian
        QR takes over where that would lose half of the digits. "qr": always QR, of a dense Jacobian. "dual":
        a matrix of m rows, for few residuals. "lsmr": products only. "schur": `eliminate` is given. "auto":
        see the notes.
    eliminate : slice, mask or indices, optional
        Variables to eliminate first, such as the points of a bundle adjustment: no residual may depend on
        two of them, except in small blocks, which are found from the Jacobian.
    rtol, atol : float
        Stop at a norm of the gradient of at most ``max(rtol * norm at x0, atol)``, in scaled variables,
        without the variables that a bound holds.
    ftol, xtol : float
        Stop after a step that lowers the cost by less than ``ftol`` of it, as the model predicted, or that is
        shorter than ``xtol`` times the norm of x, in scaled variables. Zero: never.
    maxiter : int, optional
        Largest number of accepted steps. Default: 1000.
    callback : callable, optional
        ``callback(x, gradient_norm)`` or ``callback(x)`` after each step; the former stops by a true value.
    time_limit : float, optional
        Seconds after which to stop with a usable x.

    Returns
    -------
    NonlinearLeastSquaresResult
        ``x``, ``status``, ``message``, ``residuals`` (norms of the gradient), ``cost``, ``fun``, ``jac``,
        ``grad``, ``optimality``, ``active_mask``, ``nfev``, ``njev``; ``covariance()`` for curve fits.

    Raises
    ------
    ValueError
        An argument has a wrong shape or value, x0 is not finite or outside of its bounds, a bound exceeds the
        other one, or the blocks of `eliminate` are not small.
    TypeError
        x0 or the residuals are complex, or an argument has a wrong type.
    FunctionError
        `fun` or `jac` raised an exception after the first point; ``error.result`` has the last point.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why, and what to try.

    Notes
    -----
    **Method.** Each step minimises :math:`\lVert r + J p\rVert^2 + \lambda \lVert p\rVert^2` in scaled
    variables within the bounds, with the active variables found by the primal-dual active set method, so that
    a step may reach several bounds. Nielsen's rule changes :math:`\lambda` by the gain ratio [1]_. A trial
    with residuals that are not finite is a rejected step.

    **Convergence.** The status is ``CONVERGED`` if the gradient meets the tolerance, or by `ftol` or `xtol`.
    It is ``CONVERGED`` too, and the message says so, if steps lower neither the cost nor the gradient any
    more, and the gradient is as small as its rounding errors (with finite differences: as their errors), or
    the model predicts that the step without damping lowers the cost by less than its rounding error. If no
    step lowers the cost before that, it is ``STAGNATED``.

    **Linear solvers.** Solutions by a factorisation are refined with products of J until the gradient of the
    linear problem has fallen by 1e-4. "auto" takes "schur" with `eliminate`; "dual" if m is at most n/2 and
    at most 5000; else "normal", or "lsmr" for an operator, for sparse arrays of CuPy, and where the Cholesky
    factor of a sparse ``J^T J`` would take too much work. A step costs m n^2 operations for a dense Jacobian,
    n m^2 with "dual", a few products for each iteration with "lsmr". Storage beside the Jacobian: a scaled
    copy of it, and the factor.

    **Learners.** A suggestion multiplies the damping. Its context is the last gain ratio, between -1 and 2,
    its cost one plus the share of the cost that the trial left, or two after a rejected trial. After a
    rejection the factor is at least two, and more each time, so that convergence does not depend on the
    learner. Give it a grid such as ``[0.1, 0.3, 1, 3, 10]``.

    References
    ----------
    .. [1] H. B. Nielsen, *Damping parameter in Marquardt's method*, report IMM-REP-1999-05, Technical
       University of Denmark, 1999.
    .. [2] K. Madsen, H. B. Nielsen, O. Tingleff, *Methods for non-linear least squares problems*, 2nd ed.,
       Technical University of Denmark, 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.newton import least_squares
    >>> t = np.linspace(0, 3, 20)
    >>> y = 2 * np.exp(-1.5 * t)
    >>> fit = least_squares(lambda x: x[0] * np.exp(-x[1] * t) - y, [1.0, 1.0]).check()
    >>> fit.x.round(6)
    array([2. , 1.5])
    """
    deadline = _validate.deadline(time_limit)
    rtol, atol = _validate.tolerances(rtol, atol)
    ftol, xtol = _validate.tolerance(ftol, "ftol"), _validate.tolerance(xtol, "xtol")
    maxiter = MAXITER if maxiter is None else _validate.count(maxiter, "maxiter")
    method = _validate.choice(method, "method", METHODS)
    rule = _damping.rule(damping)
    variables = Variables(x0, real=True)
    if variables.n == 0:
        raise ValueError("x0 is empty: at least one variable is needed")
    problem = _Problem(fun, variables, args, jac, jac_sparsity, bounds, loss, f_scale, x_scale)
    problem.choose(linear_solver, eliminate, deadline)
    with np.errstate(all="ignore"):
        found = problem.solve(method, rule, rtol, atol, ftol, xtol, maxiter, callback, deadline)
    return warn_of_miss(found)


class _Residuals(VectorFunction):
    """The residuals of the caller; complex ones are refused."""

    def checked(self, value):
        if _validate.as_array(value, "the value of fun", self._variables.xp).dtype.kind == "c":
            raise TypeError(
                "fun returned complex residuals; real ones are needed: return "
                "numpy.concatenate((f.real, f.imag))"
            )
        return super().checked(value)


class _Problem:
    """The checked arguments of a call."""

    def __init__(self, fun, variables, args, jac, sparsity, bounds, loss, f_scale, x_scale):
        pair = WithDerivative(fun) if jac is True else None
        self.variables = variables
        self.box = Box(bounds, variables)
        self.loss = Loss(loss, f_scale, variables.xp)
        self.scaling = Scaling(x_scale, variables)
        self.function = _Residuals(fun if pair is None else pair.value, variables, args)
        self.first = self.function(variables.start)
        if len(self.first) == 0:
            raise ValueError("fun returned no residuals; at least one is needed")
        xp, start = variables.xp, variables.start
        size = xp.where(start == 0, 1 + 0 * start, abs(start))
        self.jacobian = jacobian(
            jac if pair is None else pair.derivative,
            self.function,
            variables,
            args,
            sparsity,
            matrix=True,
            scale=size,
            bounds=(self.box.lower, self.box.upper) if self.box.exists else None,
        )
        self.descent: Any = None

    def choose(self, linear_solver, eliminate, deadline):
        """Choose the linear solver and make the model."""

        def accuracy():
            point = self.descent and self.descent.point
            share = point.norm / self.descent.first if point and self.descent.first > 0 else 1.0
            left = None if deadline == inf else max(deadline - monotonic(), 1e-3)
            return min(0.1, max(0.5 * share**0.5, 1e-6)), left

        self.solver = solver(linear_solver, eliminate, self.variables, accuracy)
        self.model = Model(self.function, self.jacobian, self.loss, self.box, self.scaling, self.solver)

    def solve(self, method, rule, rtol, atol, ftol, xtol, maxiter, callback, deadline):
        """Run the method and return the result."""
        start, cost = self.variables.start, self.loss.cost(self.first)
        size = float(abs(self.first).max())
        if (isfinite(size) and not isfinite(cost)) or (size > 0 and cost == 0):
            raise ValueError(
                f"the residuals at x0 have the size {size:.1e}, whose square is out of range: multiply fun "
                "and jac by a constant"
            )
        if not isfinite(cost):
            message = "fun is not finite at x0: choose another start"
            return self._reported(
                Result(self.variables.shown(start), Status.NONFINITE, message, np.array([cost]))
            )
        functions = (self.function, *self.jacobian.functions)
        for function in functions:
            function.deadline = deadline
        try:
            return self._reported(
                self._run(cost, functions, method, rule, rtol, atol, ftol, xtol, maxiter, callback, deadline)
            )
        except (Interrupted, FunctionError) as error:
            error.result = self._reported(error.result)
            raise

    def _run(self, cost, functions, method, rule, rtol, atol, ftol, xtol, maxiter, callback, deadline):
        """Run the method from the start, where the cost is known."""
        try:
            point = self.model.at(self.variables.start, self.first, cost)
        except Breakdown as error:
            return ended_at_start(error, self.variables, functions)
        kind = Dogleg(self.model) if method == "dogleg" else LevenbergMarquardt(self.model, rule)
        self.descent = Descent(self.model, kind, point, ftol, xtol, deadline)
        tol = max(rtol * point.norm, atol)
        rounding = self.model.slope_error(point)
        if point.norm <= rounding:
            tol = max(tol, rounding)
        options = {
            "first": point.norm,
            "tol": tol,
            "maxiter": maxiter,
            "callback": callback,
            "deadline": deadline,
        }
        return run(self.descent.steps, self.variables, functions=functions, **options)

    def _reported(self, result):
        """Return the result with what is known at its point."""
        counts = {"nfev": self.function.calls, "njev": self.model.points}
        values = vars(result) | counts
        point = self.descent and self.descent.point
        if not point:
            return NonlinearLeastSquaresResult(
                **(values | {"fun": self.first, "cost": self.loss.cost(self.first)})
            )
        xp, box, shape = namespace(point.x), self.box, self.variables.shape
        sides = xp.where(point.x <= box.lower, -1, xp.where(point.x >= box.upper, 1, 0))
        found = {
            "fun": point.f.reshape(self.function.shape),
            "jac": shown(point.jac),
            "cost": point.cost,
            "grad": (point.slope / point.scale).reshape(shape),
            "optimality": float(result.residuals[-1]) if len(result.residuals) else point.norm,
            "active_mask": sides.reshape(shape),
            "linear_solver": self.solver.name,
        }
        return NonlinearLeastSquaresResult(**(values | found))
