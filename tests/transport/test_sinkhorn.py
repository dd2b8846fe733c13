"""Sinkhorn's iteration: potentials, plans and costs against independent computations."""

import numpy as np
import pytest
import scipy.sparse as sp
from numba import get_num_threads, set_num_threads
from scipy.optimize import linear_sum_assignment, linprog
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

import numsolve
from numsolve import ConvergenceWarning, Status
from numsolve.kernels.cpu._exp import fast_exp
from numsolve.kernels.cpu._jit import inline
from numsolve.krylov import cg
from numsolve.precondition import jacobi
from numsolve.problems import line_pair
from numsolve.relaxation import FixedOmega
from numsolve.transport import Grid, PointCloud, sinkhorn, wasserstein_1d
from numsolve.transport._newton import SchurComplement

METRICS = ("sqeuclidean", "euclidean", "cityblock")
EPS = np.finfo(float).eps


def clouds(rng, n=60, m=47):
    """Two clouds of points with uneven masses."""
    x, y = rng.random((n, 2)), rng.random((m, 2)) + 0.3
    a, b = rng.random(n) + 0.1, rng.random(m) + 0.1
    return x, y, a / a.sum(), b / b.sum(), ((x[:, None] - y) ** 2).sum(axis=-1)


def sinkhorn_by_hand(a, b, C, eps, steps=20000):
    """Plain alternating scaling with SciPy's logsumexp, to convergence."""
    g = np.zeros(len(b))
    for _ in range(steps):
        f = eps * (np.log(a) - logsumexp((g - C) / eps, axis=1))
        new = eps * (np.log(b) - logsumexp((f[:, None] - C) / eps, axis=0))
        if abs(new - g).max() < 1e-14:
            break
        g = new
    return np.exp((f[:, None] + g - C) / eps)


def exact(a, b, C):
    """The least cost without entropy, by SciPy's linear programming."""
    n, m = C.shape
    rows, columns = np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))
    found = linprog(C.ravel(), A_eq=np.vstack([rows, columns])[:-1], b_eq=np.r_[a, b][:-1])
    return found.fun


def error_of(P, a, b):
    return abs(P.sum(axis=1) - a).sum() + abs(P.sum(axis=0) - b).sum()


def rounding(C, eps, mass=1.0):
    """Bound what rounding does to the error of the marginals.

    An exponent ``(f + g - C) / eps`` has an error of some units in the last place of its largest term, and
    its entry of the plan that relative error.
    """
    return 4 * EPS * abs(C).max() / eps * mass


@pytest.mark.parametrize(("dtype", "bound", "range_"), [(np.float64, 4e-16, 700), (np.float32, 2e-7, 86)])
def test_the_exponential_is_accurate(rng, dtype, bound, range_):
    @inline
    def each(x, y):
        for i in range(x.size):
            y[i] = fast_exp(x[i])

    x = np.r_[rng.uniform(-range_, 5, 50_000), rng.uniform(-1, 1, 50_000), 0].astype(dtype)
    y = np.empty_like(x)
    each(x, y)
    want = np.exp(x.astype(np.longdouble))
    assert abs(y / want - 1).max() < bound
    edge = np.array([-np.inf, -2000, np.nan, 3000, 0], dtype)
    each(edge, y)
    assert y[0] == y[1] == 0
    assert np.isnan(y[2])
    assert y[3] > 1e37
    assert y[4] == 1


@pytest.mark.parametrize("method", ["auto", "log", "scaling", "newton"])
def test_methods_find_the_plan(rng, method):
    _, _, a, b, C = clouds(rng)
    result = sinkhorn(a, b, C, 0.02, method=method, atol=1e-11).check()
    P = result.plan.to_dense()
    np.testing.assert_allclose(P, sinkhorn_by_hand(a, b, C, 0.02), atol=1e-12)
    noise = rounding(C, 0.02)
    assert error_of(P, a, b) == pytest.approx(result.marginal_error, rel=1e-2, abs=noise)
    assert result.marginal_error <= 1e-11
    assert result.residuals[-1] == pytest.approx(result.marginal_error, rel=1e-2, abs=noise)


@pytest.mark.parametrize("d", [1, 2, 3, 6])
@pytest.mark.parametrize("metric", METRICS)
def test_point_clouds_match_a_dense_cost(rng, metric, d):
    _, _, a, b, _ = clouds(rng)
    x, y = rng.random((len(a), d)) / d, rng.random((len(b), d)) / d
    C = cdist(x, y, metric)
    cloud = sinkhorn(a, b, PointCloud(x, y, metric), 0.01, atol=1e-12)
    dense = sinkhorn(a, b, C, 0.01, method="log", atol=1e-12)
    np.testing.assert_allclose(cloud.f, dense.f, atol=1e-9)
    np.testing.assert_allclose(cloud.plan.to_dense(), dense.plan.to_dense(), atol=1e-11)
    assert cloud.cost_linear == pytest.approx(dense.cost_linear, rel=1e-9)
    assert cloud.bounds() == pytest.approx(dense.bounds(), rel=1e-9)


