"""Comparison with POT (Python Optimal Transport), where it is installed: entropic and exact transport.

POT divides potentials by eps, and returns linear costs unless stated otherwise. Its stopThr bounds the 2-norm
of the error of one marginal; our tolerance, of the 1-norm of both, is stricter.
"""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numsolve import ConvergenceWarning
from numsolve.transport import Grid, PointCloud, barycenter, sinkhorn, sinkhorn_divergence, wasserstein_1d

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "invalid escape sequence")  # of its modules, when first compiled
    ot = pytest.importorskip("ot")

RUNS = {"numItermax": 20_000, "stopThr": 1e-11}


def clouds(rng, n=40, m=30, d=2):
    """Two clouds of points with uneven masses, and their squared distances."""
    x, y = rng.random((n, d)), rng.random((m, d)) + 0.3
    a, b = rng.random(n) + 0.1, rng.random(m) + 0.1
    return x, y, a / a.sum(), b / b.sum(), ot.dist(x, y)


def gaussians(n=100):
    """Three densities on the line, and the squared distances."""
    t = np.arange(float(n))
    masses = [ot.datasets.make_1D_gauss(n, m=m, s=10) for m in (30, 40, 60)]
    return t, np.stack(masses), ot.utils.dist0(n)


@pytest.mark.parametrize("theirs", ["sinkhorn", "sinkhorn_log", "sinkhorn_stabilized"])
def test_plans(rng, theirs):
    _, _, a, b, C = clouds(rng)
    P, log = ot.sinkhorn(a, b, C, 0.02, method=theirs, log=True, **RUNS)
    cost = ot.sinkhorn2(a, b, C, 0.02, method=theirs, **RUNS)
    for ours in ("log", "scaling", "newton"):
        result = sinkhorn(a, b, C, 0.02, method=ours, atol=1e-11).check()
        np.testing.assert_allclose(result.plan.to_dense(), P, atol=1e-10)
        assert result.cost_linear == pytest.approx(cost, rel=1e-9)
        if theirs == "sinkhorn_log":
            f, g = 0.02 * log["log_u"], 0.02 * log["log_v"]
            shift = (b @ g - a @ f) / 2
            np.testing.assert_allclose(result.f, f + shift, atol=1e-8)
            np.testing.assert_allclose(result.g, g - shift, atol=1e-8)


def test_values(rng):
    _, _, a, b, C = clouds(rng)
    result = sinkhorn(a, b, C, 0.05, atol=1e-12)
    for name, ours in (("entropy", result.cost_entropic), ("KL", result.cost_kl)):
        theirs = ot.solve(C, a, b, reg=0.05, reg_type=name, max_iter=10_000, tol=1e-11)
        assert ours == pytest.approx(theirs.value, abs=1e-9)
        assert result.cost_linear == pytest.approx(theirs.value_linear, abs=1e-9)


def test_densities_at_a_tiny_eps():
    """1e-5 of the largest cost, against the exact cost."""
    _, (a, b, _), C = gaussians()
    C = C / C.max()
    best = ot.emd2(a, b, C)
    for options in ({}, {"method": "log", "eps_scaling": 4.0}):
        result = sinkhorn(a, b, C, 1e-5, **options).check()
        assert result.cost_linear == pytest.approx(best, abs=1e-5 * np.log(100))
        lower, upper = result.bounds()
        assert lower <= best <= upper
        assert upper - lower < 1e-5


def test_many_right_hand_sides(rng):
    _, _, a, _, C = clouds(rng)
    B = rng.random((3, 30)) + 0.1
    B /= B.sum(axis=1, keepdims=True)
    theirs = ot.sinkhorn(a, B.T, C, 0.05, **RUNS)
    results = sinkhorn(np.stack([a] * 3), B, C, 0.05)
    np.testing.assert_allclose([r.cost_linear for r in results], theirs, rtol=1e-8)


def test_batches(rng):
    batch = pytest.importorskip("ot.batch")
    C = rng.random((4, 16, 12))
    A, B = rng.random((4, 16)) + 0.1, rng.random((4, 12)) + 0.1
    A, B = (x / x.sum(axis=1, keepdims=True) for x in (A, B))
    theirs = batch.solve_batch(C, 0.1, A, B, max_iter=10_000, tol=1e-11)
    for k, result in enumerate(sinkhorn(A, B, C, 0.1)):
        np.testing.assert_allclose(result.plan.to_dense(), theirs.plan[k], atol=1e-9)
        assert result.cost_entropic == pytest.approx(theirs.value[k], abs=1e-8)


