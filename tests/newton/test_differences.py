"""Gradients and Jacobians by differences: units of the variables, and gradients that rounding errors hide."""

import numpy as np
import pytest

from numsolve import ConvergenceWarning, Status, newton


def quartic(x):
    return (x[0] - 2) ** 4 + (x[0] - 2 * x[1]) ** 2


def circle(x):
    return x @ x - 1


@pytest.mark.parametrize("unit", [1e-8, 1e-3, 1e6])
def test_units_of_variables_do_not_matter_without_derivatives(unit):
    x0 = np.ones(2)
    first = newton.minimize_constrained(quartic, x0, circle).check()
    second = newton.minimize_constrained(
        lambda x: quartic(x / unit), x0 * unit, lambda x: circle(x / unit)
    ).check()
    assert second.nit <= first.nit + 2
    assert np.allclose(second.x / unit, first.x, atol=1e-6)
    first = newton.minimize(quartic, x0).check()
    second = newton.minimize(lambda x: quartic(x / unit), x0 * unit).check()
    assert second.nit <= first.nit + 2
    assert np.allclose(second.x / unit, first.x, atol=1e-2)


def test_each_variable_may_have_a_unit():
    units = np.array([1e-3, 1.0, 10.0])
    found = newton.minimize_constrained(
        lambda x: ((x / units - 2) ** 4).sum(), 0.5 * units, lambda x: (x / units).sum() - 3
    ).check()
    assert np.allclose(found.x / units, 1, atol=1e-5)


@pytest.mark.parametrize("tiny", [6e-17, 1e-9])
def test_a_start_of_rounding_errors_is_no_unit(tiny):
    found = newton.minimize(lambda x: 3 + (x - 1) @ (x - 1), [tiny, 1.5]).check()
    assert np.allclose(found.x, 1, atol=1e-6)


@pytest.mark.parametrize("solve", ["minimize", "minimize_constrained"])
def test_a_gradient_that_rounding_errors_hide_is_in_doubt(solve):
    more = {"constraints": lambda x: x[0] - x[1] - 1} if solve == "minimize_constrained" else {}
    offset = 1e14 if more else 1e10
    with pytest.warns(ConvergenceWarning, match="pass grad"):
        found = getattr(newton, solve)(lambda x: offset + (x - 1) @ (x - 1), [5.0, 1.5], **more)
    assert found.status is Status.DOUBTFUL
    given = getattr(newton, solve)(
        lambda x: offset + (x - 1) @ (x - 1), [5.0, 1.5], grad=lambda x: 2 * (x - 1), **more
    )
    assert given.success


def test_a_start_at_the_minimum_is_not_in_doubt():
    assert newton.minimize(lambda x: 3 + x @ x, [0.0, 0.0]).check().nit == 0
    assert newton.minimize(lambda x: 3 + 0 * x[0], [1.0, 2.0]).check().nit == 0