@pytest.mark.parametrize("metric", ["sqeuclidean", "cityblock"])
@pytest.mark.parametrize("eps", [0.01, 0.0003])
def test_grids_match_a_dense_cost(rng, metric, eps):
    s, t, u, v = np.linspace(0, 1, 7), np.linspace(0, 2, 5), np.linspace(0.2, 1, 6), np.linspace(0, 1, 4)
    points = [np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2) for axes in ((s, t), (u, v))]
    difference = points[0][:, None] - points[1]
    C = (difference**2 if metric == "sqeuclidean" else abs(difference)).sum(axis=-1)
    grid = Grid([s, t], [u, v], metric)
    np.testing.assert_allclose(grid.rows(3, 9), C[3:9], atol=1e-15)
    a, b = rng.random(35), rng.random(24)
    a, b = a / a.sum(), b / b.sum()
    options = {"method": "log", "atol": 1e-7}
    ours, dense = sinkhorn(a.reshape(7, 5), b, grid, eps, **options), sinkhorn(a, b, C, eps, **options)
    np.testing.assert_allclose(ours.plan.to_dense(), dense.plan.to_dense(), atol=1e-7)
    assert ours.bounds() == pytest.approx(dense.bounds(), rel=1e-5)


def test_missing_edges_are_forbidden(rng):
    _, _, a, b, C = clouds(rng, 30, 30)
    b = a[::-1] / 2 + a / 2  # a plan exists: half of each mass stays, half goes to the mirror
    allowed = (rng.random(C.shape) < 0.3) | np.eye(30, dtype=bool) | np.eye(30, dtype=bool)[::-1]
    sparse = sp.csr_array((C[allowed], np.nonzero(allowed)), shape=C.shape)
    result = sinkhorn(a, b, sparse, 0.05, atol=1e-9).check()
    P = result.plan.to_dense()
    assert (P[~allowed] == 0).all()
    assert error_of(P, a, b) <= 1.01e-9
    np.testing.assert_allclose(P, sinkhorn_by_hand(a, b, np.where(allowed, C, np.inf), 0.05), atol=1e-8)


def test_edges_that_cannot_carry_the_mass_are_reported():
    """Each row and column has an edge, but two rows share a column that holds one of them."""
    a = np.full(3, 1 / 3)
    sparse = sp.csr_array((np.ones(5), ([0, 1, 2, 2, 2], [0, 0, 0, 1, 2])), shape=(3, 3))
    with pytest.warns(ConvergenceWarning, match=r"infeasible.* 0\.66666"):
        result = sinkhorn(a, a, sparse, 0.1, maxiter=200)
    assert result.status == Status.BREAKDOWN
    assert sinkhorn(a, a, sparse, 0.1, tau_a=1.0, tau_b=1.0).success


def test_a_tolerance_below_rounding_is_reported(rng):
    _, _, a, b, C = clouds(rng)
    with pytest.warns(ConvergenceWarning, match="rounding"):
        result = sinkhorn(a, b, C, 0.01, atol=0, maxiter=500)
    assert result.status == Status.STAGNATED
    assert result.marginal_error < rounding(C, 0.01)


def test_weak_duality_and_costs(rng):
    _, _, a, b, C = clouds(rng)
    result = sinkhorn(a, b, C, 0.02, atol=1e-11)
    P = result.plan.to_dense()
    entropy = (P * np.log(P)).sum()
    assert result.cost_linear == pytest.approx((C * P).sum(), rel=1e-12)
    assert result.cost_entropic == pytest.approx((C * P).sum() + 0.02 * entropy, rel=1e-12)
    relative = (P * np.log(P / np.outer(a, b))).sum()
    assert result.cost_kl == pytest.approx((C * P).sum() + 0.02 * relative, rel=1e-12)
    assert result.dual == pytest.approx(result.cost_entropic, abs=1e-10)
    with pytest.warns(ConvergenceWarning):
        early = sinkhorn(a, b, C, 0.02, maxiter=3)
    assert early.dual < result.dual


def test_bounds_contain_the_exact_cost_and_tighten(rng):
    _, _, a, b, C = clouds(rng, 12, 10)
    best, gaps = exact(a, b, C), []
    for eps in (0.1, 0.01, 0.001):
        lower, upper = sinkhorn(a, b, C, eps, method="log").bounds()
        assert lower - 1e-12 <= best <= upper + 1e-12
        gaps.append(upper - lower)
    assert 10 * gaps[2] < gaps[1] < 0.2 * gaps[0]


def test_an_assignment_is_found(rng):
    C = rng.random((25, 25))
    rows, columns = linear_sum_assignment(C)
    uniform = np.full(25, 1 / 25)
    result = sinkhorn(uniform, uniform, C, 2e-4, atol=1e-10).check()
    np.testing.assert_array_equal(result.plan.to_dense().argmax(axis=1), columns)
    lower, upper = result.bounds()
    best = C[rows, columns].mean()
    noise = 25 * EPS * C.max()
    assert lower <= best + noise
    assert upper >= best - noise
    assert upper - lower < 1e-3


