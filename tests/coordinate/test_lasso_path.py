"""Paths of the Lasso and the elastic net: each result against a solution of its own."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from support.penalised import Dense, check, data

from numsolve import ConvergenceError, ConvergenceWarning, Status
from numsolve.coordinate import elastic_net, elastic_net_path, lasso, lasso_path


@pytest.fixture(autouse=True)
def uncompiled(request, monkeypatch):
    """In the quick tier, let the few numbers of these tests be worked on without compiled kernels."""
    if not request.node.get_closest_marker("extended"):
        monkeypatch.delenv("NUMSOLVE_COMPILE", raising=False)


@pytest.mark.parametrize("sparse", [False, True])
def test_each_result_solves_its_problem(rng, sparse):
    X, y = data(rng, 30, 60, sparse=sparse)
    path = lasso_path(sp.csr_array(X) if sparse else X, y, count=12, fit_intercept=True, rtol=1e-8)
    assert path.success
    assert len(path) == 12
    assert path.lams[0] == pytest.approx(abs((X - X.mean(axis=0)).T @ (y - y.mean())).max() / 30)
    assert path.lams[-1] == pytest.approx(path.lams[0] / 100)
    assert not path[0].x.any()
    for lam, result in zip(path.lams, path, strict=True):
        check(result, Dense(X, y, lam, intercept=True), 1e-8)
    own = lasso(X, y, path.lams[7], fit_intercept=True, rtol=1e-12)
    np.testing.assert_allclose(path[7].x, own.x, atol=1e-3)
    assert path.intercepts[7] == pytest.approx(own.intercept, abs=1e-3)


def test_arrays_are_those_of_the_results(rng):
    X, y = data(rng, 30, 60)
    path = lasso_path(X, y, count=6)
    coefs = path.coefs.toarray()
    assert coefs.shape == (60, 6)
    for i, result in enumerate(path):
        np.testing.assert_array_equal(coefs[:, i], result.x)
        assert path.gaps[i] == result.gap
        assert path.objectives[i] == result.objective
    assert path[-1].status == Status.CONVERGED == path.statuses[-1]
    part = path[2:4]
    np.testing.assert_array_equal(part.lams, path.lams[2:4])
    np.testing.assert_array_equal(part[0].x, path[2].x)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(path)).coefs.toarray(), coefs)
    assert "6 values of lam" in repr(path)


def test_given_values_in_any_order(rng):
    X, y = data(rng, 30, 60)
    lams = np.array([0.05, 0.5, 0.01])
    path = elastic_net_path(X, y, 0.5, lams, rtol=1e-10)
    np.testing.assert_array_equal(path.lams, lams)
    for lam, result in zip(lams, path, strict=True):
        np.testing.assert_allclose(result.x, elastic_net(X, y, lam, 0.5, rtol=1e-10).x, atol=1e-4)


def test_features_without_penalty_and_positive(rng):
    X, y = data(rng, 30, 60)
    v = np.ones(60)
    v[3] = 0
    path = lasso_path(X, y, count=5, weights=v, positive=True)
    assert path[0].x.nonzero()[0].tolist() in ([3], [])
    assert path.success
    for lam, result in zip(path.lams, path, strict=True):
        check(result, Dense(X, y, lam, weights=v, positive=True))


def test_zero_observations():
    path = lasso_path(np.eye(3), np.zeros(3), count=3)
    assert path.success
    assert path.coefs.nnz == 0


def test_misses_warn_once_and_check_raises(rng):
    X, y = data(rng, 60, 200)
    with pytest.warns(ConvergenceWarning, match="values of lam, first lam = ") as caught:
        path = lasso_path(X, y, count=5, maxiter=1, rtol=1e-12)
    assert len(caught) == 1
    assert not path.success
    with pytest.raises(ConvergenceError, match="maxiter reached"):
        path.check()
    assert lasso_path(X, y, count=2).check() is not None


def test_plot(rng):
    plt = pytest.importorskip("matplotlib.pyplot")
    X, y = data(rng, 30, 60)
    path = lasso_path(X, y, count=5)
    ax = path.plot(color="k")
    assert len(ax.lines) == len(np.flatnonzero(path.coefs.toarray().any(axis=1)))
    assert ax.get_xlabel() == "lam"
    plt.close(ax.figure)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lams": []}, "lams has shape"),
        ({"lams": [0.1, -1.0]}, "lams has 1 entries < 0"),
        ({"lams": [np.nan]}, "lams has 1 NaN"),
        ({"count": 0}, "count is 0"),
        ({"ratio": 2.0}, "ratio is 2.0"),
        ({"rho": 0.0}, "pass lams"),
        ({"rho": -0.5}, "rho is -0.5"),
    ],
)
def test_bad_input(changes, message):
    with pytest.raises(ValueError, match=message):
        elastic_net_path(**({"X": np.eye(3), "y": np.arange(3.0), "rho": 0.5} | changes))
