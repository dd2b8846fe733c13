"""Cross-validation: errors by hand, folds, executors and bad input."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import extended

from numsolve import ConvergenceWarning
from numsolve.coordinate import cross_validate, group_lasso, group_lasso_path, logistic, logistic_path


def data(m=60, n=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n))
    return X, X[:, 0] - X[:, 1] + 0.4 + 0.5 * rng.standard_normal(m)


LAMS = [0.2, 0.1, 0.05]


def test_errors_are_those_of_fits_without_the_fold():
    X, y = data()
    numbers = np.arange(60) % 3
    options = {"fit_intercept": True, "rtol": 1e-9}
    found = cross_validate(group_lasso_path, X, y, 3, folds=numbers, lams=LAMS, **options)
    for k, lam in enumerate(LAMS):
        for fold in range(3):
            fit, held = numbers != fold, numbers == fold
            one = group_lasso(X[fit], y[fit], lam, 3, **options)
            want = ((X[held] @ one.x + one.intercept - y[held]) ** 2).mean()
            assert found.errors[k, fold] == pytest.approx(want, rel=1e-3)
    np.testing.assert_allclose(found.mean, found.errors.mean(axis=1))
    np.testing.assert_allclose(found.standard_error, found.errors.std(axis=1, ddof=1) / np.sqrt(3))
    assert found.lam == found.lams[np.argmin(found.mean)]
    np.testing.assert_allclose(found.x, group_lasso(X, y, found.lam, 3, **options).x, atol=1e-3)


def test_losses_of_classes_and_weights():
    X, y = data()
    y, weights = np.where(y > 0, "b", "a"), 1.0 + np.arange(60) % 2
    pairs = [(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))]
    found = cross_validate(logistic_path, X, y, folds=pairs, lams=LAMS, sample_weight=weights, rtol=1e-9)
    fit, held = pairs[1]
    one = logistic(X[fit], y[fit], 0.05, sample_weight=weights[fit], rtol=1e-9)
    losses = np.log1p(np.exp(-np.where(y[held] == "b", 1, -1) * (X[held] @ one.x)))
    assert found.errors[2, 1] == pytest.approx(np.average(losses, weights=weights[held]), rel=1e-4)
    wrong = cross_validate(logistic_path, X, y, folds=pairs, lams=LAMS, loss=lambda y, z: y * z <= 0)
    assert (wrong.errors * 30 == (wrong.errors * 30).round()).all()


@pytest.mark.parametrize("sparse", [False, *extended(True)])
def test_executors_do_not_change_the_result(sparse):
    X, y = data()
    X = sp.csr_array(X * (abs(X) > 0.5)) if sparse else X
    want = cross_validate(logistic_path, X, y > 0, rng=3, count=5)
    assert want.errors.shape == (5, 5)
    with ThreadPoolExecutor(2) as executor:
        found = cross_validate(logistic_path, X, y > 0, rng=3, count=5, executor=executor)
    np.testing.assert_array_equal(found.errors, want.errors)
    assert (cross_validate(logistic_path, X, y > 0, rng=4, count=5).errors != want.errors).any()


@pytest.mark.extended
def test_processes():
    X, y = data()
    want = cross_validate(group_lasso_path, X, y, 3, rng=3, count=5)
    with ProcessPoolExecutor(1) as executor:
        found = cross_validate(group_lasso_path, X, y, 3, rng=3, count=5, executor=executor)
    np.testing.assert_array_equal(found.errors, want.errors)


def test_drawn_folds_keep_the_shares_of_classes():
    from numsolve.coordinate._cross_validation import _pairs

    classes = np.arange(60) < 7
    for folds in (2, 5, 7):
        pairs = _pairs(folds, 60, classes, 0)
        held = np.concatenate([part for _, part in pairs])
        np.testing.assert_array_equal(np.sort(held), np.arange(60))
        counts = [classes[part].sum() for _, part in pairs]
        assert max(counts) - min(counts) <= 1
        sizes = [len(part) for _, part in pairs]
        assert max(sizes) - min(sizes) <= 2
        for fit, part in pairs:
            np.testing.assert_array_equal(np.sort(np.concatenate([fit, part])), np.arange(60))


def test_one_standard_error():
    X, y = data()
    found = cross_validate(logistic_path, X, y > 0, rng=0, count=10)
    limit = found.mean[found.best] + found.standard_error[found.best]
    assert found.simplest <= found.best
    assert found.mean[found.simplest] <= limit
    assert (found.mean[: found.simplest] > limit).all()


def test_misses_warn_once():
    X, y = data()
    with pytest.warns(ConvergenceWarning) as warned:
        cross_validate(logistic_path, X, y > 0, rng=0, lams=[1e-3], maxiter=1)
    assert len(warned) == 2  # the path for all samples, and the folds together


BAD = {
    "one fold": ({"folds": 1}, ValueError, "folds is 1"),
    "many folds": ({"folds": 70}, ValueError, "folds is 70"),
    "length": ({"folds": [0, 1]}, ValueError, "folds has shape"),
    "one number": ({"folds": np.zeros(60)}, ValueError, "one fold"),
    "no pair": ({"folds": [([0, 1],)]}, ValueError, r"folds\[0\]"),
    "outside": ({"folds": [([0, 1], [60])]}, ValueError, "outside 0..59"),
    "option": ({"colour": 1}, TypeError, "colour is not an option of logistic_path"),
    "time limit": ({"time_limit": 1}, TypeError, "does not take time_limit"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    options, error, message = BAD[name]
    X, y = data()
    with pytest.raises(error, match=message):
        cross_validate(logistic_path, X, y > 0, count=2, **options)


def test_plot():
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    X, y = data()
    ax = cross_validate(logistic_path, X, y > 0, rng=0, count=4).plot()
    assert ax.get_xscale() == "log"
    plt.close("all")
