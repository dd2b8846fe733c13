"""Sparse logistic regression: optimality conditions, other solvers, hard data and bad input."""

import pickle

import numpy as np
import pytest
import scipy.optimize as spo
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.tiers import extended

from numsolve import ConvergenceWarning, Status
from numsolve.coordinate import logistic


def data(m=80, n=12, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n))
    y = np.where(X[:, 0] - X[:, 1] + 0.4 + noise * rng.standard_normal(m) > 0, 1, -1)
    return X, y


def objective(X, y, w, b, lam, rho=1.0, weights=1.0, sample_weight=None):
    s = np.ones(len(y)) if sample_weight is None else sample_weight
    loss = np.average(np.logaddexp(0, -y * (X @ w + b)), weights=s)
    return loss + lam * np.sum(weights * (rho * abs(w) + (1 - rho) / 2 * w * w))


def violation(X, y, w, b, lam, rho=1.0, weights=1.0, sample_weight=None, positive=False, intercept=False):
    """Return the largest violation of the optimality conditions, written down anew."""
    s = np.ones(len(y)) if sample_weight is None else sample_weight
    g = -y * s / s.sum() / (1 + np.exp(y * (X @ w + b)))
    weights = lam * weights * np.ones(len(w))
    slope, kink = X.T @ g + weights * (1 - rho) * w, weights * rho
    at_zero = np.maximum((-slope if positive else abs(slope)) - kink, 0)
    found = np.where(w == 0, at_zero, abs(slope + kink * np.sign(w)))
    return max(found.max(), abs(g.sum()) if intercept else 0)


def smallest(X, y, lam, rho=1.0, weights=1.0, sample_weight=None, positive=False, intercept=False):
    """Return the smallest objective by L-BFGS-B for the positive and negative parts of w."""
    n = X.shape[1]
    s = np.ones(len(y)) if sample_weight is None else sample_weight
    s, v = s / s.sum(), lam * weights * np.ones(n)

    def fun(u):
        w, b = u[:n] - u[n : 2 * n], u[-1]
        t = y * (X @ w + b)
        g = -y * s / (1 + np.exp(t))
        slope = X.T @ g + (1 - rho) * v * w
        value = s @ np.logaddexp(0, -t) + rho * v @ (u[:n] + u[n : 2 * n]) + (1 - rho) / 2 * v @ (w * w)
        return value, np.r_[slope + rho * v, -slope + rho * v, g.sum() * intercept]

    bounds = [(0, None)] * n + [(0, 0 if positive else None)] * n + [(None, None)]
    options = {"maxiter": 20000, "ftol": 1e-15, "gtol": 1e-10}
    return spo.minimize(fun, np.zeros(2 * n + 1), jac=True, bounds=bounds, options=options).fun


CASES = {
    "plain": {},
    "intercept": {"fit_intercept": True},
    "elastic net": {"rho": 0.4, "fit_intercept": True},
    "ridge": {"rho": 0.0},
    "positive": {"positive": True, "fit_intercept": True},
    "weights": {"weights": np.r_[0, 0, np.arange(10) / 4]},
    "free and intercept": {"weights": np.r_[0, 3, np.ones(10)], "fit_intercept": True},
    "sample weights": {"sample_weight": np.arange(80) % 3 * 1.0, "fit_intercept": True},
    "all": {
        "rho": 0.7,
        "positive": True,
        "weights": np.r_[0, np.ones(11)],
        "sample_weight": 1.0 + np.arange(80) % 2,
        "fit_intercept": True,
    },
}


@pytest.mark.parametrize("lam", [0.03, *extended(0.1, 0.003)])
@pytest.mark.parametrize("name", CASES)
def test_solution(name, lam):
    X, y = data()
    options = dict(CASES[name])
    result = logistic(X, y, lam, rtol=1e-9, **options).check()
    intercept = options.pop("fit_intercept", False)
    assert violation(X, y, result.x, result.intercept, lam, intercept=intercept, **options) < 1e-5
    want = smallest(X, y, lam, intercept=intercept, **options)
    options.pop("positive", None)
    assert objective(X, y, result.x, result.intercept, lam, **options) == pytest.approx(
        result.objective, rel=1e-12
    )
    assert result.objective <= want + 1e-8
    assert result.objective - result.gap <= want + 1e-12  # the gap is an upper bound of the error
    assert result.gap <= 1e-9 * np.log(2)


