"""Forecasts of the number of iterations and of time, and the end of an iteration by them."""

import numpy as np
import pytest
from numpy import inf

from numsolve._linear.costs import Costs
from numsolve._linear.fill import Fill
from numsolve._linear.patience import Patience, expected


def falling(count, digits=8, columns=1):
    """Return residual norms that fall evenly, one row an iteration, and end at the tolerance."""
    return np.tile(10.0 ** (-digits * np.arange(count + 1) / count)[:, None], columns)


def run(patience, norms):
    """Return after how many iterations the callback ends, or None."""
    for step, norm in enumerate(norms, 1):
        if patience(None, norm if len(norm) > 1 else float(norm[0])):
            return step
    return None


@pytest.mark.parametrize("share", [0.1, 0.3, 0.8])
@pytest.mark.parametrize("columns", [1, 3])
def test_the_count_of_an_even_fall_is_known_early(share, columns):
    history = falling(200, columns=columns)[: int(200 * share)]
    assert expected(history, np.full(columns, 1e-8)) == pytest.approx(200, rel=0.2)


def test_the_slowest_column_counts():
    history = np.concatenate((falling(50)[:20], falling(400)[:20]), axis=1)
    assert expected(history, np.full(2, 1e-8)) == pytest.approx(400, rel=0.2)


def test_nothing_gained_is_no_end():
    assert expected(np.ones((30, 1)), np.array([1e-8])) == inf


@pytest.mark.parametrize(("other", "ends"), [(1.0, False), (0.05, True)])
def test_an_iteration_ends_where_the_next_choice_takes_less_time(other, ends):
    """200 iterations of a millisecond, against a second or 50 ms."""
    patience = Patience(1e-3, lambda most: other if other <= most else inf, np.array([1e-8]), None)
    ended = run(patience, falling(200)[1:])
    assert patience.ended == ends == (ended is not None)
    if ends:
        assert 1e-3 * ended <= other


def test_a_stagnating_iteration_costs_at_most_as_much_as_the_next_choice():
    patience = Patience(1e-3, lambda most: 0.2 if most >= 0.2 else inf, np.array([1e-8]), None)
    norms = np.r_[falling(100)[1:60, 0], np.full(2000, 1e-5)][:, None]
    assert run(patience, norms) <= 250


def test_later_columns_are_forecast_too():
    """One column takes 200 ms, ten take two seconds: more than the next choice for all of them."""
    instead = lambda most: 1.0 if most >= 1.0 else inf  # noqa: E731
    assert run(Patience(1e-3, instead, np.full(1, 1e-8), None), falling(200)[1:]) is None
    in_turn = np.tile(falling(200)[1:], (10, 1))
    assert 200 < run(Patience(1e-3, instead, np.full(10, 1e-8), None), in_turn) < 600


def test_the_callback_of_the_caller_is_called_and_may_stop():
    seen = []
    patience = Patience(
        1e-3, lambda most: inf, np.array([1e-8]), lambda x, norm: seen.append(norm) or len(seen) == 5
    )
    assert run(patience, falling(200)[1:]) == 5
    assert not patience.ended


def test_costs_grow_with_the_system():
    small, large = (Costs(n, 7 * n, 1, 1.0, False) for n in (10**4, 10**6))
    for method in ("cg", "minres", "gmres", "bicgstab"):
        for M in (None, "jacobi", "ilu0", "amg"):
            assert large.iteration(method, M) > small.iteration(method, M) > 0
    assert large.set_up("amg") > 100 * large.iteration("cg", None)
    fill = Fill(None, 1e6, 1e9)
    assert large._replace(columns=10).direct(fill) > large.direct(fill) > large.least_direct()
    assert large._replace(is_complex=True).direct(fill) > large.direct(fill)
    assert large.direct(Fill(None, 0.0, large.work_within(3.0))) == pytest.approx(3.0 + large.least_direct())
