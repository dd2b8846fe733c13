"""Divergences, barycenters, and exact transport on the line."""

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.special import logsumexp
from scipy.stats import wasserstein_distance

from numsolve import ConvergenceWarning
from numsolve.transport import Grid, PointCloud, barycenter, sinkhorn, sinkhorn_divergence, wasserstein_1d


def test_on_the_line_as_scipy_and_the_linear_program(rng):
    x, y, a, b = rng.standard_normal(40), rng.standard_normal(33), rng.random(40), rng.random(33)
    a, b = a / a.sum(), b / b.sum()
    assert wasserstein_1d(x, y, a, b) == pytest.approx(wasserstein_distance(x, y, a, b), rel=1e-12)
    assert wasserstein_1d(x, y) == pytest.approx(wasserstein_distance(x, y), rel=1e-12)
    x, y, a, b = x[:7], y[:6], a[:7] / a[:7].sum(), b[:6] / b[:6].sum()
    A = np.vstack([np.kron(np.eye(7), np.ones(6)), np.kron(np.ones(7), np.eye(6))])[:-1]
    for p in (1, 1.5, 2, 3):
        best = linprog((abs(x[:, None] - y) ** p).ravel(), A_eq=A, b_eq=np.r_[a, b][:-1]).fun
        assert wasserstein_1d(x, y, a, b, p=p) == pytest.approx(best ** (1 / p), rel=1e-9)


def test_on_the_line_masses_of_zero_and_bad_input(rng):
    assert wasserstein_1d([0.0, 9.0, 1.0], [2.0, 4.0], [0.5, 0.0, 0.5], [1.0, 0.0]) == pytest.approx(1.5)
    with pytest.raises(ValueError, match="a sums to 2"):
        wasserstein_1d([0.0], [1.0], [2.0], [1.0])
    with pytest.raises(ValueError, match=r"p is 0\.5"):
        wasserstein_1d([0.0], [1.0], p=0.5)
    with pytest.raises(ValueError, match="negative"):
        wasserstein_1d([0.0, 1.0], [1.0], [2.0, -1.0], [1.0])
    with pytest.raises(ValueError, match="b has shape"):
        wasserstein_1d([0.0], [1.0], [1.0], [0.5, 0.5])


@pytest.mark.parametrize(("metric", "p"), [("sqeuclidean", 2), ("cityblock", 1), ("euclidean", 1)])
def test_bounds_contain_the_distance_on_the_line(metric, p):
    t = np.linspace(0, 1, 80)
    a, b = np.exp(-((t - 0.2) ** 2) / 0.01), np.exp(-((t - 0.7) ** 2) / 0.02) + 0.1
    a, b = a / a.sum(), b / b.sum()
    lower, upper = sinkhorn(a, b, PointCloud(t[:, None], metric=metric), 1e-3).bounds()
    assert lower <= wasserstein_1d(t, t, a, b, p=p) ** p <= upper <= 1.1 * lower


def test_properties_of_the_divergence(rng):
    x, y = rng.standard_normal((30, 2)), rng.standard_normal((40, 2)) + 1
    a, b = np.full(30, 1 / 30), np.full(40, 1 / 40)
    same = sinkhorn_divergence(a, a, x, x, 0.5, atol=1e-12)
    assert abs(same.value) < 1e-10
    between = sinkhorn_divergence(a, b, x, y, 0.5, atol=1e-12)
    assert between.success
    assert between.value > 0.1
    turned = sinkhorn_divergence(b, a, y, x, 0.5, atol=1e-12)
    assert turned.value == pytest.approx(between.value, rel=1e-10)
    parts = [r.cost_kl for r in (between.between, between.within_a, between.within_b)]
    assert between.value == pytest.approx(parts[0] - parts[1] / 2 - parts[2] / 2, rel=1e-9)
    step = rng.standard_normal(x.shape)
    values = [sinkhorn_divergence(a, b, x + h * step, y, 0.5, atol=1e-12).value for h in (1e-5, -1e-5)]
    assert (between.grad_x * step).sum() == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-5)
    again = sinkhorn_divergence(a, b, x, y, 0.5, atol=1e-11, init=between)
    assert again.between.nit <= 1
    with pytest.warns(ConvergenceWarning):
        assert not sinkhorn_divergence(a, b, x, y, 0.05, maxiter=2).success


def kl(p, q):
    return (p * np.log(p / q) - p + q).sum()


