"""Bad input to the minimisers, functions that fail, and points that are no minima."""

import numpy as np
import pytest
import scipy.optimize as spo
import scipy.sparse as sp

import numsolve
from numsolve import ConvergenceWarning, Status
from numsolve.newton import minimize
from numsolve.newton._minimizers import METHODS

ROSEN = {"grad": spo.rosen_der, "hess": spo.rosen_hess}
START = np.array([-1.2, 1.0])


def square(x):
    return x @ x


def missed(*args, **options):
    with pytest.warns(ConvergenceWarning):
        return minimize(*args, **options)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"method": "newton"}, ValueError, "method is 'newton'; one of 'auto', 'trust-region'"),
        ({"lazy": 3}, TypeError, "does not take lazy; it takes radius, M"),
        ({"method": "greedy", "lazy": 3}, TypeError, "takes no options"),
        ({"grad": square, "jac": square}, ValueError, "both grad and jac"),
        ({"hess": spo.rosen_hess, "hessp": square}, ValueError, "both hess and hessp"),
        ({"hess": "bfgs"}, ValueError, "hess is 'bfgs'"),
        ({"hessp": 3}, TypeError, "hessp is a int"),
        ({"grad": lambda x: np.ones(3)}, ValueError, r"grad returned an array of shape \(3,\).*x0 has 2"),
        ({"hess": lambda x: np.ones((2, 3))}, ValueError, r"hess returned an array of shape \(2, 3\)"),
        ({"hess": lambda x: np.array([[1.0, 5], [0, 1]])}, ValueError, "not symmetric"),
        ({"hessp": lambda x, p: np.ones(3)}, ValueError, r"hessp returned an array of shape \(3,\)"),
        ({"metric": np.ones(3)}, ValueError, r"metric has shape \(3,\)"),
        ({"metric": -np.ones(2)}, ValueError, "metric has the entry -1"),
        ({"metric": np.array([[1.0, 2], [2, 1]])}, ValueError, "metric has the eigenvalue -1"),
        ({"metric": np.array([[1.0, 2], [0, 1]])}, ValueError, "metric is not symmetric"),
        ({"hess_sparsity": sp.eye_array(3)}, ValueError, "has shape"),
        ({"rtol": -1.0}, ValueError, "rtol"),
        ({"maxiter": 1.5}, TypeError, "maxiter"),
        ({"M": np.eye(3)}, ValueError, r"M has shape \(3, 3\)"),
        ({"method": "damped", "L": 0}, ValueError, "L is"),
        ({"method": "root", "q": 5}, ValueError, "q is"),
        ({"method": "universal", "rho": 1.0}, ValueError, "rho is"),
        ({"method": "cubic-lazy", "lazy": 0}, ValueError, "lazy is"),
        ({"method": "cubic-lazy", "M": -1.0}, ValueError, "M is"),
        ({"radius": 0.0}, ValueError, "radius is"),
        ({"method": "polynomial", "B": np.eye(3)}, ValueError, r"B has shape \(3, 3\)"),
    ],
)
def test_bad_input(options, error, words):
    derivatives = {} if "grad" in options or "jac" in options else {"grad": spo.rosen_der}
    with pytest.raises(error, match=words):
        minimize(spo.rosen, START, **derivatives, **options)


@pytest.mark.parametrize(
    ("fun", "x0", "error", "words"),
    [
        (3, START, TypeError, "fun is a int"),
        (lambda x: x, START, TypeError, "one number is needed"),
        (lambda x: 1j, START, TypeError, "complex number"),
        (square, START * 1j, TypeError, "x0 is complex"),
        (square, [np.nan], ValueError, "x0 has 1 NaN"),
        (square, ["a"], TypeError, "x0 has dtype"),
        (square, [], ValueError, "x0 is empty"),
    ],
)
def test_bad_functions_and_starts(fun, x0, error, words):
    with pytest.raises(error, match=words):
        minimize(fun, x0)


def test_an_exception_at_the_start_is_raised_unchanged():
    with pytest.raises(ZeroDivisionError):
        minimize(lambda x: 1 / 0, START)


@pytest.mark.parametrize("where", ["fun", "grad", "hess"])
def test_a_later_exception_keeps_the_last_good_point(where):
    functions, calls = {"fun": spo.rosen, **ROSEN}, []

    def failing(x):
        calls.append(1)
        if len(calls) == 4:
            raise KeyError("no licence")
        return broken(x)

    broken, functions[where] = functions[where], failing
    fun = functions.pop("fun")
    with pytest.raises(numsolve.FunctionError, match=f"{where} raised") as caught:
        minimize(fun, START, **functions)
    assert isinstance(caught.value.__cause__, KeyError)
    result = caught.value.result
    assert np.isfinite(spo.rosen(result.x))
    assert spo.rosen(result.x) <= spo.rosen(START)
    assert result.status == Status.BREAKDOWN


@pytest.mark.parametrize("method", ["trust-region", "cubic-lazy", "gradient-normalized", "damped"])
def test_a_start_outside_of_the_domain(method):
    found = missed(
        lambda x: np.log(x[0]) + x[0],
        [-1.0],
        grad=lambda x: 1 / x + 1,
        hess=lambda x: -1 / x**2,
        method=method,
    )
    assert found.status == Status.NONFINITE
    assert "starting point" in found.message


