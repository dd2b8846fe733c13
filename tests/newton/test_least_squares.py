"""Nonlinear least squares: standard problems, bounds, losses, linear solvers, damping, and faults."""

import pickle

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from support.regression import MORE, NIST
from support.tiers import extended

from numsolve import ConvergenceError, ConvergenceWarning, FunctionError, Status
from numsolve.learners import FixedOmega, TsallisINFCB
from numsolve.newton import least_squares

METHODS = ["levenberg-marquardt", "dogleg"]
QUICK_METHODS = [METHODS[0], *extended(METHODS[1])]
T = np.linspace(0, 3, 30)
Y = 2 * np.exp(-1.5 * T) + 0.1 * np.sin(40 * T)
FIT = np.array([2.0, 1.5])


def decay(x):
    """Residuals of an exponential with a deterministic error."""
    return x[0] * np.exp(-x[1] * T) - Y


def decay_jac(x):
    e = np.exp(-x[1] * T)
    return np.stack([e, -x[0] * T * e], axis=1)


def rosenbrock(x):
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def rosenbrock_jac(x):
    return np.array([[-20 * x[0], 10], [-1, 0]])


def chain(x):
    """A chain of Rosenbrock residuals: a banded Jacobian."""
    return np.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])


def chain_jac(x):
    n = len(x)
    upper = sp.diags_array([-20 * x[:-1], np.full(n - 1, 10.0)], offsets=[0, 1], shape=(n - 1, n))
    return sp.vstack([upper, -sp.eye_array(n - 1, n)]).tocsr()


def reference(fun, x0, **options):
    """Return SciPy's solution to full accuracy."""
    return scipy.optimize.least_squares(fun, x0, xtol=1e-14, ftol=1e-14, gtol=1e-14, max_nfev=300, **options)


@pytest.mark.parametrize("method", QUICK_METHODS)
@pytest.mark.parametrize("name", NIST)
def test_certified_values_are_found(name, method):
    problem = NIST[name]
    for start in problem.starts:
        result = least_squares(problem.fun, start, method=method).check()
        np.testing.assert_allclose(result.x, problem.b, rtol=2e-5)
        np.testing.assert_allclose(2 * result.cost, problem.squares, rtol=1e-8)
        if problem.deviations:
            found = np.sqrt(np.diag(result.covariance()))
            np.testing.assert_allclose(found, problem.deviations, rtol=2e-4)


@pytest.mark.parametrize("method", QUICK_METHODS)
@pytest.mark.parametrize("name", MORE)
def test_standard_problems_are_solved(name, method):
    fun, x0, squares = MORE[name]
    result = least_squares(fun, x0, method=method).check()
    start = np.sum(fun(np.array(x0, float)) ** 2)
    np.testing.assert_allclose(2 * result.cost, squares, rtol=2e-6, atol=1e-9 * start)


@pytest.mark.parametrize("factor", [1e-8, 1.0, 1e6])
def test_units_do_not_change_the_iteration(factor):
    plain = least_squares(decay, [1.0, 1.0], jac=decay_jac)
    residuals = least_squares(lambda x: factor * decay(x), [1.0, 1.0], jac=lambda x: factor * decay_jac(x))
    variables = least_squares(
        lambda x: decay(x / factor), factor * np.ones(2), jac=lambda x: decay_jac(x / factor) / factor
    )
    assert plain.status == residuals.status == variables.status == Status.CONVERGED
    assert abs(residuals.nit - plain.nit) <= 1
    assert abs(variables.nit - plain.nit) <= 1
    np.testing.assert_allclose(residuals.x, plain.x, rtol=1e-8)
    np.testing.assert_allclose(variables.x / factor, plain.x, rtol=1e-8)


def test_result_has_what_scipys_has():
    result = least_squares(decay, [1.0, 1.0], jac=decay_jac)
    other = reference(decay, [1.0, 1.0], jac=decay_jac)
    np.testing.assert_allclose(result.x, other.x, rtol=1e-8)
    np.testing.assert_allclose(result.fun, other.fun, atol=1e-8)
    np.testing.assert_allclose(result.jac, other.jac, atol=1e-7)
    np.testing.assert_allclose(result.grad, result.jac.T @ result.fun, atol=1e-12)
    assert result.cost == pytest.approx(other.cost, rel=1e-12)
    assert result.optimality == result.residuals[-1] <= 1e-10 * result.residuals[0]
    assert (result.active_mask == 0).all()
    assert result.nfev >= result.nit + 1
    assert result.njev == result.nit + 1
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.covariance(), result.covariance())