def test_scikit_learn_has_the_same_coefficients():
    linear_model = pytest.importorskip("sklearn.linear_model")
    X, y = data(m=200)
    lam = 0.02
    peer = linear_model.LogisticRegression(
        C=1 / (len(y) * lam), l1_ratio=1, solver="liblinear", fit_intercept=False, tol=1e-10, max_iter=10000
    ).fit(X, y)
    np.testing.assert_allclose(logistic(X, y, lam, rtol=1e-12).x, peer.coef_[0], atol=1e-5)


KINDS = {
    "csc": sp.csc_array,
    "csr": sp.csr_array,
    "csc_matrix": sp.csc_matrix,
    "coo": sp.coo_array,
    "fortran": lambda X: np.asfortranarray(X.toarray()),
    "list": lambda X: X.toarray().tolist(),
    "int64 indices": lambda X: sp.csc_array(
        (X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)), shape=X.shape
    ),
    "duplicates": lambda X: sp.coo_array(
        (np.r_[X.tocoo().data / 2, X.tocoo().data / 2], tuple(np.r_[c, c] for c in X.tocoo().coords)),
        shape=X.shape,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_matrices(kind):
    X, y = data(m=100, n=30, seed=3)
    X[abs(X) < 0.8] = 0
    X[:, 5] = 0
    want = logistic(X, y, 0.02, rtol=1e-10, fit_intercept=True)
    result = logistic(KINDS[kind](sp.csc_array(X)), y, 0.02, rtol=1e-10, fit_intercept=True).check()
    np.testing.assert_allclose(result.x, want.x, atol=1e-6)
    assert result.x[5] == 0


@pytest.mark.parametrize("sparse", [False, True])
def test_models_by_features(sparse, monkeypatch):
    from numsolve.coordinate import _models

    X, y = data(m=60, n=150, seed=5)
    A = sp.csc_array(X) if sparse else X
    want = logistic(A, y, 0.01, rtol=1e-10, fit_intercept=True).check()
    monkeypatch.setattr(_models, "LARGEST_GRAM", 0)
    result = logistic(A, y, 0.01, rtol=1e-10, fit_intercept=True).check()
    np.testing.assert_allclose(result.x, want.x, atol=1e-6)
    assert violation(X, y, result.x, result.intercept, 0.01, intercept=True) < 1e-6


def test_single_precision():
    X, y = data()
    result = logistic(X.astype("float32"), y, 0.02).check()
    assert result.x.dtype == np.float32
    X = X.astype("float32").astype(float)
    assert result.objective == pytest.approx(objective(X, y, result.x.astype(float), 0, 0.02), rel=1e-12)
    assert result.objective <= smallest(X, y, 0.02) + 1e-6


def test_single_precision_may_be_too_coarse():
    X, y = data(m=60, n=2)
    X[:, 1] = X[:, 0] + 1e-4 * X[:, 1]  # so coefficients are of the order of 1e4
    X = X.astype("float32")
    with pytest.warns(ConvergenceWarning, match="double precision"):
        result = logistic(X, y, 1.0, rtol=1e-11, weights=np.zeros(2))
    assert result.status == Status.STAGNATED
    assert result.gap > 1e-11 * np.log(2)
    assert logistic(X.astype(float), y, 1.0, rtol=1e-11, weights=np.zeros(2)).success


def test_labels():
    X, y = data()
    want = logistic(X, y, 0.05, fit_intercept=True)
    np.testing.assert_array_equal(want.classes, [-1, 1])
    for labels in (
        y > 0,
        np.where(y > 0, 1, 0),
        np.where(y > 0, 7.5, 2.5),
        np.where(y > 0, "yes", "no"),
        y[:, None],
    ):
        result = logistic(X, labels, 0.05, fit_intercept=True)
        np.testing.assert_array_equal(result.x, want.x)
        np.testing.assert_array_equal(result.classes, np.unique(labels))


@pytest.mark.parametrize("lam", [1e-3, 1e-8, 1e-15])
@pytest.mark.parametrize("intercept", [False, True])
def test_separable_classes_have_bounded_coefficients(lam, intercept):
    X, _ = data()
    y = np.where(X[:, 0] > 0.3 * intercept, 1, -1)
    result = logistic(X, y, lam, fit_intercept=intercept).check()
    assert abs(result.x).max() < 100
    assert (np.sign(X @ result.x + result.intercept) == y).mean() > 0.95


def test_separable_classes_without_penalty():
    X, _ = data()
    result = logistic(X, np.where(X[:, 0] > 0, 1, -1), 1.0, weights=np.zeros(12))
    assert result.success
    assert result.objective <= 1e-6
    assert abs(result.x).max() < 1e3


def test_unbalanced_classes():
    X, _ = data()
    y = np.where(np.arange(80) < 2, 1, -1)
    result = logistic(X, y, 10.0, fit_intercept=True).check()
    assert result.nit == 0
    assert not result.x.any()
    assert result.intercept == pytest.approx(np.log(2 / 78))
    y = np.where(np.arange(80) < 1, 1, -1)
    result = logistic(X, y, 0.002, fit_intercept=True, rtol=1e-8).check()
    assert violation(X, y, result.x, result.intercept, 0.002, intercept=True) < 1e-6


def test_largest_lam():
    X, y = data()
    largest = abs(X.T @ y).max() / 2 / len(y)
    above, below = logistic(X, y, largest * 1.0001), logistic(X, y, largest * 0.99)
    assert above.nit == 0
    assert not above.x.any()
    assert np.count_nonzero(below.x) == 1


def test_collinear_columns():
    X, y = data(m=60)
    A = np.column_stack([X, X, -2 * X[:, :4], np.ones(60), np.zeros(60)])
    for lam, intercept in [(1e-2, False), (1e-4, True)]:
        result = logistic(A, y, lam, fit_intercept=intercept, rtol=1e-8).check()
        assert violation(A, y, result.x, result.intercept, lam, intercept=intercept) < 1e-5
        assert result.x[-1] == 0


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scale_of_features(scale):
    X, y = data()
    want = logistic(X, y, 0.02, rtol=1e-10)
    result = logistic(X * scale, y, 0.02 * scale, rtol=1e-10).check()
    np.testing.assert_allclose(result.x * scale, want.x, atol=1e-6)


def test_start():
    X, y = data()
    want = logistic(X, y, 0.02, rtol=1e-10)
    again = logistic(X, y, 0.02, rtol=1e-6, x0=want.x)
    assert again.nit == 0
    np.testing.assert_array_equal(again.x, want.x)
    want = logistic(X, y, 0.02, rtol=1e-10, fit_intercept=True)
    again = logistic(X, y, 0.02, x0=want.x, fit_intercept=True)
    assert again.nit == 0
    assert again.intercept == pytest.approx(want.intercept, abs=1e-6)
    want = logistic(X, y, 0.02, rtol=1e-10)
    far = logistic(X, y, 0.02, rtol=1e-10, x0=100 * np.ones(12)).check()
    np.testing.assert_allclose(far.x, want.x, atol=1e-6)


def test_limits_and_callback():
    X, y = data(n=40)
    seen = []
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = logistic(X, y, 1e-3, maxiter=1, callback=lambda w, gap: seen.append((w, gap)))
    assert result.status == Status.MAXITER
    assert result.nit == len(seen) == 1
    assert seen[0][0].shape == (40,)
    assert seen[0][1] == pytest.approx(result.gap)
    assert logistic(X, y, 1e-3, callback=lambda w, gap: True).status == Status.STOPPED
    with pytest.warns(ConvergenceWarning, match="time limit"):
        assert logistic(X, y, 1e-3, rtol=0, time_limit=1e-9).status == Status.TIME_LIMIT
    result = pickle.loads(pickle.dumps(logistic(X, y, 1e-3)))
    assert result.nit == len(result.residuals) - 1
    assert (np.diff(result.residuals) < 0).all()


def test_tiny_lam():
    X, y = data()
    want = logistic(X, y, 1.0, weights=np.zeros(12), rtol=1e-12).check()
    result = logistic(X, y, 1e-9).check()
    assert result.objective == pytest.approx(want.objective, rel=1e-6)
    with pytest.warns(ConvergenceWarning, match="weights of zero"):
        result = logistic(X, y, 1e-200)  # no dual point of double precision is feasible
    assert result.status == Status.STAGNATED
    assert result.objective == pytest.approx(want.objective, rel=1e-6)


@pytest.mark.filterwarnings("ignore::numsolve.ConvergenceWarning")
def test_zero_tolerance_ends():
    X, y = data()
    assert logistic(X, y, 0.02, rtol=0).gap < 1e-13


BAD = {
    "NaN in X": (lambda X, y: logistic(X * np.nan, y, 0.1), ValueError, "X has"),
    "NaN in y": (lambda X, y: logistic(X, y * np.nan, 0.1), ValueError, "y has"),
    "one class": (lambda X, y: logistic(X, abs(y), 0.1), ValueError, "one class"),
    "three classes": (lambda X, y: logistic(X, np.arange(80) % 3, 0.1), ValueError, "3 classes"),
    "length of y": (lambda X, y: logistic(X, y[1:], 0.1), ValueError, "y has shape"),
    "lam = 0": (lambda X, y: logistic(X, y, 0), ValueError, "lam is"),
    "lam < 0": (lambda X, y: logistic(X, y, -1.0), ValueError, "lam is"),
    "lam NaN": (lambda X, y: logistic(X, y, np.nan), ValueError, "lam is"),
    "rho": (lambda X, y: logistic(X, y, 0.1, rho=2), ValueError, "rho is"),
    "weights": (lambda X, y: logistic(X, y, 0.1, weights=-np.ones(12)), ValueError, "weights has"),
    "shape of weights": (
        lambda X, y: logistic(X, y, 0.1, weights=np.ones(3)),
        ValueError,
        "weights has shape",
    ),
    "x0": (lambda X, y: logistic(X, y, 0.1, x0=np.ones(3)), ValueError, "x0 has shape"),
    "sign of x0": (lambda X, y: logistic(X, y, 0.1, x0=-np.ones(12), positive=True), ValueError, "x0 has 12"),
    "sample weights": (
        lambda X, y: logistic(X, y, 0.1, sample_weight=-np.ones(80)),
        ValueError,
        "sample_weight",
    ),
    "one weighted class": (
        lambda X, y: logistic(X, y, 0.1, sample_weight=(y > 0) * 1.0),
        ValueError,
        "sample_weight is zero for all samples of the class -1",
    ),
    "one sample": (lambda X, y: logistic(X[:1], y[:1], 0.1), ValueError, "one class"),
    "no samples": (lambda X, y: logistic(X[:0], y[:0], 0.1), ValueError, "X is empty"),
    "kinds of labels": (
        lambda X, y: logistic(X, np.array([1, "a"] * 40, dtype=object), 0.1),
        TypeError,
        "several kinds",
    ),
    "vector": (lambda X, y: logistic(X[:, 0], y, 0.1), ValueError, "X has shape"),
    "complex": (lambda X, y: logistic(X * 1j, y, 0.1), TypeError, "real"),
    "maxiter": (lambda X, y: logistic(X, y, 0.1, maxiter=-1), ValueError, "maxiter"),
    "time_limit": (lambda X, y: logistic(X, y, 0.1, time_limit=0), ValueError, "time_limit"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, error, message = BAD[name]
    X, y = data()
    with pytest.raises(error, match=message):
        call(X, y.astype(float))


def test_arrays_of_cupy_are_refused(cupy):
    X, y = data()
    with pytest.raises(TypeError, match="CuPy"):
        logistic(cupy.asarray(X), cupy.asarray(y), 0.1)


@given(st.integers(0, 10**6))
def test_a_repeated_sample_is_a_weight(seed):
    rng = np.random.default_rng(seed)
    X, y = data(m=30, n=5, seed=seed)
    y[:2] = -1, 1
    counts = rng.integers(0, 4, 30)
    counts[:2] = 1
    one = logistic(X, y, 0.02, rtol=1e-10, sample_weight=counts, fit_intercept=True)
    other = logistic(np.repeat(X, counts, 0), np.repeat(y, counts), 0.02, rtol=1e-10, fit_intercept=True)
    assert one.objective == pytest.approx(other.objective, abs=1e-9)
    np.testing.assert_allclose(one.x, other.x, atol=1e-3)


@given(st.integers(0, 10**6))
def test_order_of_features_and_signs(seed):
    rng = np.random.default_rng(seed)
    X, y = data(m=30, n=6, seed=seed)
    y[:2] = -1, 1
    order, signs = rng.permutation(6), rng.choice([-1, 1], 6)
    one = logistic(X, y, 0.02, rtol=1e-11)
    other = logistic(X[:, order] * signs, y, 0.02, rtol=1e-11)
    np.testing.assert_allclose(one.x[order] * signs, other.x, atol=1e-4)
    mirrored = logistic(X, -y, 0.02, rtol=1e-11)
    np.testing.assert_allclose(one.x, -mirrored.x, atol=1e-4)
