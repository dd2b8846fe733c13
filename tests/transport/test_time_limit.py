"""A time limit ends every call with a status of its own and an iterate that can be used."""

import itertools
from math import inf
from types import SimpleNamespace

import numpy as np
import pytest

from numsolve import ConvergenceWarning, Status, _iterate
from numsolve.transport import PointCloud, barycenter, sinkhorn, sinkhorn_divergence
from numsolve.transport import _newton as newton

LIMIT = 3600.0


@pytest.fixture
def looks(monkeypatch):
    """Return a function that lets the time be over after a number of looks at the clock."""

    def set_looks(count):
        times = itertools.chain(itertools.repeat(0.0, count), itertools.repeat(inf))
        monkeypatch.setattr(_iterate, "time", SimpleNamespace(monotonic=lambda: next(times)))

    return set_looks


@pytest.fixture
def problem(rng):
    """Masses, points and squared distances."""
    x, y = rng.random((30, 2)), rng.random((25, 2)) + 0.3
    a, b = rng.random(30) + 0.1, rng.random(25) + 0.1
    return a / a.sum(), b / b.sum(), x, y, ((x[:, None] - y) ** 2).sum(axis=-1)


def check(result, a, b):
    """The potentials are finite, and the error that is reported is that of their plan."""
    assert result.status == Status.TIME_LIMIT
    assert result.message.startswith("time limit reached")
    P = result.plan.to_dense()
    error = abs(P.sum(axis=1) - a).sum() + abs(P.sum(axis=0) - b).sum()
    assert result.marginal_error == pytest.approx(error, rel=1e-6)
    assert result.residuals[-1] == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("method", ["auto", "log", "scaling", "newton"])
def test_each_method_stops(looks, problem, method):
    a, b, _, _, C = problem
    looks(5)
    with pytest.warns(ConvergenceWarning, match="time limit"):
        result = sinkhorn(a, b, C, 0.01, method=method, time_limit=LIMIT)
    assert result.nit == 5
    check(result, a, b)


@pytest.mark.parametrize("options", [{"eps_scaling": 2.0}, {"warm_up": True}])
def test_stages_are_cut_short(looks, problem, options):
    """Where the time ends in a stage before the last, the potentials found so far are those returned."""
    a, b, _, _, C = problem
    looks(4)
    with pytest.warns(ConvergenceWarning, match="time limit"):
        result = sinkhorn(a, b, C, 0.005, method="log", time_limit=LIMIT, **options)
    assert result.nit == 0
    check(result, a, b)
    looks(0)
    with pytest.warns(ConvergenceWarning, match="time limit"):
        cold = sinkhorn(a, b, C, 0.005, method="log", time_limit=LIMIT)
    assert result.marginal_error < cold.marginal_error


def test_all_problems_of_a_batch_stop(looks, problem):
    a, b, _, _, C = problem
    looks(5)
    with pytest.warns(ConvergenceWarning, match="3 of 3 problems, first 0: time limit"):
        results = sinkhorn(a, b, np.stack([C, C.max() - C, 2 * C]), 0.01, time_limit=LIMIT)
    for result in results:
        assert result.nit == 5
        check(result, a, b)


def test_one_by_one_they_share_the_limit(looks, problem):
    """In Newton's method the problems come one after the other: the later ones are not begun."""
    a, b, _, _, C = problem
    looks(5)
    with pytest.warns(ConvergenceWarning, match="2 of 2 problems"):
        results = sinkhorn(a, b, np.stack([C, 2 * C]), 0.01, method="newton", time_limit=LIMIT)
    assert [result.nit for result in results] == [5, 0]
    for result in results:
        check(result, a, b)


def test_solves_inside_newton_have_the_same_deadline(monkeypatch, problem):
    a, b, _, _, C = problem
    deadlines, solve = set(), newton.solve_system

    def record(start, system, callback):
        deadlines.add(system.deadline)
        return solve(start, system, callback)

    monkeypatch.setattr(newton, "solve_system", record)
    sinkhorn(a, b, C, 0.01, method="newton").check()
    assert deadlines == {inf}
    deadlines.clear()
    sinkhorn(a, b, C, 0.01, method="newton", time_limit=LIMIT).check()
    assert len(deadlines) == 1
    assert max(deadlines) < inf


def test_a_divergence_stops(looks, problem):
    """Its three solves share the limit."""
    a, b, x, y, _ = problem
    looks(5)
    with pytest.warns(ConvergenceWarning, match="time limit"):
        found = sinkhorn_divergence(a, b, x, y, 0.01, time_limit=LIMIT)
    assert not found.success
    assert [part.nit for part in (found.between, found.within_a, found.within_b)] == [5, 0, 0]
    check(found.between, a, b)
    check(found.within_a, a, a)
    assert np.isfinite(found.value)


def test_a_barycenter_stops(looks, problem):
    _, b, x, y, _ = problem
    masses = np.stack([b, b[::-1]])
    looks(3)
    with pytest.warns(ConvergenceWarning, match="time limit reached"):
        result = barycenter(masses, PointCloud(x, y), 0.01, atol=1e-12, time_limit=LIMIT)
    assert result.status == Status.TIME_LIMIT
    assert result.nit == 3
    assert result.x.sum() == pytest.approx(1)
    assert result.x.min() >= 0


def test_a_tiny_limit_is_enough_for_one_pass(problem):
    """With the clock as it is: nothing is iterated, and the start is returned."""
    a, b, _, _, C = problem
    with pytest.warns(ConvergenceWarning, match="time limit"):
        check(sinkhorn(a, b, C, 0.01, time_limit=1e-9), a, b)


def test_limits_are_checked(problem):
    a, b, x, y, C = problem
    for limit in (0, -1.0):
        with pytest.raises(ValueError, match="time_limit is"):
            sinkhorn(a, b, C, 0.01, time_limit=limit)
        with pytest.raises(ValueError, match="time_limit is"):
            sinkhorn_divergence(a, b, x, y, 0.01, time_limit=limit)
        with pytest.raises(ValueError, match="time_limit is"):
            barycenter(b[None], PointCloud(x, y), 0.01, time_limit=limit)