def test_gaussians_have_a_closed_form():
    """The cost with its relative entropy, of N(m, s^2) and N(n, t^2) with the squared distance.

    By Mallasto, Gerolin, Minh, Entropy-regularized 2-Wasserstein distance between Gaussian measures, 2021;
    derived again from the Gaussian that solves it: its covariance c fulfils c^2 + eps c / 2 = s^2 t^2.
    """
    grid = np.linspace(-9, 10, 400)
    (m, s), (n, t), eps = (0.0, 1.0), (1.0, 0.7), 0.8
    a, b = (np.exp(-((grid - c) ** 2) / (2 * w * w)) for c, w in ((m, s), (n, t)))
    a, b = a / a.sum(), b / b.sum()
    result = sinkhorn(a, b, PointCloud(grid[:, None]), eps).check()
    c = (np.sqrt(eps**2 / 4 + 4 * s**2 * t**2) - eps / 2) / 2
    information = -0.5 * np.log(1 - c**2 / (s * t) ** 2)
    want = (m - n) ** 2 + s**2 + t**2 - 2 * c + eps * information
    assert result.cost_kl == pytest.approx(want, rel=1e-6)


def test_shift_transpose_permutation(rng):
    _, _, a, b, C = clouds(rng)
    base = sinkhorn(a, b, C, 0.01, atol=1e-11)
    shifted = sinkhorn(a, b, C + 7, 0.01, atol=1e-11)
    np.testing.assert_allclose(shifted.plan.to_dense(), base.plan.to_dense(), atol=1e-10)
    assert shifted.cost_linear == pytest.approx(base.cost_linear + 7, rel=1e-9)
    turned = sinkhorn(b, a, C.T, 0.01, atol=1e-11)
    np.testing.assert_allclose(turned.f, base.g, atol=1e-9)
    np.testing.assert_allclose(turned.plan.to_dense(), base.plan.T.to_dense(), atol=1e-10)
    p, q = rng.permutation(60), rng.permutation(47)
    mixed = sinkhorn(a[p], b[q], C[p][:, q], 0.01, atol=1e-11)
    np.testing.assert_allclose(mixed.g, base.g[q], atol=1e-9)


