"""The learners: their arithmetic against oracles, edge cases, the interface, and what they learn."""

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from numsolve.kernels.host import learners
from numsolve.learners import ChebCB, EstimatedOmega, FixedOmega, TsallisINF, TsallisINFCB, omega_opt

UNIT = (0.0, 1.0)
LEARNERS = {
    "TsallisINF": TsallisINF,
    "TsallisINFCB": partial(TsallisINFCB, None, UNIT),
    "ChebCB": partial(ChebCB, None, UNIT),
}


def valley(omega, context):
    """Return a cost whose best omega rises with the context from 1.2 to 1.8."""
    return 20 + 300 * abs(omega - 1.2 - 0.6 * context)


def play(learner, contexts, cost=valley):
    """Return the costs of one round for each context."""
    costs = []
    for context in contexts:
        omega = learner.suggest(context)
        costs.append(cost(omega, context))
        learner.observe(omega, costs[-1], context)
    return np.array(costs)


# -- Tsallis-INF ------------------------------------------------------------------------


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


# -- ChebCB ------------------------------------------------------------------------


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


# -- what is learned ------------------------------------------------------------------------


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


# -- the protocol ------------------------------------------------------------------------


@pytest.mark.parametrize("name", LEARNERS)
def test_a_saved_run_continues_bit_for_bit(name):
    contexts = np.random.default_rng(2).random(300)
    whole = play(LEARNERS[name](rng=5), contexts)
    first = LEARNERS[name](rng=5)
    costs = [play(first, contexts[:150])]
    text = json.dumps(first.state(), allow_nan=False)
    again = type(first).from_state(json.loads(text))
    np.testing.assert_array_equal(whole, np.concatenate([*costs, play(again, contexts[150:])]))
    assert json.dumps(again.state()) != text


@pytest.mark.parametrize("name", LEARNERS)
def test_pending_suggestions_are_saved(name):
    learner = LEARNERS[name](rng=5)
    play(learner, [0.2, 0.9] * 20)
    waiting = [(learner.suggest(c), c) for c in (0.2, 0.9, 0.2)]
    for other in (
        type(learner).from_state(learner.state()),
        pickle.loads(pickle.dumps(learner)),
        copy.copy(learner),
    ):
        for omega, context in waiting:
            other.observe(omega, 30, context)
        with pytest.raises(ValueError, match="awaits its cost"):
            other.observe(waiting[0][0], 30, waiting[0][1])
        assert 1 <= other.suggest(0.5) <= 1.95


