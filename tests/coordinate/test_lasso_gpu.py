"""Lasso and elastic net on device arrays: the same coefficients as on the host."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from support.penalised import Dense, check, data
from support.tiers import extended

from numsolve import to_device, to_host
from numsolve.coordinate import elastic_net, lasso, lasso_path


@pytest.mark.parametrize(
    ("sparse", "intercept", "positive", "rho"),
    [
        (False, True, False, 1.0),
        (True, True, False, 1.0),
        *extended((False, False, True, 0.5), (True, False, True, 0.5)),
    ],
)
def test_as_on_the_host(rng, cupy, sparse, intercept, positive, rho):
    X, y = data(rng, 20, 30, sparse=sparse)
    given = to_device(sp.csr_matrix(X) if sparse else X)
    result = elastic_net(
        given, to_device(y), 0.05, rho, fit_intercept=intercept, positive=positive, rtol=1e-9
    )
    assert isinstance(result.x, cupy.ndarray)
    own = elastic_net(X, y, 0.05, rho, fit_intercept=intercept, positive=positive, rtol=1e-9)
    np.testing.assert_allclose(to_host(result.x), own.x, atol=1e-4)
    assert result.intercept == pytest.approx(own.intercept, abs=1e-3)


def test_mixed_libraries_are_refused(cupy):
    with pytest.raises(TypeError, match="y is on the GPU"):
        lasso(np.eye(3), to_device(np.ones(3)), 0.1)


@pytest.mark.parametrize("largest", [20, 8000])
def test_with_and_without_gram_matrix(rng, cupy, monkeypatch, largest):
    monkeypatch.setattr("numsolve.coordinate._blocks.LARGEST", largest)
    X, y = data(rng, 6, 50)
    X = X.astype(np.float32)
    result = elastic_net(to_device(X), to_device(y), 0.05, 0.1)
    assert to_host(result.x).dtype == np.float32
    check(to_host_result(result), Dense(X, y, 0.05, 0.1), unit=1e-6)


def test_path(rng, cupy):
    X, y = data(rng, 15, 20)
    path = lasso_path(to_device(X), to_device(y), count=4, rtol=1e-8)
    assert isinstance(path[3].x, cupy.ndarray)
    for lam, result in zip(path.lams, path, strict=True):
        check(to_host_result(result), Dense(X, y, lam), 1e-8)


def to_host_result(result):
    """Return a result with its coefficients on the host."""
    return replace(result, x=to_host(result.x))
