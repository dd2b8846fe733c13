"""Roots: bad input, singular Jacobians, minima that are no roots, faults of the caller's function."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import extended

from numsolve import ConvergenceWarning, FunctionError, Interrupted, Status, newton

METHODS = ["auto", "line-search", "trust-region", "pseudo-transient"]


def missed(*args, **options):
    """Return the result of a call that has to warn."""
    with pytest.warns(ConvergenceWarning):
        return newton.root(*args, **options)


def test_a_start_at_the_root():
    assert newton.root(lambda x: x - 1, np.ones(3)).check().nit == 0


@pytest.mark.parametrize("jac", [None, "2-point"])
@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
def test_a_start_at_rounding_level(jac, scale, rng):
    B, x = rng.standard_normal((6, 6)), rng.standard_normal(6)
    y = B @ x

    def fun(z):
        return scale * (B[:, ::-1] @ z[::-1] - y)  # in another order, so that it is rounding error at x

    result = newton.root(fun, x, jac=jac)
    assert result.status == Status.CONVERGED
    np.testing.assert_allclose(result.x, x, rtol=1e-10)


@pytest.mark.parametrize("scale", [0.01, 1.0, 1e6])
def test_rounding_above_the_tolerance(scale):
    def fun(x):
        return scale * (np.exp(x) - 3)

    result = missed(fun, np.array([2.0, 1.0]), rtol=0, atol=1e-30 * scale)
    if result.residuals[-1] > 0:
        assert result.status == Status.STAGNATED
        assert "rounding error" in result.message
    np.testing.assert_allclose(result.x, np.log(3), rtol=1e-14)


@pytest.mark.parametrize("scale", [0.01, 1.0, 1e6])
@pytest.mark.parametrize("method", METHODS)
def test_no_root(method, scale):
    result = missed(lambda x: scale * (x**2 + 1), np.array([1.5]), method=method, maxiter=400)
    assert not result.success
    assert result.residuals[-1] >= scale
    assert result.status != Status.MAXITER or method == "pseudo-transient"
    if method != "pseudo-transient":
        assert "no root" in result.message
        assert "another x0" in result.message


@pytest.mark.parametrize("linear_solver", ["gmres", "direct"])
def test_a_singular_jacobian(linear_solver):
    """The second equation does not depend on x, and cannot be met."""
    B = np.array([[1.0, 2.0], [2.0, 4.0]])
    result = missed(
        lambda x: B @ x - [1.0, 5.0], np.zeros(2), jac=lambda x: B, linear_solver=linear_solver, maxiter=500
    )
    assert result.status in (Status.SINGULAR, Status.STAGNATED)
    assert "singular" in result.message


@pytest.mark.parametrize("jac", [True, False])
def test_a_jacobian_that_is_singular_at_the_start_only(jac):
    derivative = (lambda x: np.diag(2 * x)) if jac else None
    result = newton.root(lambda x: x**2 - 1, np.zeros(3), jac=derivative)
    np.testing.assert_allclose(abs(result.check().x), 1, rtol=1e-7)
    if jac:
        assert result.method == "pseudo-transient"
        assert "line search failed" in result.message


@pytest.mark.parametrize("scale", [1e-200, 1e-40, 1e40, 1e150])
@pytest.mark.parametrize("method", ["line-search", "trust-region"])
def test_equations_of_extreme_size(scale, method):
    result = newton.root(lambda x: scale * (x**2 - 2), np.array([1.0, 3.0]), method=method, rtol=1e-9).check()
    np.testing.assert_allclose(result.x, 2**0.5, rtol=1e-8)


def test_ctrl_c_keeps_the_last_point():
    points = []

    def fun(x):
        points.append(x)
        if len(points) == 12:
            raise KeyboardInterrupt
        return np.cosh(x) - 2

    with pytest.raises(Interrupted) as caught:
        newton.root(fun, np.array([8.0, 9.0]))
    result = caught.value.result
    assert result.status == Status.INTERRUPTED
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(np.cosh(result.x) - 2))


def test_a_double_root():
    result = newton.root(lambda x: (x - 1) ** 2, np.array([3.0]), rtol=1e-8).check()
    assert result.x[0] == pytest.approx(1, abs=1e-3)
    slow = missed(lambda x: (x - 1) ** 2, np.array([3.0]), rtol=1e-8, maxiter=6, forcing=1e-6)
    assert slow.status == Status.MAXITER
    assert "constant factor" in slow.message


def test_a_hard_start():
    """Newton's full steps diverge, and the line search goes to infinity."""
    for method in ("auto", "trust-region", "pseudo-transient"):
        result = newton.root(np.arctan, np.array([3.0, -20.0]), method=method, rtol=1e-10).check()
        np.testing.assert_allclose(result.x, 0, atol=1e-7)


