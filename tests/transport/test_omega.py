"""The rules of omega: on quadratics of known optimum, on many kinds of problems, far from the solution."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import logsumexp

from numsolve.transport import Grid, PointCloud, sinkhorn
from numsolve.transport._omega import Adaptive, Constant

ROUNDING = 64 * np.finfo(float).eps


def unit(n):
    return np.full(n, 1 / n)


def whole(masses):
    return masses / masses.sum()


def relaxed(rule, sigma, windows, rng):
    """Let a rule drive over-relaxed Gauss-Seidel on x'x + 2x'My + y'y, the singular values of M given."""
    M = sigma * np.linalg.qr(rng.standard_normal((len(sigma), len(sigma))))[0]
    x, y = rng.standard_normal((2, len(sigma)))
    for _ in range(windows):
        saved, errors, duals, sound = (x, y), [], [], None
        while sound is None:
            for _ in range(10):
                errors.append(abs(x + M @ y).sum() + abs(y + M.T @ x).sum())
                duals.append(-(x @ x + 2 * x @ M @ y + y @ y) / 2)
                x = x - rule.omega * (x + M @ y)
                y = y - rule.omega * (y + M.T @ x)
            sound = rule.judge_window(errors, duals, ROUNDING * abs(duals[0]))
        if not sound:
            x, y = saved


@pytest.mark.parametrize("sigma", [0.9, 0.99, 0.999, 0.9999])
@pytest.mark.parametrize("start", [1.0, 1.995])
def test_the_optimum_of_a_quadratic_is_found(rng, sigma, start):
    """It is 2 / (1 + sqrt(1 - sigma^2)) by Young's relation; an omega above it is reduced."""
    rule = Adaptive(1e3, start)
    relaxed(rule, np.linspace(0, sigma, 40), 14 if start == 1 else 20, rng)
    best = 2 / (1 + np.sqrt(1 - sigma**2))
    assert 0.8 * (2 - best) < 2 - rule.chosen < 2.2 * (2 - best)


def problems(rng):
    """Yield problems of many kinds: name, masses, cost, eps over the median cost, tolerance, penalties."""
    angle = 2 * np.pi * rng.random((2, 150))
    rings = [np.c_[np.cos(t), np.sin(t)] * [s, 1] for t, s in zip(angle, (1, 0.6), strict=True)]
    yield "rings", unit(150), unit(150), PointCloud(*rings), 0.005, 1e-6, {}
    zipf = whole(rng.permutation(1 / np.arange(1, 121) ** 1.2))
    words = PointCloud(*rng.standard_normal((2, 120, 4)), "euclidean")
    yield "words", zipf, unit(120), words, 0.01, 1e-9, {}
    t, few = np.linspace(0, 1, 12), rng.gamma(0.3, size=(2, 144)) + 1e-3
    yield "grid", whole(few[0]), whole(few[1]), Grid([t, t], metric="cityblock"), 0.005, 1e-6, {}
    near = [np.repeat([[0, 0], [1, 0.2]], 50, axis=0) + 0.3 * rng.standard_normal((100, 2)) for _ in range(2)]
    yield "islands", unit(100), unit(100), PointCloud(*near), 0.03, 1e-6, {}
    x = rng.random((2, 100, 2))
    C = ((x[0][:, None] - x[1]) ** 2).sum(axis=-1)
    plan = whole(np.where(rng.random(C.shape) < 0.3, np.exp(-C / 0.1), 0) + 0.02 * np.eye(100))
    edges = sp.csr_array((C[plan > 0], np.nonzero(plan)), shape=C.shape)
    yield "edges", plan.sum(axis=1), plan.sum(axis=0), edges, 0.01, 1e-6, {}
    rank4 = -rng.random((60, 4)) @ rng.random((4, 90))
    yield "negative", unit(60), unit(90), rank4, 0.005, 1e-6, {}
    integers = rng.integers(0, 9, (80, 80)).astype(float)
    yield "integers", unit(80), unit(80), integers, 0.01, 1e-9, {}
    for tau in (0.1, 10.0):
        yield f"both {tau}", unit(100), 2 * unit(100), C, 0.005, 1e-8, {"tau_a": tau, "tau_b": 3 * tau}
        yield f"rows {tau}", unit(100), unit(100), C, 0.005, 1e-8, {"tau_a": tau}


QUICK = ("rings", "edges", "grid", "rows 0.1")  # a kind of cost each, and penalties


@pytest.mark.parametrize(
    "problem",
    [
        pytest.param(problem, id=problem[0], marks=() if problem[0] in QUICK else pytest.mark.extended)
        for problem in problems(np.random.default_rng(1))
    ],
)
def test_adaptive_omega_takes_a_quarter_of_the_iterations(problem):
    """A quarter where Sinkhorn needs more than 700 iterations, and nowhere more than 1.1 times as many."""
    _, a, b, cost, eps, atol, penalties = problem
    if isinstance(cost, (PointCloud, Grid)):
        cost_values = cost.rows(0, len(a))
    else:
        cost_values = cost.data if sp.issparse(cost) else cost
    eps *= np.median(abs(cost_values))
    options = {"method": "log", "atol": atol, "maxiter": 30_000, **penalties}
    plain = sinkhorn(a, b, cost, eps, omega=1.0, **options).check()
    fast = sinkhorn(a, b, cost, eps, **options).check()
    assert fast.nit <= (0.25 if plain.nit > 700 else 1.1) * plain.nit
    assert fast.dual == pytest.approx(plain.dual, rel=1e-5, abs=1e-5 * eps)


