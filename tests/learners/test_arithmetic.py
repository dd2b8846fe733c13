"""The arithmetic of the learners against oracles, and its edge cases."""

import json

import numpy as np
import pytest
from scipy.optimize import lsq_linear
from support.bandits import LEARNERS, UNIT, play

from numsolve.kernels.host import learners
from numsolve.learners import ChebCB, TsallisINF, TsallisINFCB


@pytest.mark.parametrize("d", [1, 2, 3, 20, 200])
@pytest.mark.parametrize("t", [1, 2, 50, 10**4, 10**6])
def test_newton_finds_the_distribution(d, t, rng):
    """The sum is one and the multiplier below every loss, also where Newton from -1 would overshoot."""
    for losses in (np.zeros(d), rng.exponential(t, d), rng.uniform(0, 1e3, d) * t, np.geomspace(1, 1e12, d)):
        scale, eta, p = 7.0, 2 / np.sqrt(t), np.empty(d)
        x = learners.tsallis_probabilities(losses, scale, eta, p)
        least = losses.min() / scale
        assert x < least
        gaps = (losses - losses.min()) / scale + (least - x)
        exact = 4 / (eta * gaps) ** 2
        assert abs(p.sum() - 1) < 1e-14 * d
        assert abs(exact.sum() - 1) < 1e-10 + 1e-13 * least / (least - x)  # x is known to eps |x| only
        assert (p > 0).all()


def test_newton_converges_in_every_round():
    learner = TsallisINF(rng=0)
    for context in np.random.default_rng(0).random(2000):
        play(learner, [context])
        losses, scale, p = learner._losses[0], learner._scales[0], np.empty(20)
        eta = 2 / np.sqrt(learner._rounds[0] + 1)
        x = learners.tsallis_probabilities(losses, scale, eta, p)
        kappa = losses / scale
        assert x < kappa.min()
        assert abs((4 / (eta * (kappa - x)) ** 2).sum() - 1) < 1e-10


def test_equal_losses_are_drawn_evenly_and_a_draw_is_never_outside():
    p = np.empty(5)
    learners.tsallis_probabilities(np.full(5, 3.0), 1.0, 2.0, p)
    np.testing.assert_allclose(p, 0.2, rtol=1e-13)
    assert [learners.draw(p, u) for u in (0.0, 0.19, 0.21, 0.999, np.nextafter(1, 0))] == [0, 0, 1, 4, 4]
    assert learners.draw(np.array([0.5, 0.4999]), np.nextafter(1, 0)) == 1  # the sum of p is rounded
    counts = np.bincount([learners.draw(p, u) for u in np.random.default_rng(0).random(10_000)])
    np.testing.assert_allclose(counts, 2000, atol=150)


@pytest.mark.parametrize("cost", [1, 0, -3.0])
@pytest.mark.parametrize("name", LEARNERS)
def test_costs_of_one_or_less_leave_no_nan(name, cost):
    """A scale of zero, a box without width, and a warm start that needs no iteration."""
    learner = LEARNERS[name](rng=0)
    play(learner, [0.3] * 50, lambda omega, context: cost)
    assert np.isfinite(learner.suggest(0.3))
    assert np.isfinite(json.dumps(learner.state(), allow_nan=False) and 1)
    costs = play(learner, [0.3] * 2000)
    assert costs[-500:].mean() < 0.55 * costs[:100].mean()


def test_the_weight_is_the_probability_that_was_used():
    """The probability at the time of the suggestion, not of the cost."""
    learner = TsallisINF([1.0, 1.5], rng=3)
    omega = learner.suggest()
    for _ in range(40):  # others learn meanwhile, and change the probabilities
        other = learner.suggest()
        if other != omega:
            learner.observe(other, 100.0)
    before = learner._losses.copy()
    learner.observe(omega, 11.0)
    change = (learner._losses - before)[0]
    assert change[[1.0, 1.5].index(omega)] == pytest.approx(10 / 0.5)  # the first draw was even
    assert np.count_nonzero(change) == 1


def test_contexts_are_clipped_and_choose_their_bin():
    learner = TsallisINFCB(None, (-0.15, 0.65), bins=5, rng=0)
    for context, at in ((-9.0, 0), (-0.15, 0), (0.1, 1), (0.25, 2), (0.64, 4), (0.65, 4), (np.float64(7), 4)):
        before = learner._rounds.copy()
        omega = learner.suggest(context)
        learner.observe(omega, 5, context)
        assert np.flatnonzero(learner._rounds - before).tolist() == [at]
    cheb = ChebCB(None, UNIT, rng=0)
    omega = cheb.suggest(-3.0)
    cheb.observe(omega, 5, np.array([-3.0]))
    assert abs(cheb._features).max() == 1  # Chebyshev polynomials at the end of their interval


