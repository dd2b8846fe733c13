"""Problems without constraints: derivatives against differences, minima against SciPy and the source."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import least_squares, linprog, minimize

from numsolve.problems import (
    PowerOfNorm,
    analytic_centre,
    logistic_regression,
    norm_power,
    polytope_feasibility,
    soft_maximum,
    unconstrained,
    unconstrained_names,
    worst_instance,
)
from tests.support.tiers import extended

X = sp.random_array((40, 7), density=0.4, rng=np.random.default_rng(5), format="csr")
OTHERS = {
    "soft maximum": lambda: soft_maximum(7, 12, mu=0.3, rng=0),
    "log-sum-exp": lambda: soft_maximum(6, 6, mu=1.0, rng=1),
    "polytope": lambda: polytope_feasibility(6, 12, rng=2),
    "polytope, power 2.5": lambda: polytope_feasibility(6, 12, power=2.5, rng=2),
    "barrier": lambda: analytic_centre(5, 14, start=0.5, rng=4),
    "worst": lambda: worst_instance(9),
    "worst, power 4": lambda: worst_instance(100, power=4),
    "norm": lambda: norm_power(6, 4, rng=3),
    "norm of many": lambda: norm_power(4, 6, rng=3, power=2.5),
    "sparse logistic": lambda: logistic_regression(X, np.arange(40) % 3 == 0, ridge=0.1),
    "dense logistic": lambda: logistic_regression(X.toarray(), np.arange(40) % 2),
    "Rosenbrock, power 5": lambda: unconstrained("rosenbrock").with_power(5),
    "chain, power 4": lambda: unconstrained("nesterov_chebyshev", 8).with_power(4),
    "long chain": lambda: unconstrained("rosenbrock", 70),
    "long chain, power 3": lambda: unconstrained("rosenbrock", 70).with_power(3),
    "blocks": lambda: unconstrained("wood", 72),
    "windows": lambda: unconstrained("broyden_tridiagonal", 66),
}


def dense(H):
    return H.toarray() if sp.issparse(H) else H


def differences(function, x):
    """Return the derivative of a function by central differences, one row a variable, and its error."""
    columns, coarse = [], []
    for i, size in enumerate(np.maximum(abs(x), 1e-2)):
        for h, into in ((3e-5 * size, columns), (6e-5 * size, coarse)):
            step = np.zeros_like(x)
            step[i] = h
            into.append((function(x + step) - function(x - step)) / (2 * h))
    return np.array(columns), abs(np.array(columns) - np.array(coarse)).max()


def check_derivatives(problem):
    rng = np.random.default_rng(0)
    x = problem.x0 * (1 + 0.05 * rng.standard_normal(problem.n)) + 0.01 * rng.standard_normal(problem.n)
    for function, got in ((problem.fun, problem.grad(x)), (problem.grad, dense(problem.hess(x)))):
        want, error = differences(function, x)
        room = 2 * error + 1e-9 * abs(got).max() + 1e-10 * np.max(abs(function(x))) / 1e-4
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=room)
    H, v = dense(problem.hess(x)), rng.standard_normal(problem.n)
    np.testing.assert_allclose(H, H.T, atol=1e-14 * abs(H).max())
    np.testing.assert_allclose(problem.hessp(x, v), H @ v, rtol=1e-10, atol=1e-12 * abs(H).max())


@pytest.mark.parametrize("name", unconstrained_names())
def test_derivatives_of_classic_problems(name):
    problem = unconstrained(name)
    check_derivatives(problem)
    x = problem.x0
    r, J = problem.residual(x), dense(problem.jacobian(x))
    assert problem.fun(x) == pytest.approx(r @ r)
    np.testing.assert_allclose(problem.gauss_newton(x), 2 * J.T @ J, rtol=1e-12)
    assert not np.any(problem.fisher(x))


@pytest.mark.parametrize("name", OTHERS)
def test_derivatives(name):
    check_derivatives(OTHERS[name]())


@pytest.mark.parametrize("name", unconstrained_names())
def test_the_start_leads_scipy_to_a_published_minimum(name):
    problem = unconstrained(name)
    options = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "x_scale": "jac", "max_nfev": 5000}
    found = least_squares(problem.residual, problem.x0, lambda x: dense(problem.jacobian(x)), **options)
    assert min(abs(2 * found.cost - f) / (f + 1e-3 * (f == 0)) for f in problem.minima) < 1e-5


@pytest.mark.parametrize("name", [n for n in unconstrained_names() if unconstrained(n).minimizer is not None])
def test_published_minimizers(name):
    problem = unconstrained(name)
    assert problem.fun(problem.minimizer) == pytest.approx(problem.minimum, rel=1e-14, abs=1e-18)
    curved = abs(dense(problem.hess(problem.minimizer))).max()
    size = max(abs(problem.minimizer).max(), 1)
    assert abs(problem.grad(problem.minimizer)).max() <= 1e-13 * curved * size


@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("watson", 9),
        ("penalty_1", 4),
        ("penalty_2", 4),
        ("chebyquad", 9),
        *extended(("watson", 12), ("chebyquad", 10)),
    ],
)
def test_published_minima_of_other_sizes(name, n):
    problem = unconstrained(name, n)
    found = least_squares(problem.residual, problem.x0, problem.jacobian, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert 2 * found.cost == pytest.approx(problem.minimum, rel=2e-5, abs=1e-16)


@pytest.mark.parametrize(
    ("n", "first"), [("rosenbrock", 24.2), ("wood", 19192), ("powell_singular", 215), ("beale", 14.203125)]
)
def test_published_values_at_the_start(n, first):
    problem = unconstrained(n)
    assert problem.fun(problem.x0) == pytest.approx(first)


def test_a_chain_is_the_published_sum():
    x = np.random.default_rng(0).standard_normal(7)
    chain = np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    assert unconstrained("rosenbrock", 7).fun(x) == pytest.approx(chain)
    u = np.append((1 - x[0]) / 2, x[1:] - 2 * x[:-1] ** 2 + 1)
    problem = unconstrained("nesterov_chebyshev", 7)
    assert problem.fun(x) == pytest.approx(u @ u)
    assert problem.with_power(4).fun(x) == pytest.approx((u @ u) ** 2 / 4)


def test_large_problems_are_sparse():
    for problem, entries in ((unconstrained("rosenbrock", 1000), 2998), (worst_instance(1000), 2998)):
        H = problem.hess(np.linspace(1, 2, 1000))
        assert sp.issparse(H)
        assert H.nnz <= entries
    assert sp.issparse(unconstrained("powell_singular", 1000).jacobian(np.ones(1000)))


def test_approximations_are_parts_of_the_hessian():
    problem = norm_power(6, 4, rng=3)
    x = problem.x0
    np.testing.assert_allclose(problem.gauss_newton(x), problem.hess(x), rtol=1e-12)
    rest = problem.hess(x) - problem.fisher(x)
    r = problem.residual(x)
    np.testing.assert_allclose(rest, (r @ r) * problem.residuals.A.T @ problem.residuals.A, rtol=1e-10)
    np.testing.assert_allclose(problem.metric, problem.residuals.A.T @ problem.residuals.A, atol=2e-8)
    soft = soft_maximum(7, 12, rng=0)
    g = soft.grad(x := soft.x0)
    np.testing.assert_allclose(soft.gauss_newton(x) - soft.hess(x), np.outer(g, g) / soft.mu, atol=1e-12)
    np.testing.assert_allclose(soft.metric, soft.A.T @ soft.A)


def test_minima_of_random_problems():
    for problem in (soft_maximum(6, 10, rng=0), norm_power(4, 6, rng=0), norm_power(6, 4, rng=0)):
        derivatives = {"jac": problem.grad, "hess": problem.hess, "options": {"gtol": 1e-9}}
        found = minimize(problem.fun, problem.x0, method="trust-exact", **derivatives)
        assert found.fun == pytest.approx(problem.minimum, abs=1e-9)
        assert problem.fun(problem.minimizer) == pytest.approx(problem.minimum, abs=1e-14)
    for m in (8, 40):  # fewer inequalities than variables, and too many
        problem = polytope_feasibility(8, m, rng=0)
        feasible = linprog(np.zeros(8), problem.A, problem.b, bounds=(None, None)).success
        assert feasible == (m == 8) == (problem.minimum == 0)


def test_large_arguments_do_not_overflow():
    with np.errstate(all="raise", under="ignore"):
        for problem in (soft_maximum(5, 8, mu=1e-3, rng=0), logistic_regression(X, np.arange(40) % 2)):
            x = 1e4 * np.ones(problem.n)
            assert np.isfinite(problem.fun(x))
            assert np.all(np.isfinite(problem.hess(x)))


def test_values_beyond_the_range_are_infinite():
    problem = unconstrained("osborne_1")
    x = np.full(5, -1e3)
    assert problem.fun(x) == np.inf
    assert problem.hess(x).shape == (5, 5)


def test_the_barrier_is_self_concordant_and_infinite_outside():
    problem = analytic_centre(4, 12, rng=0)
    rng, x = np.random.default_rng(1), problem.x0
    for _ in range(20):
        h = 1e-6 * rng.standard_normal(4)
        third = h @ (problem.hess(x + h) - problem.hess(x - h)) @ h / 2
        assert abs(third) <= 2 * (h @ problem.hess(x) @ h) ** 1.5 * (1 + 1e-3)
    assert problem.fun(x / 0.995) < np.inf == problem.fun(x / 0.985)
    assert np.all(problem.A @ x < 1)


def test_a_kink_of_the_worst_instance_has_no_curvature():
    problem = worst_instance(5)
    H = dense(problem.hess(problem.x0))
    assert np.count_nonzero(H) == 1
    assert H[-1, -1] == pytest.approx(2)


def test_problems_pickle():
    for problem in (unconstrained("rosenbrock", 80), soft_maximum(4, 5, rng=0), worst_instance(4)):
        again = pickle.loads(pickle.dumps(problem))
        assert again.fun(problem.x0) == problem.fun(problem.x0)
        assert f"{problem.n} variables" in repr(again)


@pytest.mark.parametrize(
    ("call", "error", "what"),
    [
        (lambda: unconstrained("nothing"), ValueError, "name is 'nothing'"),
        (lambda: unconstrained("beale", 3), ValueError, "n is 3; beale needs 2"),
        (lambda: unconstrained("wood", 6), ValueError, "wood needs a multiple of 4"),
        (lambda: unconstrained("rosenbrock", 1), ValueError, "n is 1"),
        (lambda: unconstrained("rosenbrock").with_power(1), ValueError, "power is 1"),
        (lambda: soft_maximum(3, 4, mu=0), ValueError, "mu is 0"),
        (lambda: soft_maximum(3, 1.5), TypeError, "terms is 1.5"),
        (lambda: polytope_feasibility(3, 4, power=1), ValueError, "power is 1"),
        (lambda: analytic_centre(3, 5), ValueError, "m is 5"),
        (lambda: analytic_centre(3, 6, start=1), ValueError, "start is 1"),
        (lambda: worst_instance(0), ValueError, "n is 0"),
        (lambda: norm_power(3, 4, power="4"), TypeError, "power is '4'"),
        (lambda: logistic_regression(X, np.zeros(40)), ValueError, "y has shape"),
        (lambda: logistic_regression(X, np.arange(40) % 2, ridge=-1), ValueError, "ridge is -1"),
    ],
)
def test_bad_input(call, error, what):
    with pytest.raises(error, match=what):
        call()


def test_the_type_of_classic_problems():
    assert all(isinstance(unconstrained(name), PowerOfNorm) for name in unconstrained_names())