@pytest.mark.parametrize("absolute", [False, True])
def test_covariance_is_that_of_curve_fit(absolute):
    sigma = 0.05 + 0.05 * T
    result = least_squares(lambda x: decay(x) / sigma, [1.0, 1.0])
    _, want = scipy.optimize.curve_fit(
        lambda t, a, b: a * np.exp(-b * t), T, Y, [1.0, 1.0], sigma=sigma, absolute_sigma=absolute
    )
    np.testing.assert_allclose(result.covariance(absolute_sigma=absolute), want, rtol=1e-4)


def test_covariance_names_what_the_data_do_not_determine():
    result = least_squares(
        lambda x: decay((x[0] + x[2], x[1])),
        [1.0, 1.0, 0.5],
        jac=lambda x: decay_jac((x[0] + x[2], x[1]))[:, [0, 1, 0]],
    ).check()
    with pytest.raises(ValueError, match=r"do not determine x\[0\], x\[2\]: jac has rank 2"):
        result.covariance()


# -- bounds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("lower", "upper"),
    [((-2, -1.5), (0.5, 3)), ((-3, 2), (5, 5)), ((-1.5, 0), (-0.5, 0.2)), ((1.1, -9), (9, 1))],
)
def test_bounds_are_met_and_the_constrained_minimum_is_found(lower, upper, method):
    x0 = np.clip([-1.2, 1.0], lower, upper)
    result = least_squares(rosenbrock, x0, jac=rosenbrock_jac, bounds=(lower, upper), method=method).check()
    inside = x0 + 0.1 * ((np.array(lower) + upper) / 2 - x0)
    other = reference(rosenbrock, inside, jac=rosenbrock_jac, bounds=(lower, upper))
    np.testing.assert_allclose(result.x, other.x, atol=2e-7)
    at = np.where(result.x == lower, -1, np.where(result.x == upper, 1, 0))
    np.testing.assert_array_equal(result.active_mask, at)
    assert result.cost <= other.cost * (1 + 1e-10) + 1e-20


@pytest.mark.parametrize("distance", [0.0, 1e-10, 1e-3])
def test_start_on_or_near_a_bound(distance):
    bounds = ([0.0, 0.0], [10.0, 10.0])
    result = least_squares(decay, [distance, 10 - distance], jac=decay_jac, bounds=bounds).check()
    np.testing.assert_allclose(result.x, least_squares(decay, [1.0, 1.0], jac=decay_jac).x, rtol=1e-7)


@pytest.mark.parametrize("jac", [None, decay_jac])
def test_equal_bounds_fix_a_variable(jac):
    result = least_squares(decay, [1.0, 1.25], jac=jac, bounds=([-np.inf, 1.25], [np.inf, 1.25])).check()
    e = np.exp(-1.25 * T)
    assert result.x[1] == 1.25
    assert result.x[0] == pytest.approx(e @ Y / (e @ e), rel=1e-7)
    assert result.covariance()[1, 1] == 0


def test_bounds_of_scipys_class_and_of_many_variables(rng):
    A, b = rng.standard_normal((30, 12)), rng.standard_normal(30)
    bounds = scipy.optimize.Bounds(np.full(12, -0.1), 0.1)
    want = scipy.optimize.lsq_linear(A, b, (-0.1, 0.1), method="bvls").x
    for method in METHODS:
        found = least_squares(
            lambda x: A @ x - b, np.zeros(12), jac=lambda x: A, bounds=bounds, method=method
        ).check()
        np.testing.assert_allclose(found.x, want, atol=1e-9)
        assert (abs(found.x) == 0.1).any()


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (([2, 0], [1, 3]), r"bounds of x\[0\] are 2.0 and 1.0"),
        (([0, 0], [0.5, 3]), r"x0\[0\] is 1.0, outside its bounds"),
        (([0, 0, 0], [5, 5, 5]), "the lower bound has shape"),
        (([np.nan, 0], [5, 5]), "the lower bound has NaN"),
        (3, "bounds must be a pair"),
    ],
)
def test_wrong_bounds_are_refused(bounds, message):
    with pytest.raises(ValueError, match=message):
        least_squares(decay, [1.0, 1.0], bounds=bounds)


# -- losses --------------------------------------------------------------------------------------------------