def test_starts_from_exact_and_entropic_potentials(rng):
    _, _, a, b, C = clouds(rng)
    cold = sinkhorn(a, b, C, 0.01, method="log", omega=1.0)
    _, exact = ot.emd(a, b, C, log=True)
    warm = sinkhorn(a, b, C, 0.01, init=exact["v"], method="log", omega=1.0).check()
    np.testing.assert_allclose(warm.plan.to_dense(), cold.plan.to_dense(), atol=1e-9)
    _, log = ot.sinkhorn(a, b, C, 0.01, method="sinkhorn_log", log=True, **RUNS)
    assert sinkhorn(a, b, C, 0.01, init=0.01 * log["log_v"], method="log").nit <= 1


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock"])
def test_point_clouds(rng, metric):
    x, y, a, b, _ = clouds(rng, d=3)
    f, g = ot.bregman.empirical_sinkhorn(
        x, y, 0.05, a, b, metric=metric, isLazy=True, numIterMax=5000, stopThr=1e-11
    )
    result = sinkhorn(a, b, PointCloud(x, y, metric), 0.05, atol=1e-11)
    P = np.exp(f[:, None] + g - ot.dist(x, y, metric=metric) / 0.05)
    np.testing.assert_allclose(result.plan.to_dense(), P, atol=1e-10)
    loss = ot.bregman.empirical_sinkhorn2(x, y, 0.05, a, b, metric=metric, stopThr=1e-11)
    assert result.cost_linear == pytest.approx(loss, rel=1e-8)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12), st.floats(-3, 0.5), st.booleans())
def test_bounds_contain_the_exact_cost(seed, n, m, exponent, early):
    """For any eps, also of a solve that was stopped early."""
    rng = np.random.default_rng(seed)
    C = rng.random((n, m)) ** rng.integers(1, 4) - rng.random()
    a, b = rng.random(n) ** 3 + 1e-9, rng.random(m) ** 3 + 1e-9
    a, b = a / a.sum(), b / b.sum()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = sinkhorn(a, b, C, 10**exponent, maxiter=3 if early else 2000)
    lower, upper = result.bounds()
    best = ot.emd2(a, b, C)
    assert lower - 1e-12 <= best <= upper + 1e-12


def test_the_cost_is_within_eps_log_n(rng):
    for eps in (0.1, 0.01, 0.001):
        _, _, a, b, C = clouds(rng)
        result = sinkhorn(a, b, C, eps, atol=1e-10)
        best = ot.emd2(a, b, C)
        assert -1e-9 <= result.cost_linear - best <= eps * np.log(30) + 1e-9
        assert result.dual <= best  # for the entropy is negative


def test_exact_potentials_bound_ours(rng):
    """The c-transforms behind the lower bound are feasible, and no better than the simplex method's."""
    _, _, a, b, C = clouds(rng)
    _, exact = ot.emd(a, b, C, log=True)
    result = sinkhorn(a, b, C, 0.002)
    f = (C - result.g).min(axis=1)
    g = (C - f[:, None]).min(axis=0)
    lower, upper = result.bounds()
    assert (exact["u"][:, None] + exact["v"] - C).max() <= 1e-12
    assert a @ f + b @ g == pytest.approx(lower, abs=1e-12)
    assert lower <= a @ exact["u"] + b @ exact["v"] + 1e-12 <= upper + 2e-12
    assert upper - lower < 0.01 * upper


@pytest.mark.parametrize(("tau_a", "tau_b"), [(0.3, 0.3), (0.5, 0.1), (None, 0.2), (0.2, None)])
@pytest.mark.parametrize("kind", ["entropy", "kl"])
def test_penalised_marginals(rng, kind, tau_a, tau_b):
    """The divergence from the product of the masses is the entropy with masses ``a**(1 + eps / tau)``."""
    _, _, a, b, C = clouds(rng)
    b, eps = 1.7 * b, 0.05
    taus = tuple(np.inf if tau is None else tau for tau in (tau_a, tau_b))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "If reg_type = entropy")
        P = ot.unbalanced.sinkhorn_unbalanced(a, b, C, eps, taus, reg_type=kind, **RUNS)
    if kind == "kl":
        a, b = a ** (1 + eps / taus[0]), b ** (1 + eps / taus[1])
    result = sinkhorn(a, b, C, eps, tau_a=tau_a, tau_b=tau_b, atol=1e-11).check()
    np.testing.assert_allclose(result.plan.to_dense(), P, atol=1e-9)


