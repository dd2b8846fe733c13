"""Faults of problems with equality constraints: each has a status or an error that names it."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint

from numsolve import ConvergenceWarning, FunctionError, Status
from numsolve.newton import minimize_constrained


def square(x):
    return float(x @ x)


def double(x):
    return 2 * x


def identity(x):
    return 2 * np.eye(len(x))


PLANE = (lambda x: x.sum() - 1, lambda x: np.ones((1, len(x))))


def solve(constraints=PLANE, fun=square, x0=(0.0, 1.0, 0.5), grad=double, hess=identity, **options):
    return minimize_constrained(fun, x0, constraints, grad=grad, hess=hess, **options)


def missed(*args, **options):
    with pytest.warns(ConvergenceWarning):
        return solve(*args, **options)


@pytest.mark.parametrize("kind", [np.array, sp.csr_array])
@pytest.mark.parametrize("factor", [1.0, 0.01, 1e6])
def test_redundant_constraints_do_no_harm_and_are_named(kind, factor):
    A = factor * np.array([[1.0, 1, 1], [2, 2, 2], [1, 0, 0]])
    result = solve(LinearConstraint(kind(A), factor * np.array([1, 2, 0]), factor * np.array([1, 2, 0])))
    assert result.success
    np.testing.assert_allclose(result.x, [0, 0.5, 0.5], atol=1e-8)
    assert result.dependent.tolist() in ([0], [1])
    assert "depend on the others" in result.message


@pytest.mark.parametrize("solver", ["direct", "minres", "kaczmarz"])
@pytest.mark.parametrize("factor", [1.0, 0.01])
def test_contradictory_constraints_are_singular_and_named(solver, factor):
    A = LinearConstraint(
        factor * np.array([[1.0, 1, 1], [2, 2, 2]]), factor * np.array([1, 3]), factor * np.array([1, 3])
    )
    result = missed(A, linear_solver=solver, rng=0, inner_maxiter=20_000)
    assert result.status is Status.SINGULAR
    assert result.dependent.tolist() in ([0], [1])
    assert "contradict" in result.message


def test_more_constraints_than_variables():
    A, b = np.array([[1.0, 1], [1, 0], [0, 1]]), np.array([2.0, 1, 1])
    found = solve(LinearConstraint(A, b, b), x0=[0.0, 0.0])
    assert found.success
    np.testing.assert_allclose(found.x, 1, atol=1e-8)
    assert missed(LinearConstraint(A, [3, 1, 1], [3, 1, 1]), x0=[0.0, 0.0]).status is Status.SINGULAR


@pytest.mark.parametrize("unit", [1.0, 0.01, 1e6])
def test_constraints_without_a_solution(unit):
    c = (lambda x: unit * (x[0] ** 2 + 1), lambda x: unit * np.array([[2 * x[0], 0]]))
    result = missed(c, x0=[2.0, 1.0])
    assert result.status is Status.SINGULAR
    assert "local minimum" in result.message
    assert abs(result.x[0]) < 0.1


def test_a_jacobian_that_is_singular_at_the_solution():
    c = (lambda x: x[0] ** 2, lambda x: np.array([[2 * x[0], 0]]), lambda x, y: np.diag([2 * y[0], 0]))
    result = missed(
        c, fun=lambda x: x[0] + x[1] ** 2, x0=[1.0, 1.0], grad=lambda x: np.array([1, 2 * x[1]]), hess=None
    )
    assert result.status is Status.SINGULAR
    assert "rows [0]" in result.message


@pytest.mark.parametrize(
    ("fun", "grad"),
    [
        (lambda x: x[0], lambda x: np.array([1.0, 0])),
        (lambda x: -(x[0] ** 2), lambda x: np.array([-2 * x[0], 0])),
        (lambda x: x[0] ** 3, lambda x: np.array([3 * x[0] ** 2, 0])),
    ],
)
def test_an_unbounded_objective(fun, grad):
    result = missed(
        (lambda x: x[1], lambda x: np.array([[0.0, 1]])), fun=fun, x0=[-1.0, 1.0], grad=grad, hess=None
    )
    assert result.status is Status.BREAKDOWN
    assert "unbounded below" in result.message


def test_values_that_are_not_finite():
    start = missed(fun=lambda x: np.log(x[0]), x0=[-1.0, 1.0, 1.0], hess=None)
    assert start.status is Status.NONFINITE
    assert "objective" in start.message
    assert "constraint" in missed(lambda x: np.log(x[0]), x0=[-1.0, 1.0]).message
    barrier = solve(
        fun=lambda x: -np.log(x).sum(),
        x0=[0.1, 5.0, 0.001],
        grad=lambda x: -1 / x,
        hess=lambda x: np.diag(x**-2.0),
    )
    np.testing.assert_allclose(barrier.check().x, 1 / 3, rtol=1e-6)  # steps outside were shortened


def test_exceptions_keep_the_last_iterate():
    calls = []

    def fails_later(x):
        calls.append(x)
        if len(calls) > 3:
            raise KeyError("lost")
        return float((x**4).sum())

    with pytest.raises(FunctionError) as caught:
        solve(fun=fails_later, grad=lambda x: 4 * x**3, hess=None)
    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.result.x.shape == (3,)
    assert caught.value.result.multipliers.shape == (1,)

    def fails(x):
        raise KeyError("never")

    with pytest.raises(KeyError):
        solve(fun=fails)


@pytest.mark.parametrize(
    ("constraints", "says"),
    [
        ({"type": "ineq", "fun": PLANE[0]}, "trust-constr"),
        (NonlinearConstraint(PLANE[0], 0, 1), "trust-constr"),
        ([PLANE, LinearConstraint([[1, 1, 1]], 0, np.inf)], r"constraints\[1\]"),
        (Bounds(0, 1), "inequality"),
        ([], "empty"),
        ({"fun": PLANE[0]}, "'type'"),
        ((PLANE[0], lambda x: np.ones((2, 3))), r"jac.*\(2, 3\).*\(1, 3\)"),
        ((PLANE[0], "forward"), "jac"),
        (NonlinearConstraint(PLANE[0], [0, 0], [0, 0]), "lb"),
    ],
)
def test_wrong_constraints(constraints, says):
    with pytest.raises(ValueError, match=says):
        solve(constraints)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"grad": lambda x: np.ones(2)}, ValueError, "grad"),
        ({"hess": lambda x: np.ones((2, 2))}, ValueError, "hess"),
        ({"hessp": lambda x, p: p}, ValueError, "hessp"),
        ({"jac": double}, ValueError, "grad and jac"),
        ({"linear_solver": "lu"}, ValueError, "'minres'"),
        ({"multipliers": [1, 2]}, ValueError, "multipliers"),
        ({"multipliers": "best"}, ValueError, "least-squares"),
        ({"block_size": 2}, ValueError, "block_size"),
        ({"theta": -1}, ValueError, "theta"),
        ({"M": np.eye(4), "linear_solver": "minres"}, TypeError, "M"),
        ({"x0": [1j, 0, 0]}, TypeError, "complex"),
        ({"fun": lambda x: x}, TypeError, "one"),
        ({"constraints": 3}, TypeError, "constraints"),
    ],
)
def test_wrong_arguments(options, error, says):
    with pytest.raises(error, match=says):
        solve(**options)


def test_limits():
    hard = {
        "fun": lambda x: float((x**4).sum()),
        "grad": lambda x: 4 * x**3,
        "hess": lambda x: np.diag(12 * x**2),
    }
    assert missed(**hard, maxiter=2).nit == 2
    assert missed(**hard, time_limit=1e-9).status is Status.TIME_LIMIT
    seen = []
    stopped = solve(**hard, callback=lambda x, norm: seen.append((x.shape, norm)) or len(seen) == 2)
    assert stopped.status is Status.STOPPED
    assert [shape for shape, _ in seen] == [(3,), (3,)]
    assert stopped.residuals[-1] == seen[-1][1]


def test_the_limit_of_the_inner_solver_is_in_the_message():
    result = missed(linear_solver="kaczmarz", inner_maxiter=3, maxiter=3, rng=0)
    assert "limit of steps in" in result.message
    assert "inner_maxiter" in result.message
    assert result.inner_steps.max() >= 3


def test_a_tolerance_below_rounding_stagnates():
    a = np.arange(1.0, 21) / 3
    result = missed(
        fun=lambda x: float(a @ np.exp(x)),
        x0=np.zeros(20),
        grad=lambda x: a * np.exp(x),
        hess=lambda x: np.diag(a * np.exp(x)),
        rtol=1e-25,
    )
    assert result.status is Status.STAGNATED
    assert "rounding" in result.message
    assert result.kkt_residual < 1e-12


@pytest.mark.parametrize("solver", ["direct", "minres", "kaczmarz", "gaussian", "block"])
def test_every_solver_does_without_derivatives(solver):
    x0 = np.array([2.0, 3.0, -1.0])
    found = minimize_constrained(
        lambda x: (x - 1) @ (x - 1), x0, lambda x: x @ x - 4, linear_solver=solver, rng=0
    ).check()
    np.testing.assert_allclose(found.x, 2 / np.sqrt(3), rtol=1e-5)


def test_constraints_without_values_are_refused():
    with pytest.raises(ValueError, match="returned no values"):
        minimize_constrained(lambda x: x @ x, [1.0], lambda x: x[:0])