def student(z):
    return np.stack([2 * np.log1p(z / 2), 1 / (1 + z / 2), -0.5 / (1 + z / 2) ** 2])


@pytest.mark.parametrize("loss", ["huber", "soft_l1", "cauchy", "arctan", student])
def test_robust_losses_are_those_of_scipy(loss):
    outliers = np.zeros_like(T)
    outliers[[3, 10, 20]] = 3, -2, 5

    def fun(x):
        return decay(x) - outliers

    result = least_squares(fun, [1.0, 1.0], jac=decay_jac, loss=loss, f_scale=0.2).check()
    other = reference(fun, [1.0, 1.0], jac=decay_jac, loss=loss, f_scale=0.2)
    np.testing.assert_allclose(result.x, other.x, rtol=1e-6)
    assert result.cost == pytest.approx(other.cost, rel=1e-10)
    np.testing.assert_allclose(result.grad, 0, atol=1e-7)


def test_wrong_losses_are_refused():
    with pytest.raises(ValueError, match="loss is 'hubert'"):
        least_squares(decay, [1.0, 1.0], loss="hubert")
    with pytest.raises(ValueError, match=r"loss returned an array of shape \(30,\)"):
        least_squares(decay, [1.0, 1.0], loss=np.sqrt)


# -- linear solvers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", QUICK_METHODS)
@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("solver", ["normal", "lsmr", *extended("qr", "dual")])
def test_linear_solvers_agree(solver, bounded, method):
    x0 = np.full(8, 0.5)
    jac = (lambda x: chain_jac(x).toarray()) if solver == "qr" else chain_jac
    bounds = (np.full(8, -2.0), np.full(8, 0.9)) if bounded else None
    result = least_squares(chain, x0, jac=jac, bounds=bounds, linear_solver=solver, method=method).check()
    assert result.linear_solver == solver
    want = reference(chain, x0, jac=chain_jac, bounds=bounds or (-np.inf, np.inf))
    np.testing.assert_allclose(result.x, want.x, atol=2e-6)


def test_difference_jacobians_on_a_pattern():
    x0 = np.full(30, 0.5)
    result = least_squares(chain, x0, jac_sparsity=chain_jac(x0) != 0).check()
    np.testing.assert_allclose(result.x, 1, atol=1e-6)
    assert sp.issparse(result.jac)
    assert result.nfev <= 5 * (result.nit + 3)


def test_few_residuals_and_many_variables(rng):
    A = rng.standard_normal((5, 400))

    def fun(x):
        return np.tanh(A @ x) - 0.5

    def jac(x):
        return (1 - np.tanh(A @ x) ** 2)[:, None] * A

    x0 = 0.01 * rng.standard_normal(400)
    result = least_squares(fun, x0, jac=jac).check()
    assert result.linear_solver == "dual"
    assert result.cost < 1e-18
    other = least_squares(fun, x0, jac=jac, linear_solver="qr")
    np.testing.assert_allclose(result.x, other.x, atol=1e-8)  # both take the shortest steps
    assert result.nit == other.nit


def test_operator_jacobians():
    def jac(x):
        J = chain_jac(x)
        return scipy.sparse.linalg.LinearOperator(J.shape, matvec=J.dot, rmatvec=J.T.dot, dtype=float)

    result = least_squares(chain, np.full(8, 0.5), jac=jac).check()
    assert result.linear_solver == "lsmr"
    np.testing.assert_allclose(result.x, 1, atol=1e-6)
    with pytest.raises(TypeError, match="covariance needs the entries"):
        result.covariance()
    with pytest.raises(TypeError, match="needs the entries of jac"):
        least_squares(chain, np.full(8, 0.5), jac=jac, linear_solver="normal")


def test_digits_are_kept_where_normal_equations_lose_them():
    """Columns that are parallel to 1e-7: normal equations have no correct digit."""
    t = np.linspace(0, 1, 40)
    A = np.stack([np.ones(40), 1 + 1e-7 * t, t**2], axis=1)
    x_true = np.array([1.0, -2.0, 3.0])
    b = A @ x_true
    result = least_squares(lambda x: A @ x - b, np.zeros(3), jac=lambda x: A, damping=0.0).check()
    np.testing.assert_allclose(result.x, x_true, rtol=1e-6)
    assert result.nit <= 4


