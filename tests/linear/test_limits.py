"""Limits of a solve: time limits, tolerances in the units of b, and the best of the choices that failed."""

import inspect

import numpy as np
import pytest
import scipy.sparse.linalg as spla

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


def test_the_front_door_tries_nothing_else_after_the_time_limit():
    A = spla.aslinearoperator(poisson((12, 12)))
    with pytest.warns(ConvergenceWarning, match="time limit"):
        result = numsolve.solve(A, np.ones(144), time_limit=A_MOMENT)
    assert result.status == Status.TIME_LIMIT
    assert result.method == "cg"
    assert "then" not in result.message


@pytest.mark.parametrize(("limit", "error"), [(-1.0, ValueError), (0, ValueError), ("1 s", TypeError)])
def test_a_bad_time_limit_is_named(limit, error):
    with pytest.raises(error, match="time_limit is"):
        cg(np.eye(2), np.ones(2), time_limit=limit)


def test_the_front_door_starts_from_a_guess():
    A, x = poisson((12, 12)), np.arange(144.0)
    result = numsolve.solve(A, A @ x, method="cg", M=None, x0=x)
    assert result.nit == 0
    assert "x0" in inspect.signature(numsolve.solve).parameters


@pytest.mark.parametrize("power", [-200, 0, 200])
def test_atol_is_in_the_units_of_b(power):
    A, unit = poisson((8, 8)), 10.0**power
    result = cg(A, np.full(64, unit), rtol=0, atol=1e-3 * unit)
    assert result.success
    assert result.nit > 3
    assert np.linalg.norm(1 - A @ (result.x / unit)) <= 1.001e-3


def test_the_best_of_the_choices_that_failed_is_returned():
    A, b = spla.aslinearoperator(poisson((12, 12))), np.ones(144)
    found = {}
    for method in ("auto", "cg", "gmres"):
        with pytest.warns(ConvergenceWarning):
            found[method] = numsolve.solve(A, b, method=method, M=None, maxiter=3, rtol=1e-12)
    last = {method: result.residuals[-1] for method, result in found.items()}
    assert last["gmres"] < 0.99 * last["cg"]
    assert last["auto"] == pytest.approx(last["gmres"], rel=1e-10)
    assert found["auto"].method == "gmres"
