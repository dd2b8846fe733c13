"""The loop of the iterative methods: when it stops, its messages, and what it keeps."""

import pickle

import numpy as np
import pytest

from numsolve import Interrupted, Progress, Status
from numsolve._iterate import PATIENCE, iterate
from numsolve._result import Breakdown


def halving(x, true=None):
    """A method whose residual halves; `true` replaces what the start reports, to tell a false claim."""
    yield x, float(x @ x) if true is None else true
    while True:
        x *= 0.5
        if (yield x, float(x @ x)) is None:
            raise Breakdown("halving broke down")


def test_stops_at_the_first_norm_below_the_tolerance():
    result = iterate(halving, np.array([8.0]), tol=1.0, maxiter=10)
    assert result.status == Status.CONVERGED
    assert result.residuals.tolist() == [8, 4, 2, 1]
    assert result.x.tolist() == [1]


def test_maxiter():
    result = iterate(halving, np.array([8.0]), tol=1.0, maxiter=2)
    assert result.status == Status.MAXITER
    assert result.nit == 2
    assert iterate(halving, np.array([8.0]), tol=1.0, maxiter=0).nit == 0


def test_a_good_start_needs_no_step():
    result = iterate(halving, np.array([0.5]), tol=1.0, maxiter=0)
    assert result.success
    assert result.nit == 0


def test_a_wrong_residual_norm_is_not_accepted_as_converged():
    def wrong(x):
        yield x, 16.0
        yield x, 0.0

    result = iterate(wrong, np.array([4.0]), tol=1.0, maxiter=10)
    assert result.status == Status.STAGNATED
    assert result.residuals[-1] == 4


def test_a_wrong_residual_norm_is_corrected_by_starting_again():
    truth = iter([16.0, 4.0, 0.25])

    def drifting(x):
        yield x, next(truth)
        yield x, 0.0

    result = iterate(drifting, np.array([4.0]), tol=1.0, maxiter=10)
    assert result.success
    assert result.residuals.tolist() == [4, 2, 0.5]


def test_a_cycle_that_ends_is_started_again_from_its_last_iterate():
    def cycle(x):
        yield x, float(x @ x)
        yield (lambda: x / 2), float(x @ x) / 4

    result = iterate(cycle, np.array([8.0]), tol=1.0, maxiter=10)
    assert result.success
    assert result.residuals.tolist() == [8, 4, 2, 1]


def test_a_cycle_without_progress_ends_the_run():
    def cycle(x):
        yield x, 4.0
        yield x, 4.0

    result = iterate(cycle, np.array([2.0]), tol=1.0, maxiter=10**9)
    assert result.status == Status.STAGNATED


def test_callback_stops_and_sees_the_iterate():
    seen = []

    def callback(x, norm):
        seen.append((x.copy().item(), norm))
        return len(seen) == 2

    result = iterate(halving, np.array([8.0]), tol=0.1, maxiter=10, callback=callback)
    assert result.status == Status.STOPPED
    assert seen == [(4, 4), (2, 2)]
    assert result.x.tolist() == [2]


def test_scale_is_applied_to_all_that_is_handed_out():
    seen = []
    result = iterate(
        halving,
        np.array([8.0]),
        tol=4.0,
        maxiter=9,
        callback=lambda x, r: seen.append((x.item(), r)),
        scale=(10, 100),
    )
    assert result.x.tolist() == [40]
    assert result.residuals.tolist() == [800, 400]
    assert seen == [(40, 400)]


def test_time_limit():
    result = iterate(halving, np.array([8.0]), tol=1e-9, maxiter=10**6, deadline=0.0)
    assert result.status == Status.TIME_LIMIT


def test_breakdown_keeps_the_last_good_iterate():
    def breaking(x):
        yield x, float(x @ x)
        x *= 0.5
        yield x, float(x @ x)
        if (yield x, np.nan) is None:
            raise Breakdown("out of luck")

    result = iterate(breaking, np.array([8.0]), tol=1.0, maxiter=10)
    assert result.status == Status.BREAKDOWN
    assert result.message == "out of luck"
    assert result.x.tolist() == [4]
    assert result.residuals.tolist() == [8, 4]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nonfinite_never_passes_as_converged(bad):
    def broken(x):
        yield x, bad

    assert iterate(broken, np.array([8.0]), tol=1.0, maxiter=10).status == Status.NONFINITE

    def overflowing(x):
        yield x, 64.0
        yield x, bad

    result = iterate(overflowing, np.array([8.0]), tol=1.0, maxiter=10)
    assert not result.success


def test_an_interrupt_returns_the_iterate():
    def interrupted(x):
        yield x, float(x @ x)
        x *= 0.5
        yield x, float(x @ x)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        iterate(interrupted, np.array([8.0]), tol=1.0, maxiter=10)
    assert isinstance(caught.value, Interrupted)
    assert caught.value.result.status == Status.INTERRUPTED
    assert caught.value.result.x.tolist() == [4]