# -- damping -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damping", [0.0, 1e-2, FixedOmega(0.3)])
def test_other_dampings_converge(damping):
    result = least_squares(decay, [1.0, 1.0], jac=decay_jac, damping=damping).check()
    np.testing.assert_allclose(result.x, least_squares(decay, [1.0, 1.0], jac=decay_jac).x, rtol=1e-7)


def test_a_learner_is_told_the_cost_of_each_trial():
    class Spy:
        asked, told = 0, ()

        def suggest(self, context):
            assert -1 <= context <= 2
            self.asked += 1
            return 0.3

        def observe(self, factor, cost, context):
            assert factor == 0.3
            self.told += (cost,)

    spy = Spy()
    result = least_squares(rosenbrock, [-1.2, 1.0], jac=rosenbrock_jac, damping=spy).check()
    assert spy.asked == len(spy.told) + 1 == result.nfev
    assert set(spy.told) >= {2.0}
    assert all(1 <= cost <= 2 for cost in spy.told)
    learner = TsallisINFCB([0.03, 0.3, 3.0], (-1, 2), rng=0)
    for start in (-1.2, -1.0, 0.5):
        least_squares(rosenbrock, [start, 1.0], jac=rosenbrock_jac, damping=learner).check()


@pytest.mark.parametrize(
    ("damping", "error"),
    [(-1.0, ValueError), ("marquardt", ValueError), (None, TypeError), (FixedOmega(-1), ValueError)],
)
def test_wrong_dampings_are_refused(damping, error):
    with pytest.raises(error, match="damping"):
        least_squares(decay, [1.0, 1.0], damping=damping)


# -- ends and faults -----------------------------------------------------------------------------------------


def test_start_at_the_solution_is_converged():
    exact = least_squares(decay, [1.0, 1.0], jac=decay_jac).x
    assert least_squares(decay, exact, jac=decay_jac, rtol=1e-10).success
    assert least_squares(rosenbrock, [1.0, 1.0], jac=rosenbrock_jac).check().nit == 0


def test_finite_differences_end_at_rounding_as_converged():
    result = least_squares(decay, [1.0, 1.0], rtol=1e-15).check()
    assert "rounding error" in result.message
    np.testing.assert_allclose(result.x, least_squares(decay, [1.0, 1.0], jac=decay_jac).x, rtol=1e-5)


def test_wrong_jacobian_is_not_called_converged():
    with pytest.warns(ConvergenceWarning, match="check jac"):
        result = least_squares(decay, [1.0, 1.0], jac=lambda x: -decay_jac(x))
    assert result.status == Status.STAGNATED
    np.testing.assert_array_equal(result.x, 1)


def test_tolerances_of_cost_and_step():
    by_cost = least_squares(decay, [1.0, 1.0], jac=decay_jac, ftol=1e-4, rtol=0).check()
    by_step = least_squares(decay, [1.0, 1.0], jac=decay_jac, xtol=1e-4, rtol=0).check()
    assert "ftol" in by_cost.message
    assert "xtol" in by_step.message


def test_shapes_and_dtypes():
    target = np.arange(6.0).reshape(2, 3)
    result = least_squares(lambda x: x**3 - target, np.ones((2, 3))).check()
    assert result.x.shape == result.fun.shape == result.active_mask.shape == result.grad.shape == (2, 3)
    np.testing.assert_allclose(result.x**3, target, atol=1e-4)
    single = least_squares(decay, np.ones(2, np.float32), rtol=1e-3).check()
    assert single.x.dtype == np.float32
    number = least_squares(lambda x, a: x**2 - a, 1.0, args=(2.0,)).check()
    np.testing.assert_allclose(number.x, [2**0.5])
    assert least_squares(lambda x: (decay(x), decay_jac(x)), [1, 1], jac=True).check().nit > 0


def test_rank_deficient_jacobians():
    for solver in ("normal", "qr"):
        for method in METHODS:
            result = least_squares(
                lambda x: np.array([x[0] + x[1] - 2, 2 * (x[0] + x[1]) - 4, 0 * x[2]]),
                [5.0, 1.0, 3.0],
                linear_solver=solver,
                method=method,
            ).check()
            np.testing.assert_allclose(result.fun, 0, atol=1e-8)


