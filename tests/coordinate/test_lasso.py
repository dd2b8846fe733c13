"""Lasso and elastic net: optimality conditions and gap in dense NumPy, scikit-learn, invariants, faults."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.penalised import Dense, check, data
from support.tiers import extended

from numsolve import ConvergenceWarning, Status
from numsolve.coordinate import elastic_net, lasso


@pytest.fixture(autouse=True)
def uncompiled(request, monkeypatch):
    """In the quick tier, let the few numbers of these tests be worked on without compiled kernels."""
    if not request.node.get_closest_marker("extended"):
        monkeypatch.delenv("NUMSOLVE_COMPILE", raising=False)


CASES = [
    # sparse, intercept, positive, rho
    (False, False, False, 1.0),
    (True, True, False, 1.0),
    (False, True, True, 0.5),
    (True, False, True, 0.9),
    *extended(
        *(
            (s, i, p, r)
            for s in (False, True)
            for i in (False, True)
            for p in (False, True)
            for r in (1.0, 0.3, 0.01)
        )
    ),
]


@pytest.mark.parametrize(("sparse", "intercept", "positive", "rho"), CASES)
def test_optimality_conditions_and_scikit_learn(rng, sparse, intercept, positive, rho):
    X, y = data(rng, sparse=sparse)
    lam, given = 0.05, sp.csc_array(X) if sparse else X
    result = elastic_net(given, y, lam, rho, positive=positive, fit_intercept=intercept, rtol=1e-12)
    dense = Dense(X, y, lam, rho, positive=positive, intercept=intercept)
    check(result, dense, 1e-12)
    assert dense.violation(result.x) < 1e-5
    linear_model = pytest.importorskip("sklearn.linear_model")
    model = linear_model.ElasticNet(
        alpha=lam, l1_ratio=rho, positive=positive, fit_intercept=intercept, tol=1e-12, max_iter=100_000
    ).fit(X, y)
    np.testing.assert_allclose(result.x, model.coef_, atol=2e-5)
    assert result.intercept == pytest.approx(model.intercept_ if intercept else 0, abs=1e-4)


@pytest.mark.parametrize("sparse", [False, True])
def test_many_features_are_screened_and_swept(rng, sparse):
    """Several working sets, Newton steps, and more features than a first working set holds."""
    X, y = data(rng, 150, 700, sparse=sparse)
    lam = abs(X.T @ y).max() / len(y) / 200
    result = lasso(sp.csr_matrix(X) if sparse else np.asfortranarray(X), y, lam, rtol=1e-9)
    check(result, Dense(X, y, lam), 1e-9)
    assert result.nit > 1
    assert len(result.residuals) == result.nit + 1
    assert result.residuals[-1] == pytest.approx(result.gap)


@pytest.mark.parametrize("sparse", [False, True])
def test_weights_of_samples_and_features(rng, sparse):
    X, y = data(rng, sparse=sparse)
    s, v = rng.integers(0, 4, len(y)), rng.uniform(0.5, 2, X.shape[1])
    options = {"weights": v, "fit_intercept": True, "rtol": 1e-10}
    result = lasso(sp.coo_array(X) if sparse else X, y, 0.04, sample_weight=s, **options)
    check(result, Dense(X, y, 0.04, weights=v, sample_weight=s, intercept=True), 1e-10)
    repeated = lasso(np.repeat(X, s, axis=0), np.repeat(y, s), 0.04, **options)
    np.testing.assert_allclose(result.x, repeated.x, atol=1e-5)
    assert result.objective == pytest.approx(repeated.objective, rel=1e-9)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_features_without_penalty_are_fitted_exactly(rng, sparse, positive):
    X, y = data(rng, sparse=sparse)
    v = np.ones(X.shape[1])
    v[[3, 7, 50]] = 0
    options = {"weights": v, "fit_intercept": True, "positive": positive}
    result = lasso(sp.csc_array(X) if sparse else X, y, 0.1, rtol=1e-10, **options)
    dense = Dense(X, y, 0.1, weights=v, positive=positive, intercept=True)
    check(result, dense, 1e-10)
    assert dense.violation(result.x) < 1e-5


def test_without_penalty_it_is_least_squares(rng):
    X, y = data(rng, 50, 8)
    result = lasso(X, y, 0, fit_intercept=True)
    wanted = np.linalg.lstsq(np.column_stack([np.ones(50), X]), y, rcond=None)[0]
    np.testing.assert_allclose(result.x, wanted[1:], atol=1e-10)
    assert result.intercept == pytest.approx(wanted[0])
    assert result.success


def test_without_penalty_and_positive(rng):
    from scipy.optimize import nnls

    X, y = data(rng, 50, 8)
    np.testing.assert_allclose(lasso(X, y, 0, positive=True).x, nnls(X, y)[0], atol=1e-10)


def test_without_penalty_too_many_features_are_refused():
    with pytest.raises(ValueError, match="lam > 0"):
        lasso(sp.eye_array(20_000, format="csc"), np.ones(20_000), 0)


def test_ridge_regression(rng):
    X, y = data(rng, 30, 200)
    wanted = np.linalg.solve(X.T @ X / 30 + 0.2 * np.eye(200), X.T @ y / 30)
    np.testing.assert_allclose(elastic_net(X, y, 0.2, 0.0, rtol=1e-12).x, wanted, atol=1e-5)


@pytest.mark.parametrize("sparse", [False, True])
def test_above_the_largest_lam_all_coefficients_are_zero(rng, sparse):
    X, y = data(rng, sparse=sparse)
    lam = abs(X.T @ y).max() / len(y)
    result = lasso(sp.csc_array(X) if sparse else X, y, 1.0001 * lam)
    assert result.success
    assert not result.x.any()
    assert result.nit == 0
    assert result.gap == pytest.approx(0, abs=1e-12)
    assert lasso(X, y, 0.99 * lam).x.any()


def test_zero_observations_and_a_constant():
    X = np.random.default_rng(0).standard_normal((10, 4))
    zero = lasso(X, np.zeros(10), 0.1, x0=np.ones(4))
    assert zero.success
    assert not zero.x.any()
    constant = lasso(X, np.full(10, 7.3), 1e-9, fit_intercept=True)
    assert constant.success
    assert not constant.x.any()
    assert constant.intercept == pytest.approx(7.3)


@pytest.mark.parametrize("sparse", [False, True])
def test_empty_constant_and_equal_features(rng, sparse):
    X, y = data(rng, 30, 12, sparse=sparse)
    X[:, 2], X[:, 5], X[:, 8] = 0, 3.7, X[:, 7]
    given = sp.csc_array(X) if sparse else X
    result = lasso(given, y, 0.01, fit_intercept=True, rtol=1e-10, x0=np.ones(12))
    check(result, Dense(X, y, 0.01, intercept=True), 1e-10)
    assert result.x[2] == result.x[5] == 0
    check(lasso(given, y, 0.01, rtol=1e-10), Dense(X, y, 0.01), 1e-10)


@pytest.mark.parametrize("sparse", [False, True])
def test_nearly_collinear_features_converge(rng, sparse):
    """Coordinate descent alone would take many thousand sweeps."""
    base = rng.standard_normal((60, 1))
    X = base + 1e-3 * rng.standard_normal((60, 30))
    y = X @ rng.standard_normal(30) + 0.01 * rng.standard_normal(60)
    result = lasso(sp.csc_array(X) if sparse else X, y, 1e-6, rtol=1e-8)
    check(result, Dense(X, y, 1e-6), 1e-8)
    assert result.nit < 60


@pytest.mark.parametrize("rho", [1.0, 0.0])
def test_more_features_than_a_gram_matrix_is_formed_of(rng, monkeypatch, rho):
    monkeypatch.setattr("numsolve.coordinate._blocks.LARGEST", 130)
    X, y = data(rng, 60, 300)
    result = elastic_net(X, y, 0.01, rho, rtol=1e-9, fit_intercept=True)
    if rho:
        check(result, Dense(X, y, 0.01, intercept=True), 1e-9)
    else:
        X, y = X - X.mean(axis=0), y - y.mean()
        wanted = np.linalg.solve(X.T @ X / 60 + 0.01 * np.eye(300), X.T @ y / 60)
        np.testing.assert_allclose(result.x, wanted, atol=1e-3)


def test_tiny_lam(rng):
    for shape in ((60, 20), (20, 60)):
        X, y = data(rng, *shape)
        lam = 1e-9 * abs(X.T @ y).max() / len(y)
        result = lasso(X, y, lam, rtol=1e-8)
        check(result, Dense(X, y, lam), 1e-8, unit=1e-9)


@pytest.mark.parametrize("sparse", [False, True])
def test_single_precision_reaches_the_default_tolerance(rng, sparse):
    X, y = data(rng, sparse=sparse)
    X = X.astype(np.float32)
    result = lasso(sp.csc_array(X) if sparse else X, y.astype(np.float32), 0.05)
    assert result.x.dtype == np.float32
    check(result, Dense(X, y.astype(np.float32), 0.05), unit=1e-6)


def test_single_precision_tells_where_rounding_ends(rng):
    X, y = data(rng, 100, 300)
    with pytest.warns(ConvergenceWarning, match="double precision"):
        result = lasso(X.astype(np.float32), y, 0.01, rtol=1e-14)
    assert result.status == Status.STAGNATED
    assert result.gap <= 1e-5 * Dense(X, y, 0.01).first


def test_order_formats_and_index_types_agree(rng):
    X, y = data(rng, sparse=True)
    wanted = lasso(X, y, 0.05, rtol=1e-10, fit_intercept=True).x
    wide = sp.csc_array(X)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    twice = sp.coo_array(
        (np.repeat(sp.coo_array(X).data / 2, 2), tuple(np.repeat(c, 2) for c in sp.coo_array(X).coords)),
        X.shape,
    )
    halves = sp.csc_matrix(X)
    halves = sp.csc_matrix(
        (np.repeat(halves.data / 2, 2), np.repeat(halves.indices, 2), 2 * halves.indptr), X.shape
    )
    before = halves.data.copy()
    for features in (
        np.asfortranarray(X),
        sp.csr_array(X),
        sp.csr_matrix(X),
        sp.csc_matrix(X),
        wide,
        twice,
        halves,
    ):
        np.testing.assert_allclose(
            lasso(features, y, 0.05, rtol=1e-10, fit_intercept=True).x, wanted, atol=1e-5
        )
    np.testing.assert_array_equal(halves.data, before)


def test_integers_lists_and_column_vectors():
    X, y = [[1, 0], [0, 1], [1, 1]], [2, 0, 2]
    wanted = lasso(np.array(X, float), np.array(y, float), 0.1).x
    np.testing.assert_array_equal(lasso(X, y, 0.1).x, wanted)
    np.testing.assert_array_equal(lasso(np.array(X), np.array(y)[:, None], 0.1).x, wanted)
    np.testing.assert_allclose(lasso(sp.csr_array(np.array(X)), y, 0.1).x, wanted, atol=1e-12)


def test_one_sample_and_one_feature():
    assert lasso([[2.0]], [3.0], 0.5).x == pytest.approx([1.375])  # (2 * 3 - 0.5) / 4
    assert lasso([[2.0, 1.0]], [3.0], 0.5, fit_intercept=True).intercept == 3
    X = np.arange(1.0, 6)[:, None]
    assert lasso(X, 2 * X[:, 0], 1.1).x == pytest.approx([2 - 1.1 / 11])


def test_start_from_a_solution(rng):
    X, y = data(rng)
    first = lasso(X, y, 0.05, rtol=1e-8)
    again = lasso(X, y, 0.05, rtol=1e-8, x0=first.x)
    assert again.nit == 0
    np.testing.assert_array_equal(again.x, first.x)
    assert again.x is not first.x


def test_result_is_told_and_pickles(rng):
    X, y = data(rng)
    result = lasso(X, y, 0.05)
    assert "CONVERGED" in repr(result)
    copy = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(copy.x, result.x)
    assert copy.gap == result.gap
    value = Dense(X, y, 0.05)
    r = y - X @ result.x
    assert result.objective == pytest.approx(value.s @ r**2 / 2 + 0.05 * abs(result.x).sum())


def test_limits_and_callback(rng):
    X, y = data(rng, 150, 700)
    with pytest.warns(ConvergenceWarning, match="raise it"):
        result = lasso(X, y, 0.01, maxiter=1, rtol=1e-10)
    assert result.status == Status.MAXITER
    assert result.nit == 1
    assert result.residuals[1] < result.residuals[0]
    with pytest.warns(ConvergenceWarning, match="time limit"):
        assert lasso(X, y, 0.01, time_limit=1e-9).status == Status.TIME_LIMIT
    seen = []
    assert lasso(X, y, 0.01, callback=lambda x, gap: seen.append((x, gap)) or True).status == Status.STOPPED
    assert seen[0][0].shape == (700,)


@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_invariants(seed, sparse, intercept):
    """Scaling X, y and lam, the order of the features, and centring by hand."""
    rng = np.random.default_rng(seed)
    X, y = data(rng, 20, 35, sparse=sparse)
    options = {"rtol": 1e-13, "fit_intercept": intercept}
    make = sp.csc_array if sparse else np.asarray
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = lasso(make(X), y, 0.1, **options)
    scaled = lasso(make(4 * X), y, 0.4, **options)
    np.testing.assert_allclose(4 * scaled.x, found.x, atol=1e-5)
    louder = lasso(make(X), 8 * y, 0.8, **options)
    np.testing.assert_allclose(louder.x / 8, found.x, atol=1e-5)
    order = rng.permutation(35)
    np.testing.assert_allclose(lasso(make(X[:, order]), y, 0.1, **options).x, found.x[order], atol=1e-5)
    if intercept:
        by_hand = lasso(X - X.mean(axis=0), y - y.mean(), 0.1, rtol=1e-13)
        np.testing.assert_allclose(by_hand.x, found.x, atol=1e-5)


@pytest.mark.parametrize("mean", [1e5, 1e8])
@pytest.mark.parametrize("sparse", [False, True])
def test_features_with_large_means(rng, mean, sparse):
    X, y = data(rng)
    X += mean
    result = lasso(sp.csc_array(X) if sparse else X, y, 0.05, fit_intercept=True)
    check(result, Dense(X, y, 0.05, intercept=True), unit=1e-16 * mean)


@pytest.mark.parametrize("sparse", [False, True])
def test_features_with_a_large_common_part_converge(rng, sparse):
    """Sweeps make many more coefficients nonzero than the minimum has; Newton steps remove them."""
    X, y = data(rng, 40, 120, mean=0)
    X = 10 * rng.standard_normal((40, 1)) + 0.1 * X
    lam = abs(X.T @ y).max() / 40 / 1000
    check(lasso(sp.csr_array(X) if sparse else X, y, lam), Dense(X, y, lam))


@pytest.mark.parametrize("factor", [1e200, 1e-200])
def test_squares_that_over_or_underflow_are_refused(rng, factor):
    X, y = data(rng)
    with pytest.raises(ValueError, match=r"X has .* squares .*flow"):
        lasso(factor * X, y, 0.05)
    with pytest.raises(ValueError, match="y has squares that over- or underflow"):
        lasso(X, factor * y, 0.05)


def test_a_time_limit_ends_newton_steps(rng):
    X, y = data(rng, 60, 200, mean=0)
    X = 10 * rng.standard_normal((60, 1)) + 1e-2 * X
    with pytest.warns(ConvergenceWarning, match="time limit"):
        result = lasso(X, y, 1e-5, rtol=1e-12, time_limit=0.01)
    assert result.status == Status.TIME_LIMIT


def with_nan(shape):
    A = np.ones(shape)
    A.flat[0] = np.nan
    return A


X4, Y4 = np.arange(12.0).reshape(4, 3) ** 0.5, np.arange(4.0)
BAD = [
    ({"X": with_nan((4, 3))}, ValueError, "X has 1 NaN"),
    ({"X": sp.csc_array(with_nan((4, 3)))}, ValueError, "X has 1 NaN"),
    ({"y": with_nan(4)}, ValueError, "y has 1 NaN"),
    ({"y": np.ones(3)}, ValueError, r"y has shape \(3,\), but X has 4 rows"),
    ({"y": np.ones((4, 2))}, ValueError, "y has shape"),
    ({"X": np.ones(4)}, ValueError, "X has shape"),
    ({"X": np.ones((4, 0))}, ValueError, "X is empty"),
    ({"X": np.ones((4, 3), complex)}, TypeError, "X has dtype complex128"),
    ({"X": np.array([["a"] * 3] * 4)}, TypeError, "X has dtype"),
    ({"lam": -1.0}, ValueError, "lam is -1.0"),
    ({"lam": np.nan}, ValueError, "lam is nan"),
    ({"lam": "big"}, TypeError, "lam is 'big'"),
    ({"rho": 1.5}, ValueError, "rho is 1.5"),
    ({"rtol": -1.0}, ValueError, "rtol is -1.0"),
    ({"weights": np.ones(2)}, ValueError, "weights has shape"),
    ({"weights": -np.ones(3)}, ValueError, "weights has 3 entries < 0"),
    ({"sample_weight": np.zeros(4)}, ValueError, "sample_weight"),
    ({"sample_weight": np.ones(3)}, ValueError, "sample_weight has shape"),
    ({"x0": np.ones(4)}, ValueError, "x0 has shape"),
    ({"x0": -np.ones(3), "positive": True}, ValueError, "x0 has 3 entries < 0"),
    ({"maxiter": -1}, ValueError, "maxiter is -1"),
    ({"time_limit": 0}, ValueError, "time_limit"),
]


@pytest.mark.parametrize(("changes", "error", "message"), BAD, ids=[str(i) for i in range(len(BAD))])
def test_bad_input(changes, error, message):
    with pytest.raises(error, match=message):
        elastic_net(**({"X": X4, "y": Y4, "lam": 0.1, "rho": 0.5} | changes))


@pytest.mark.extended
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("seed", range(4))
def test_random_problems(seed, order, dtype):
    rng = np.random.default_rng(seed)
    m, n = rng.integers(1, 200, 2)
    X, y = data(rng, m, n)
    X = np.asarray(X, dtype, order)
    for lam in np.array([0.5, 0.05, 0.003]) * abs(X.T @ y).max() / m:
        for rho in (1.0, 0.5):
            result = elastic_net(X, y, lam, rho, fit_intercept=True)
            check(result, Dense(X, y, lam, rho, intercept=True), unit=1e-6 if dtype == "float32" else 1e-12)
