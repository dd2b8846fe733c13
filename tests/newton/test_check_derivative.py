"""The check of derivatives: vectors, gradients, Hessians, products; the entry that is named."""

import numpy as np
import pytest
import scipy.optimize as spo
import scipy.sparse as sp

from numsolve import newton

check = newton.check_derivative


def fun(x):
    return np.array([x[0] * x[1], np.sin(x[1]), 1e4 * x[0] ** 2])


def jac(x):
    return np.array([[x[1], x[0]], [0, np.cos(x[1])], [2e4 * x[0], 0]])


X = np.array([1.3, 0.7])


def test_a_right_jacobian():
    for given in (jac, lambda x: sp.csr_array(jac(x))):
        found = check(fun, X, given, rng=0)
        assert found.success
        assert found.entry is None
        assert found.error < 1e-6
        assert found.check() is found
    assert found.nfev == 13


@pytest.mark.parametrize("row", [0, 1, 2])
@pytest.mark.parametrize("column", [0, 1])
def test_the_wrong_entry_is_named(row, column):
    def wrong(x):
        J = jac(x)
        J[row, column] += 0.01 * max(1, abs(J[row]).max())
        return J

    found = check(fun, X, wrong, rng=0)
    assert not found.success
    assert found.entry == (row, column)
    assert found.given == pytest.approx(wrong(X)[row, column], rel=1e-9)
    assert found.difference == pytest.approx(jac(X)[row, column], rel=1e-5, abs=1e-6)
    with pytest.raises(ValueError, match=f"value {row} by variable {column}"):
        found.check()


def test_one_of_many_columns(rng):
    B = rng.standard_normal((3, 1000))
    wrong = B.copy()
    wrong[1, 777] += 1
    found = check(lambda x: B @ x, rng.standard_normal(1000), lambda x: wrong, rng=0)
    assert found.entry == (1, 777)
    assert found.nfev < 150


def test_gradients_hessians_and_products():
    x = np.array([0.3, -1.2, 0.5])
    rosen = spo.rosen, spo.rosen_der, spo.rosen_hess
    assert check(rosen[0], x, rosen[1], rng=1).success
    assert check(rosen[1], x, rosen[2], rng=1).success
    assert check(rosen[1], x, spo.rosen_hess_prod, products=True, rng=1).success
    assert check(lambda x: (rosen[0](x), rosen[1](x)), x, True, rng=1).success
    found = check(rosen[0], x, lambda x: rosen[1](x) + np.eye(3)[2], rng=1)
    assert found.entry == (0, 2)
    assert not check(rosen[1], x, lambda x, v: 1.1 * spo.rosen_hess_prod(x, v), products=True, rng=1).success


def test_args_shapes_and_complex_points():
    found = check(
        lambda x, a: a * x**2, np.ones((2, 2)), lambda x, a: np.diag(2 * a * x.ravel()), (3.0,), rng=0
    )
    assert found.success
    z = np.array([1 + 2j, 0.5])
    assert check(lambda z: z**2, z, lambda z: np.diag(2 * z), rng=0).success
    assert not check(lambda z: z.conj() ** 2, z, lambda z: np.diag(2 * z), rng=0).success
    assert check(lambda x: x**2, X.astype(np.float32), lambda x: np.diag(2 * x), rng=0).success


def test_bad_input():
    with pytest.raises(ValueError, match="jac returned an array of shape"):
        check(fun, X, lambda x: np.ones((2, 2)))
    with pytest.raises(ValueError, match="not finite near x"):
        check(lambda x: np.where(x > 1.3, np.nan, x), X, lambda x: np.eye(2), rng=0)
    with pytest.raises(ValueError, match="x has 1 NaN"):
        check(fun, [np.nan, 1], jac)

    with pytest.raises(ValueError, match="jac has 3 NaN"):
        check(fun, X, lambda x: jac(x) * [[np.nan, 1]], rng=0)
