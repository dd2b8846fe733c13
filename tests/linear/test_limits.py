"""Limits of a solve: time limits, and tolerances in the units of b."""

import numpy as np
import pytest

import numsolve
from numsolve import ConvergenceWarning, Status
from numsolve.krylov import _registry as registry
from numsolve.krylov import cg
from numsolve.problems import poisson

every_method = pytest.mark.parametrize("method", registry.METHODS.values(), ids=lambda m: m.name)
A_MOMENT = 1e-9  # seconds: over before the first iteration


@every_method
def test_a_time_limit_stops_with_a_usable_iterate(method):
    A = poisson((12, 12))
    with pytest.warns(ConvergenceWarning, match="time limit"):
        result = method.solve(A, np.ones(144), rtol=1e-12, time_limit=A_MOMENT)
    assert result.status == Status.TIME_LIMIT
    assert np.isfinite(result.x).all()
    assert result.nit <= 1


@every_method
def test_a_time_limit_that_is_not_reached_changes_nothing(method):
    A, b = poisson((6, 6)), np.arange(36.0)
    timed, free = (method.solve(A, b, rtol=1e-8, **limit) for limit in ({"time_limit": 1e6}, {}))
    np.testing.assert_array_equal(timed.x, free.x)
    assert timed.success


def test_a_time_limit_is_for_all_columns_together():
    A, B = poisson((12, 12)), np.ones((144, 3))
    with pytest.warns(ConvergenceWarning, match="time limit"):
        result = numsolve.krylov.gmres(A, B, rtol=1e-12, time_limit=A_MOMENT)
    assert result.status == Status.TIME_LIMIT
    assert np.isnan(result.residuals[:, 1:]).all()  # those columns were not begun


@pytest.mark.parametrize(("limit", "error"), [(-1.0, ValueError), (0, ValueError), ("1 s", TypeError)])
def test_a_bad_time_limit_is_named(limit, error):
    with pytest.raises(error, match="time_limit is"):
        cg(np.eye(2), np.ones(2), time_limit=limit)


@pytest.mark.parametrize("power", [-200, 0, 200])
def test_atol_is_in_the_units_of_b(power):
    A, unit = poisson((8, 8)), 10.0**power
    result = cg(A, np.full(64, unit), rtol=0, atol=1e-3 * unit)
    assert result.success
    assert result.nit > 3
    assert np.linalg.norm(1 - A @ (result.x / unit)) <= 1.001e-3
