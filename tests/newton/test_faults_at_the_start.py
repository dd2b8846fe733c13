"""Faults of the caller's functions, after the first evaluation and before the first iteration."""

import pickle
import time
from functools import partial

import numpy as np
import pytest

from numsolve import ConvergenceWarning, FunctionError, Interrupted, Status, newton

X0 = np.array([-1.2, 1.0, 0.7])


def equations(x):
    return np.array([x[0] ** 2 + x[1] - 3, x[0] + x[1] ** 3 - 9, x[2] ** 3 - 1])


def objective(x):
    return ((x - 1) ** 4).sum() + (x - 2) @ (x - 2)


CALLS = {
    "root": (partial(newton.root, linear_solver="direct"), equations),
    "root_bounded": (partial(newton.root_bounded, bounds=(-2, 5)), equations),
    "least_squares": (newton.least_squares, equations),
    "minimize": (newton.minimize, objective),
    "minimize_constrained": (
        partial(newton.minimize_constrained, constraints=lambda x: x @ x - 1),
        objective,
    ),
}


class After:
    """A function that does something else from its call number `count` on."""

    def __init__(self, fun, count, fault):
        self.fun, self.count, self.fault, self.calls = fun, count, fault, 0

    def __call__(self, x):
        self.calls += 1
        return self.fun(x) if self.calls < self.count else self.fault(self.fun, x)


def raises(kind):
    def fault(fun, x):
        raise kind("the model failed")

    return fault


def is_late(fun, x):
    time.sleep(0.06)
    return fun(x)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("count", [2, 4])
def test_an_exception_in_the_first_derivative_has_a_result(name, count):
    solve, fun = CALLS[name]
    with pytest.raises(FunctionError) as caught:
        solve(After(fun, count, raises(ValueError)), X0)
    assert isinstance(caught.value.__cause__, ValueError)
    result = pickle.loads(pickle.dumps(caught.value)).result
    assert np.array_equal(result.x, X0)
    assert result.nfev == count
    assert result.nit == 0


@pytest.mark.parametrize("name", CALLS)
def test_values_that_are_nan_in_the_first_derivative_are_a_status(name):
    solve, fun = CALLS[name]
    with pytest.warns(ConvergenceWarning, match="finite"):
        result = solve(After(fun, 2, lambda fun, x: fun(x) * np.nan), X0)
    assert result.status is Status.NONFINITE
    assert np.array_equal(result.x, X0)
    assert "NONFINITE" in repr(result)


@pytest.mark.parametrize("name", CALLS)
def test_the_time_limit_holds_within_the_first_derivative(name):
    solve, fun = CALLS[name]
    late = After(fun, 2, is_late)
    with pytest.warns(ConvergenceWarning, match="time limit"):
        result = solve(late, X0, time_limit=0.05)
    assert result.status is Status.TIME_LIMIT
    assert late.calls <= 3


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("kind", "error"), [(ValueError, FunctionError), (KeyboardInterrupt, Interrupted)])
def test_the_result_of_an_exception_has_all_fields(name, kind, error):
    solve, fun = CALLS[name]
    whole = solve(fun, X0, atol=1e-6)
    count = whole.nfev // 2
    with pytest.raises(error) as caught:
        solve(After(fun, count, raises(kind)), X0, atol=1e-6)
    result = caught.value.result
    assert type(result) is type(whole)
    assert result.nfev == count
    assert result.nit > 0
    assert np.allclose(result.fun, fun(result.x))
