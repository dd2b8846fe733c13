"""Many problems at once: each result is the same as if the problem were solved alone."""

import numpy as np
import pytest
import scipy.sparse as sp
from numba import get_num_threads, set_num_threads

from numsolve import ConvergenceWarning, Status
from numsolve.transport import Grid, PointCloud, barycenter, sinkhorn


def problems(rng, k=5, n=40, m=33):
    """Return masses and points of k problems, some harder than others."""
    a, b = rng.random((k, n)) + 0.1, rng.random((k, m)) + 0.1
    x, y = rng.random((k, n, 2)), rng.random((k, m, 2)) + np.linspace(0, 1, k)[:, None, None]
    a, b = a / a.sum(axis=1, keepdims=True), b / b.sum(axis=1, keepdims=True)
    return a, b, x, y, ((x[:, :, None] - y[:, None]) ** 2).sum(axis=-1)


def same(results, singles, rtol=1e-12):
    """Compare each result with that of the problem alone: the numbers, and the iterations."""
    assert len(results) == len(singles)
    for together, alone in zip(results, singles, strict=True):
        assert together.status == alone.status
        assert together.method == alone.method
        assert together.nit == alone.nit
        assert together.omega == pytest.approx(alone.omega, rel=1e-9)
        np.testing.assert_allclose(together.residuals, alone.residuals, rtol=1e-6, atol=1e-14)
        np.testing.assert_allclose(together.f, alone.f, rtol=rtol, atol=rtol)
        np.testing.assert_allclose(together.g, alone.g, rtol=rtol, atol=rtol)
        for name in ("marginal_error", "dual", "cost_linear", "cost_entropic", "cost_kl"):
            assert getattr(together, name) == pytest.approx(getattr(alone, name), rel=1e-6, abs=1e-13)
        np.testing.assert_allclose(together.plan @ together.b, alone.plan @ alone.b, rtol=1e-9)
        assert together.bounds() == pytest.approx(alone.bounds(), rel=1e-9)


@pytest.mark.parametrize("method", ["auto", "log", "scaling", "newton"])
@pytest.mark.parametrize("omega", ["adaptive", 1.0])
def test_each_is_solved_as_if_alone(rng, method, omega):
    a, b, _, _, C = problems(rng)
    options = {"method": method, "omega": omega}
    same(
        sinkhorn(a, b, C, 0.03, **options), [sinkhorn(*p, 0.03, **options) for p in zip(a, b, C, strict=True)]
    )


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock"])
def test_clouds_of_each(rng, metric):
    a, b, x, y, _ = problems(rng)
    clouds = [PointCloud(*pair, metric) for pair in zip(x, y, strict=True)]
    alone = [sinkhorn(*p, 0.02) for p in zip(a, b, clouds, strict=True)]
    same(sinkhorn(a, b, PointCloud(x, y, metric), 0.02), alone)
    shared = [sinkhorn(p, b[0], PointCloud(z, y[0], metric), 0.02) for p, z in zip(a, x, strict=True)]
    together = sinkhorn(a, b[0], PointCloud(x, y[0], metric), 0.02)
    same(together, shared)
    np.testing.assert_allclose(together[3].grad_x, shared[3].grad_x, rtol=1e-9, atol=1e-15)


def test_one_cost_for_all(rng):
    a, b, x, y, C = problems(rng)
    for cost in (C[2], PointCloud(x[2], y[2])):
        same(sinkhorn(a, b, cost, 0.02), [sinkhorn(*p, cost, 0.02) for p in zip(a, b, strict=True)])
    alone = [sinkhorn(a[0], *p, 0.02, method="log") for p in zip(b, C, strict=True)]
    same(sinkhorn(a[0], b, C, 0.02, method="log"), alone)


@pytest.mark.parametrize("eps", [0.05, 0.0005])
def test_images(rng, eps):
    grid = Grid([np.linspace(0, 1, 6), np.linspace(0, 1, 7)])
    a, b = rng.random((3, 6, 7)), rng.random((3, 42))
    a, b = a / a.sum(axis=(1, 2), keepdims=True), b / b.sum(axis=1, keepdims=True)
    options = {"maxiter": 20_000, "atol": 1e-6}
    alone = [sinkhorn(*p, grid, eps, **options) for p in zip(a, b, strict=True)]
    same(sinkhorn(a, b, grid, eps, **options), alone, rtol=1e-9)
    one = sinkhorn(a[:1], b[:1], grid, eps, **options)
    assert len(one) == 1
    line = Grid([np.linspace(0, 1, 42)])
    assert len(sinkhorn(b, b[0], line, 10 * eps, **options)) == 3


def test_forbidden_edges(rng):
    a, _, _, _, C = problems(rng, 4, 30, 30)
    b = a[:, ::-1] / 2 + a / 2
    allowed = (rng.random((30, 30)) < 0.3) | np.eye(30, dtype=bool) | np.eye(30, dtype=bool)[::-1]
    cost = sp.csr_array((C[0][allowed], np.nonzero(allowed)), shape=(30, 30))
    results = sinkhorn(a, b, cost, 0.05, atol=1e-8)
    for result, p, q in zip(results, a, b, strict=True):
        alone = sinkhorn(p, q, cost, 0.05, atol=1e-8)
        assert result.nit == alone.nit
        np.testing.assert_allclose(result.plan.to_dense(), alone.plan.to_dense(), atol=1e-13)


