"""Portfolios in which each asset has a given share of the variance."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from numsolve import ConvergenceWarning, Status
from numsolve.coordinate import RiskParityResult, risk_parity

METHODS = ["ccd", "newton"]
FIVE_ASSETS = np.array(  # Bai, Scheinberg, Tutuncu, Least-squares approach to risk parity, 2016
    [
        [94.868, 33.750, 12.325, -1.178, 8.778],
        [33.750, 445.642, 98.955, -7.901, 84.954],
        [12.325, 98.955, 117.265, 0.503, 45.184],
        [-1.178, -7.901, 0.503, 5.460, 1.057],
        [8.778, 84.954, 45.184, 1.057, 34.126],
    ]
)


def covariance(rng, n, rank=None):
    """Return a random covariance matrix of this rank, with standard deviations between 0.01 and 1."""
    factors = rng.standard_normal((n, rank or 2 * n)) * 10 ** rng.uniform(-2, 0, (n, 1))
    return factors @ factors.T


def shares(cov, x):
    return x * (cov @ x) / (x @ cov @ x)


def test_the_published_check_of_five_assets():
    result = risk_parity(FIVE_ASSETS, rtol=0, atol=1e-6).check()
    assert result.nit == 6
    assert result.residuals[-1] == pytest.approx(2.2697290741335863e-07, rel=1e-6)
    np.testing.assert_allclose(result.x, [0.125, 0.047, 0.083, 0.613, 0.132], atol=5e-4)
    long_and_short = risk_parity(FIVE_ASSETS, signs=[-1, 1, 1, 1, 1]).check()
    np.testing.assert_allclose(long_and_short.x, [-0.223, 0.074, 0.125, 0.820, 0.204], atol=6e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rank", [None, 30])
def test_budgets_are_met(method, rank, rng):
    cov, budgets, signs = covariance(rng, 40, rank), rng.dirichlet(np.ones(40)), rng.choice([-1, 1], 40)
    result = risk_parity(cov, budgets, method=method, signs=signs).check()
    assert isinstance(result, RiskParityResult)
    assert abs(shares(cov, result.x) - budgets).max() <= 1e-8
    np.testing.assert_allclose(result.shares, shares(cov, result.x), rtol=1e-10)
    assert result.volatility == pytest.approx(np.sqrt(result.x @ cov @ result.x))
    assert (np.sign(result.x) == np.sign(result.x.sum()) * signs).all() or (np.sign(result.x) == signs).all()


def test_the_solution_is_the_minimum_of_the_convex_problem(rng):
    cov, budgets = covariance(rng, 6), rng.dirichlet(np.ones(6))
    found = minimize(
        lambda t: np.exp(t) @ cov @ np.exp(t) / 2 - budgets @ t,
        -np.log(np.diag(cov)) / 2,
        jac=lambda t: np.exp(t) * (cov @ np.exp(t)) - budgets,
        options={"gtol": 1e-12},
    )
    expected = np.exp(found.x) / np.exp(found.x).sum()
    for method in METHODS:
        x = risk_parity(cov, budgets, method=method).x
        np.testing.assert_allclose(x, expected, rtol=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.sampled_from(METHODS))
@settings(max_examples=25, deadline=None)
def test_units_and_the_order_of_assets_change_nothing(seed, n, method):
    rng = np.random.default_rng(seed)
    cov, budgets = covariance(rng, n), rng.dirichlet(np.ones(n))
    x, order = risk_parity(cov, budgets, method=method).x, rng.permutation(n)
    assert x.sum() == pytest.approx(1)
    moved = risk_parity(1e-6 * cov[np.ix_(order, order)], 7 * budgets[order], method=method)
    np.testing.assert_allclose(moved.x, x[order], rtol=1e-5)


def test_weights_without_correlation_are_inverse_deviations():
    deviations = np.array([0.1, 0.2, 0.4])
    result = risk_parity(np.diag(deviations**2)).check()
    np.testing.assert_allclose(result.x, (1 / deviations) / (1 / deviations).sum(), rtol=1e-12)
    assert risk_parity([[4.0]]).x == [1.0]


def test_an_earlier_portfolio_is_a_better_start(rng):
    cov = covariance(rng, 60)
    before = risk_parity(cov).check()
    again = risk_parity(cov, x0=before.x)
    assert again.nit == 0
    np.testing.assert_array_equal(before.x.round(12), again.x.round(12))


def test_callback_limits_and_pickling(rng):
    cov, seen = covariance(rng, 20), []

    def callback(x, error):
        seen.append((x.sum(), error))
        return len(seen) == 3

    result = risk_parity(cov, callback=callback)
    assert (result.status, result.nit, len(seen)) == (Status.STOPPED, 3, 3)
    assert all(total == pytest.approx(1) for total, _ in seen)
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        assert risk_parity(cov, maxiter=1, rtol=1e-12).status == Status.MAXITER
    with pytest.warns(ConvergenceWarning, match="rounding"):
        assert risk_parity(cov, rtol=0).status in (Status.STAGNATED, Status.CONVERGED)
    copy = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(copy.x, result.x)


@pytest.mark.parametrize("method", METHODS)
def test_assets_that_cancel_have_no_solution(method):
    with pytest.warns(ConvergenceWarning):
        result = risk_parity([[1.0, -1.0], [-1.0, 1.0]], method=method)
    assert not result.success
    assert np.isfinite(result.x).all()


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"cov": [[1.0, np.nan], [np.nan, 1.0]]}, ValueError, "cov has 2 NaN"),
        ({"cov": [[1.0, 0.5], [0.1, 1.0]]}, ValueError, "cov is not symmetric"),
        ({"cov": [[1.0, 2.0], [2.0, 1.0]]}, ValueError, "exceeds all variances"),
        ({"cov": [[1.0, 0.0], [0.0, 0.0]]}, ValueError, "asset 1 has the variance 0"),
        ({"cov": np.ones((2, 3))}, ValueError, r"cov has shape \(2, 3\)"),
        ({"cov": np.eye(2) * 1j}, TypeError, "real numbers"),
        ({"budgets": [1.0, 0.0]}, ValueError, "budgets has 1 entries <= 0"),
        ({"budgets": [1.0]}, ValueError, r"budgets has shape \(1,\)"),
        ({"signs": [1, 0]}, ValueError, "signs has entries other than -1 and 1"),
        ({"x0": [0.5, -0.5]}, ValueError, "x0 has an entry"),
        ({"method": "gradient"}, ValueError, "method is 'gradient'"),
        ({"maxiter": -1}, ValueError, "maxiter"),
        ({"rtol": -1}, ValueError, "rtol"),
    ],
)
def test_bad_input(change, error, match):
    with pytest.raises(error, match=match):
        risk_parity(**({"cov": np.eye(2)} | change))


def test_the_arguments_stay_as_they_are(rng):
    cov, budgets, x0 = covariance(rng, 5), np.ones(5), np.ones(5)
    before = cov.copy()
    risk_parity(cov, budgets, x0=x0)
    np.testing.assert_array_equal(cov, before)
    np.testing.assert_array_equal(x0, np.ones(5))


@pytest.mark.parametrize("method", METHODS)
def test_on_the_device_as_on_the_host(method, cupy, rng):
    cov, budgets = covariance(rng, 30), rng.dirichlet(np.ones(30))
    here = risk_parity(cov, budgets, method=method)
    there = risk_parity(cupy.asarray(cov), cupy.asarray(budgets), method=method)
    np.testing.assert_allclose(there.x.get(), here.x, rtol=1e-9)
