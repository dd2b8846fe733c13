"""The interface of the learners: states, pending suggestions, threads and bad input."""

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support.bandits import LEARNERS, UNIT, play, valley

from numsolve.learners import ChebCB, EstimatedOmega, FixedOmega, TsallisINF, TsallisINFCB


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