def far_clouds():
    """Clouds of which one has points far away: errors fall like a power of the iterations."""
    rng = np.random.default_rng(5)
    x, y = rng.random((150, 2)), 0.4 + 0.5 * rng.random((150, 2))
    return unit(150), unit(150), PointCloud(x + 0.4 * rng.standard_normal((150, 2)), y)


def test_rests_end_a_solve_of_sublinear_convergence():
    """About 1600 iterations here; Sinkhorn needs more than 60,000, and 43,000 without the rests."""
    result = sinkhorn(*far_clouds(), 0.0006, method="log", atol=1e-6, maxiter=3000).check()
    P = result.plan.to_dense()
    assert abs(P.sum(axis=1) - 1 / 150).sum() + abs(P.sum(axis=0) - 1 / 150).sum() <= 1.01e-6


@pytest.mark.parametrize("omega", [1.0, 0.7, 1.3, 1.8])
def test_a_fixed_omega_is_kept(rng, omega):
    """The errors are those of over-relaxation by hand, in each iteration."""
    x, y = rng.random((40, 2)), rng.random((50, 2)) + 0.2
    C, eps = ((x[:, None] - y) ** 2).sum(axis=-1), 0.02
    a, b = unit(40), unit(50)
    found = sinkhorn(a, b, C, eps, method="log", omega=omega, init=np.zeros(50)).check().residuals
    G = np.zeros(50)
    F = np.log(a) - logsumexp(G - C / eps, axis=1)
    noise = 4 * np.finfo(float).eps * C.max() / eps  # of the exponents, hence of the plan
    for error in found:
        P = np.exp(F[:, None] + G - C / eps)
        want = abs(P.sum(axis=1) - a).sum() + abs(P.sum(axis=0) - b).sum()
        assert error == pytest.approx(want, rel=1e-6, abs=noise)
        F = (1 - omega) * F + omega * (np.log(a) - logsumexp(G - C / eps, axis=1))
        G = (1 - omega) * G + omega * (np.log(b) - logsumexp(F[:, None] - C / eps, axis=0))


@pytest.mark.parametrize("omega", [1.95, 1.98])
def test_a_fixed_omega_that_is_too_large_far_away_converges(monkeypatch, omega):
    rng = np.random.default_rng(0)
    x, y = rng.random((60, 2)), 0.4 + 0.5 * rng.random((60, 2))
    args = (unit(60), unit(60), PointCloud(x, y), 0.003)
    options = {"method": "log", "atol": 1e-8, "maxiter": 6000}
    safe = sinkhorn(*args, omega=omega, **options).check()
    plain = sinkhorn(*args, **options).check()
    np.testing.assert_allclose(safe.plan.to_dense(), plain.plan.to_dense(), atol=1e-8)
    monkeypatch.setattr(Constant, "judge_window", lambda *_: True)
    with pytest.warns(match="maxiter"):
        assert sinkhorn(*args, omega=omega, **options).marginal_error > 1


def test_pauses_grow_with_failures():
    """After a window in which the dual fell, omega is 1 for 1, 2, 4 windows, then the given number again."""
    rule = Constant(1.9)
    assert rule.watches
    assert not Constant(1.0).watches
    used = []
    for _ in range(14):
        used.append(rule.omega)
        sound = rule.judge_window([1.0, 1.0], [0.0, -1.0 if rule.omega > 1 else 1.0], ROUNDING)
        assert sound is (rule.omega == used[-1] or used[-1] == 1)
    assert used == [1.9, 1, 1.9, 1, 1, 1.9, 1, 1, 1, 1, 1.9, 1, 1, 1]
    assert rule.chosen == 1.9


def test_the_omega_of_an_earlier_solution_waits():
    """It is used after three iterations, and not while ten more are predicted to meet the tolerance."""
    near, far = Adaptive(1.0, 1.9, tol=1e-6), Adaptive(1.0, 1.9, tol=1e-6)
    assert near.omega == far.omega == 1.0
    assert near.first_look == 3
    assert near.judge_window([1e-5, 5e-6, 2.5e-6], [0.0, 1.0, 2.0], ROUNDING) is None
    assert near.omega == 1.0
    assert far.judge_window([1e-2, 9e-3, 8e-3], [0.0, 1.0, 2.0], ROUNDING) is True
    assert far.omega == 1.9
    assert near.judge_window([1e-5, 9e-6] * 6 + [8e-6], [0.0] * 13, ROUNDING) is True
    assert near.omega == 1.9


def test_a_small_move_takes_few_iterations():
    """A cloud that moved a little: at most 1.1 times the iterations of Sinkhorn from the same start."""
    rng = np.random.default_rng(5)
    x, y, d = rng.random((100, 2)), 0.4 + rng.random((100, 2)) / 2, rng.standard_normal((100, 2))
    before = sinkhorn(unit(100), unit(100), PointCloud(x, y), 0.002, method="log", atol=1e-6)
    assert before.omega > 1.7
    for move in (1e-9, 1e-8, 1e-7):
        args = unit(100), unit(100), PointCloud(x + move * d, y), 0.002
        counts = [
            sinkhorn(*args, method="log", atol=1e-6, init=before, omega=omega).nit
            for omega in ("adaptive", 1.0)
        ]
        assert counts[0] <= max(1.1 * counts[1], 3)


def test_a_nan_dual_is_a_failure():
    started = Adaptive(1.0, 1.9)
    started.judge_window([1.0, 0.9, 0.8], [0.0, 1.0, 2.0], ROUNDING)
    for rule in (Constant(1.9), started):
        assert rule.judge_window([1.0, np.nan], [0.0, np.nan], ROUNDING) is False
        assert rule.omega < 1.9