def test_products_rows_and_sparse_parts_of_the_plan(rng):
    x, y, a, b, _ = clouds(rng)
    result = sinkhorn(a, b, PointCloud(x, y), 0.01)
    plan, P = result.plan, result.plan.to_dense()
    v, w, V = rng.random(47), rng.random(60), rng.random((47, 3))
    np.testing.assert_allclose(plan @ v, P @ v, rtol=1e-12)
    np.testing.assert_allclose(plan @ V, P @ V, rtol=1e-12)
    np.testing.assert_allclose(plan.T @ w, P.T @ w, rtol=1e-12)
    np.testing.assert_allclose(plan.rows(5, 9), P[5:9], rtol=1e-12)
    for scale in (-1.0, 1e150, 0.0):
        u, t = scale * (v - 0.5), scale * (w - 0.3)
        np.testing.assert_allclose(plan @ u, P @ u, rtol=1e-10, atol=1e-13 * abs(scale))
        np.testing.assert_allclose(plan.T @ t, P.T @ t, rtol=1e-10, atol=1e-13 * abs(scale))
    wide = rng.standard_normal((47, 20))
    np.testing.assert_allclose(plan @ wide, P @ wide, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(plan.barycentric(y), P @ y / P.sum(axis=1)[:, None], rtol=1e-12)
    kept = plan.to_sparse(0.9)
    assert kept.nnz < 0.5 * P.size
    assert (kept.sum(axis=1) >= 0.9 * P.sum(axis=1)).all()
    some = kept.toarray() > 0
    np.testing.assert_allclose(kept.toarray()[some], P[some], rtol=1e-12)
    least = np.where(some, P, np.inf).min(axis=1, keepdims=True)
    assert (P[some] >= np.broadcast_to(least, P.shape)[some]).all()
    assert (np.where(P > least, P, 0).sum(axis=1) < 0.9 * P.sum(axis=1)).all()
    across = plan.T.to_sparse(0.9)
    np.testing.assert_array_equal(across.toarray(), kept.toarray().T)
    large = plan.to_sparse(threshold=1e-3)
    np.testing.assert_allclose(large.toarray(), np.where(P >= 1e-3, P, 0), rtol=1e-12)
    for options in ({"mass": 1.0}, {"mass": 0}, {"threshold": 0}, {"mass": 0.5, "threshold": 0.1}):
        with pytest.raises(ValueError, match="mass" if "mass" in options else "threshold"):
            plan.to_sparse(**options)
    with pytest.raises(ValueError, match=r"v has shape \(60,\)"):
        plan @ w


@pytest.mark.parametrize("metric", METRICS)
def test_gradients_are_those_of_the_cost(rng, metric):
    x, y, a, b, _ = clouds(rng, 9, 8)

    def value(a, x):
        return sinkhorn(a, b, PointCloud(x, y, metric), 0.05, atol=1e-12).cost_entropic

    result = sinkhorn(a, b, PointCloud(x, y, metric), 0.05, atol=1e-12)
    da, dx, h = rng.standard_normal(9), rng.standard_normal(x.shape), 1e-5
    da -= da.mean()
    along_a = (value(a + h * da, x) - value(a - h * da, x)) / (2 * h)
    along_x = (value(a, x + h * dx) - value(a, x - h * dx)) / (2 * h)
    assert result.grad_a @ da == pytest.approx(along_a, rel=1e-5)
    assert (result.grad_x * dx).sum() == pytest.approx(along_x, rel=1e-5)


@pytest.mark.parametrize(("metric", "gradient"), [("cityblock", [-1, 0, 1]), ("euclidean", [-0.6, 0, 0.8])])
def test_equal_points_contribute_nothing_to_the_gradient(metric, gradient):
    x, y = np.array([[0.0, 2, 4], [1, 2, 3]]), np.array([[3.0, 2, 0], [1, 2, 3]])
    cost = PointCloud(x[:1], y[:1], metric)
    np.testing.assert_allclose(sinkhorn([1.0], [1.0], cost, 1.0).grad_x, [gradient], atol=1e-12)
    assert not sinkhorn([1.0], [1.0], PointCloud(x[1:], y[1:], metric), 1.0).grad_x.any()


def test_penalised_marginals_are_stationary(rng):
    """Against the conditions of the optimum, and a large penalty against prescribed marginals."""
    _, _, a, b, C = clouds(rng)
    b = 1.7 * b
    result = sinkhorn(a, b, C, 0.02, tau_a=0.3, tau_b=0.5, atol=1e-12).check()
    P = result.plan.to_dense()
    np.testing.assert_allclose(P.sum(axis=1), a * np.exp(-result.f / 0.3), rtol=1e-9)
    np.testing.assert_allclose(P.sum(axis=0), b * np.exp(-result.g / 0.5), rtol=1e-9)

    def kl(p, q):
        return (p * np.log(p / q) - p + q).sum()

    def primal(P):
        entropy = (P * (np.log(P) - 1)).sum()
        return (C * P).sum() + 0.02 * entropy + 0.3 * kl(P.sum(1), a) + 0.5 * kl(P.sum(0), b)

    assert result.dual == pytest.approx(primal(P), rel=1e-9)
    for _ in range(3):
        assert primal(P * np.exp(1e-3 * rng.standard_normal(P.shape))) > primal(P)
    stiff = sinkhorn(a, b / 1.7, C, 0.02, tau_a=1e6, tau_b=1e6, atol=1e-9)
    np.testing.assert_allclose(
        stiff.plan.to_dense(), sinkhorn(a, b / 1.7, C, 0.02).plan.to_dense(), atol=1e-7
    )


@pytest.mark.parametrize("taus", [(0.3, 0.5), (None, 0.4), (0.4, None)])
def test_gradients_of_penalised_problems(rng, taus):
    _, _, a, b, C = clouds(rng, 9, 8)
    b = 1.3 * b
    options = {"tau_a": taus[0], "tau_b": taus[1], "atol": 1e-12}
    result, h = sinkhorn(a, b, C, 0.05, **options), 1e-5
    da, db = a * rng.standard_normal(9), b * rng.standard_normal(8)
    along_a = [sinkhorn(a + s * da, b, C, 0.05, **options).dual for s in (h, -h)]
    along_b = [sinkhorn(a, b + s * db, C, 0.05, **options).dual for s in (h, -h)]
    assert result.grad_a @ da == pytest.approx((along_a[0] - along_a[1]) / (2 * h), rel=1e-5)
    assert result.grad_b @ db == pytest.approx((along_b[0] - along_b[1]) / (2 * h), rel=1e-5)


def test_tails_too_thin_for_stored_exponentials():
    """Masses of 1e-60 and less: "auto" begins with stored exponentials and goes over to logarithms."""
    t = np.linspace(0, 1, 100)
    a, b = (np.exp(-((t - m) ** 2) / (2 * 0.05**2)) for m in (0.2, 0.3))
    a, b = a / a.sum(), b / b.sum()
    C = (t[:, None] - t) ** 2
    result = sinkhorn(a, b, C, 0.01).check()
    assert result.method == "log"
    assert "logarithms" in result.message
    np.testing.assert_allclose(result.f, sinkhorn(a, b, C, 0.01, method="log").f, atol=1e-12)
    with pytest.warns(ConvergenceWarning, match="log"):
        assert sinkhorn(a, b, C, 0.01, method="scaling").status == Status.NONFINITE
    both = sinkhorn(np.stack([a, 0 * a + 0.01]), np.stack([b, 0 * b + 0.01]), C, 0.01)
    assert all(r.success for r in both)


def test_penalties_that_move_potentials_far():
    """The potentials over eps pass 700, whose exponentials overflow."""
    C, u = np.random.default_rng(0).random((20, 20)), np.full(20, 0.05)
    result = sinkhorn(5 * u, u, C, 1.0, tau_a=1000.0).check()
    P = result.plan.to_dense()
    rtol = 1e-9 / u[0]  # all of the allowed error may be in one row or column
    np.testing.assert_allclose(P.sum(axis=0), u, rtol=rtol)
    np.testing.assert_allclose(P.sum(axis=1), 5 * u * np.exp(-result.f / 1000), rtol=rtol)
    with pytest.raises(ValueError, match=r"scaling.*prescribed"):
        sinkhorn(5 * u, u, C, 1.0, tau_a=1000.0, method="scaling")
    warm = sinkhorn(5 * u, u, C, 1.0, tau_a=1000.0, warm_up=True).check()
    np.testing.assert_allclose(warm.plan.to_dense(), P, rtol=1e-6)


def test_penalties_and_costs_below_zero(rng):
    """With one penalty, potentials move by the cost over the penalty; with two, the mass overflows."""
    _, _, a, b, C = clouds(rng)
    result = sinkhorn(a, b, C - 100, 0.05, tau_a=0.1, atol=1e-10).check()
    P = result.plan.to_dense()
    np.testing.assert_allclose(P.sum(axis=0), b, rtol=1e-7)
    np.testing.assert_allclose(P, sinkhorn(a, b, C, 0.05, tau_a=0.1).plan.to_dense(), rtol=1e-6, atol=1e-12)
    with pytest.warns(ConvergenceWarning, match="below zero"):
        assert sinkhorn(a, b, C - 1e3, 0.05, tau_a=0.1, tau_b=0.1).status == Status.NONFINITE


def test_the_tolerance_of_penalised_problems_is_relative_to_a(rng):
    _, _, a, b, C = clouds(rng)
    for mass in (1e-6, 1e6):
        result = sinkhorn(mass * a, mass * b, C, 0.05, tau_a=1.0, tau_b=2.0, rtol=1e-8, atol=0).check()
        wanted = result.a * np.exp(-result.f), result.b * np.exp(-result.g / 2)
        assert error_of(result.plan.to_dense(), *wanted) <= 1.01e-8 * mass


def test_zero_masses_have_no_plan(rng):
    _, _, a, b, C = clouds(rng)
    a[[0, 7]], b[[3, 46]] = 0, 0
    a, b = a / a.sum(), b / b.sum()
    for method in ("log", "scaling", "newton"):
        result = sinkhorn(a, b, C, 0.02, method=method, atol=1e-11).check()
        P = result.plan.to_dense()
        assert not P[[0, 7]].any()
        assert not P[:, [3, 46]].any()
        small = sinkhorn(a[a > 0], b[b > 0], C[a > 0][:, b > 0], 0.02, atol=1e-11)
        np.testing.assert_allclose(P[a > 0][:, b > 0], small.plan.to_dense(), atol=1e-9)
        assert result.cost_kl == pytest.approx(small.cost_kl, rel=1e-8)
        lower, upper = result.bounds()
        assert lower <= small.cost_linear
        assert np.isfinite([lower, upper, result.dual, result.cost_entropic]).all()


@pytest.mark.parametrize("mass", [1e-200, 3.0, 1e200])
def test_results_scale_with_the_mass(rng, mass):
    _, _, a, b, C = clouds(rng)
    result = sinkhorn(mass * a, mass * b, C, 0.02, rtol=1e-11, atol=0).check()
    unit = sinkhorn(a, b, C, 0.02, atol=1e-11)
    np.testing.assert_allclose(result.plan.to_dense() / mass, unit.plan.to_dense(), atol=1e-9)


def test_nothing_under_or_overflows_at_tiny_eps(rng):
    """Where eps is 1e-6 of the cost, all exponentials of -cost/eps vanish."""
    a = np.full(30, 1 / 30)
    C = 1e3 * rng.random((30, 30))
    with pytest.warns(ConvergenceWarning):
        result = sinkhorn(a, a, C, 1e-3, method="log", omega=1.0, maxiter=20)
    assert np.isfinite(result.f).all()
    assert np.isfinite(result.residuals).all()
    P = result.plan.to_dense()
    np.testing.assert_allclose(P.sum(axis=0), a, rtol=1e-6)


@pytest.mark.parametrize("points", [False, True])
def test_auto_begins_with_larger_eps_where_eps_is_tiny(points):
    """At 1e-5 of the median cost, where Sinkhorn's and Newton's steps from afar do not arrive."""
    a, b, C = line_pair(80)
    t, eps = np.linspace(0, 1, 80), 1e-5 * np.median(C)
    result = sinkhorn(a, b, PointCloud(t[:, None]) if points else C, eps, atol=1e-8).check()
    assert "larger eps" in result.message
    best = wasserstein_1d(t, t, a, b, p=2) ** 2
    lower, upper = result.bounds()
    assert lower <= best + 1e-12
    assert upper >= best - 1e-12
    assert upper - lower < 1e-4 * best
    assert error_of(result.plan.to_dense(), a, b) < 1.1e-8
    assert "larger" not in sinkhorn(a, b, C, 0.01, atol=1e-6).message


def test_overflow_raises(rng):
    a, C = np.full(20, 0.05), rng.random((20, 20))
    for scale, eps in ((1e300, 1e-10), (1.0, 1e-320)):
        with pytest.raises(ValueError, match=r"eps is .* overflow"):
            sinkhorn(a, a, scale * C, eps)


@pytest.mark.parametrize("dense", [False, True])
def test_a_thousand_points_keep_their_mass(dense):
    """Stabilised scaling that absorbs potentials may lose all mass from n = 1000 uniform masses on."""
    rng = np.random.default_rng(0)
    n = 1000
    cloud = PointCloud(rng.random((n, 2)), rng.random((n, 2)))
    uniform = np.full(n, 1 / n)
    cost = cloud.rows(0, n) if dense else cloud
    result = sinkhorn(uniform, uniform, cost, 0.05, atol=1e-6).check()
    assert float((result.plan @ np.ones(n)).sum()) == pytest.approx(1, abs=1e-6)


def test_the_first_error_counts_both_marginals(rng):
    """After a row update alone the rows are exact, whatever the columns: both count."""
    _, _, a, b, C = clouds(rng)
    with pytest.warns(ConvergenceWarning):
        result = sinkhorn(a, b, C, 0.01, maxiter=1, atol=1e-3)
    P = result.plan.to_dense()
    assert error_of(P, a, b) == pytest.approx(result.residuals[-1], rel=1e-6)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.extended) for seed in (1, 2))])