def test_rosenbrock_and_powell_from_their_usual_starts():
    def rosenbrock(x):
        return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])

    def powell_badly_scaled(x):
        return np.array([1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001])

    np.testing.assert_allclose(newton.root(rosenbrock, [-1.2, 1.0], rtol=1e-10).check().x, 1, rtol=1e-7)
    x = newton.root(powell_badly_scaled, [0.0, 1.0], linear_solver="direct", rtol=1e-12).check().x
    np.testing.assert_allclose(x, [1.09815933e-5, 9.106146738], rtol=1e-6)


def test_nan_gives_a_shorter_step():
    def fun(x):
        with np.errstate(invalid="ignore"):
            return np.log(x)  # NaN where a full step leads

    result = newton.root(fun, np.array([5.0])).check()
    assert result.x[0] == pytest.approx(1)


def test_an_exception_keeps_the_last_point():
    points = []

    def fun(x):
        if len(points) == 12:
            raise ZeroDivisionError("twelve")
        points.append(x)
        return np.cosh(x) - 2

    with pytest.raises(FunctionError) as caught:
        newton.root(fun, np.array([3.0, 4.0]))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    result = caught.value.result
    assert result.status == Status.BREAKDOWN
    assert "twelve" in result.message
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(np.cosh(result.x) - 2))
    assert result.residuals[-1] < result.residuals[0]
    assert result.nfev == 13


def test_an_exception_at_the_start_is_raised_unchanged():
    with pytest.raises(ZeroDivisionError):
        newton.root(lambda x: 1 / 0, np.ones(2))


def test_an_exception_of_jac():
    def jac(x):
        if x[0] < 1.9:
            raise KeyError("late")
        return np.diag(2 * x)

    with pytest.raises(FunctionError, match="jac raised") as caught:
        newton.root(lambda x: x**2 - 2, np.array([2.0]), jac=jac)
    assert isinstance(caught.value.__cause__, KeyError)


def test_not_finite_at_the_start():
    result = missed(lambda x: x * np.nan, np.ones(2))
    assert result.status == Status.NONFINITE
    assert "another x0" in result.message
    with pytest.raises(ValueError, match="x0 has 1 NaN"):
        newton.root(lambda x: x, np.array([np.nan, 1.0]))


@pytest.mark.parametrize("linear_solver", ["direct", *extended("gmres")])
def test_a_function_that_is_not_holomorphic(linear_solver):
    def fun(z):
        return z.conj() ** 2 + abs(z) - 3 - 1j

    result = missed(fun, np.array([1 + 2j, 3 - 1j]), linear_solver=linear_solver)
    assert "not holomorphic" in result.message


@pytest.mark.parametrize(
    ("fun", "options", "message"),
    [
        (lambda x: np.ones(3), {}, "least_squares"),
        (lambda x: x, {"jac": lambda x: np.ones((3, 2))}, "jac returned an array of shape"),
        (lambda x: x, {"method": "dogleg"}, "method is 'dogleg'"),
        (lambda x: x, {"linear_solver": "lu"}, "linear_solver is 'lu'"),
        (lambda x: x, {"forcing": 1.5}, "forcing is 1.5"),
        (lambda x: x, {"forcing": "fast"}, "forcing is 'fast'"),
        (lambda x: x, {"rtol": -1.0}, "rtol is -1.0"),
        (lambda x: x, {"M": np.eye(2), "linear_solver": "direct"}, "M preconditions"),
        (lambda x: x, {"M": np.eye(3)}, "M has shape"),
        (lambda x: x, {"recycle": 3, "linear_solver": "idrs"}, "recycle needs"),
        (lambda x: x, {"jac_sparsity": sp.eye_array(3)}, "jac_sparsity has shape"),
        (lambda x: x, {"maxiter": -1}, "maxiter is -1"),
    ],
)
def test_bad_input(fun, options, message):
    with pytest.raises(ValueError, match=message):
        newton.root(fun, np.ones(2), **options)


@pytest.mark.parametrize(
    ("fun", "options", "message"),
    [
        (1, {}, "fun is a int"),
        (lambda x: x * 1j, {}, "complex"),
        (lambda x: x, {"callback": 3}, "callback"),
    ],
)
def test_wrong_types(fun, options, message):
    with pytest.raises(TypeError, match=message):
        newton.root(fun, np.ones(2), **options)


def test_time_limit():
    result = missed(lambda x: np.cosh(x) - 2, np.full(50, 30.0), time_limit=1e-9)
    assert result.status == Status.TIME_LIMIT
