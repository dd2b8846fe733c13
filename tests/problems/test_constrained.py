"""Problems with equality constraints: derivatives against differences, solutions against KKT conditions."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import extended

from numsolve import problems

NAMES = problems.constrained_problem_names()
WITH_SOLUTION = [name for name in NAMES if problems.constrained_problem(name).solution is not None]
WITHOUT_SOLUTION = [name for name in NAMES if name not in WITH_SOLUTION]


def dense(A):
    return A.toarray() if sp.issparse(A) else np.asarray(A)


def central(function, x, h=1e-6):
    """Return the Jacobian of a function by central differences."""
    columns = [
        (np.asarray(function(x + h * e)) - np.asarray(function(x - h * e))) / (2 * h) for e in np.eye(len(x))
    ]
    return np.array(columns).T


def check_derivatives(problem, rng):
    """Compare all derivatives at a random point near the start with central differences."""
    x = problem.x0 + 0.1 * rng.standard_normal(problem.x0.shape)
    c = problem.constraints(x)
    y = rng.standard_normal(len(c))
    for found, function in (
        (problem.grad(x), problem.fun),
        (dense(problem.hess(x)), problem.grad),
        (dense(problem.jac(x)), problem.constraints),
        (dense(problem.constraint_hess(x, y)), lambda x: problem.jac(x).T @ y),
        (
            dense(problem.lagrangian_hess(x, y)),
            lambda x: problem.grad(x) + problem.jac(x).T @ y,
        ),
    ):
        expected = central(function, x)
        assert np.shape(found) == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7 * (1 + abs(expected).max()))


def multipliers(problem, x):
    """Return the multipliers of least squares."""
    return np.linalg.lstsq(dense(problem.jac(x)).T, -problem.grad(x))[0]


@pytest.mark.parametrize("name", NAMES)
def test_derivatives(name, rng):
    check_derivatives(problems.constrained_problem(name), rng)


@pytest.mark.parametrize("name", WITH_SOLUTION)
def test_solution_in_closed_form(name):
    problem = problems.constrained_problem(name)
    x = problem.solution
    assert problem.fun(x) == pytest.approx(problem.optimum, abs=1e-9)
    assert problem.kkt_residual(x, multipliers(problem, x)) < 1e-10


@pytest.mark.parametrize("name", [*WITHOUT_SOLUTION, *extended(*WITH_SOLUTION)])
def test_optimum_is_a_minimum_that_slsqp_finds(name):
    from scipy.optimize import minimize

    problem = problems.constrained_problem(name)
    if name == "HS47":
        return  # its solution is a saddle point on the constraints
    start = problem.x0 if problem.solution is None else problem.solution + 1e-3
    start = np.array([5.0, -2.0, 3.0]) if name == "HS61" else start  # its Jacobian is singular at x0
    constraint = {"type": "eq", "fun": problem.constraints, "jac": problem.jac}
    options = {"maxiter": 200, "ftol": 1e-14}
    found = minimize(
        problem.fun, start, jac=problem.grad, constraints=constraint, method="SLSQP", options=options
    )
    assert found.fun == pytest.approx(problem.optimum, rel=1e-6, abs=1e-6)
    assert np.linalg.norm(problem.constraints(found.x)) < 1e-6


def test_problems_can_be_pickled():
    problem = pickle.loads(pickle.dumps(problems.constrained_problem("HS7")))
    assert problem.fun(problem.solution) == pytest.approx(-np.sqrt(3))


def test_an_unknown_name_lists_the_others():
    with pytest.raises(ValueError, match="'HS5'; there are: HS6, HS7"):
        problems.constrained_problem("HS5")


@pytest.mark.parametrize("side", [1, 3, 5])
def test_control(side, rng):
    problem = problems.pde_control(side)
    check_derivatives(problem, rng)
    x = problem.solution
    assert problem.kkt_residual(x, multipliers(problem, x)) < 1e-11
    assert problem.fun(x) == problem.optimum
    assert all(sp.issparse(part) for part in (problem.hess(x), problem.jac(x), problem.constraint_hess(x, x)))


def test_control_of_the_size_of_the_bar():
    problem = problems.pde_control(128)
    x, n = problem.solution, 128**2
    y = -0.1 * x[n:]  # the gradient in z is 0.1 z
    assert len(x) == 2 * n
    assert problem.kkt_residual(x, y) < 1e-9
    assert problem.jac(x).nnz == 5 * n - 4 * 128 + n


@pytest.mark.parametrize("sparse", [False, True])
def test_constrained_logistic(sparse, rng):
    X, y = rng.standard_normal((30, 6)), np.where(rng.random(30) < 0.5, 1, 2)
    problem = problems.constrained_logistic(sp.csr_array(X) if sparse else X, y, constraints=3, rng=1)
    check_derivatives(problem, rng)
    w = rng.standard_normal(6)
    signs = np.where(y == 2, 1, -1)
    assert problem.fun(w) == pytest.approx(np.log(1 + np.exp(-signs * (X @ w))).mean())
    assert problem.constraints(w)[-1] == pytest.approx(w @ w - 1)


def test_generated_logistic_regression_has_feasible_points():
    for seed in range(5):
        problem = problems.constrained_logistic(constraints=35, rng=seed)
        A, b = problem.jac(problem.x0)[:-1], -problem.constraints(0 * problem.x0)[:-1]
        assert A.shape == (35, 40)
        assert np.linalg.norm(np.linalg.lstsq(A, b)[0]) < 1


def test_bad_input_of_logistic_regression():
    with pytest.raises(ValueError, match="3 different values"):
        problems.constrained_logistic(np.ones((3, 20)), [1, 2, 3])
    with pytest.raises(ValueError, match="constraints is 10, but X has 4 columns"):
        problems.constrained_logistic(np.ones((3, 4)), [1, 2, 1])
    with pytest.raises(ValueError, match=r"y has shape \(2,\), but X has 3 rows"):
        problems.constrained_logistic(np.ones((3, 20)), [1, 2])
    with pytest.raises(ValueError, match="pass both or neither"):
        problems.constrained_logistic(np.ones((3, 20)))
