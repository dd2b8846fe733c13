"""Transport on the stand-in for a GPU, and on a real one."""

import numpy as np
import pytest
import scipy.sparse as sp
from support import fake_cupy

import numsolve
from numsolve.transport import (
    Grid,
    PointCloud,
    _solve,
    barycenter,
    sinkhorn,
    sinkhorn_divergence,
    wasserstein_1d,
)


def problem(n=25, m=20):
    rng = np.random.default_rng(0)
    x, y = rng.random((n, 2)), rng.random((m, 2))
    return x, y, np.full(n, 1 / n), np.full(m, 1 / m), ((x[:, None] - y) ** 2).sum(axis=-1)


def compare(points, **options):
    """Solve on both libraries: the same iterations and numbers, potentials on the device."""
    x, y, a, b, C = problem()
    host_cost = PointCloud(x, y) if points else C
    cost = PointCloud(*numsolve.to_device(x, y)) if points else numsolve.to_device(C)
    host = sinkhorn(a, b, host_cost, 0.01, method="log", **options)
    device = sinkhorn(*numsolve.to_device(a, b), cost, 0.01, **options).check()
    assert type(device.f).__module__.startswith("cupy")
    assert isinstance(device.residuals, np.ndarray)
    assert abs(device.nit - host.nit) <= 1  # an error may be just above the tolerance on one side
    common = slice(min(device.nit, host.nit) + 1)
    np.testing.assert_allclose(device.residuals[common], host.residuals[common], rtol=1e-3, atol=1e-14)
    back = numsolve.to_host
    np.testing.assert_allclose(back(device.f), host.f, atol=1e-9)
    np.testing.assert_allclose(back(device.plan @ device.b), host.plan @ b, rtol=1e-7)
    np.testing.assert_allclose(back(device.plan.T @ device.a), host.plan.T @ a, rtol=1e-7)
    np.testing.assert_allclose(back(device.grad_a), host.grad_a, atol=1e-9)
    for name in ("cost_linear", "cost_entropic", "cost_kl", "dual"):
        assert getattr(device, name) == pytest.approx(getattr(host, name), rel=1e-8)
    assert device.bounds() == pytest.approx(host.bounds(), rel=1e-8)
    again = sinkhorn(*numsolve.to_device(a, b), cost, 0.01, init=device, **options)
    assert again.nit <= 1


@pytest.mark.parametrize(
    ("points", "omega"),
    [
        (False, "adaptive"),
        (True, 1.2),
        pytest.param(True, "adaptive", marks=pytest.mark.extended),
        pytest.param(False, 1.2, marks=pytest.mark.extended),
    ],
)
def test_as_on_the_host(cupy, points, omega):
    compare(points, omega=omega)


@pytest.mark.gpu
@pytest.mark.parametrize("points", [False, True])
def test_as_on_the_host_on_a_device(points):
    compare(points)


def test_penalties_zeros_and_stages_on_a_device(cupy):
    _, _, a, b, C = problem()
    a[3] = 0
    for options in ({"tau_a": 0.5, "tau_b": 0.2}, {"tau_b": 0.2}, {"eps_scaling": 3.0}, {"warm_up": True}):
        mass = a if "tau_b" in options else a / a.sum()
        host = sinkhorn(mass, b, C, 0.02, method="log", **options).check()
        device = sinkhorn(*numsolve.to_device(mass, b, C), 0.02, **options).check()
        np.testing.assert_allclose(device.plan.to_dense().get(), host.plan.to_dense(), atol=1e-8)


@pytest.mark.parametrize(
    ("kind", "launches", "syncs"),
    [
        ("dense", 4, 0.1),
        ("points", 4, 0.1),
        ("penalised", 31, 0.1),
        ("batch", 11, 0.3),
        ("sparse", 65, 0.1),
        ("grid", 101, 0.1),
    ],
)
def test_launches_and_syncs_of_an_iteration(cupy, kind, launches, syncs):
    """What the page says of them: the difference of 30 iterations and 10."""
    x, y, a, b, C = problem(25, 25)
    t = np.linspace(0, 1, 5)
    given = {"sparse": sp.csr_matrix(C), "batch": np.stack([C] * 3)}.get(kind, C)
    masses = (np.stack([a] * 3), b) if kind == "batch" else (a, b)
    options, counted = {"tau_a": 0.3, "tau_b": 0.3} if kind == "penalised" else {}, []
    for maxiter in (10, 30):
        cost = {"points": PointCloud(*numsolve.to_device(x, y)), "grid": Grid(numsolve.to_device(t, t))}
        args = *numsolve.to_device(*masses), cost.get(kind, numsolve.to_device(given))
        cupy.counts.clear()
        with pytest.warns(numsolve.ConvergenceWarning):
            sinkhorn(*args, 5e-4, method="log", omega=1.0, maxiter=maxiter, atol=1e-16, **options)
        counted.append((cupy.counts["launches"], cupy.counts["syncs"]))
    found = [(after - before) / 20 for before, after in zip(*counted, strict=True)]
    assert launches - 1 < found[0] <= launches
    assert found[1] <= syncs


