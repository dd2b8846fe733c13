"""What the learners learn from costs."""

import numpy as np
import pytest
from support.bandits import LEARNERS, UNIT, play, valley

from numsolve.learners import EstimatedOmega, TsallisINF, omega_opt


@pytest.mark.parametrize(("name", "bound"), [("TsallisINF", 1.15), ("TsallisINFCB", 0.75), ("ChebCB", 0.45)])
def test_costs_after_learning(name, bound):
    """Costs of the last thousand rounds relative to those of the best fixed omega; the optimum is 0.2."""
    contexts = np.random.default_rng(1).random(4000)
    best = min(valley(omega, contexts).mean() for omega in np.linspace(1, 1.95, 20))
    assert play(LEARNERS[name](rng=0), contexts)[-1000:].mean() < bound * best


def test_regret_grows_like_the_root_of_time():
    """Adversarial costs: one of ten arms is best, but another one in a quarter of the rounds."""

    def regret(t, seed):
        learner, rng = TsallisINF(np.linspace(1, 1.9, 10), rng=seed), np.random.default_rng(99)
        costs = 10 + 40 * rng.random((t, 10))
        costs[:, 3] -= 12 * (np.arange(t) % 40 < 30)
        costs[:, 7] -= 12 * (np.arange(t) % 40 >= 30)
        paid = 0.0
        for row in np.maximum(costs, 1):
            omega = learner.suggest()
            paid += row[round(10 * omega - 10)]
            learner.observe(omega, row[round(10 * omega - 10)])
        return paid - np.maximum(costs, 1).sum(axis=0).min()

    means = [np.mean([regret(t, seed) for seed in range(4)]) for t in (1000, 4000, 16_000)]
    rate = np.polyfit(np.log([1000, 4000, 16_000]), np.log(means), 1)[0]
    assert 0.2 < rate < 0.7
    assert means[-1] < 49 * (4 * np.sqrt(10 * 16_000) + 1)  # the bound, with costs in a range of 49


def test_youngs_omega_is_found_from_the_sweeps_of_solves():
    """The number of sweeps follows from the rate of SOR for a known spectral radius."""
    for beta in (0.5, 0.9, 0.96, 0.999):
        best = omega_opt(beta)

        def sweeps(omega, beta=beta):
            square = (omega * beta) ** 2 - 4 * (omega - 1)
            rate = ((omega * beta + square**0.5) / 2) ** 2 if square > 0 else omega - 1
            return np.ceil(np.log(1e-8) / np.log(rate))

        learner = EstimatedOmega(rtol=1e-8)
        costs = play(learner, [None] * 8, lambda omega, context, sweeps=sweeps: sweeps(omega))
        assert 2 - learner.suggest() == pytest.approx(1.03 * (2 - best), rel=0.1)
        assert costs[0] == sweeps(1.0)
        assert costs[-1] < 1.35 * sweeps(best) + 4
    before = learner.suggest()
    learner.observe(1.5, np.nan)
    learner.observe(0.7, 3)
    assert learner.suggest() == before


def test_an_estimate_too_high_comes_back_and_an_extrapolation_is_bounded():
    for interval, solves in ((None, 300), (UNIT, 30)):
        learner = EstimatedOmega(1e-8, interval, start=1.9)
        for _ in range(solves):  # the optimum is 1.5: above it the rate is omega - 1
            omega = learner.suggest(0.5)
            learner.observe(omega, np.log(1e-8) / np.log(max(omega - 1, 0.5)), 0.5)
        assert learner.suggest(0.5) < 1.6
        learner.observe(1.5, 2, 0.5)  # faster than any rate at this omega
        assert learner.suggest(0.5) < 1.6
    learner = EstimatedOmega(1e-8, UNIT)
    for context in np.linspace(0.4, 0.6, 20):  # 1 - beta^2 falls to zero at 0.65
        beta = np.sqrt(0.35 + context)
        learner.observe(1.0, np.log(1e-8) / np.log(beta**2), context)
    assert learner.suggest(0.5) == pytest.approx(2 - 1.03 * (2 - omega_opt(np.sqrt(0.85))), abs=0.02)
    assert learner.suggest(0.5) < learner.suggest(0.6) < learner.suggest(0.8) == learner.suggest(1.0) < 1.9


def test_the_best_omega_is_young_s():
    assert omega_opt(0) == 1
    values = omega_opt(np.array([[0.0, 0.6], [0.8, 0.96]]))
    np.testing.assert_allclose(values, [[1, 1 + 1 / 9], [1.25, 1.5625]])
    for beta in (1.0, -0.1):
        with pytest.raises(ValueError, match="beta has 1 entries outside"):
            omega_opt(beta)
