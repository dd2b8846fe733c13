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
    path = solve_path(kind, A, y, count=6, ratio=0.02, rtol=1e-9, **options).check()
    assert path.coefs.shape == (24, 6)
    assert path.lams[-1] == pytest.approx(0.02 * path.lams[0])
    assert not path[0].x.any()
    assert (path.gaps <= 1e-9 * path.objectives[0] * (1 + 1e-6)).all()
    for k, lam in enumerate(path.lams):
        one = solve_one(kind, X, y, lam, rtol=1e-9, **options)
        assert path.objectives[k] == pytest.approx(one.objective, rel=1e-7)
        np.testing.assert_allclose(path[k].x, one.x, atol=1e-3)
        assert path.intercepts[k] == pytest.approx(one.intercept, abs=1e-3)


@pytest.mark.parametrize("kind", ["logistic", "groups"])
def test_largest_factor(kind):
    X, y = data()
    first = solve_path(kind, X, y, count=2, fit_intercept=True).lams[0]
    assert not solve_one(kind, X, y, 1.0001 * first, fit_intercept=True, rtol=1e-12).x.any()
    assert solve_one(kind, X, y, 0.99 * first, fit_intercept=True, rtol=1e-12).x.any()
    weights = np.ones(24 if kind == "logistic" else 8)
    weights[0] = 0
    path = solve_path(kind, X, y, count=3, weights=weights, fit_intercept=True).check()
    assert set(np.flatnonzero(path[0].x)) <= ({0} if kind == "logistic" else {0, 1, 2})


def test_factors_of_the_caller():
    X, y = data()
    path = logistic_path(X, y > 0, [0.01, 0.1, 0.05])
    np.testing.assert_array_equal(path.lams, [0.01, 0.1, 0.05])
    np.testing.assert_array_equal(path[1].classes, [False, True])
    np.testing.assert_allclose(path[0].x, logistic(X, y > 0, 0.01).x, atol=1e-2)
    assert pickle.loads(pickle.dumps(path)).coefs.shape == (24, 3)
    assert logistic_path(X, y > 0, [0.1], rho=0).success
    for options, message in [
        ({"lams": []}, "lams has shape"),
        ({"lams": [0.1, 0]}, "lams has 1 entries <= 0"),
        ({"ratio": 1.0}, "ratio is"),
        ({"count": 0}, "count is"),
        ({"rho": 0.0}, "pass lams"),
    ]:
        with pytest.raises(ValueError, match=message):
            logistic_path(X, y > 0, **options)
    with pytest.raises(ValueError, match="pass lams"):
        group_lasso_path(X, 0 * y, 3)


def test_a_path_may_miss():
    X, y = data()
    path = group_lasso_path(X, y, 3, count=4, callback=lambda w, gap: True)
    assert path.statuses[-1] == Status.STOPPED
    with pytest.warns(ConvergenceWarning, match="time limit"):
        path = logistic_path(X, y > 0, time_limit=1e-9, count=5)
    assert path.coefs.shape == (24, 5)
    with pytest.warns(ConvergenceWarning, match="of 5 values of lam, first lam = "):
        path = logistic_path(X, y > 0, count=5, maxiter=0)
    with pytest.raises(ConvergenceError, match="maxiter"):
        path.check()


def test_plot():
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    path = group_lasso_path(*data(), 3, count=4)
    ax = path.plot()
    assert len(ax.lines) == (path.coefs.toarray() != 0).any(axis=1).sum()
    plt.close("all")
