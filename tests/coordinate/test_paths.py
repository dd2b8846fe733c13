"""Paths of logistic regression and of the group lasso: each solution is that of the single call."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import extended

from numsolve import ConvergenceError, ConvergenceWarning, Status
from numsolve.coordinate import group_lasso, group_lasso_path, logistic, logistic_path


def data(m=80, n=24, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n))
    return X, X[:, 0] - X[:, 1] + 0.4 + 0.5 * rng.standard_normal(m)


def solve_path(kind, X, y, **options):
    if kind == "logistic":
        return logistic_path(X, y > 0, **options)
    return group_lasso_path(X, y, 3, **options)


def solve_one(kind, X, y, lam, **options):
    if kind == "logistic":
        return logistic(X, y > 0, lam, **options)
    return group_lasso(X, y, lam, 3, **options)


OPTIONS = {
    "plain": {},
    "intercept": {"fit_intercept": True},
    "positive": {"positive": True, "fit_intercept": True},
    "sample weights": {"sample_weight": 1.0 + np.arange(80) % 3},
}


@pytest.mark.parametrize("kind", ["logistic", "groups"])
@pytest.mark.parametrize("name", [*list(OPTIONS)[:2], *extended(*list(OPTIONS)[2:])])
@pytest.mark.parametrize("sparse", [False, *extended(True)])
def test_solutions_are_those_of_single_calls(kind, name, sparse):
    X, y = data()
    options = OPTIONS[name]
    A = sp.csc_array(X) if sparse else X
    path = solve_path(kind, A, y, n_lams=6, ratio=0.02, rtol=1e-9, **options).check()
    assert path.x.shape == (24, 6)
    assert path.lams[-1] == pytest.approx(0.02 * path.lams[0])
    assert not path.x[:, 0].any()
    assert (path.gap <= 1e-9 * path.objective[0] * (1 + 1e-6)).all()
    for k, lam in enumerate(path.lams):
        one = solve_one(kind, X, y, lam, rtol=1e-9, **options)
        assert path.objective[k] == pytest.approx(one.objective, rel=1e-7)
        np.testing.assert_allclose(path.x[:, k], one.x, atol=1e-3)
        assert path.intercept[k] == pytest.approx(one.intercept, abs=1e-3)


@pytest.mark.parametrize("kind", ["logistic", "groups"])
def test_largest_factor(kind):
    X, y = data()
    first = solve_path(kind, X, y, n_lams=2, fit_intercept=True).lams[0]
    assert not solve_one(kind, X, y, 1.0001 * first, fit_intercept=True, rtol=1e-12).x.any()
    assert solve_one(kind, X, y, 0.99 * first, fit_intercept=True, rtol=1e-12).x.any()
    weights = np.ones(24 if kind == "logistic" else 8)
    weights[0] = 0
    path = solve_path(kind, X, y, n_lams=3, weights=weights, fit_intercept=True).check()
    assert set(np.flatnonzero(path.x[:, 0])) <= ({0} if kind == "logistic" else {0, 1, 2})


def test_factors_of_the_caller():
    X, y = data()
    path = logistic_path(X, y > 0, lams=[0.01, 0.1, 0.05])
    np.testing.assert_array_equal(path.lams, [0.1, 0.05, 0.01])
    np.testing.assert_array_equal(path.classes, [False, True])
    assert path.nit == path.steps.sum()
    assert pickle.loads(pickle.dumps(path)).x.shape == (24, 3)
    assert logistic_path(X, y > 0, lams=[0.1], rho=0).success
    for options, message in [
        ({"lams": []}, "lams has shape"),
        ({"lams": [0.1, 0]}, "lams has 1 entries <= 0"),
        ({"ratio": 1.0}, "ratio is"),
        ({"n_lams": 0}, "n_lams is"),
        ({"rho": 0.0}, "pass lams"),
    ]:
        with pytest.raises(ValueError, match=message):
            logistic_path(X, y > 0, **options)
    with pytest.raises(ValueError, match="pass lams"):
        group_lasso_path(X, 0 * y, 3)


def test_a_path_may_end_early_or_miss():
    X, y = data()
    path = group_lasso_path(X, y, 3, callback=lambda w, gap: True)
    assert path.status == Status.STOPPED
    assert 1 <= len(path.lams) < 100
    assert path.x.shape == (24, len(path.lams))
    with pytest.warns(ConvergenceWarning, match="time limit"):
        path = logistic_path(X, y > 0, time_limit=1e-9, n_lams=5)
    assert len(path.lams) < 5
    with pytest.warns(ConvergenceWarning, match="of 5 solutions, first for lam = "):
        path = logistic_path(X, y > 0, n_lams=5, maxiter=0)
    with pytest.raises(ConvergenceError, match="maxiter"):
        path.check()


def test_plot():
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    path = group_lasso_path(*data(), 3, n_lams=4)
    ax = path.plot()
    assert len(ax.lines) == (path.x != 0).any(axis=1).sum()
    plt.close("all")
