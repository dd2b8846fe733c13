"""Derivatives that the caller returns in one buffer, and derivatives by finite differences."""

import numpy as np
import pytest
import scipy.sparse as sp

from numsolve import newton

X0 = [0.5, 2.5]
DIRECT = {newton.root: {"linear_solver": "direct"}, newton.least_squares: {}}


def equations(x):
    return np.array([x[0] ** 2 + x[1] - 3, x[0] + x[1] ** 3 - 9])


def derivative(x):
    return np.array([[2 * x[0], 1.0], [1.0, 3 * x[1] ** 2]])


class Reused:
    """A function that returns the same array, with other entries, in each call."""

    def __init__(self, fun, buffer):
        self.fun, self.buffer = fun, buffer

    def __call__(self, x):
        entries = self.buffer.data if sp.issparse(self.buffer) else self.buffer
        entries[...] = self.fun(x).reshape(entries.shape)
        return self.buffer


@pytest.mark.parametrize("solve", DIRECT)
@pytest.mark.parametrize("buffer", [np.zeros((2, 2)), sp.csr_array(np.ones((2, 2)))], ids=["dense", "sparse"])
def test_the_jacobian_of_a_result_is_not_the_buffer_of_the_caller(solve, buffer):
    jac = Reused(derivative, buffer.copy())
    result = solve(equations, X0, jac=jac, **DIRECT[solve]).check()
    J, before = result.jac, derivative(result.x)
    jac(np.array([7.0, 7.0]))
    assert abs((J.toarray() if sp.issparse(J) else J) - before).max() < 0.1 * abs(before).max()


def test_a_pair_belongs_to_the_point_before_the_caller_changed_it():
    def pair(x):
        found = equations(x), derivative(x)
        x[:] = 100.0
        return found

    result = newton.root(pair, X0, jac=True, linear_solver="direct").check()
    assert np.allclose(result.x, [1, 2])


@pytest.mark.parametrize("size", [2e8, 2e12, 2e17])
def test_steps_that_rounding_errors_hide_are_enlarged(size):
    result = newton.least_squares(lambda x: np.array([x[0] - size, x[1] - 1]), [0.0, 0.0]).check()
    assert np.allclose(result.x, [size, 1], rtol=1e-10)


@pytest.mark.parametrize("size", [0.0, 1e8])
def test_variables_without_effect_cost_few_evaluations(size):
    def fun(x):
        return np.array([x[0] - 3, x[0] ** 2 - 4, size])

    result = newton.least_squares(fun, [2.0, 3.0]).check()
    assert result.nfev <= 4 * (result.nit + 2) + 6
    assert result.x[1] == 3


def test_central_differences_are_more_accurate_than_forward_ones():
    exact, ends = derivative(np.array([0.3, 1.7])), {"maxiter": 0, "atol": 1e3}
    forward = newton.least_squares(equations, [0.3, 1.7], jac="2-point", **ends)
    central = newton.least_squares(equations, [0.3, 1.7], jac="3-point", **ends)
    assert abs(central.jac - exact).max() < 1e-9 < abs(forward.jac - exact).max()
    assert central.nfev == forward.nfev + 2


def test_central_differences_stay_within_bounds():
    def fun(x):
        assert 0.5 <= x.min()
        assert x.max() <= 2
        return np.sqrt(x - 0.5) - 0.3 + (2 - x) ** 1.5

    for solve in (newton.least_squares, newton.root_bounded):
        solve(fun, [0.5, 2.0], bounds=([0.5, 0.5], [2, 2]), jac="3-point", maxiter=20, atol=1e3)
    fit = newton.least_squares(equations, [1.0, 1.0], jac="3-point", bounds=([1, 1], [1, 1.5])).check()
    assert np.allclose(fit.x, [1, 1.5])


@pytest.mark.parametrize("name", ["2-point", "3-point", "cs", False])
def test_the_names_of_scipy_are_accepted(name):
    for solve, direct in DIRECT.items():
        assert np.allclose(solve(equations, X0, jac=name, **direct).check().x, [1, 2])
    found = newton.minimize(lambda x: ((x - 1) ** 4 + (x - 1) ** 2).sum(), X0, jac=name).check()
    assert np.allclose(found.x, 1, atol=1e-6)


@pytest.mark.parametrize("wrong", [np.eye(2), "5-point", 1])
def test_other_values_are_refused(wrong):
    for solve in DIRECT:
        with pytest.raises(ValueError, match="jac is"):
            solve(equations, X0, jac=wrong)