def penalised_cost(a, b, x, y, eps, tau):
    """The cost with its penalties and the divergence from the product of the masses, by iterating on it."""
    C, share, g = ((x[:, None] - y) ** 2).sum(axis=-1), tau / (tau + eps), np.zeros(len(b))
    for _ in range(5000):
        before, f = g, -share * eps * logsumexp((g - C) / eps + np.log(b), axis=1)
        g = -share * eps * logsumexp((f - C.T) / eps + np.log(a), axis=1)
        if abs(g - before).max() < 1e-15:
            break
    product = np.outer(a, b)
    P = product * np.exp((f[:, None] + g - C) / eps)
    return (C * P).sum() + eps * kl(P, product) + tau * (kl(P.sum(axis=1), a) + kl(P.sum(axis=0), b))


@pytest.mark.parametrize(
    ("eps", "tau"),
    [(0.1, 0.3), *(pytest.param(*pair, marks=pytest.mark.extended) for pair in ((0.5, 0.05), (0.05, 5.0)))],
)
def test_properties_of_the_divergence_with_penalties(rng, eps, tau):
    x, y = rng.random((20, 2)), rng.random((15, 2)) + 0.3
    a, b = rng.random(20) / 10, rng.random(15) / 6
    options = {"tau_a": tau, "tau_b": tau, "atol": 1e-12}
    between = sinkhorn_divergence(a, b, x, y, eps, **options)
    pairs = (a, b, x, y), (a, a, x, x), (b, b, y, y)
    parts = [penalised_cost(*pair, eps, tau) for pair in pairs]
    assert between.between.dual == pytest.approx(parts[0], rel=1e-10)
    want = parts[0] - parts[1] / 2 - parts[2] / 2 + eps / 2 * (a.sum() - b.sum()) ** 2
    assert between.value == pytest.approx(want, rel=1e-9)
    assert sinkhorn_divergence(b, a, y, x, eps, **options).value == pytest.approx(between.value, rel=1e-9)
    tripled = sinkhorn_divergence(3 * a, 3 * b, x, y, eps, **options)
    degree = 2 * (tau + eps) / (2 * tau + eps)  # S is homogeneous, though W is not
    assert tripled.value == pytest.approx(3**degree * between.value, rel=1e-9)
    assert abs(sinkhorn_divergence(a, a, x, x, eps, **options).value) < 1e-12
    near = [a * np.exp(0.1 * rng.standard_normal(20)) for _ in range(10)]
    assert min(sinkhorn_divergence(a, c, x, x, eps, **options).value for c in near) > 1e-6
    stiff = sinkhorn_divergence(a, b * a.sum() / b.sum(), x, y, eps, tau_a=1e7, tau_b=1e7).value
    assert stiff == pytest.approx(sinkhorn_divergence(a, b * a.sum() / b.sum(), x, y, eps).value, rel=1e-4)
    again = sinkhorn_divergence(a, b, x, y, eps, init=between, **options | {"atol": 1e-11})
    assert max(again.between.nit, again.within_a.nit, again.within_b.nit) <= 1


@pytest.mark.parametrize("tau", [None, 0.3])
def test_the_gradients_of_the_divergence(rng, tau):
    x, y = rng.random((12, 2)), rng.random((9, 2)) + 0.3
    a, b = rng.random(12) + 0.1, rng.random(9) + 0.1
    b *= a.sum() / b.sum() if tau is None else 1
    step, more = rng.standard_normal(x.shape), a * rng.standard_normal(12)
    more -= a * more.sum() / a.sum() if tau is None else 0

    def divergence(h, k):
        return sinkhorn_divergence(a + k * more, b, x + h * step, y, 0.1, tau_a=tau, tau_b=tau, atol=1e-12)

    found, h = divergence(0, 0), 1e-5
    along_x = (divergence(h, 0).value - divergence(-h, 0).value) / (2 * h)
    along_a = (divergence(0, h).value - divergence(0, -h).value) / (2 * h)
    assert (found.grad_x * step).sum() == pytest.approx(along_x, rel=1e-6)
    assert found.grad_a @ more == pytest.approx(along_a, rel=1e-6)