def test_the_schedule_changes_no_bit(cupy, monkeypatch):
    _, _, a, b, C = problem()
    args, results = numsolve.to_device(a, b, C), set()
    for seed in range(3):
        monkeypatch.setattr(fake_cupy, "seed", seed)
        results.add(sinkhorn(*args, 0.02, atol=1e-6).x.get().tobytes())
    assert len(results) == 1


def test_mixing_is_refused(cupy):
    x, y, a, b, C = problem()
    with pytest.raises(TypeError, match="a is on the GPU"):
        sinkhorn(numsolve.to_device(a), b, C, 0.02)
    with pytest.raises(TypeError, match="cost is on the GPU"):
        sinkhorn(a, b, PointCloud(*numsolve.to_device(x, y)), 0.02)
    with pytest.raises(TypeError, match="cost is on the host"):
        sinkhorn(*numsolve.to_device(a, b), sp.csr_matrix(C), 0.02)
    with pytest.raises(TypeError, match="axes"):
        Grid([x[:, 0], numsolve.to_device(x[:, 1])])
    with pytest.raises(TypeError, match="y is on the host"):
        wasserstein_1d(numsolve.to_device(a), b)
    with pytest.raises(TypeError, match="cost is on the GPU"):
        barycenter(a[None], numsolve.to_device(C), 0.02)


def grids_and_edges():
    """Solve on grids, along allowed edges, and for a barycenter, on both libraries."""
    rng, back = np.random.default_rng(1), numsolve.to_host
    axes = [np.linspace(0, 1, 5), np.linspace(0, 2, 6)]
    a, b = rng.random((5, 6)), rng.random(30)
    a, b = a / a.sum(), b / b.sum()
    for eps in (0.05, 0.004):  # with the smaller one, exponentials along an axis underflow
        host = sinkhorn(a, b, Grid(axes), eps, atol=1e-7)
        device = sinkhorn(*numsolve.to_device(a, b), Grid(numsolve.to_device(*axes)), eps, atol=1e-7)
        np.testing.assert_allclose(back(device.f), host.f, atol=1e-8)
        assert device.bounds() == pytest.approx(host.bounds(), rel=1e-6)
    cost = rng.random((30, 30))
    cost[(rng.random((30, 30)) > 0.4) & ~np.eye(30, dtype=bool)] = 0
    mixed = 0.7 * b + 0.3 * b[::-1] * 0 + 0.3 / 30
    host = sinkhorn(b, mixed, sp.csr_matrix(cost), 0.05, atol=1e-7)
    device = sinkhorn(*numsolve.to_device(b, mixed, sp.csr_matrix(cost)), 0.05, atol=1e-7)
    np.testing.assert_allclose(back(device.plan.to_dense()), host.plan.to_dense(), atol=1e-9)
    masses = np.stack([b, mixed])
    host = barycenter(masses, Grid(axes), 0.05)
    device = barycenter(numsolve.to_device(masses), Grid(numsolve.to_device(*axes)), 0.05)
    np.testing.assert_allclose(back(device.x), host.x, atol=1e-9)


def test_grids_and_edges_on_a_stand_in(cupy):
    grids_and_edges()


@pytest.mark.gpu
def test_grids_and_edges_on_a_device():
    grids_and_edges()


def batches():
    """Solve many problems at once on both libraries."""
    rng = np.random.default_rng(2)
    a, b = rng.random((4, 15)) + 0.1, rng.random((4, 12)) + 0.1
    x, y = rng.random((4, 15, 2)), rng.random((4, 12, 2)) + np.linspace(0, 1, 4)[:, None, None]
    a, b = a / a.sum(axis=1, keepdims=True), b / b.sum(axis=1, keepdims=True)
    costs = PointCloud(x, y), PointCloud(*numsolve.to_device(x, y))
    for options in ({}, {"tau_a": 0.5}, {"eps_scaling": 4.0}):
        host = sinkhorn(a, b, costs[0], 0.05, **options)
        device = sinkhorn(*numsolve.to_device(a, b), costs[1], 0.05, **options)
        assert all(abs(one.nit - two.nit) <= 1 for one, two in zip(device, host, strict=True))
        for one, two in zip(device, host, strict=True):
            np.testing.assert_allclose(numsolve.to_host(one.f), two.f, atol=1e-8)


def gradients():
    """Take the gradient of each metric on both libraries."""
    x, y, a, b, _ = problem()
    for metric in ("sqeuclidean", "euclidean", "cityblock"):
        host = sinkhorn(a, b, PointCloud(x, y, metric), 0.05)
        cost = PointCloud(*numsolve.to_device(x, y), metric)
        device = sinkhorn(*numsolve.to_device(a, b), cost, 0.05)
        np.testing.assert_allclose(numsolve.to_host(device.grad_x), host.grad_x, atol=1e-8)