@pytest.mark.parametrize("kind", ["spread", "one context", "few contexts", "normal"])
def test_fits_against_scipy(kind, rng):
    boxed = 0
    for _ in range(150):
        m, n = int(rng.integers(1, 8)), int(rng.integers(1, 30))
        y = rng.uniform(-1, 1, n)
        y = (
            np.full(n, y[0])
            if kind == "one context"
            else np.round(2 * y) / 2
            if kind == "few contexts"
            else y
        )
        F = rng.standard_normal((n, m)) if kind == "normal" else np.polynomial.chebyshev.chebvander(y, m - 1)
        target = rng.standard_normal(n) * rng.choice([1e-3, 1, 100])
        box = abs(rng.standard_normal(m)) * rng.choice([0.01, 0.3, 3, 100])
        box[1:] *= rng.choice([0, 1, 1])
        theta, free = np.empty(m), box > 0
        if learners.fit_in_box(F.T @ F, F.T @ target, box, theta):
            want = np.linalg.lstsq(F, target, rcond=1e-7)[0]
            np.testing.assert_allclose(theta, want, atol=1e-8 * (1 + abs(want).max()))
            continue
        boxed += 1
        assert (abs(theta) <= box).all()
        found = lsq_linear(
            F[:, free], target, (-box[free], box[free]), method="bvls", tol=1e-14, max_iter=500
        )
        cost = 0.5 * np.sum((F @ theta - target) ** 2)
        assert cost - found.cost <= 1e-10 * found.cost + 1e-14 * (target @ target)
    assert boxed > 30


def test_regression_by_its_definition(rng):
    """Compare theta, error and learning rate from sums with those of fits to all rounds."""
    learner, rounds = ChebCB([1.0, 1.3, 1.6], UNIT, degree=3, rng=1), []
    for context in rng.random(60):
        omega = learner.suggest(context)
        (((arm, _), draws),) = learner._waiting.items()
        cost = 1 + 9 * abs(omega - 1 - context) + rng.random()
        rounds.append((arm, 2 * context - 1, draws[0][0], cost))
        learner.observe(omega, cost, context)
    arms, y, predictions, costs = (np.array(column) for column in zip(*rounds, strict=True))
    spread, most, t = np.ptp(costs), costs.max(), len(costs)
    wide = 2 + 4 * spread / most * (1 + np.log(3))
    unit = most * wide
    box = np.array([1 / wide, *(2 * spread / unit / np.arange(1, 3))])
    for arm in range(3):
        F = np.polynomial.chebyshev.chebvander(y[arms == arm], 2)
        want = lsq_linear(F, (costs[arms == arm] - 1) / unit, (-box, box), method="bvls", tol=1e-14).x
        np.testing.assert_allclose(learner._theta[arm], want, atol=1e-9)
    F = np.polynomial.chebyshev.chebvander(y[arms == arms[-1]], 2)
    residual = np.sum((F @ learner._theta[arms[-1]] - (costs[arms == arms[-1]] - 1) / unit) ** 2)
    error = np.sum((predictions - costs / unit) ** 2)
    alpha = (np.pi + 2 / np.pi * np.log(7)) * spread / (2 * unit * 4)
    rates = [2 * t * np.sqrt(3 * t / (error - e + 2 * alpha**2 * t)) for e in (0.0, residual)]
    assert learner._shared[-1] == pytest.approx(rates[0], rel=1e-9) or learner._shared[-1] == pytest.approx(
        rates[1], rel=1e-9
    )


def test_sampling_by_inverse_gaps():
    theta, f, p = np.zeros((4, 2)), np.empty(2), np.empty(4)
    theta[:, 0] = [0.5, 0.1, 0.3, 0.2]
    arm, prediction = learners.cheb_draw(theta, 10.0, 0.5, 0.0, f, p)
    np.testing.assert_allclose(p[[0, 2, 3]], [1 / 8, 1 / 6, 1 / 5])
    assert p.sum() == pytest.approx(1)
    assert (arm, prediction) == (0, 0.5)
    learners.cheb_draw(theta, 0.0, 0.5, 0.0, f, p)
    np.testing.assert_allclose(p, 0.25)


def test_the_first_learning_rate():
    """2 sqrt(d / (1/4)): nothing was predicted, and the only cost is half of the range."""
    learner = ChebCB(None, UNIT, rng=0)
    play(learner, [0.4])
    assert learner._shared[-1] == pytest.approx(2 * np.sqrt(20 / 0.25), rel=1e-12)
