"""Group lasso: optimality conditions, other solvers, hard data and bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.tiers import extended

from numsolve import ConvergenceWarning, Status
from numsolve.coordinate import _group_descent, group_lasso

LABELS = np.array([0, 1, 1, 2, 0, 2, 2, 3, 3, 0, 4, 4])  # not consecutive, of sizes 3, 2, 3, 2, 2


def data(m=60, n=12, seed=0, noise=0.5):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n)) + 0.5 * rng.standard_normal((m, 1))
    return X, X[:, 0] - 2 * X[:, 4] + X[:, 5] + 1.5 + noise * rng.standard_normal(m)


def norms(w, labels):
    return np.array([np.linalg.norm(w[labels == g]) for g in np.unique(labels)])


def objective(X, y, w, b, lam, labels, weights=None, sample_weight=None):
    if weights is None:
        weights = np.sqrt(np.unique(labels, return_counts=True)[1])
    return np.average((y - X @ w - b) ** 2, weights=sample_weight) / 2 + lam * np.sum(
        weights * norms(w, labels)
    )


def violation(X, y, w, b, lam, labels, weights=None, sample_weight=None, positive=False, intercept=False):
    """Return the largest violation of the optimality conditions, written down anew."""
    s = np.ones(len(y)) if sample_weight is None else sample_weight
    r = s / s.sum() * (y - X @ w - b)
    found = [abs(r.sum())] if intercept else []
    for number, g in enumerate(np.unique(labels)):
        own, c = w[labels == g], X[:, labels == g].T @ r
        kink = lam * (np.sqrt(len(own)) if weights is None else weights[number])
        if not own.any():
            found.append(np.linalg.norm(np.maximum(c, 0) if positive else c) - kink)
            continue
        rest = c - kink * own / np.linalg.norm(own)
        found.append(np.linalg.norm(np.where(own > 0, rest, np.maximum(rest, 0)) if positive else rest))
    return max(found)


CASES = {
    "plain": {},
    "intercept": {"fit_intercept": True},
    "positive": {"positive": True, "fit_intercept": True},
    "weights": {"weights": np.array([1.0, 0, 2, 3, 0.5])},
    "free and intercept": {"weights": np.array([0, 1.0, 1, 1, 1]), "fit_intercept": True},
    "sample weights": {"sample_weight": np.arange(60) % 3 * 1.0, "fit_intercept": True},
    "all": {
        "positive": True,
        "weights": np.array([0, 1.0, 1, 1, 1]),
        "sample_weight": 1.0 + np.arange(60) % 2,
        "fit_intercept": True,
    },
}


@pytest.mark.parametrize("lam", [0.1, *extended(0.5, 0.01, 0.0)])
@pytest.mark.parametrize("name", CASES)
def test_solution(name, lam):
    X, y = data()
    options = dict(CASES[name])
    result = group_lasso(X, y, lam, LABELS, rtol=1e-10, **options).check()
    intercept = options.pop("fit_intercept", False)
    assert violation(X, y, result.x, result.intercept, lam, LABELS, intercept=intercept, **options) < 1e-4
    if options.pop("positive", False):
        assert (result.x >= 0).all()
    found = objective(X, y, result.x, result.intercept, lam, LABELS, **options)
    assert found == pytest.approx(result.objective, rel=1e-10)
    centre = np.average(y, weights=options.get("sample_weight")) if intercept else 0
    first = objective(X, y, np.zeros(12), centre, lam, LABELS, **options)
    assert result.gap <= 1e-10 * first * (1 + 1e-10)


@given(st.integers(0, 10**6))
def test_no_point_is_below_the_objective_minus_the_gap(seed):
    rng = np.random.default_rng(seed)
    X, y = data(seed=seed)
    loose = group_lasso(X, y, 0.2, LABELS, rtol=0.3)
    tight = group_lasso(X, y, 0.2, LABELS, rtol=1e-10)
    other = tight.x + 0.01 * rng.standard_normal(12)
    for w in (tight.x, other):
        assert objective(X, y, w, 0, 0.2, LABELS) >= loose.objective - loose.gap - 1e-10
    assert objective(X, y, other, 0, 0.2, LABELS) >= tight.objective - tight.gap


def test_groups_of_one_feature_are_the_lasso():
    linear_model = pytest.importorskip("sklearn.linear_model")
    X, y = data()
    for positive in (False, True):
        peer = linear_model.Lasso(alpha=0.1, tol=1e-12, positive=positive).fit(X, y)
        result = group_lasso(X, y, 0.1, 1, rtol=1e-12, fit_intercept=True, positive=positive).check()
        np.testing.assert_allclose(result.x, peer.coef_, atol=1e-5)
        assert result.intercept == pytest.approx(peer.intercept_, abs=1e-5)


def test_forms_of_groups():
    X, y = data()
    want = group_lasso(X, y, 0.1, 3, rtol=1e-10)
    lists = [np.arange(3 * g, 3 * g + 3) for g in range(4)]
    for groups in (np.repeat([5, 7, 8, 9], 3), list("aaabbbcccddd"), lists, [list(g) for g in lists[::-1]]):
        np.testing.assert_allclose(group_lasso(X, y, 0.1, groups, rtol=1e-10).x, want.x, atol=1e-6)
    weights = np.array([4.0, 3, 2, 1])
    by_labels = group_lasso(X, y, 0.1, np.repeat([5, 7, 8, 9], 3), weights=weights, rtol=1e-10)
    by_lists = group_lasso(X, y, 0.1, lists[::-1], weights=weights[::-1], rtol=1e-10)
    np.testing.assert_allclose(by_labels.x, by_lists.x, atol=1e-6)


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_sparse_features(intercept, positive, monkeypatch):
    X, y = data(m=80, n=40, seed=3)
    X[abs(X) < 1] = 0
    X[:, 7] = 0
    options = {"rtol": 1e-10, "fit_intercept": intercept, "positive": positive}
    want = group_lasso(X, y, 0.1, 4, **options).check()
    assert want.x[7] == 0
    for A in (sp.csr_array(X), sp.csc_matrix(X), X.astype("float32").astype(float, order="F")):
        np.testing.assert_allclose(group_lasso(A, y, 0.1, 4, **options).x, want.x, atol=1e-5)
    monkeypatch.setattr(_group_descent, "LARGEST_GRAM", 0)
    for A in (X, sp.csc_array(X)):
        np.testing.assert_allclose(group_lasso(A, y, 0.1, 4, **options).check().x, want.x, atol=1e-4)


def test_more_features_than_samples():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((50, 400))
    y = X[:, :5] @ np.ones(5) + 0.1 * rng.standard_normal(50)
    labels = np.arange(400) // 5
    for lam in (0.2, 0.01, 1e-4):
        result = group_lasso(X, y, lam, 5, rtol=1e-9, fit_intercept=True).check()
        assert violation(X, y, result.x, result.intercept, lam, labels, intercept=True) < 1e-4
        assert result.nit < 30


def test_collinear_groups():
    X, y = data()
    A = np.column_stack([X, X[:, ::-1], np.ones(60), np.zeros(60), X[:, :1] + 1e-6 * X[:, 1:2]])
    labels = np.arange(27) // 3
    for intercept in (False, True):
        result = group_lasso(A, y, 1e-3, 3, fit_intercept=intercept, rtol=1e-8).check()
        found = violation(A, y, result.x, result.intercept, 1e-3, labels, intercept=intercept)
        assert found < 1e-3


def test_largest_lam_and_constant_observations():
    X, y = data()
    largest = (norms(X.T @ y, LABELS) / np.sqrt([3, 2, 3, 2, 2])).max() / len(y)
    assert not group_lasso(X, y, largest * 1.0001, LABELS).x.any()
    assert group_lasso(X, y, largest * 0.99, LABELS).x.any()
    for target, intercept in ((0 * y, False), (0 * y + 3, True)):
        result = group_lasso(X, target, 0.1, LABELS, fit_intercept=intercept, x0=np.ones(12)).check()
        assert not result.x.any()
        assert result.intercept == pytest.approx(3.0 * intercept)


def test_start_limits_and_callback():
    X, y = data()
    want = group_lasso(X, y, 0.1, LABELS, rtol=1e-10, fit_intercept=True)
    again = group_lasso(X, y, 0.1, LABELS, x0=want.x, fit_intercept=True)
    assert again.nit == 0
    np.testing.assert_array_equal(again.x, want.x)
    seen = []
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = group_lasso(
            X, y, 1e-3, LABELS, rtol=1e-14, maxiter=1, callback=lambda w, gap: seen.append(gap)
        )
    assert result.status == Status.MAXITER
    assert seen == [pytest.approx(result.gap)]
    assert pickle.loads(pickle.dumps(result)).nit == 1


def test_single_precision():
    X, y = data()
    result = group_lasso(X.astype("float32"), y, 0.1, LABELS).check()
    assert result.x.dtype == np.float32
    np.testing.assert_allclose(result.x, group_lasso(X, y, 0.1, LABELS, rtol=1e-10).x, atol=1e-2)


def test_integers_one_sample_and_one_feature():
    X = np.arange(12).reshape(4, 3) % 5
    assert group_lasso(X, [1, 2, 3, 4], 0.1, 3).success
    assert group_lasso(X[:1], [2], 0.1, 3, fit_intercept=True).intercept == 2
    assert group_lasso(X[:, :1], [1, 2, 3, 4], 0.1, 1).success


BAD = {
    "NaN in X": (lambda X, y: group_lasso(X * np.nan, y, 0.1, 3), ValueError, "X has"),
    "NaN in y": (lambda X, y: group_lasso(X, y * np.nan, 0.1, 3), ValueError, "y has"),
    "lam < 0": (lambda X, y: group_lasso(X, y, -1.0, 3), ValueError, "lam is"),
    "size": (lambda X, y: group_lasso(X, y, 0.1, 5), ValueError, "groups is 5, which does not divide 12"),
    "size 0": (lambda X, y: group_lasso(X, y, 0.1, 0), ValueError, "groups is 0"),
    "number of labels": (lambda X, y: group_lasso(X, y, 0.1, [1, 2]), ValueError, "groups has shape"),
    "missing feature": (lambda X, y: group_lasso(X, y, 0.1, [[0, 1], [2]]), ValueError, "leaves out 9"),
    "overlap": (lambda X, y: group_lasso(X, y, 0.1, [[0, 1], [1]]), ValueError, "in a group already"),
    "outside": (lambda X, y: group_lasso(X, y, 0.1, [[0, 12]]), ValueError, "outside 0..11"),
    "empty group": (lambda X, y: group_lasso(X, y, 0.1, [[0, 1], []]), ValueError, "at least one"),
    "weights": (lambda X, y: group_lasso(X, y, 0.1, 3, weights=[1, 2]), ValueError, "one for each group"),
    "x0": (lambda X, y: group_lasso(X, y, 0.1, 3, x0=[1]), ValueError, "x0 has shape"),
    "overflow of X": (lambda X, y: group_lasso(1e200 * X, y, 0.1, 3), ValueError, "overflow"),
    "overflow of y": (lambda X, y: group_lasso(X, 1e200 * y, 0.1, 3), ValueError, "overflow"),
    "no samples": (lambda X, y: group_lasso(X[:0], y[:0], 0.1, 3), ValueError, "X is empty"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, error, message = BAD[name]
    with pytest.raises(error, match=message):
        call(*data())


@given(st.integers(0, 10**6))
def test_a_repeated_sample_is_a_weight_and_rotations_are_free(seed):
    rng = np.random.default_rng(seed)
    X, y = data(m=20, n=6, seed=seed)
    counts = rng.integers(0, 4, 20)
    counts[0] = 1
    one = group_lasso(X, y, 0.1, 3, rtol=1e-11, sample_weight=counts, fit_intercept=True)
    other = group_lasso(np.repeat(X, counts, 0), np.repeat(y, counts), 0.1, 3, rtol=1e-11, fit_intercept=True)
    assert one.objective == pytest.approx(other.objective, rel=1e-8)
    rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    X[:, :3] = X[:, :3] @ rotation
    turned = group_lasso(X, y, 0.1, 3, rtol=1e-11, sample_weight=counts, fit_intercept=True)
    assert turned.objective == pytest.approx(one.objective, rel=1e-8)