def test_over_relaxation_saves_iterations(seed):
    rng = np.random.default_rng(seed)
    n = 120
    x, y = rng.random((n, 2)), rng.random((n, 2)) * 0.5 + 0.4
    C, a = ((x[:, None] - y) ** 2).sum(axis=-1), np.full(n, 1 / n)
    for fraction, ratio in ((0.1, 1.1), (0.005, 0.25)):
        eps = fraction * np.median(C)
        plain = sinkhorn(a, a, C, eps, omega=1.0, atol=1e-7, method="log").check()
        fast = sinkhorn(a, a, C, eps, atol=1e-7, method="log").check()
        assert plain.nit > 700 or ratio > 1
        assert fast.nit <= ratio * plain.nit
        assert 1 < fast.omega < 2


def test_newton_solves_what_sinkhorn_does_not():
    """An outlier that is nearly cut off: Sinkhorn's error falls like a power of the iterations."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((60, 2)), rng.standard_normal((60, 2)) * 0.5 + [1, 0.5]
    C, a = ((x[:, None] - y) ** 2).sum(axis=-1), np.full(60, 1 / 60)
    eps = 0.002 * np.median(C)
    atol = rounding(C, eps)
    with pytest.warns(ConvergenceWarning, match="newton"):
        crawled = sinkhorn(a, a, C, eps, method="log", maxiter=1500)
    assert crawled.residuals[-1] > 1e-6
    result = sinkhorn(a, a, C, eps, atol=atol).check()
    assert result.method == "newton"
    assert "Newton" in result.message
    assert error_of(result.plan.to_dense(), a, a) < 1.1 * atol


def test_newton_at_a_thousandth_of_the_gaps():
    """An assignment at an eps so small that parts of the plan are connected by 1e-9 of it and less."""
    rng = np.random.default_rng(3)
    C, a = rng.random((120, 120)), np.full(120, 1 / 120)
    atol = rounding(C, 5e-5)
    result = sinkhorn(a, a, C, 5e-5, method="newton", atol=atol, maxiter=800).check()
    P = result.plan.to_dense()
    assert error_of(P, a, a) < 1.1 * atol
    np.testing.assert_array_equal(P.argmax(axis=1), linear_sum_assignment(C)[1])


def test_newton_with_disconnected_blocks(rng):
    """Blocks far apart, whose masses agree (their potentials are free), or differ by a thousandth."""
    C = rng.random((60, 60)) + 100 * (1 - np.kron(np.eye(3), np.ones((20, 20))))
    a, b = rng.random(60) + 0.1, rng.random(60) + 0.1
    a /= a.sum()
    b *= np.repeat(a.reshape(3, 20).sum(axis=1) / b.reshape(3, 20).sum(axis=1), 20)
    for change in (0, 1e-3):
        b[:20] *= 1 + change
        b /= b.sum()
        atol = rounding(C, 0.05)
        P = sinkhorn(a, b, C, 0.05, method="newton", atol=atol, maxiter=800).check().plan.to_dense()
        assert error_of(P, a, b) < 1.1 * atol
        crossing = b[:20].sum() - P[:20, :20].sum()  # what comes from elsewhere to the first block
        assert crossing == pytest.approx(max(0, b[:20].sum() - a[:20].sum()), rel=1e-9, abs=2 * atol)


@pytest.mark.parametrize("decades", [8, 30])
def test_newton_with_masses_over_many_orders(rng, decades):
    _, _, _, _, C = clouds(rng)
    a, b = 10.0 ** rng.uniform(-decades, 0, 60), 10.0 ** rng.uniform(-decades, 0, 47)
    a, b = a / a.sum(), b / b.sum()
    P = sinkhorn(a, b, C, 0.005, method="newton", atol=1e-12).check().plan.to_dense()
    assert error_of(P, a, b) < 1.1e-12
    np.testing.assert_allclose(P, sinkhorn_by_hand(a, b, C, 0.005), atol=1e-11)


def test_newton_stops_at_rounding_errors(rng):
    _, _, a, b, C = clouds(rng)
    with pytest.warns(ConvergenceWarning, match="rounding"):
        result = sinkhorn(a, b, C, 1e-3, method="newton", atol=0)
    assert result.status == Status.STAGNATED
    assert result.marginal_error < rounding(C, 1e-3)
    assert result.nit < 2000


@pytest.mark.parametrize(("n", "m"), [(60, 47), (47, 60), (5, 1), (1, 5), (1, 1)])
def test_newton_on_any_shape(rng, n, m):
    _, _, a, b, C = clouds(rng, n, m)
    atol = rounding(C, 0.005)
    P = sinkhorn(a, b, C, 0.005, method="newton", atol=atol).check().plan.to_dense()
    np.testing.assert_allclose(P, sinkhorn_by_hand(a, b, C, 0.005), atol=4 * atol)


def test_the_reduced_hessian_is_a_schur_complement(rng):
    P, D, E = rng.random((9, 7)) * (rng.random((9, 7)) < 0.5), rng.random(9) + 7, rng.random(7) + 9
    whole = np.block([[np.diag(D), P], [P.T, np.diag(E)]])
    reduced = SchurComplement(sp.csr_array(P), D, E)
    v = rng.standard_normal(9)
    want = np.linalg.inv(np.linalg.inv(whole)[:9, :9])
    np.testing.assert_allclose(reduced @ v, want @ v, rtol=1e-12)
    np.testing.assert_allclose(reduced.jacobi() @ v, v / want.diagonal(), rtol=1e-12)


def test_the_reduced_hessian_takes_less_than_a_third_of_the_iterations(rng):
    """Of a plan near a permutation, whose rows are connected by entries of very different size."""
    n = 200
    P = np.eye(n) + np.where(rng.random((n, n)) < 0.03, 10.0 ** rng.uniform(-6, -1, (n, n)), 0)
    D, E = P.sum(axis=1) + 1e-6, P.sum(axis=0) + 1e-6
    whole = sp.csr_array(np.block([[np.diag(D), P], [P.T, np.diag(E)]]))
    g = rng.standard_normal(2 * n)
    all_ = cg(whole, g, M=jacobi(whole), rtol=1e-8).check()
    reduced = SchurComplement(sp.csr_array(P), D, E)
    half = cg(reduced, g[:n] - P @ (g[n:] / E), M=reduced.jacobi(), rtol=1e-8).check()
    np.testing.assert_allclose(half.x, all_.x[:n], rtol=1e-4)
    assert half.nit < all_.nit / 3


def test_newton_along_edges_and_on_grids(rng):
    """Where Sinkhorn's iteration crawls, whatever the kind of cost."""
    x, y = rng.random((80, 2)), rng.random((80, 2))
    C, a = ((x[:, None] - y) ** 2).sum(axis=-1), np.full(80, 1 / 80)
    allowed = C <= np.sort(C, axis=1)[:, 14:15]
    allowed[np.arange(80), rng.permutation(80)] = True
    sparse = sp.csr_array((C[allowed], np.nonzero(allowed)), shape=C.shape)
    with pytest.warns(ConvergenceWarning):
        crawled = sinkhorn(a, a, sparse, 1e-4, method="log", maxiter=1000)
    result = sinkhorn(a, a, sparse, 1e-4, atol=1e-10).check()
    assert result.method == "newton"
    assert crawled.marginal_error > 1e4 * result.marginal_error
    P = result.plan.to_dense()
    assert (P[~allowed] == 0).all()
    assert error_of(P, a, a) < 1.1e-10
    dense = sinkhorn(a, a, np.where(allowed, C, 10.0), 1e-4, atol=1e-10, method="newton").check()
    np.testing.assert_allclose(P, dense.plan.to_dense(), atol=1e-9)
    t = np.linspace(0, 1, 9)
    a, b = rng.gamma(0.3, size=(2, 81)) + 1e-6
    a, b, grid = a / a.sum(), b / b.sum(), Grid([t, t], metric="cityblock")
    result = sinkhorn(a, b, grid, 0.002, atol=1e-11, method="newton").check()
    dense = sinkhorn(a, b, grid.rows(0, 81), 0.002, atol=1e-11, method="newton").check()
    np.testing.assert_allclose(result.plan.to_dense(), dense.plan.to_dense(), atol=1e-10)