def test_points_without_values_are_rejected_trials():
    def fun(x):
        return np.log(x) - np.array([-3.0, -4.0])

    result = least_squares(fun, [5.0, 5.0], jac=lambda x: np.diag(1 / x)).check()
    np.testing.assert_allclose(result.x, np.exp([-3, -4]), rtol=1e-9)
    asked = []

    def jac(x):
        asked.append(x[0])
        return np.array([[2 * x[0] if x[0] < 5 else np.nan]])

    result = least_squares(lambda x: x**2 - 2, [2.0], jac=jac, damping=0.0).check()
    np.testing.assert_allclose(result.x, 2**0.5)
    result = least_squares(lambda x: np.minimum(x**2 - 2, 0.5), [0.1], jac=jac).check()
    assert max(asked) > 5


def test_coarse_differences_are_not_called_converged_at_the_start():
    far = np.array([0.0, 1e5, 2e5])
    result = least_squares(lambda x: np.append(x - far, 1.0), np.zeros(3)).check()
    np.testing.assert_allclose(result.x, far, rtol=1e-6)
    flat = least_squares(lambda x: np.array([x[0] ** 2 + 1, 0 * x[0]]), [3.0]).check()
    np.testing.assert_allclose(flat.x, 0, atol=1e-6)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_squares_out_of_range(size):
    with pytest.raises(ValueError, match="square is out of range: multiply fun"):
        least_squares(lambda x: size * (x - 3), np.zeros(2))
    huge = least_squares(lambda x: np.where(x < 2, 1e200, x - 3), [6.0, 6.0], jac=lambda x: np.eye(2) * 0.5)
    assert huge.success


def test_a_start_without_value():
    with pytest.warns(ConvergenceWarning, match="not finite at x0"):
        result = least_squares(lambda x: np.where(x > 0, x, np.nan), [-1.0, 1.0])
    assert result.status == Status.NONFINITE
    with pytest.raises(ConvergenceError):
        result.check()


def test_exceptions_of_the_function():
    def fun(x):
        if x[0] != 1.0:
            raise RuntimeError("no licence")
        return decay(x)

    with pytest.raises(FunctionError) as caught:
        least_squares(fun, [1.0, 1.0], jac=decay_jac)
    assert isinstance(caught.value.__cause__, RuntimeError)
    np.testing.assert_array_equal(caught.value.result.x, 1)
    assert caught.value.result.nfev == 2
    with pytest.raises(RuntimeError, match="no licence"):
        least_squares(fun, [2.0, 1.0])


def test_limits_and_callbacks():
    with pytest.warns(ConvergenceWarning, match="maxiter reached"):
        result = least_squares(rosenbrock, [-1.2, 1.0], maxiter=3)
    assert (result.status, result.nit) == (Status.MAXITER, 3)
    with pytest.warns(ConvergenceWarning, match="time limit"):
        result = least_squares(rosenbrock, [-1.2, 1.0], time_limit=1e-9)
    assert result.status == Status.TIME_LIMIT
    seen = []
    result = least_squares(
        rosenbrock, [-1.2, 1.0], callback=lambda x, norm: seen.append(norm) or len(seen) == 2
    )
    assert result.status == Status.STOPPED
    np.testing.assert_allclose(seen, result.residuals[1:])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x0": np.ones(2, complex)}, TypeError, "x0 is complex.*real and imaginary"),
        ({"fun": lambda x: decay(x) + 0j}, TypeError, "complex residuals.*concatenate"),
        ({"x0": []}, ValueError, "x0 is empty"),
        ({"x0": [np.nan, 1]}, ValueError, "x0 has 1 NaN"),
        ({"fun": lambda x: np.zeros(0)}, ValueError, "no residuals"),
        ({"jac": lambda x: decay_jac(x)[:5]}, ValueError, r"jac returned an array of shape \(5, 2\)"),
        ({"jac_sparsity": np.ones((3, 2))}, ValueError, "jac_sparsity has shape"),
        ({"x_scale": [1.0, -1.0]}, ValueError, "x_scale"),
        ({"x_scale": "norm"}, ValueError, "x_scale is 'norm'"),
        ({"f_scale": 0}, ValueError, "f_scale"),
        ({"method": "newton"}, ValueError, "method is 'newton'"),
        ({"linear_solver": "exact"}, ValueError, "linear_solver is 'exact'"),
        ({"linear_solver": "schur"}, ValueError, "needs eliminate"),
        ({"jac": "4-point"}, ValueError, "jac is '4-point'"),
        ({"rtol": -1}, ValueError, "rtol"),
    ],
)
def test_wrong_input_is_refused(change, error, message):
    arguments = {"fun": decay, "x0": [1.0, 1.0]} | change
    with pytest.raises(error, match=message):
        least_squares(**arguments)
