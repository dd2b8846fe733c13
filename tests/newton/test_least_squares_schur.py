"""Elimination of blocks of variables: against dense algebra, and bundle adjustment."""

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp

from numsolve._operators.operator import as_operator
from numsolve.newton import least_squares
from numsolve.newton._fitting import schur as _schur
from numsolve.problems import bundle_adjustment


def blocks_and_rest(rng, sizes=(1, 2, 2, 3), kept=5):
    """Return a sparse matrix, some of whose columns fall into blocks, and the mask of these columns."""
    rows = []
    for b, size in enumerate(sizes):
        for _ in range(size + 3):
            row = np.zeros(sum(sizes) + kept)
            row[sum(sizes[:b]) : sum(sizes[: b + 1])] = rng.standard_normal(size)
            row[sum(sizes) + rng.choice(kept, 2, replace=False)] = rng.standard_normal(2)
            rows.append(row)
    rows += [np.concatenate([np.zeros(sum(sizes)), rng.standard_normal(kept)]) for _ in range(2)]
    order = rng.permutation(sum(sizes) + kept)
    A = rng.permutation(np.array(rows))[:, order]
    return sp.csr_matrix(A), order < sum(sizes)


@pytest.mark.extended
@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("kept", [5, 0])
@pytest.mark.parametrize("bounded", [False, True])
def test_factorisation_is_that_of_the_whole_matrix(dense, kept, bounded, rng, monkeypatch):
    monkeypatch.setattr(_schur, "DENSE_REDUCED", 100 if dense else 0)
    A, mask = blocks_and_rest(rng, kept=max(kept, 2))
    if kept == 0:
        A, mask = A[:, np.flatnonzero(mask)], mask[mask]
        A.eliminate_zeros()
    J = as_operator(A, "numpy")
    free = rng.random(A.shape[1]) < 0.7 if bounded else None
    change, refines = _schur.Schur(J, None, _schur.Pattern(J, mask)).factorise(0.1, free)
    slope = rng.standard_normal(A.shape[1])
    chosen = slice(None) if free is None else np.flatnonzero(free)
    if free is not None:
        slope[~free] = 0
    D = A.toarray()[:, chosen]
    want = np.zeros_like(slope)
    want[chosen] = -np.linalg.solve(D.T @ D + 0.1 * np.eye(D.shape[1]), slope[chosen])
    assert refines
    np.testing.assert_allclose(change(None, slope), want, atol=1e-12)


@pytest.mark.extended
@pytest.mark.parametrize("method", ["levenberg-marquardt", "dogleg"])
def test_bundle_adjustment_is_solved(method):
    scene = bundle_adjustment(cameras=5, points=60, views=4, rng=1)
    options = {"jac": scene.jac, "method": method}
    result = least_squares(scene.fun, scene.x0, eliminate=scene.point_variables, **options).check()
    plain = least_squares(scene.fun, scene.x0, linear_solver="normal", **options).check()
    assert result.linear_solver == "schur"
    assert result.cost == pytest.approx(plain.cost, rel=1e-9)
    assert result.cost < 0.5 * np.sum(scene.fun(scene.x_true) ** 2)
    m, n = 2 * 60 * 4, len(scene.x0) - 7
    assert result.cost == pytest.approx(0.5 * 0.25 * (m - n), rel=0.4)  # noise of half a pixel
    exact = bundle_adjustment(cameras=5, points=60, views=4, noise=0, rng=1)
    result = least_squares(exact.fun, exact.x0, jac=exact.jac, eliminate=exact.point_variables).check()
    assert result.cost < 1e-9
    X, Y = (x[9 * 5 :].reshape(-1, 3) for x in (result.x, exact.x_true))
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    U, s, V = np.linalg.svd(X.T @ Y)  # the rotation and the size that images do not tell
    np.testing.assert_allclose(s.sum() / (X**2).sum() * X @ U @ V, Y, atol=1e-4)


@pytest.mark.extended
def test_bounds_hold_eliminated_and_kept_variables(rng):
    A, mask = blocks_and_rest(rng)
    b = 3 * rng.standard_normal(A.shape[0])
    n = A.shape[1]
    want = scipy.optimize.lsq_linear(A.toarray(), b, (-0.3, 0.3), method="bvls").x
    for chosen in (mask, np.flatnonzero(mask)):
        result = least_squares(
            lambda x: A @ x - b, np.zeros(n), jac=lambda x: A, bounds=(-0.3, 0.3), eliminate=chosen
        ).check()
        np.testing.assert_allclose(result.x, want, atol=1e-9)
        assert result.active_mask[mask].any()
    dense = least_squares(lambda x: A @ x - b, np.zeros(n), jac=lambda x: A.toarray(), eliminate=mask).check()
    np.testing.assert_allclose(dense.x, np.linalg.lstsq(A.toarray(), b)[0], atol=1e-9)


@pytest.mark.extended
def test_coupled_variables_are_refused(monkeypatch):
    monkeypatch.setattr(_schur, "LARGEST_BLOCK", 3)
    with pytest.raises(ValueError, match="couple 5 of the variables of eliminate"):
        least_squares(lambda x: np.ones((6, 6)) @ x, np.ones(6), eliminate=slice(0, 5))


@pytest.mark.parametrize(
    ("eliminate", "error", "message"),
    [
        ([0, 7], ValueError, "index outside of the 3 variables"),
        ([True, False], ValueError, "eliminate has 2 entries"),
        ([0.5], TypeError, "a mask, a slice or indices"),
    ],
)
def test_wrong_choices_are_refused(eliminate, error, message):
    with pytest.raises(error, match=message):
        least_squares(lambda x: x, np.ones(3), eliminate=eliminate)
    with pytest.raises(ValueError, match="leave one of them out"):
        least_squares(lambda x: x, np.ones(3), eliminate=[0], linear_solver="normal")


def test_jacobian_of_a_bundle_adjustment():
    scene = bundle_adjustment(cameras=4, points=10, views=3, rng=0)
    x, h = scene.x0.copy(), 1e-6
    x[:3] = 1e-5  # a rotation near zero
    J = scene.jac(x).toarray()
    D = np.array([(scene.fun(x + h * e) - scene.fun(x - h * e)) / (2 * h) for e in np.eye(len(x))]).T
    np.testing.assert_allclose(J, D, atol=1e-7 * abs(J).max())
    assert scene.fun(scene.x_true).std() == pytest.approx(0.5, rel=0.3)
    with pytest.raises(ValueError, match="views is 5"):
        bundle_adjustment(cameras=4, points=10, views=5)