@pytest.mark.parametrize("tau", [{"tau_a": 0.3}, {"tau_a": 0.2, "tau_b": 0.7}])
def test_penalties_zeros_and_any_mass(rng, tau):
    a, b, _, _, C = problems(rng)
    a[2, :5] = 0
    for options, p in ((tau, 3 * a), ({}, a * (1 / a.sum(axis=1)[:, None]))):
        scale = np.array([[1.0], [2.0], [1e-3], [50.0], [1.0]])
        p, q = scale * p, scale * b
        together = sinkhorn(p, q, C, 0.03, rtol=1e-9, **options)
        for result, *each in zip(together, p, q, C, strict=True):
            alone = sinkhorn(*each, 0.03, rtol=1e-9, **options)
            np.testing.assert_allclose(result.plan.to_dense(), alone.plan.to_dense(), rtol=1e-6, atol=1e-12)
            assert result.dual == pytest.approx(alone.dual, rel=1e-9)


def test_stages_and_starts(rng):
    a, b, _, _, C = problems(rng)
    want = sinkhorn(a, b, C, 0.01, method="log")
    for options in (
        {"eps_scaling": 4.0},
        {"warm_up": True},
        {"init": want},
        {"init": np.stack([r.g for r in want])},
    ):
        again = sinkhorn(a, b, C, 0.01, method="log", **options)
        if "init" in options:
            assert all(result.nit <= 1 for result in again)
        for one, two in zip(again, want, strict=True):
            np.testing.assert_allclose(one.plan.to_dense(), two.plan.to_dense(), atol=1e-9)
    assert sinkhorn(a, b, C, 0.01, init=want[2])[2].nit <= 1
    single = sinkhorn(a.astype(np.float32), b.astype(np.float32), C.astype(np.float32), 0.01)
    for one, two in zip(single, want, strict=True):
        assert one.marginal_error <= 1e-9
        np.testing.assert_allclose(one.plan.to_dense(), two.plan.to_dense(), atol=1e-6)


def test_only_the_slow_problem_changes_to_newton():
    """The outlier of the test of Newton's method."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((60, 2)), rng.standard_normal((60, 2)) * 0.5 + [1, 0.5]
    C, a = ((x[:, None] - y) ** 2).sum(axis=-1), np.full(60, 1 / 60)
    eps = 0.002 * np.median(C)
    atol = 4 * np.finfo(float).eps * C.max() / eps  # what rounding may do to the marginals
    results = sinkhorn(a, a, np.stack([C, 0.005 * C]), eps, atol=atol)
    assert [result.method for result in results] == ["newton", "log"]
    assert all(result.success and result.marginal_error < 1.1 * atol for result in results)


def test_the_warning_counts_the_misses(rng):
    a, b, _, _, C = problems(rng)
    with pytest.warns(ConvergenceWarning, match=r"4 of 5 problems, first 1: maxiter"):
        results = sinkhorn(a, b, C * np.array([0.01, 1, 1, 1, 1])[:, None, None], 0.01, maxiter=15)
    assert [result.status for result in results] == [Status.CONVERGED] + 4 * [Status.MAXITER]
    for result in results:
        P = result.plan.to_dense()
        error = abs(P.sum(axis=1) - result.a).sum() + abs(P.sum(axis=0) - result.b).sum()
        assert result.residuals[-1] == pytest.approx(error, rel=1e-6)


def test_a_callback_sees_all(rng):
    a, b, _, _, C = problems(rng)
    seen = []

    def stop(x, errors):
        seen.append((x.shape, errors.shape))
        return len(seen) == 4

    results = sinkhorn(a, b, C, 0.01, callback=stop)
    assert seen == 4 * [((5, 73), (5,))]
    assert all(result.status == Status.STOPPED and result.nit == 4 for result in results)


@pytest.mark.parametrize("points", [False, True])
def test_threads_do_not_change_a_bit(rng, points):
    a, b, x, y, C = problems(rng, 9, 90, 80)
    cost, found, before = PointCloud(x, y) if points else C, [], get_num_threads()
    for threads in {1, before}:
        set_num_threads(threads)
        try:
            found.append(np.stack([r.x for r in sinkhorn(a, b, cost, 0.05, method="log")]))
        finally:
            set_num_threads(before)
    assert all(np.array_equal(found[0], other) for other in found)


def test_bad_input_is_named(rng):
    a, b, x, y, C = problems(rng)
    with pytest.raises(ValueError, match="a is of 5, b is of 4 problems"):
        sinkhorn(a, b[:4], C[0], 0.1)
    with pytest.raises(ValueError, match="a is of 5, b is of 5, cost is of 2 problems"):
        sinkhorn(a, b, C[:2], 0.1)
    with pytest.raises(ValueError, match=r"a\[3\] sums to 2, b\[3\] to 1"):
        sinkhorn(a * np.array([1, 1, 1, 2, 1])[:, None], b, C, 0.1)
    with pytest.raises(ValueError, match="init is for 3 problems, but there are 5"):
        sinkhorn(a, b, C, 0.1, init=list(b[:3]))
    with pytest.raises(ValueError, match="y has clouds for 3 problems"):
        PointCloud(x, y[:3])
    with pytest.raises(ValueError, match="a has no mass"):
        sinkhorn(a * (np.arange(5) != 2)[:, None], b, C, 0.1)
    with pytest.raises(ValueError, match="masses has shape"):
        barycenter(a, C[0].T[:3].T, 0.1)