def test_a_hessian_of_nan_is_a_status():
    found = missed(
        spo.rosen, START, grad=spo.rosen_der, hess=lambda x: spo.rosen_hess(x) * (np.nan if x[0] > 0 else 1)
    )
    assert found.status == Status.NONFINITE
    assert "hess returned NaN" in found.message
    assert found.fun < spo.rosen(START)


@pytest.mark.parametrize("method", ["trust-region", "cubic-lazy", "gradient-normalized", "saddle-free"])
@pytest.mark.parametrize(
    ("fun", "grad", "hess"),
    [
        (lambda x: x.sum(), lambda x: np.ones(2), lambda x: np.zeros((2, 2))),
        (lambda x: -(x @ x) + x[0], lambda x: -2 * x + [1, 0], lambda x: -2 * np.eye(2)),
        (lambda x: (x**3).sum(), lambda x: 3 * x**2, lambda x: np.diag(6 * x)),
    ],
)
def test_unbounded_functions(fun, grad, hess, method):
    found = missed(fun, np.array([1.0, -2.0]), grad=grad, hess=hess, method=method)
    assert found.status == Status.BREAKDOWN
    assert "unbounded below" in found.message
    assert found.fun < -1e6


@pytest.mark.parametrize("method", ["damped", "aicn", "root", "universal", "greedy"])
def test_methods_for_convex_functions_say_so(method):
    found = missed(
        lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4,
        [1.0, 0.1],
        grad=lambda x: np.array([2 * x[0], -2 * x[1] + 4 * x[1] ** 3]),
        hess=lambda x: np.diag([2, -2 + 12 * x[1] ** 2]),
        method=method,
    )
    assert found.status == Status.BREAKDOWN
    assert "not positive definite: use method='trust-region'" in found.message


@pytest.mark.parametrize(("signs", "word"), [((1, -1), "a saddle point"), ((-1, -1), "a maximum")])
@pytest.mark.parametrize("factor", [1e-8, 1.0, 1e8])
def test_a_stationary_point_that_is_no_minimum(signs, word, factor):
    d = factor * np.array(signs)
    found = missed(lambda x: d @ x**2, [0.0, 0.0], grad=lambda x: 2 * d * x, hess=lambda x: np.diag(2 * d))
    assert found.status == Status.DOUBTFUL
    assert word in found.message


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_a_saddle_point_of_a_sparse_function(scale):
    n = 200
    d = scale * np.where(np.arange(n) == 7, -1e-3, 1.0)
    options = {"grad": lambda x: d * x, "hess": lambda x: sp.diags_array(d).tocsr()}
    found = missed(lambda x: d @ x**2 / 2, np.zeros(n), **options)
    assert found.status == Status.DOUBTFUL
    assert "negative pivot" in found.message
    d = abs(d)
    assert minimize(lambda x: d @ x**2 / 2, np.zeros(n), **options).success


@pytest.mark.parametrize("method", ["trust-region", "cubic-lazy", "saddle-free"])
def test_saddles_near_the_start_are_left(method):
    found = minimize(
        lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4,
        [1.0, 1e-6],
        grad=lambda x: np.array([2 * x[0], -2 * x[1] + 4 * x[1] ** 3]),
        hess=lambda x: np.diag([2, -2 + 12 * x[1] ** 2]),
        method=method,
        rtol=1e-9,
    ).check()
    np.testing.assert_allclose(abs(found.x), [0, 0.5**0.5], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_a_start_at_rounding_level_is_converged(method, rng):
    A = rng.standard_normal((5, 5))
    A, x = A @ A.T + np.eye(5), rng.standard_normal(5)
    b = A @ x
    found = minimize(
        lambda x: x @ A @ x / 2 - b @ x,
        x * (1 + 1e-16),
        grad=lambda x: A @ x - b,
        hess=lambda x: A,
        method=method,
    ).check()
    assert found.nit == 0


@pytest.mark.parametrize("method", ["trust-region", "cubic-lazy", "gradient-normalized", "super-universal"])
def test_the_rounding_level_of_the_gradient_is_stagnation(method):
    found = missed(
        lambda x: spo.rosen(x) + 1e3,
        START,
        grad=lambda x: spo.rosen_der(x) + 1e-9 * np.sign(np.sin(1e9 * x)),
        hess=spo.rosen_hess,
        method=method,
        rtol=1e-14,
    )
    assert found.status == Status.STAGNATED
    assert "rounding level" in found.message
    np.testing.assert_allclose(found.x, 1, atol=1e-4)


def test_a_wrong_gradient_is_reported():
    found = missed(spo.rosen, START, grad=lambda x: -spo.rosen_der(x), hess=spo.rosen_hess)
    assert found.status == Status.STAGNATED
    assert "check grad" in found.message
    np.testing.assert_array_equal(found.x, START)


def test_too_few_iterations():
    found = missed(spo.rosen, START, maxiter=3, **ROSEN)
    assert found.status == Status.MAXITER
    assert found.nit == 3


def test_a_failed_factorisation_is_a_rejected_step():
    """Where H + lam B is indefinite, lam grows; no step of an earlier factorisation is taken."""
    points = []

    def hess(x):
        points.append(x.copy())
        return np.diag([-50.0, 1.0])

    found = minimize(
        lambda x: (x**4).sum() + x @ x,
        [1.0, 1.0],
        grad=lambda x: 4 * x**3 + 2 * x,
        hess=hess,
        method="gradient-normalized",
        rtol=1e-4,
    ).check()
    assert len(points) == len({tuple(p) for p in points})
    np.testing.assert_allclose(found.x, 0, atol=1e-3)
