"""Worst cases of the fixed-point rules over all maps, by performance estimation.

The points of a rule without decisions are linear combinations of the start and the images. Their coefficients
are read from the rule itself, and PEPit maximises the error over all nonexpansive maps.
"""

import numpy as np
import pytest

from numsolve.monotone._fixed_points._rules import Halpern, Picard

N = 10


def points(rule, n):
    """Return the coefficients of the points of a rule: of the start, and of the images before."""
    units = np.eye(n + 1)
    found = [units[0]]
    rule.begin(units[0])
    for k in range(n):
        found.append(rule.next(found[k], units[k + 1]))
    return found


def worst(rule, n, *, firmly=False, displaced=False):
    """Return the largest squared norm of ``x - T x - v`` after n steps, for a start at distance 1 from x*."""
    pepit = pytest.importorskip("PEPit")
    operators = pytest.importorskip("PEPit.operators")
    problem = pepit.PEP()
    map_ = problem.declare_function(operators.NonexpansiveOperator)
    start = problem.set_initial_point()
    if displaced:
        nearest = pepit.Point()
        map_.v = nearest - map_.gradient(nearest)
    else:
        nearest = map_.fixed_point()[0]
    problem.set_initial_condition((start - nearest) ** 2 <= 1)
    known = [start]
    for row in points(rule, n):
        x = sum((float(c) * point for c, point in zip(row, known, strict=False)), start=0 * start)
        image = map_.gradient(x)
        known.append((x + image) / 2 if firmly else image)
    residual = x - known[-1] - (map_.v if displaced else 0 * start)
    problem.set_performance_metric(residual**2)
    return problem.solve(wrapper="cvxpy", solver="CLARABEL", verbose=0)


def test_coefficients_of_the_rules():
    """Halpern's point after two steps is x0 / 3 + 2/3 T x1; Mann's has weights of halves."""
    np.testing.assert_allclose(points(Halpern(), 2)[2], [1 / 3, 0, 2 / 3])
    np.testing.assert_allclose(points(Picard(0.5), 2)[2], [1 / 4, 1 / 4, 1 / 2])


@pytest.mark.extended
@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")  # no map attains the largest value
@pytest.mark.parametrize(("n", "value"), [(5, 0.4460), (10, 0.1380), (20, 0.0397)])
def test_halpern_without_a_fixed_point(n, value):
    """The bound of Park and Ryu is ((sqrt(H_n + 12) + 1) / (n + 1))^2, with the harmonic number H_n."""
    found = worst(Halpern(), n, displaced=True)
    assert found == pytest.approx(value, rel=0.02)
    assert found <= ((np.sqrt((1 / np.arange(1, n + 1)).sum() + 12) + 1) / (n + 1)) ** 2


@pytest.mark.extended
def test_halpern_attains_its_bound():
    """Lieder: 4 / (n + 1)^2; with the reflected map of a firmly nonexpansive one, a quarter of it."""
    assert worst(Halpern(), N) == pytest.approx(4 / (N + 1) ** 2, rel=1e-3)
    assert worst(Halpern(reflected=True), N, firmly=True) == pytest.approx(1 / (N + 1) ** 2, rel=1e-3)


@pytest.mark.extended
@pytest.mark.parametrize("relaxation", [0.5, 0.7])
def test_krasnoselskii_and_mann_attain_their_bound(relaxation):
    """Lieder: (n / (n + 1))^n / (n + 1) / (relaxation (1 - relaxation))."""
    bound = (N / (N + 1)) ** N / (N + 1) / (relaxation * (1 - relaxation))
    assert worst(Picard(relaxation), N) == pytest.approx(bound, rel=1e-3)