@pytest.mark.parametrize("rtol", [None, 1e-3])
def test_progress_counts_without_asking_for_the_iterate(rtol, tmp_path):
    pytest.importorskip("tqdm")
    with (tmp_path / "bar").open("w") as file, Progress(rtol=rtol, file=file) as bar:
        result = iterate(halving, np.array([8.0]), tol=0.01, maxiter=20, callback=bar)
    assert result.success
    text = (tmp_path / "bar").read_text()
    assert f"{result.nit} its" in text or rtol is None
    assert bar.wants_x is False


def test_a_recurrence_that_is_slightly_too_small_still_converges():
    """The true norm is 1.18 times that of the recurrence: the next claim has to be the better for it."""

    def start(x):
        claim = float(x[0])
        yield x, claim**2
        while True:
            claim *= 0.9
            x[0] = 1.18 * claim
            yield x, claim**2

    result = iterate(start, np.array([100.0]), tol=1.0, maxiter=200)
    assert result.status == Status.CONVERGED
    assert 0.5 < result.residuals[-1] <= 1.0


def follow(norms, true=None):
    """A method whose iterates are its claimed norms; `true` maps them to the true ones."""

    def start(x):
        yield x, float((x[0] if true is None else true(x[0])) ** 2)
        for norm in norms:
            x[0] = norm
            if (yield x, norm**2) is None:
                raise Breakdown("no step is left")

    return start


def kept(start, x, **options):
    return iterate(start, x.copy(), guess=x.copy, **{"tol": 1e-9, "maxiter": 6, **options})


def test_a_better_iterate_is_handed_back_within_a_factor_of_ten():
    result = kept(follow([5.0, 0.9, 0.3, 0.08, 1e3, 1e6]), np.array([10.0]))
    assert result.status == Status.MAXITER
    assert result.x.tolist() == [0.08]
    assert result.residuals.tolist() == [10, 5, 0.9, 0.3, 0.08, 1e3, 0.08]


def test_never_worse_than_the_guess():
    for end in ([1e3] * 6, [2e3, np.nan]):
        result = kept(follow(end), np.array([10.0]))
        assert result.x.tolist() == [10]
        assert result.residuals[-1] == 10


def test_a_kept_iterate_has_to_be_better_in_truth():
    """The recurrence claims 0.1 and 0.01; the true norm of every iterate but the guess is 50."""
    result = kept(follow([0.1, 0.01, 7.0], lambda x: 10.0 if x == 10 else 50.0), np.array([10.0]), maxiter=3)
    assert result.x.tolist() == [10]
    assert result.residuals[-1] == 10


def test_columns_are_kept_one_by_one():
    def start(x):
        live = yield x, x[0] ** 2
        for row in ([0.5, 30.0], [7.0, 2.0], [8.0, 90.0]):
            x[0] = row
            live = yield x, x[0] ** 2
        assert live is not None

    first = np.array([[10.0, 50.0]])
    result = iterate(start, first.copy(), tol=np.full(2, 1e-9), maxiter=3, guess=first.copy)
    assert result.x.tolist() == [[0.5, 2.0]]
    assert result.residuals[-1].tolist() == [0.5, 2]


def test_a_few_starts_without_progress_are_waited_for():
    """Four starts in a row gain nothing, the fifth converges."""
    starts = []

    def start(x):
        starts.append(x[0])
        yield x, 16.0 if len(starts) < PATIENCE + 1 else 0.25
        yield x, 16.0

    result = kept(start, np.array([4.0]), tol=1.0, maxiter=99, explain=lambda x: None)
    assert result.success
    starts.clear()

    def forever(x):
        starts.append(x[0])
        yield x, 16.0
        yield x, 16.0

    result = kept(forever, np.array([4.0]), tol=1.0, maxiter=10**9, explain=lambda x: None)
    assert result.status == Status.STAGNATED
    assert len(starts) == PATIENCE + 1


def test_a_known_reason_ends_the_run_at_once():
    def start(x):
        yield x, 16.0
        yield x, 16.0

    reason = Status.SINGULAR, "A is singular"
    result = kept(start, np.array([4.0]), tol=1.0, maxiter=99, explain=lambda x: reason)
    assert (result.status, result.message) == reason
    assert result.nit == 1


def test_an_interrupt_reports_the_true_norm_of_the_better_iterate():
    def start(x):
        yield x, float(x[0] ** 2)
        for norm in (0.5, 800.0):
            x[0] = norm
            yield x, 1e-4  # a recurrence that is far from the truth
        raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        kept(start, np.array([8.0]), tol=1e-9)
    result = pickle.loads(pickle.dumps(caught.value)).result
    assert result.status == Status.INTERRUPTED
    assert result.x.tolist() == [0.5]
    assert result.residuals.tolist() == [8, 0.01, 0.5]


@pytest.mark.parametrize("columns", [False, True])
def test_an_interrupt_in_the_first_product(columns):
    def start(x):
        raise KeyboardInterrupt
        yield x, 0.0

    x, tol = (np.ones((3, 2)), np.ones(2)) if columns else (np.ones(3), 1.0)
    with pytest.raises(Interrupted) as caught:
        iterate(start, x, tol=tol, maxiter=9)
    assert caught.value.result.nit == 0
    assert np.isnan(caught.value.result.residuals).all()
    assert np.array_equal(caught.value.result.x, x)