@pytest.mark.parametrize("bits", [np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_any_generator_is_kept(bits):
    one = TsallisINF(rng=np.random.Generator(bits(4)))
    two = TsallisINF.from_state(json.loads(json.dumps(one.state())))
    assert [one.suggest() for _ in range(9)] == [two.suggest() for _ in range(9)]


def test_estimated_and_fixed_omega_have_a_state():
    assert FixedOmega.from_state(FixedOmega(1.3).state()).suggest(7) == 1.3
    assert FixedOmega(1.3).observe(1.3, 5) is None
    one = EstimatedOmega(1e-6)
    one.observe(one.suggest(), 200)
    assert EstimatedOmega.from_state(json.loads(json.dumps(one.state()))).suggest() == one.suggest() > 1
    one = EstimatedOmega(1e-6, UNIT)
    for context in (0.1, 0.5, 0.7):
        one.observe(one.suggest(context), 200 * context, context)
    assert pickle.loads(pickle.dumps(one)).suggest(0.3) == one.suggest(0.3) > 1


def test_costs_come_in_any_order_and_from_any_thread():
    learner, contexts = TsallisINF(rng=0), np.random.default_rng(3).random(2000)

    def solve(context):
        omega = learner.suggest(context)
        learner.observe(omega, valley(omega, context), context)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(solve, contexts))
    assert learner._rounds[0] == 2000
    assert not learner._waiting


def test_costs_of_one_omega_belong_to_its_suggestions_in_order():
    """Two suggestions of one omega at different probabilities: the first cost belongs to the first."""
    learner = TsallisINF([1.0, 1.5], rng=0)
    drawn = []
    while not drawn or drawn[-1][0] != drawn[0][0] or len(drawn) < 2:
        omega = learner.suggest()
        drawn.append((omega, learner._probabilities[[1.0, 1.5].index(omega)].item()))
        if omega != drawn[0][0]:
            learner.observe(omega, 9)
    first = [1.0, 1.5].index(drawn[0][0])
    for probability in (drawn[0][1], drawn[-1][1]):
        before = learner._losses[0, first]
        learner.observe(drawn[0][0], 9)
        assert learner._losses[0, first] - before == pytest.approx(8 / probability)


@pytest.mark.parametrize("name", LEARNERS)
def test_failures_count_as_the_worst(name):
    learner = LEARNERS[name](rng=0)
    learner.observe(learner.suggest(0.5), np.nan, 0.5)  # ignored: there is no cost yet
    before = json.dumps(learner.state()["learned"])
    assert before == json.dumps(LEARNERS[name](rng=0).state()["learned"])
    costs = play(learner, [0.5] * 3000, lambda omega, context: np.nan if omega > 1.4 else 30 * omega)
    assert np.isnan(costs[-500:]).mean() < 0.2
    assert np.isfinite(learner.suggest(0.5))


def test_a_grid_of_one_omega():
    for learner in (TsallisINF([1.5]), TsallisINFCB([1.5], UNIT), ChebCB([1.5], UNIT, degree=1)):
        assert set(play(learner, [0.1, 0.5, 0.9], lambda omega, context: omega)) == {1.5}


@pytest.mark.parametrize(
    ("call", "error", "what"),
    [
        (lambda: TsallisINF([]), ValueError, "grid has shape"),
        (lambda: TsallisINF([[1.0]]), ValueError, "grid has shape"),
        (lambda: TsallisINF([1.0, np.inf]), ValueError, "grid has 1 NaN or infinite"),
        (lambda: TsallisINF([1.0, 1.5, 1.0]), ValueError, "grid holds a number twice"),
        (lambda: TsallisINFCB(None, (1, 0)), ValueError, "interval is"),
        (lambda: TsallisINFCB(None, 3.0), TypeError, "interval is 3.0"),
        (lambda: TsallisINFCB(None, UNIT, bins=0), ValueError, "bins is 0"),
        (lambda: ChebCB(None, (0, np.nan)), ValueError, r"interval\[1\] is nan"),
        (lambda: ChebCB(None, UNIT, degree=0), ValueError, "degree is 0"),
        (lambda: ChebCB(None, UNIT).suggest(), TypeError, "context is None"),
        (lambda: ChebCB(None, UNIT).suggest(np.nan), ValueError, "context is nan"),
        (lambda: ChebCB(None, UNIT).suggest(np.ones(3)), ValueError, "context has shape"),
        (lambda: ChebCB(None, UNIT).suggest("warm"), TypeError, "context is 'warm'"),
        (lambda: TsallisINF().observe(1.5, 10), ValueError, "omega is 1.5, but no suggestion"),
        (lambda: TsallisINF().observe(1.5, "ten"), TypeError, "cost is 'ten'"),
        (lambda: TsallisINFCB(None, UNIT).observe(1.5, 10, 0.2), ValueError, "in context 0.2"),
        (lambda: TsallisINF.from_state(FixedOmega(1.0).state()), ValueError, "state is that of 'FixedOmega'"),
        (lambda: TsallisINF.from_state([1]), ValueError, "state is that of 'list'"),
        (lambda: FixedOmega(np.nan), ValueError, "omega is nan"),
        (lambda: EstimatedOmega(1.0), ValueError, "rtol is 1.0"),
        (lambda: EstimatedOmega(1e-5, start=2), ValueError, "start is 2"),
        (lambda: EstimatedOmega(1e-5, (1, 1)), ValueError, "interval is"),
        (lambda: EstimatedOmega(1e-5, UNIT).suggest(), TypeError, "context is None; EstimatedOmega"),
    ],
)
def test_bad_input_is_named(call, error, what):
    with pytest.raises(error, match=what):
        call()
