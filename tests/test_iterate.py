"""The loop of the iterative methods: when it stops, its messages, and what it keeps."""

import numpy as np
import pytest

from numsolve import Interrupted, Progress, Status
from numsolve._iterate import iterate
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