def test_penalties_of_a_divergence_are_checked(rng):
    x, a = rng.random((5, 2)), np.full(5, 0.2)
    with pytest.raises(ValueError, match=r"tau_a is 1\.0, tau_b is None"):
        sinkhorn_divergence(a, a, x, x, 0.1, tau_a=1.0)
    with pytest.raises(ValueError, match=r"tau_a is -1"):
        sinkhorn_divergence(a, a, x, x, 0.1, tau_a=-1.0, tau_b=-1.0)
    with pytest.raises(ValueError, match=r"too small for this eps"):
        sinkhorn_divergence(a, a, x, x, 0.1, tau_a=1e-5, tau_b=1e-5)
    tail = np.array([0.2, 1e-90, 0.3, 0.1, 0.4])  # to the power 6 it underflows, and does not matter
    rest = np.where(tail > 1e-9, tail, 0)
    found = [sinkhorn_divergence(b, a, x, x, 0.1, tau_a=0.02, tau_b=0.02) for b in (tail, rest)]
    assert found[0].value == pytest.approx(found[1].value, rel=1e-9)
    for bad, match in ((-a, "a has 5 negative"), (a * np.nan, "a has 5 NaN"), (a[:3], "a has shape")):
        with pytest.raises(ValueError, match=match):
            sinkhorn_divergence(bad, a, x, x, 0.1, tau_a=1.0, tau_b=1.0)


def test_the_barycenter_of_gaussians_is_gaussian():
    """With squared distances its mean is the mean of means; its width that of widths, but for the blur."""
    t = np.linspace(-6, 8, 200)
    means, widths = np.array([0.0, 2.0]), np.array([0.5, 1.1])
    masses = np.exp(-((t - means[:, None]) ** 2) / (2 * widths[:, None] ** 2))
    masses /= masses.sum(axis=1, keepdims=True)
    for cost in (Grid([t]), PointCloud(t[:, None]), (t[:, None] - t) ** 2):
        mean = barycenter(masses, cost, 0.02, weights=[0.25, 0.75]).check().x
        assert mean.sum() == pytest.approx(1)
        centre = mean @ t
        assert centre == pytest.approx(1.5, abs=1e-3)
        spread = mean @ (t - centre) ** 2
        assert (0.25 * 0.5 + 0.75 * 1.1) ** 2 <= spread <= (0.25 * 0.5 + 0.75 * 1.1) ** 2 + 0.011


def test_a_barycenter_is_optimal(rng):
    """The weighted sum of its potentials is constant: the condition of the optimum."""
    C = rng.random((20, 20))
    masses = rng.random((3, 20))
    masses /= masses.sum(axis=1, keepdims=True)
    w = np.array([0.5, 0.3, 0.2])
    mean = barycenter(masses, C, 0.05, weights=w, atol=1e-11).check()
    fs = [sinkhorn(mean.x, mass, C, 0.05, atol=1e-11).f for mass in masses]
    total = w @ np.stack(fs)
    assert np.ptp(total) < 1e-7
    assert barycenter(masses, C, 0.05, weights=w, atol=1e-11, init=mean).nit <= 1
    with pytest.warns(ConvergenceWarning):
        barycenter(masses, C, 0.005, maxiter=2)
    for bad in ({"masses": 2 * masses}, {"masses": masses[:, :5]}, {"weights": [1.0]}, {"eps": 0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            barycenter(**{"masses": masses, "cost": C, "eps": 0.05, **bad})


def test_a_barycenter_of_masses_of_zero(rng):
    C = rng.random((20, 20))
    masses = rng.random((2, 20))
    masses[0, :8], masses[1, 12:] = 0, 0
    masses /= masses.sum(axis=1, keepdims=True)
    mean = barycenter(masses, C, 0.05, atol=1e-10).check()
    fs = [sinkhorn(mean.x, mass, C, 0.05, atol=1e-10).f for mass in masses]
    assert np.ptp(fs[0] + fs[1]) < 1e-6


def test_a_barycenter_of_images():
    s = np.linspace(0, 1, 24)
    X, Y = np.meshgrid(s, s, indexing="ij")
    images = np.stack([np.exp(-((X - p) ** 2 + (Y - 0.5) ** 2) / 0.01) for p in (0.3, 0.7)])
    images[0, 0, 0] = 0
    images /= images.sum(axis=(1, 2), keepdims=True)
    mean = barycenter(images, Grid([s, s]), 0.002).check().x.reshape(24, 24)
    assert (mean * X).sum() == pytest.approx(0.5, abs=1e-3)
    assert (mean * Y).sum() == pytest.approx(0.5, abs=1e-3)