def test_gradients_on_a_stand_in(cupy):
    gradients()


@pytest.mark.gpu
def test_gradients_on_a_device():
    gradients()


def test_batches_on_a_stand_in(cupy):
    batches()


@pytest.mark.gpu
def test_batches_on_a_device():
    batches()


def test_a_divergence_on_a_device(cupy):
    x, y, a, b, _ = problem()
    host = sinkhorn_divergence(a, b, x, y, 0.05)
    device = sinkhorn_divergence(*numsolve.to_device(a, b, x, y), 0.05)
    assert device.value == pytest.approx(host.value, rel=1e-8)
    np.testing.assert_allclose(device.grad_x.get(), host.grad_x, atol=1e-8)
    host = sinkhorn_divergence(a, 2 * b, x, y, 0.05, tau_a=0.2, tau_b=0.2)
    device = sinkhorn_divergence(*numsolve.to_device(a, 2 * b, x, y), 0.05, tau_a=0.2, tau_b=0.2)
    assert device.value == pytest.approx(host.value, rel=1e-8)
    np.testing.assert_allclose(device.grad_a.get(), host.grad_a, atol=1e-8)


def compare_newton(points):
    """Solve by Newton's method on both libraries, with a row and a column of no mass: the same numbers."""
    x, y, a, b, C = problem()
    a[3], b[7] = 0, 0
    a, b = a / a.sum(), b / b.sum()
    options = {"method": "newton", "atol": 1e-12}
    host = sinkhorn(a, b, PointCloud(x, y) if points else C, 0.002, **options).check()
    cost = PointCloud(*numsolve.to_device(x, y)) if points else numsolve.to_device(C)
    device = sinkhorn(*numsolve.to_device(a, b), cost, 0.002, **options).check()
    assert type(device.f).__module__.startswith("cupy")
    assert abs(device.nit - host.nit) <= 12  # the steps of Sinkhorn before Newton's end at every tenth one
    assert device.residuals[-1] <= 1e-12
    np.testing.assert_allclose(device.plan.to_dense().get(), host.plan.to_dense(), atol=1e-13)


@pytest.mark.parametrize("points", [False, pytest.param(True, marks=pytest.mark.extended)])
def test_newton_as_on_the_host(cupy, points):
    compare_newton(points)


@pytest.mark.gpu
@pytest.mark.parametrize("points", [False, True])
def test_newton_as_on_the_host_on_a_device(points):
    compare_newton(points)


def test_auto_changes_to_newton_on_a_device(cupy, monkeypatch):
    monkeypatch.setattr(_solve, "STEPS_BEFORE_NEWTON", 100)
    C = np.random.default_rng(0).random((12, 12))
    a = np.full(12, 1 / 12)
    host = sinkhorn(a, a, C, 1e-3, atol=1e-11, omega=1.0).check()
    device = sinkhorn(*numsolve.to_device(a, a, C), 1e-3, atol=1e-11, omega=1.0).check()
    assert host.method == device.method == "newton"
    np.testing.assert_allclose(device.plan.to_dense().get(), host.plan.to_dense(), atol=1e-10)


def compare_sparse():
    _, _, a, b, C = problem()
    host = sinkhorn(a, b, C, 0.005, method="log").plan
    device = sinkhorn(*numsolve.to_device(a, b, C), 0.005, method="log").plan
    for options in ({}, {"mass": 0.8}, {"threshold": 1e-4}):
        for one, other in ((host, device), (host.T, device.T)):
            want, found = one.to_sparse(**options), other.to_sparse(**options)
            assert type(found).__module__.startswith("cupy")
            found = numsolve.to_host(found)
            assert found.shape == want.shape
            np.testing.assert_array_equal(found.indices, want.indices)
            np.testing.assert_array_equal(found.indptr, want.indptr)
            np.testing.assert_allclose(found.data, want.data, rtol=1e-7)


def test_a_sparse_plan_as_on_the_host(cupy):
    compare_sparse()


@pytest.mark.gpu
def test_a_sparse_plan_as_on_the_host_on_a_device():
    compare_sparse()


def compare_on_the_line():
    rng = np.random.default_rng(1)
    x, y, a, b = rng.standard_normal(40), rng.standard_normal(33), rng.random(40), rng.random(33)
    a[5] = 0
    a, b = a / a.sum(), b / b.sum()
    for p in (1, 2.5):
        found = wasserstein_1d(*numsolve.to_device(x, y, a, b), p=p)
        assert isinstance(found, float)
        assert found == pytest.approx(wasserstein_1d(x, y, a, b, p=p), rel=1e-12)
    assert wasserstein_1d(*numsolve.to_device(x, y)) == pytest.approx(wasserstein_1d(x, y), rel=1e-12)


def test_on_the_line_as_on_the_host(cupy):
    compare_on_the_line()


@pytest.mark.gpu
def test_on_the_line_as_on_the_host_on_a_device():
    compare_on_the_line()
