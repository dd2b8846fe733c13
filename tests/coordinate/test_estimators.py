"""Estimators for scikit-learn: its own checks, and its own estimators as the oracle."""

import numpy as np
import pytest
from support.tiers import extended

linear_model = pytest.importorskip("sklearn.linear_model")

from numsolve import coordinate  # noqa: E402 - after the check for scikit-learn
from numsolve.coordinate import estimators  # noqa: E402

QUICK = ["SparseLogisticRegression"]


def data(m=100, n=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n))
    return X, X[:, 0] - X[:, 1] + 0.4 + 0.5 * rng.standard_normal(m)


@pytest.mark.filterwarnings("ignore")  # those of scikit-learn's checks
@pytest.mark.parametrize("name", [*QUICK, *extended(*(e for e in estimators.__all__ if e not in QUICK))])
def test_checks_of_scikit_learn(name):
    from sklearn.utils.estimator_checks import check_estimator

    options = {"alphas": 10} if name.endswith("CV") else {}
    check_estimator(getattr(estimators, name)(**options), on_skip=None)


@pytest.mark.parametrize("positive", [False, True])
def test_regressors_agree_with_those_of_scikit_learn(positive):
    X, y = data()
    weights = 1.0 + np.arange(100) % 3
    options = {"alpha": 0.1, "positive": positive}
    pairs = [
        (estimators.Lasso(tol=1e-12, **options), linear_model.Lasso(tol=1e-12, **options)),
        (
            estimators.ElasticNet(tol=1e-12, l1_ratio=0.3, **options),
            linear_model.ElasticNet(tol=1e-12, l1_ratio=0.3, **options),
        ),
        (estimators.GroupLasso(1, tol=1e-12, **options), linear_model.Lasso(tol=1e-12, **options)),
    ]
    for ours, theirs in pairs:
        for sample_weight in (None, weights):
            ours.fit(X, y, sample_weight)
            theirs.fit(X, y, sample_weight)
            np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
            np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-4)
            assert ours.score(X, y) == pytest.approx(theirs.score(X, y), abs=1e-4)


def test_classifier_agrees_with_that_of_scikit_learn():
    X, y = data()
    labels = np.where(y > 0, "up", "down")
    options = {"C": 0.3, "fit_intercept": False}
    ours = estimators.SparseLogisticRegression(tol=1e-12, **options).fit(X, labels)
    theirs = linear_model.LogisticRegression(
        l1_ratio=1, solver="liblinear", tol=1e-10, max_iter=10000, **options
    ).fit(X, labels)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-4)
    np.testing.assert_allclose(ours.decision_function(X), theirs.decision_function(X), atol=1e-3)
    assert estimators.SparseLogisticRegression(weights=np.zeros(12)).fit(X, labels).score(X, labels) > 0.8
    with pytest.raises(ValueError, match="C is"):
        estimators.SparseLogisticRegression(C=0).fit(X, labels)


def test_cross_validation_agrees_with_that_of_scikit_learn():
    X, y = data()
    alphas = [0.5, 0.2, 0.1, 0.05, 0.02]
    ours = estimators.LassoCV(alphas=alphas, tol=1e-10, n_jobs=2).fit(X, y)
    theirs = linear_model.LassoCV(alphas=alphas, tol=1e-10).fit(X, y)
    assert ours.alpha_ == theirs.alpha_
    np.testing.assert_allclose(ours.errors_, theirs.mse_path_, rtol=1e-4)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    simple = estimators.LassoCV(alphas=alphas, rule="1se").fit(X, y)
    assert simple.alpha_ >= ours.alpha_
    with pytest.raises(ValueError, match="rule is"):
        estimators.LassoCV(rule="best").fit(X, y)


@pytest.mark.parametrize("name", ["ElasticNetCV", "GroupLassoCV", "SparseLogisticRegressionCV"])
def test_estimators_that_choose_the_factor(name):
    X, y = data()
    target = y > 0 if "Logistic" in name else y
    model = getattr(estimators, name)(alphas=5, cv=3).fit(X, target)
    assert model.errors_.shape == (5, 3)
    assert model.alpha_ == model.alphas_[model.errors_.mean(axis=1).argmin()]
    assert model.score(X, target) > 0.7


def test_warm_start():
    X, y = data()
    model = estimators.Lasso(0.1, warm_start=True).fit(X, y)
    assert model.set_params(alpha=0.1).fit(X, y).n_iter_ == 1
    again = estimators.SparseLogisticRegression(warm_start=True).fit(X, y > 0)
    assert again.fit(X, y > 0).n_iter_ == 1


@pytest.mark.extended  # a process of its own
def test_the_package_does_not_import_scikit_learn():
    import subprocess
    import sys

    code = "import sys; import numsolve.coordinate; sys.exit('sklearn' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert not hasattr(coordinate, "LassoCV")