def test_warm_starts(rng):
    _, _, a, b, C = clouds(rng)
    first = sinkhorn(a, b, C, 0.01, method="log")
    assert sinkhorn(a, b, C, 0.01, init=first, method="log").nit <= 1
    near = sinkhorn(a, b, C + 1e-4 * rng.random(C.shape), 0.01, method="log", atol=1e-6)
    again = sinkhorn(a, b, C + 1e-4 * rng.random(C.shape), 0.01, init=near, method="log", atol=1e-6)
    assert again.nit < 0.8 * near.nit
    for options in ({"eps_scaling": 4.0}, {"warm_up": True}, {"init": first.g}):
        result = sinkhorn(a, b, C, 0.005, method="log", **options).check()
        np.testing.assert_allclose(
            result.plan.to_dense(), sinkhorn(a, b, C, 0.005).plan.to_dense(), atol=1e-9
        )


def test_single_precision_warms_up_and_double_finishes(rng):
    _, _, a, b, C = clouds(rng)
    a32, b32 = a.astype(np.float32), b.astype(np.float32)
    want = sinkhorn(a, b, C, 0.01)
    result = sinkhorn(a32, b32, C.astype(np.float32), 0.01).check()
    assert result.marginal_error <= 1e-9
    np.testing.assert_allclose(result.plan.to_dense(), want.plan.to_dense(), atol=1e-7)
    rough = sinkhorn(a32, b32, C.astype(np.float32), 0.01, atol=1e-4).check()
    P = np.exp((rough.f[:, None] + rough.g - C.astype(np.float32)) / 0.01)
    assert error_of(P, a, b) < 1.5e-4


