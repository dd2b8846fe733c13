"""Minimisation with equality constraints: what a test problem consists of, and the textbook problems."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .. import _validate
from ._formulas import TEXTBOOK
from ._jets import Jet, as_jet


@dataclass(frozen=True, eq=False)
class ConstrainedProblem:
    """The problem to minimise f(x) subject to c(x) = 0, with all derivatives.

    Attributes
    ----------
    name : str
        The name of the problem.
    x0 : numpy.ndarray of float64, shape (n,)
        The usual starting point.
    fun, grad, hess : callable
        ``fun(x)`` returns f as a float, ``grad(x)`` its gradient, shape (n,), and ``hess(x)`` its Hessian,
        shape (n, n), dense or sparse.
    constraints, jac : callable
        ``constraints(x)`` returns c, shape (m,), and ``jac(x)`` its Jacobian, shape (m, n), dense or sparse.
    constraint_hess : callable
        ``constraint_hess(x, multipliers)`` returns the sum of the Hessians of the constraints, each times its
        multiplier: SciPy's ``hess`` of a ``NonlinearConstraint``.
    optimum : float or None
        The objective at the usual solution, if it is known. A nonconvex problem may have others.
    solution : numpy.ndarray of float64, shape (n,), or None
        That solution, if it is known in closed form.
    """

    name: str
    x0: np.ndarray
    fun: Callable[[np.ndarray], float]
    grad: Callable[[np.ndarray], np.ndarray]
    hess: Callable[[np.ndarray], Any]
    constraints: Callable[[np.ndarray], np.ndarray]
    jac: Callable[[np.ndarray], Any]
    constraint_hess: Callable[[np.ndarray, np.ndarray], Any]
    optimum: float | None = None
    solution: np.ndarray | None = None

    def lagrangian_hess(self, x, multipliers):
        """Return the Hessian of ``f(x) + multipliers @ c(x)`` with respect to x.

        Parameters
        ----------
        x : array of floats, shape (n,)
            The point.
        multipliers : array of floats, shape (m,)
            The multipliers.

        Returns
        -------
        array or sparse array, shape (n, n)
            The Hessian.
        """
        return self.hess(x) + self.constraint_hess(x, multipliers)

    def kkt_residual(self, x, multipliers):
        """Return the norm of the gradient of the Lagrangian and the constraints.

        Parameters
        ----------
        x : array of floats, shape (n,)
            The point.
        multipliers : array of floats, shape (m,)
            The multipliers.

        Returns
        -------
        float
            The 2-norm of ``grad(x) + jac(x).T @ multipliers`` and ``constraints(x)`` together.
        """
        gradient = self.grad(x) + self.jac(x).T @ multipliers
        return float(np.hypot(np.linalg.norm(gradient), np.linalg.norm(self.constraints(x))))


def constrained_problem(name) -> ConstrainedProblem:
    """Return a small problem with equality constraints by its name.

    Parameters
    ----------
    name : str
        One of `constrained_problem_names`, as "HS7" or "BT5".

    Returns
    -------
    ConstrainedProblem
        The problem, with dense derivatives. It can be pickled.

    Raises
    ------
    ValueError
        There is no such problem; the message lists the names.

    Notes
    -----
    HS: Hock and Schittkowski [1]_; HS100LNP has the two constraints that are active at the solution of their
    problem 100. BT: Boggs and Tolle [2]_, with the corrections of the CUTEst collection to problems 4 and 5,
    and its second constraint in problem 6. GOTTFR and PRICE4NE are systems of two equations, posed as
    constraints without an objective. Newton's method for GOTTFR meets a Jacobian of condition 247; for
    PRICE4NE it converges linearly to the origin, where the Jacobian is singular. Derivatives are computed
    from the formulas by automatic differentiation.

    References
    ----------
    .. [1] W. Hock, K. Schittkowski, *Test examples for nonlinear programming codes*, Lecture Notes in
       Economics and Mathematical Systems 187, Springer, 1981, :doi:`10.1007/978-3-642-48320-2`.
    .. [2] P. T. Boggs, J. W. Tolle, *A strategy for global convergence in a sequential quadratic programming
       algorithm*, SIAM J. Numer. Anal. 26 (1989) 600-623, :doi:`10.1137/0726036`.

    Examples
    --------
    >>> from numsolve.problems import constrained_problem
    >>> problem = constrained_problem("HS6")
    >>> problem.x0, problem.constraints(problem.solution)
    (array([-1.2,  1. ]), array([0.]))
    """
    if name not in TEXTBOOK:
        raise ValueError(f"no constrained problem is named {name!r}; there are: {', '.join(TEXTBOOK)}")
    entry = TEXTBOOK[name]
    solution = None if entry.solution is None else np.array(entry.solution, float)
    return ConstrainedProblem(
        name,
        np.array(entry.x0, float),
        partial(_objective, entry.formula),
        partial(_gradient, entry.formula),
        partial(_hessian, entry.formula),
        partial(_constraints, entry.formula),
        partial(_jacobian, entry.formula),
        partial(_constraint_hessian, entry.formula),
        entry.optimum,
        solution,
    )


def constrained_problem_names() -> tuple[str, ...]:
    """Return the names of the problems that `constrained_problem` knows.

    Returns
    -------
    tuple of str
        The names.

    Examples
    --------
    >>> from numsolve.problems import constrained_problem_names
    >>> constrained_problem_names()[:3]
    ('HS6', 'HS7', 'HS8')
    """
    return tuple(TEXTBOOK)


def _point(x):
    return _validate.real_array(x, "x").reshape(-1)


def _jets(formula, x):
    """Return the objective and the list of constraints at `x` as jets."""
    objective, constraints = formula(*Jet.variables(x))
    return as_jet(objective, len(x)), [as_jet(c, len(x)) for c in constraints]


def _objective(formula, x):
    return float(formula(*_point(x).tolist())[0])


def _gradient(formula, x):
    return _jets(formula, _point(x))[0].first.copy()


def _hessian(formula, x):
    return _jets(formula, _point(x))[0].second.copy()


def _constraints(formula, x):
    return np.array(formula(*_point(x).tolist())[1], float)


def _jacobian(formula, x):
    return np.array([c.first for c in _jets(formula, _point(x))[1]])


def _constraint_hessian(formula, x, multipliers):
    constraints = _jets(formula, _point(x))[1]
    return sum(float(l) * c.second for l, c in zip(multipliers, constraints, strict=True))
