"""Minimisation with equality constraints: solutions, multipliers, rates, units and merit function."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import LinearConstraint, NonlinearConstraint, minimize
from support.tiers import extended

from numsolve import Status, newton, problems
from numsolve._variables import Variables
from numsolve.newton._constrained.augmented_lagrangian import Rules
from numsolve.newton._constrained.constraints import Constraint, read
from numsolve.newton._constrained.lagrangian import Curvature, Lagrangian, Objective
from numsolve.newton._constrained.result import minimize as minimise


class Problem:
    """Minimise x0 x3 (x0 + x1 + x2) + x2 on a sphere and a cubic surface, in given units."""

    def __init__(self, f_unit=1.0, c_unit=1.0, x_unit=1.0):
        self.f_unit, self.c_unit, self.x_unit = f_unit, np.asarray(c_unit), x_unit
        self.x0 = np.array([1.0, 3.0, 3.0, 1.0]) * x_unit

    def fun(self, x):
        x = x / self.x_unit
        return self.f_unit * (x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2] + 0.5 * x @ x)

    def grad(self, x):
        a, b, c, d = x / self.x_unit
        g = np.array([d * (2 * a + b + c), a * d, a * d + 1, a * (a + b + c)]) + x / self.x_unit
        return self.f_unit / self.x_unit * g

    def hess(self, x):
        a, b, c, d = x / self.x_unit
        H = np.array([[2 * d, d, d, 2 * a + b + c], [d, 0, 0, a], [d, 0, 0, a], [2 * a + b + c, a, a, 0]])
        return self.f_unit / self.x_unit**2 * (H + np.eye(4))

    def c(self, x):
        x = x / self.x_unit
        return self.c_unit * np.array([x @ x - 40, x[0] ** 3 + x[1] * x[2] - 10])

    def jac(self, x):
        a, b, c, d = x / self.x_unit
        J = np.array([[2 * a, 2 * b, 2 * c, 2 * d], [3 * a * a, c, b, 0]])
        return (self.c_unit * J.T).T / self.x_unit

    def c_hess(self, x, y):
        H = np.zeros((4, 4))
        H[0, 0], H[1, 2], H[2, 1] = 6 * x[0] / self.x_unit, 1, 1
        y = self.c_unit * y
        return (2 * y[0] * np.eye(4) + y[1] * H) / self.x_unit**2

    def solve(self, **options):
        constraints = (self.c, self.jac, self.c_hess)
        options = {"grad": self.grad, "hess": self.hess, **options}
        return newton.minimize_constrained(self.fun, self.x0, constraints, **options)


def kkt(problem, result):
    """Return the norm of the optimality conditions, from the functions of the problem."""
    gradient = problem.grad(result.x) + problem.jac(result.x).T @ result.multipliers
    return np.hypot(np.linalg.norm(gradient), np.linalg.norm(problem.c(result.x)))


@pytest.mark.parametrize("solver", ["direct", "minres", "kaczmarz", *extended("gaussian", "block")])
def test_the_solution_satisfies_the_optimality_conditions(solver):
    problem = Problem()
    result = problem.solve(linear_solver=solver, rtol=0, atol=1e-8, rng=1).check()
    assert kkt(problem, result) <= 1.01e-8
    assert result.kkt_residual == pytest.approx(kkt(problem, result), rel=1e-6, abs=1e-13)
    tangents = np.linalg.svd(problem.jac(result.x))[2][2:]
    H = problem.hess(result.x) + problem.c_hess(result.x, result.multipliers)
    assert np.linalg.eigvalsh(tangents @ H @ tangents.T)[0] > 0  # a minimum, not a maximum or a saddle
    assert len(result.inner_steps) == result.nit


def test_a_scipy_problem_gives_scipys_solution():
    problem = Problem()
    constraint = NonlinearConstraint(problem.c, 0, 0, jac=problem.jac, hess=problem.c_hess)
    peer = minimize(
        problem.fun,
        problem.x0,
        jac=problem.grad,
        constraints={"type": "eq", "fun": problem.c},
        method="SLSQP",
    )
    for constraints in (constraint, {"type": "eq", "fun": problem.c}, [constraint], (problem.c,)):
        result = newton.minimize_constrained(problem.fun, problem.x0, constraints, jac=problem.grad).check()
        np.testing.assert_allclose(result.x, peer.x, atol=1e-4)
        assert result.fun <= peer.fun + 1e-6


def test_convergence_is_superlinear():
    for solver in ("direct", "minres"):
        result = Problem().solve(linear_solver=solver, rtol=0, atol=1e-10).check()
        residuals = result.residuals[result.residuals < 1e-1]
        assert len(residuals) >= 3
        assert (residuals[1:] <= np.maximum(30 * residuals[:-1] ** 1.5, 1e-10)).all()


@pytest.mark.parametrize(
    ("f_unit", "c_unit", "x_unit"),
    [
        (1e6, 1, 1),
        (1, 1e-2, 1),
        *extended((1, 1e6, 1), (1, 1, 1e-2), (1, 1, 1e6), (1e-4, [1e3, 1e-5], 10)),
    ],
)
@pytest.mark.parametrize("solver", ["direct", *extended("minres")])
def test_units_do_not_change_the_iterates(f_unit, c_unit, x_unit, solver):
    plain, other = Problem(), Problem(f_unit, c_unit, x_unit)
    rtol = 1e-6
    first = plain.solve(linear_solver=solver, rtol=rtol).check()
    second = other.solve(linear_solver=solver, rtol=rtol).check()
    np.testing.assert_allclose(second.x / other.x_unit, first.x, atol=1e-3)
    assert abs(second.nit - first.nit) <= 2  # the tolerance weighs gradient and constraints by their units


def lagrangian_of(problem):
    """Return the problem of the method, and its point at the start with some multipliers."""
    variables = Variables(problem.x0)
    objective = Objective(problem.fun, problem.grad, variables, ())
    constraints = [Constraint(each, variables) for each in read((problem.c, problem.jac, problem.c_hess))]
    curvature = Curvature(objective, constraints, variables, problem.hess, None, None, (), True)
    lagrangian = Lagrangian(objective, constraints, curvature, variables)
    return lagrangian, lagrangian.choose_units(lagrangian.point(np.append(problem.x0, [0.3, -0.7])))


def test_gradient_of_the_merit_function():
    lagrangian, point = lagrangian_of(Problem(c_unit=7.0))
    penalties, h = (2.0, 0.3), 1e-5
    expected = [
        (
            lagrangian.point(point.v + h * e).merit(*penalties)
            - lagrangian.point(point.v - h * e).merit(*penalties)
        )
        / (2 * h)
        for e in np.eye(6)
    ]
    found = point.merit_gradient(lagrangian.hessian(point), *penalties)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "missing",
    [
        ("hess",),
        ("hess", "c_hess"),
        *extended((("c_hess",),), (("hess", "c_hess", "jac"),), (("grad", "hess"),)),
    ],
)
@pytest.mark.parametrize("solver", ["direct", "minres"])
def test_missing_derivatives_are_differenced(missing, solver):
    problem = Problem()
    parts = [None if name in missing else getattr(problem, name) for name in ("jac", "c_hess")]
    given = {name: None if name in missing else getattr(problem, name) for name in ("grad", "hess")}
    result = newton.minimize_constrained(
        problem.fun, problem.x0, (problem.c, *parts), linear_solver=solver, **given, rtol=1e-7
    ).check()
    np.testing.assert_allclose(result.x, problem.solve().x, atol=1e-6)


def chain(n):
    """Return a sparse problem: sum of quartics, linked by n // 2 equations; its Hessian is tridiagonal."""
    rows = np.arange(n // 2)
    A = sp.csr_array((np.ones(2 * len(rows)), (np.tile(rows, 2), np.r_[2 * rows, 2 * rows + 1])))

    def fun(x):
        return ((x[1:] - x[:-1] ** 2) ** 2).sum() + ((x - 1) ** 4).sum() + 0.5 * x @ x

    def grad(x):
        g, r = x + 4 * (x - 1) ** 3, x[1:] - x[:-1] ** 2
        g[1:] += 2 * r
        g[:-1] -= 4 * x[:-1] * r
        return g

    return fun, grad, (lambda x: A @ x**2 - 3, lambda x: sp.csr_array(2 * A * x))


def test_a_sparse_problem_is_the_dense_one():
    n = 60
    fun, grad, (c, jac) = chain(n)
    band = sp.diags_array([1.0, 1, 1], offsets=[-1, 0, 1], shape=(n, n))
    x0 = np.linspace(0.5, 1.5, n)
    dense = newton.minimize_constrained(fun, x0, (c, lambda x: jac(x).toarray()), grad=grad).check()
    few = newton.minimize_constrained(fun, x0, (c, jac), grad=grad, hess_sparsity=band).check()
    np.testing.assert_allclose(few.x, dense.x, atol=1e-8)
    np.testing.assert_allclose(few.multipliers, dense.multipliers, atol=1e-6)
    assert few.njev < dense.njev / 5  # three colours, not n
    assert sp.issparse(few.constraints_jac)


def test_a_quadratic_problem_takes_one_step_and_one_factorisation():
    A = LinearConstraint(sp.csr_array([[1.0, 1, 1, 0], [0, 1, 0, -2]]), [1, 2], [1, 2])
    H = sp.diags_array([1.0, 2, 3, 4]).tocsr()
    result = newton.minimize_constrained(
        lambda x: 0.5 * x @ (H @ x), np.ones(4), A, grad=lambda x: H @ x, hess=lambda x: H
    ).check()
    expected = np.linalg.solve(
        np.block([[H.toarray(), A.A.toarray().T], [A.A.toarray(), np.zeros((2, 2))]]), [0, 0, 0, 0, 1, 2]
    )
    np.testing.assert_allclose(np.append(result.x, result.multipliers), expected, atol=1e-14)
    assert (result.nit, result.nfev, result.njev, result.nhev) == (1, 2, 2, 1)


def test_arrays_of_any_shape_and_pairs_of_value_and_gradient():
    target = np.arange(6.0).reshape(2, 3)
    result = newton.minimize_constrained(
        lambda X, a: (a * ((X - target) ** 2).sum(), 2 * a * (X - target)),
        np.zeros((2, 3)),
        [(lambda X: X.sum(axis=0) - 1, None, None), (lambda X: X[0, 0] - 7.0,)],
        3.0,
        jac=True,
    ).check()
    assert result.x.shape == (2, 3)
    np.testing.assert_allclose(result.x, [[7, -1, -1], [-6, 2, 2]], atol=1e-8)
    assert result.multipliers.shape == result.constraints.shape == (4,)


def test_first_multipliers():
    problem = Problem()
    found = problem.solve()
    problem.x0 = found.x
    near = problem.solve(multipliers="least-squares", atol=1e-6)
    assert (near.nit, near.status) == (0, Status.CONVERGED)
    np.testing.assert_allclose(near.multipliers, found.multipliers, rtol=1e-5)


def test_a_start_at_rounding_level_has_converged():
    result = newton.minimize_constrained(
        lambda x: 0.5 * x @ x,
        [0.1, 0.2],
        lambda x: x[0] + x[1] - 0.3,
        grad=lambda x: x - [0, 0.1],
        multipliers=[-0.1],
    )
    assert (result.nit, result.status) == (0, Status.CONVERGED)


def test_theta_decides_the_inner_accuracy():
    loose = Problem().solve(linear_solver="minres", theta=100.0, M=None).check()
    tight = Problem().solve(linear_solver="minres", theta=lambda k: 1e-6, M=None).check()
    assert tight.inner_steps.mean() > loose.inner_steps.mean()


def test_rules_are_constants_of_the_method():
    problem = Problem()
    result = minimise(
        Rules(penalty=5.0, has_units=False),
        problem.fun,
        problem.x0,
        (problem.c, problem.jac),
        grad=problem.grad,
    )
    assert result.success
    assert result.penalties[0] >= 5


def solve_problem(problem, **options):
    constraints = (problem.constraints, problem.jac, problem.constraint_hess)
    return newton.minimize_constrained(
        problem.fun, problem.x0, constraints, grad=problem.grad, hess=problem.hess, **options
    )


@pytest.mark.parametrize(
    "name", [n for n in problems.constrained_problem_names() if n[2:] in ("7", "39", "40", "5")]
)
@pytest.mark.parametrize("unit", [1.0, 0.01])
def test_textbook_problems_in_other_units(name, unit):
    check_textbook(name, "direct", unit)


@pytest.mark.extended
@pytest.mark.parametrize("name", problems.constrained_problem_names())
@pytest.mark.parametrize("solver", ["direct", "minres"])
def test_textbook_problems(name, solver):
    check_textbook(name, solver, 1.0)


def check_textbook(name, solver, unit):
    problem = problems.constrained_problem(name)
    scaled = dataclasses.replace(
        problem,
        constraints=lambda x: unit * problem.constraints(x),
        jac=lambda x: unit * problem.jac(x),
        constraint_hess=lambda x, y: unit * problem.constraint_hess(x, y),
    )
    result = solve_problem(scaled, linear_solver=solver, rtol=0, atol=1e-8 * unit).check()
    assert problem.kkt_residual(result.x, unit * result.multipliers) <= 1e-8
    assert np.isfinite(result.fun)


def test_the_control_problem_takes_one_step():
    problem = problems.pde_control(20)
    result = solve_problem(problem).check()
    assert (result.nit, result.nhev) == (1, 1)
    np.testing.assert_allclose(result.x, problem.solution, atol=1e-9)


def test_arrays_of_the_gpu(cupy):
    problem = Problem()

    def on_device(f):
        return lambda *x: cupy.asarray(f(*(each.get() for each in x)))

    result = newton.minimize_constrained(
        lambda x: problem.fun(x.get()),
        cupy.asarray(problem.x0),
        tuple(map(on_device, (problem.c, problem.jac, problem.c_hess))),
        grad=on_device(problem.grad),
        hess=on_device(problem.hess),
        linear_solver="minres",
        rtol=1e-7,
    ).check()
    assert type(result.x) is type(result.multipliers) is cupy.ndarray
    x, y = result.x.get(), result.multipliers.get()
    assert np.linalg.norm(problem.grad(x) + problem.jac(x).T @ y) <= 1e-4
    assert np.linalg.norm(problem.c(x)) <= 1e-4
    with pytest.raises(TypeError, match="minres"):
        newton.minimize_constrained(lambda x: 0.0, cupy.ones(2), lambda x: x[:1])