def test_a_learner_suggests_omega_and_observes_the_cost(rng):
    _, _, a, b, C = clouds(rng)

    class Recorder(FixedOmega):
        told = None

        def observe(self, omega, cost, context=None):
            self.told = omega, cost, context

    learner = Recorder(1.3)
    result = sinkhorn(a, b, C, 0.01, omega=learner, context=0.01)
    assert learner.told == (1.3, result.nit, 0.01)
    assert result.omega == 1.3
    results = sinkhorn(np.stack([a, a[::-1]]), b, C, 0.01, omega=learner, context=0.02)
    assert learner.told == (1.3, results[1].nit, 0.02)


@pytest.mark.parametrize("kind", ["dense", "points", "scaled"])
def test_threads_do_not_change_a_bit(rng, kind):
    x, y, a, b, C = clouds(rng, 400, 300)
    cost = PointCloud(x, y) if kind == "points" else C
    method = "scaling" if kind == "scaled" else "log"
    found, before = [], get_num_threads()
    for threads in {1, before}:
        set_num_threads(threads)
        try:
            found.append(sinkhorn(a, b, cost, 0.05, method=method).x)
        finally:
            set_num_threads(before)
    assert all(np.array_equal(found[0], other) for other in found)


def test_stops_and_interruptions_keep_the_potentials(rng):
    _, _, a, b, C = clouds(rng)
    seen = []

    def stop(x, error):
        seen.append(error)
        return len(seen) == 5

    result = sinkhorn(a, b, C, 0.01, callback=stop)
    assert result.status == Status.STOPPED
    assert result.nit == 5
    assert error_of(result.plan.to_dense(), a, b) == pytest.approx(result.residuals[-1], rel=1e-6)

    def interrupt(x, error):
        raise KeyboardInterrupt

    with pytest.raises(numsolve.Interrupted):
        sinkhorn(a, b, C, 0.01, callback=interrupt)


