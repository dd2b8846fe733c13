"""The transport problems: masses of sum one, costs as documented."""

import numpy as np
import pytest

from numsolve.problems import assignment, image_pair, line_pair, point_clouds
from numsolve.transport import sinkhorn, wasserstein_1d


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: assignment(30, rng=rng),
        lambda rng: point_clouds(30, 20, dimension=3, rng=rng),
        lambda rng: image_pair(6, rng=rng),
        lambda rng: image_pair(6, metric="cityblock", rng=rng),
        lambda rng: line_pair(40),
    ],
)
def test_problems_are_solvable_and_reproducible(make):
    (a, b, cost), (again, *_) = make(3), make(3)
    np.testing.assert_array_equal(a, again)
    for mass in (a, b):
        assert mass.sum() == pytest.approx(1)
        assert (mass > 0).all()
    assert cost.shape == (len(a), len(b))
    largest = (cost if isinstance(cost, np.ndarray) else cost.rows(0, len(a))).max()
    assert 0.5 < largest < 3
    assert sinkhorn(a, b, cost, 0.05 * largest, atol=1e-6).check().nit > 1


def test_costs_are_scaled():
    for metric in ("sqeuclidean", "cityblock"):
        assert image_pair(8, metric=metric, rng=0)[2].rows(0, 64).max() == pytest.approx(1)
        assert line_pair(50, metric=metric)[2].max() == pytest.approx(1)


def test_the_line_has_an_exact_answer():
    a, b, cost = line_pair(200)
    t = np.linspace(0, 1, 200)
    lower, upper = sinkhorn(a, b, cost, 5e-4, atol=1e-8).bounds()
    exact = wasserstein_1d(t, t, a, b, p=2) ** 2
    assert lower <= exact <= upper
    assert upper - lower < 0.1 * exact
