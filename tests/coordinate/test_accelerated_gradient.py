"""The accelerated gradient method against independent optima, its published formulas, and bad input."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import minimize as scipy_minimize

from numsolve import ConvergenceWarning, Status
from numsolve.coordinate import (
    L1,
    MCP,
    SCAD,
    Box,
    ElasticNet,
    LeastSquares,
    Logistic,
    NoPenalty,
    Penalty,
    Poisson,
    Quadratic,
    accelerated_gradient,
    minimize,
)
from numsolve.coordinate._accelerated_gradient import SETTINGS
from numsolve.coordinate._lipschitz import largest_eigenvalue, lipschitz_constant


@pytest.fixture
def regression(rng):
    """Few true coefficients among many, little noise."""
    X = rng.standard_normal((80, 200))
    w = np.zeros(200)
    w[[3, 50, 51, 170]] = 2.0, -1.5, 1.3, -3.0
    return X, X @ w + 0.7 + 0.1 * rng.standard_normal(80), w


def violation_by_definition(X, y, penalty, w, b):
    """Return the largest violation of the optimality conditions for a mean of squares, from scratch."""
    r = X @ w + b - y
    gradient, size, lam = X.T @ r / len(y), abs(w), penalty.lam
    if isinstance(penalty, MCP):
        slope = np.maximum(lam - size / penalty.gamma, 0)
    else:
        slope = np.where(size <= lam, lam, np.maximum(penalty.a * lam - size, 0) / (penalty.a - 1))
    each = np.where(w == 0, np.maximum(abs(gradient) - lam, 0), abs(gradient + slope * np.sign(w)))
    return each.max(), abs(r.mean())


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("penalty", [SCAD(0.2), MCP(0.2)], ids=["SCAD", "MCP"])
def test_support_and_size_of_the_coefficients_are_recovered(regression, penalty, settings):
    X, y, w = regression
    result = accelerated_gradient(LeastSquares(X, y), penalty, settings=settings, fit_intercept=True).check()
    assert (np.flatnonzero(result.x) == np.flatnonzero(w)).all()
    support = np.flatnonzero(w)
    A = np.column_stack([X[:, support], np.ones(80)])  # large coefficients are not shrunk
    np.testing.assert_allclose([*result.x[support], result.intercept], np.linalg.lstsq(A, y)[0], rtol=1e-4)
    first = abs(X.T @ y / 80).max()
    assert max(violation_by_definition(X, y, penalty, result.x, result.intercept)) <= 1.01e-6 * first
    loss = ((X @ result.x + result.intercept - y) ** 2).mean() / 2
    assert result.objective == pytest.approx(loss + penalty.value(result.x))


def test_l1_shrinks_where_scad_does_not(regression):
    X, y, w = regression
    found = {p: accelerated_gradient(LeastSquares(X, y), p).check().x for p in (L1(0.2), SCAD(0.2))}
    errors = [abs(x - w).max() for x in found.values()]
    assert errors[0] > 2 * errors[1]


def test_an_iteration_is_that_of_the_publication(regression):
    X, y, _ = regression
    lam, a, m = 0.3, 3.7, len(y)
    x0 = np.sign(X.T @ (y - y.mean()))
    L = max(np.linalg.eigvalsh(X @ X.T)[-1] / m, 1 / (a - 1))
    points = []
    accelerated_gradient(
        LeastSquares(X, y),
        SCAD(lam, a),
        x0,
        restart=False,
        lipschitz=L,
        callback=lambda x, norm: points.append(x) or len(points) == 4,
    )
    assert len(points) == 4
    x, ag, alpha, beta = x0, x0, 1.0, 0.99 / L
    for found in points:
        alpha = 2 / (1 + np.sqrt(1 + 4 / alpha**2))
        md = (1 - alpha) * ag + alpha * x
        size = abs(md)
        concave = np.where(size <= lam, 0, np.where(size < a * lam, (lam - size) / (a - 1), -lam))
        g = X.T @ (X @ md - y) / m + np.sign(md) * concave
        steps = []
        for start, step in ((x, beta / alpha), (md, beta)):
            v = start - step * g
            steps.append(np.sign(v) * np.maximum(abs(v) - step * lam, 0))
        x, ag = steps
        np.testing.assert_allclose(found, ag, rtol=1e-12, atol=1e-12)


def test_acceleration_and_restarts_take_fewer_iterations(regression):
    X, _, w = regression
    X = X + 0.5 * X[:, [0]]  # correlated features
    y = X @ w
    counts = {}
    for settings in SETTINGS:
        for restart in (False, True):
            result = accelerated_gradient(LeastSquares(X, y), SCAD(0.2), settings=settings, restart=restart)
            counts[settings, restart] = result.check().nit
    assert counts["proximal-gradient", False] > 1.3 * counts["optimal", False]
    assert counts["optimal", False] > 1.5 * counts["optimal", True]
    assert counts["proximal-gradient", False] == counts["proximal-gradient", True]


@pytest.mark.parametrize(
    "penalty", [L1(0.1), ElasticNet(0.1), NoPenalty(), Box(-0.2, 0.3)], ids=["L1", "net", "none", "box"]
)
def test_convex_penalties_reach_the_optimum(rng, penalty):
    X, y = rng.standard_normal((40, 8)), rng.standard_normal(40)
    result = accelerated_gradient(LeastSquares(X, y), penalty, rtol=1e-10).check()

    def split(u):  # x = u[:8] - u[8:], both parts >= 0, makes the penalties smooth
        x, size = u[:8] - u[8:], u.sum()
        value = ((X @ x - y) ** 2).mean() / 2
        if isinstance(penalty, ElasticNet):
            value += penalty.lam * (penalty.rho * size + (1 - penalty.rho) / 2 * x @ x)
        return value

    limits = [(0, 0.3)] * 8 + [(0, 0.2)] * 8 if isinstance(penalty, Box) else [(0, None)] * 16
    best = scipy_minimize(split, np.zeros(16), bounds=limits, options={"ftol": 1e-15, "gtol": 1e-10})
    assert result.objective == pytest.approx(best.fun, rel=1e-8)
    np.testing.assert_allclose(result.x, best.x[:8] - best.x[8:], atol=1e-4)


@pytest.mark.parametrize("form", [np.asfortranarray, sp.csc_array, sp.csr_matrix, np.float32])
def test_logistic_regression_in_all_formats(rng, form):
    X = rng.standard_normal((120, 30)) * (rng.random((120, 30)) < 0.5)
    y = np.where(X[:, 4] - X[:, 9] + 0.4 + 0.3 * rng.standard_normal(120) > 0, 1, -1)
    penalty = MCP(0.1, 2.0)
    result = accelerated_gradient(Logistic(form(X), y), penalty, fit_intercept=True, rtol=1e-4).check()
    assert set(np.flatnonzero(result.x)) == {4, 9}
    z = X @ result.x + result.intercept
    slopes = -y / (1 + np.exp(y * z)) / 120
    assert abs(slopes.sum()) < 1e-4
    slope = np.maximum(0.1 - abs(result.x[[4, 9]]) / 2, 0) * np.sign(result.x[[4, 9]])
    np.testing.assert_allclose(X[:, [4, 9]].T @ slopes, -slope, atol=1e-4)


def test_a_quadratic_and_single_precision(rng):
    A = rng.standard_normal((12, 12))
    A, b = A @ A.T + np.eye(12), rng.standard_normal(12)
    result = accelerated_gradient(Quadratic(A, b), NoPenalty(), rtol=1e-10).check()
    np.testing.assert_allclose(result.x, np.linalg.solve(A, b), rtol=1e-7, atol=1e-8)
    single = accelerated_gradient(Quadratic(A.astype(np.float32), b), NoPenalty(), rtol=1e-4).check()
    assert single.x.dtype == np.float32


def test_what_ends_a_run(regression):
    X, y, _ = regression
    datafit = LeastSquares(X, y)
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = accelerated_gradient(datafit, SCAD(0.1), maxiter=3)
    assert (result.status, result.nit) == (Status.MAXITER, 3)
    seen = []
    stopped = accelerated_gradient(
        datafit, SCAD(0.1), callback=lambda x, r: seen.append((x, r)) or len(seen) == 5
    )
    assert (stopped.status, len(seen)) == (Status.STOPPED, 5)
    assert (seen[-1][0] == stopped.x).all()
    again = accelerated_gradient(datafit, SCAD(0.1), stopped.x).check()
    same = accelerated_gradient(datafit, SCAD(0.1), again.x).check()
    assert same.nit == 0
    with pytest.warns(ConvergenceWarning, match="without bound"):
        lost = accelerated_gradient(Quadratic(-np.eye(3), np.ones(3)), NoPenalty())
    assert lost.status == Status.NONFINITE
    assert pickle.loads(pickle.dumps(again)).objective == again.objective


def test_nothing_to_do():
    X = np.array([[1.0, 0.0], [0.0, 0.0]])
    zero = accelerated_gradient(LeastSquares(X, np.zeros(2)), SCAD(0.1)).check()
    assert (zero.nit, zero.x.tolist(), zero.objective) == (0, [0, 0], 0)
    back = accelerated_gradient(LeastSquares(X, np.zeros(2)), SCAD(0.1), np.array([3.0, 0.0])).check()
    np.testing.assert_allclose(back.x, 0, atol=1e-5)
    above = accelerated_gradient(LeastSquares(X, np.array([1.0, 5.0])), MCP(9.0)).check()
    assert (above.nit, above.x.tolist()) == (0, [0, 0])
    one = accelerated_gradient(LeastSquares(np.array([[2.0]]), np.array([6.0])), SCAD(0.1)).check()
    np.testing.assert_allclose(one.x, [3.0], rtol=1e-5)


def test_separable_data_without_a_penalty_end_with_a_status():
    X, y = np.array([[1.0], [2.0], [-1.0]]), np.array([1, 1, -1])
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = accelerated_gradient(Logistic(X, y), NoPenalty(), rtol=1e-9, maxiter=200)
    assert np.isfinite(result.x).all()


def test_weights_leave_a_column_of_ones_free_like_an_intercept(regression):
    X, y, _ = regression
    ones = np.column_stack([np.ones(80), X])
    weights = np.r_[0.0, np.ones(200)]
    first = accelerated_gradient(LeastSquares(X, y), SCAD(0.2), fit_intercept=True, rtol=1e-8).check()
    second = accelerated_gradient(LeastSquares(ones, y), SCAD(0.2, weights=weights), rtol=1e-8).check()
    np.testing.assert_allclose(second.x, np.r_[first.intercept, first.x], atol=1e-6)


class Wavy(Penalty):
    """A penalty that is neither convex nor one of the two."""

    is_convex = False

    def value(self, x):
        return 0.0

    def prox(self, v, step, block=slice(None)):
        return v

    def violation(self, x, gradient, block=slice(None)):
        return abs(gradient)


def test_bad_input_is_named(rng):
    X, y = rng.standard_normal((5, 3)), rng.standard_normal(5)
    datafit, penalty = LeastSquares(X, y), SCAD(0.1)
    for error, match, call in (
        (TypeError, "datafit", lambda: accelerated_gradient(X, penalty)),
        (TypeError, "penalty", lambda: accelerated_gradient(datafit, 0.1)),
        (ValueError, "Wavy is not convex", lambda: accelerated_gradient(datafit, Wavy())),
        (ValueError, "no bound", lambda: accelerated_gradient(Poisson(X, abs(y)), penalty)),
        (ValueError, "settings", lambda: accelerated_gradient(datafit, penalty, settings="fast")),
        (ValueError, "x0 has shape", lambda: accelerated_gradient(datafit, penalty, np.zeros(2))),
        (ValueError, "x0", lambda: accelerated_gradient(datafit, penalty, np.full(3, np.nan))),
        (ValueError, "weights", lambda: accelerated_gradient(datafit, SCAD(0.1, weights=np.ones(2)))),
        (ValueError, "rtol", lambda: accelerated_gradient(datafit, penalty, rtol=-1)),
        (ValueError, "lipschitz", lambda: accelerated_gradient(datafit, penalty, lipschitz=0)),
        (
            TypeError,
            "linear model",
            lambda: accelerated_gradient(Quadratic(np.eye(2)), penalty, fit_intercept=True),
        ),
    ):
        with pytest.raises(error, match=match):
            call()


class Own(LeastSquares):
    """A datafit without a product with its Hessian."""

    def hessian_product(self, d):
        raise NotImplementedError("Own has no hessian_product")


def test_a_datafit_without_a_product_with_its_hessian_needs_a_constant(rng):
    X, y = rng.standard_normal((9, 3)), rng.standard_normal(9)
    with pytest.raises(TypeError, match="pass lipschitz"):
        accelerated_gradient(Own(X, y), SCAD(0.1))
    found = accelerated_gradient(Own(X, y), SCAD(0.1), lipschitz=10.0).check()
    np.testing.assert_allclose(found.x, accelerated_gradient(LeastSquares(X, y), SCAD(0.1)).x, atol=1e-5)


def test_both_frames_reach_the_same_kind_of_point(regression):
    X, y, _ = regression
    for penalty in (SCAD(0.2), MCP(0.2)):
        one, other = accelerated_gradient(LeastSquares(X, y), penalty), minimize(LeastSquares(X, y), penalty)
        assert one.objective == pytest.approx(other.objective, rel=1e-6)


def test_the_lipschitz_constant(rng):
    for shape in ((30, 70), (70, 30), (4, 1)):
        X, y = rng.standard_normal(shape), np.ones(shape[0])
        weights = rng.random(shape[0])
        datafit = Logistic(X, y, sample_weight=weights)
        for intercept in (False, True):
            A = np.column_stack([X, np.ones((shape[0], int(intercept)))])
            true = np.linalg.eigvalsh(A.T @ (weights[:, None] / weights.sum() * A))[-1] / 4
            found = lipschitz_constant(datafit, intercept=intercept)
            assert true * (1 - 1e-12) <= found <= true * 1.001
    assert largest_eigenvalue(lambda v: 0 * v, 5, np.dtype(float), np) == 0
    assert largest_eigenvalue(lambda v: -3 * v, 5, np.dtype(float), np) == pytest.approx(3)


def test_arrays_of_cupy_stay_on_the_device(cupy, rng):
    X = rng.standard_normal((30, 12))
    y = X[:, 2] - 2 * X[:, 7] + 0.3
    host = accelerated_gradient(LeastSquares(X, y), MCP(0.2), fit_intercept=True).check()
    datafit = LeastSquares(cupy.asarray(X), cupy.asarray(y))
    device = accelerated_gradient(datafit, MCP(0.2), fit_intercept=True).check()
    assert type(device.x).__module__.startswith("cupy")
    np.testing.assert_allclose(device.x.get(), host.x, atol=1e-8)
    assert device.intercept == pytest.approx(host.intercept)
    with pytest.raises(TypeError, match="x0"):
        accelerated_gradient(datafit, MCP(0.2), np.zeros(12))