def test_a_miss_warns_and_check_raises(rng):
    _, _, a, b, C = clouds(rng)
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = sinkhorn(a, b, C, 0.001, maxiter=5)
    assert not result.success
    with pytest.raises(numsolve.ConvergenceError):
        result.check()


BAD = {
    "negative mass": (lambda a, b, C: (-a, b, C, 0.1), "a has .* negative entries"),
    "unequal": (lambda a, b, C: (a, 2 * b, C, 0.1), "a sums to 1, b to 2"),
    "no mass": (lambda a, b, C: (0 * a, b, C, 0.1), "a has no mass"),
    "NaN cost": (lambda a, b, C: (a, b, np.where(C > C.mean(), np.nan, C), 0.1), "cost has .* NaN"),
    "NaN mass": (lambda a, b, C: (a * np.nan, b, C, 0.1), "a has .* NaN"),
    "eps zero": (lambda a, b, C: (a, b, C, 0.0), "eps is 0.0"),
    "eps negative": (lambda a, b, C: (a, b, C, -1.0), "eps is -1.0"),
    "shape": (lambda a, b, C: (b, a, C, 0.1), "a has shape"),
    "cost shape": (lambda a, b, C: (a, b, C[0], 0.1), "cost has shape"),
    "points": (lambda a, b, C: (a, b, PointCloud(C[:3], C[:4]), 0.1), "a has shape"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(rng, name):
    _, _, a, b, C = clouds(rng)
    make, match = BAD[name]
    with pytest.raises(ValueError, match=match):
        sinkhorn(*make(a, b, C))


def test_more_bad_input(rng):
    x, y, a, b, C = clouds(rng)
    with pytest.raises(ValueError, match="too small for method='scaling'"):
        sinkhorn(a, b, C, 1e-6, method="scaling")
    with pytest.raises(ValueError, match="stores a dense matrix"):
        sinkhorn(a, b, PointCloud(x, y), 1.0, method="scaling")
    with pytest.raises(ValueError, match=r"newton.*prescribed"):
        sinkhorn(a, b, C, 1.0, method="newton", tau_a=1.0)
    with pytest.raises(ValueError, match="method is 'sor'"):
        sinkhorn(a, b, C, 1.0, method="sor")
    with pytest.raises(ValueError, match="between 0 and 2"):
        sinkhorn(a, b, C, 1.0, omega=2.0)
    with pytest.raises(ValueError, match="eps_scaling is 1"):
        sinkhorn(a, b, C, 1.0, eps_scaling=1)
    with pytest.raises(ValueError, match="init has potentials of shape"):
        sinkhorn(a, b, C, 1.0, init=a)
    with pytest.raises(TypeError, match="real numbers"):
        sinkhorn(a, b, C + 0j, 1.0)
    with pytest.raises(ValueError, match="coordinates"):
        PointCloud(x, y[:, :1])
    allowed = sp.lil_array(C)
    allowed[4] = 0
    with pytest.raises(ValueError, match=r"infeasible: a\[4\]"):
        sinkhorn(a, b, sp.csr_array(allowed), 0.1)
    with pytest.raises(ValueError, match="sparse"):
        sinkhorn(a, b, sp.csr_array(C), 0.1).bounds()
    with pytest.raises(TypeError, match="grad_x"):
        _ = sinkhorn(a, b, C, 0.1).grad_x


def test_one_by_one():
    result = sinkhorn([1.0], [1.0], [[3.0]], 0.1).check()
    assert result.cost_linear == pytest.approx(3)
    assert result.bounds() == pytest.approx((3, 3))


def test_plots(rng):
    import matplotlib as mpl

    mpl.use("Agg")
    _, _, a, b, C = clouds(rng)
    assert sinkhorn(a, b, C, 0.02).plot().get_ylabel().startswith("marginal error")