def test_the_divergence(rng):
    """POT's is made of linear costs; with the entropy it is made of the values of ``ot.solve``."""
    x, y, a, b, _ = clouds(rng)
    ours = sinkhorn_divergence(a, b, x, y, 0.1, atol=1e-11)
    parts = ours.between, ours.within_a, ours.within_b
    sharp = [part.cost_linear for part in parts]
    theirs = ot.bregman.empirical_sinkhorn_divergence(x, y, 0.1, a, b, stopThr=1e-11)
    assert sharp[0] - sharp[1] / 2 - sharp[2] / 2 == pytest.approx(theirs, rel=1e-7)
    pairs = (x, y, a, b), (x, x, a, a), (y, y, b, b)
    full = [ot.solve(ot.dist(p, q), c, d, reg=0.1, tol=1e-11).value for p, q, c, d in pairs]
    assert ours.value == pytest.approx(full[0] - full[1] / 2 - full[2] / 2, rel=1e-7)


def test_the_divergence_with_penalties(rng):
    """Made of POT's plans, whose own values omit the masses of plans."""
    x, y, a, b, _ = clouds(rng)
    b, eps, tau = 1.5 * b, 0.1, 0.4

    def value(p, q, c, d):
        C, kl = ot.dist(p, q), lambda u, v: (u * np.log(u / v) - u + v).sum()
        P = ot.unbalanced.sinkhorn_unbalanced(c, d, C, eps, tau, **RUNS)
        return (C * P).sum() + eps * kl(P, np.outer(c, d)) + tau * (kl(P.sum(1), c) + kl(P.sum(0), d))

    want = value(x, y, a, b) - value(x, x, a, a) / 2 - value(y, y, b, b) / 2 + eps / 2 * 0.5**2
    ours = sinkhorn_divergence(a, b, x, y, eps, tau_a=tau, tau_b=tau, atol=1e-11)
    assert ours.value == pytest.approx(want, rel=1e-8)


def test_barycenters():
    """POT's cost is that from the distributions to the barycenter: the transpose of ours."""
    t, masses, C = gaussians()
    w, options = np.array([0.2, 0.5, 0.3]), {"method": "sinkhorn_log", "stopThr": 1e-12}
    skew = C / C.max() + 0.2 * np.sin(t / 9) * t[:, None] / 99
    theirs = ot.bregman.barycenter(masses.T, skew, 0.01, w, **options)
    ours = barycenter(masses, skew.T, 0.01, weights=w, atol=1e-11).check()
    np.testing.assert_allclose(ours.x, theirs, atol=1e-9)
    line = barycenter(masses, Grid([t / 99]), 0.01, weights=w, atol=1e-11).check()
    theirs = ot.bregman.barycenter(masses.T, C / 99**2, 0.01, w, **options)
    np.testing.assert_allclose(line.x, theirs, atol=1e-9)


def test_barycenters_of_masses_of_zero(rng):
    C = ot.dist(rng.random((25, 2)))
    masses = rng.random((3, 25)) * (rng.random((3, 25)) < 0.4)
    masses /= masses.sum(axis=1, keepdims=True)
    tiny = masses.T + 1e-300
    theirs = ot.bregman.barycenter(tiny, C, 0.02, method="sinkhorn_log", stopThr=1e-12, numItermax=20_000)
    np.testing.assert_allclose(barycenter(masses, C, 0.02, atol=1e-11).check().x, theirs, atol=1e-9)


def test_barycenters_of_images(rng):
    images = rng.random((3, 14, 10)) + 0.05
    images /= images.sum(axis=(1, 2), keepdims=True)
    theirs = ot.bregman.convolutional_barycenter2d(images, 0.004, stopThr=1e-11)
    grid = Grid([np.linspace(0, 1, 14), np.linspace(0, 1, 10)])
    ours = barycenter(images, grid, 0.004, atol=1e-10, maxiter=10_000).check()
    np.testing.assert_allclose(ours.x.reshape(14, 10), theirs / theirs.sum(), atol=1e-8)


@pytest.mark.parametrize("p", [1, 1.5, 2])
def test_on_the_line(rng, p):
    x, y, a, b = rng.standard_normal(50), rng.standard_normal(33), rng.random(50), rng.random(33)
    a, b = a / a.sum(), b / b.sum()
    theirs = ot.wasserstein_1d(x, y, a, b, p=p)
    assert wasserstein_1d(x, y, a, b, p=p) ** p == pytest.approx(theirs, rel=1e-10)
