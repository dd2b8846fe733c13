"""Every call takes and refuses the same masses: one rule says whether two have the same total."""

import numpy as np
import pytest

from numsolve.transport import PointCloud, barycenter, sinkhorn, sinkhorn_divergence, wasserstein_1d
from numsolve.transport._masses import total_tolerance

POINTS = np.linspace(0, 1, 6)[:, None]


def by_sinkhorn(a, b):
    return sinkhorn(a, b, PointCloud(POINTS, POINTS), 0.1).marginal_error


def by_divergence(a, b):
    return sinkhorn_divergence(a, b, POINTS, POINTS, 0.1).between.marginal_error


def on_the_line(a, b):
    return wasserstein_1d(POINTS[:, 0], POINTS[:, 0], a, b)


def by_barycenter(a, b):
    """Of one distribution, `b`: its total is compared with one, the total of `a`."""
    return barycenter(b[None], PointCloud(POINTS, POINTS), 0.1).residuals[-1]


def by_weights(a, b):
    """The weights of a barycenter."""
    return barycenter(np.full((6, 6), 1 / 6), PointCloud(POINTS, POINTS), 0.1, weights=b).residuals[-1]


CALLS = {  # what to call, the number of masses that are added up
    "sinkhorn": (by_sinkhorn, 12),
    "divergence": (by_divergence, 12),
    "line": (on_the_line, 12),
    "barycenter": (by_barycenter, 6),
    "weights": (by_weights, 6),
}


@pytest.mark.parametrize("name", CALLS)
def test_all_calls_draw_the_same_line(name):
    """Half of the tolerance is accepted, in single precision and in double, and twice of it refused."""
    call, terms = CALLS[name]
    for dtype in (np.float32, np.float64):
        tol = total_tolerance(terms, dtype)
        mass = np.array([0.1, 0.2, 0.05, 0.25, 0.3, 0.1], dtype)
        for sign in (1, -1):
            assert np.isfinite(call(mass, (mass * (1 + sign * tol / 2)).astype(dtype)))
            with pytest.raises(ValueError, match=r"sums to .* (same mass|one) is needed"):
                call(mass, (mass * (1 + 2 * sign * tol)).astype(dtype))


@pytest.mark.parametrize("name", ["sinkhorn", "divergence", "line"])
def test_the_coarser_dtype_decides(name):
    """Masses in single precision against the same in double."""
    call, _ = CALLS[name]
    rng = np.random.default_rng(3)
    mass = rng.random(6) + 0.1
    mass /= mass.sum()
    rounded = mass.astype(np.float32)
    assert abs(rounded.astype(float).sum() - 1) > 1e-9
    assert np.isfinite(call(rounded, mass))
    assert np.isfinite(call(mass, rounded))


def test_the_tolerance_grows_with_the_terms_and_the_rounding():
    """Totals of many single-precision masses, added up one by one, differ by less than it."""
    assert total_tolerance(10, np.float64) == 1e-9
    assert total_tolerance(10, np.float64, np.float32) == 1e-5
    n = 100_000
    mass = np.random.default_rng(0).random(n).astype(np.float32)
    running = float(np.cumsum(mass, dtype=np.float32)[-1])
    exact = float(mass.astype(float).sum())
    tol = total_tolerance(n, np.float32)
    assert tol > 1e-5
    assert abs(running - exact) < tol * exact
    assert total_tolerance(n, np.float64) == 1e-9
