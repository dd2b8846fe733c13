"""Gaussian fields: mean, variance and covariance against the sum over modes."""

import numpy as np
import pytest

from numsolve.problems import gaussian_field


def covariance(shape, lag, alpha, tau):
    """The closed form, mode by mode."""
    modes = [np.fft.fftfreq(m, 1 / m) for m in shape]
    q = np.stack(np.meshgrid(*modes, indexing="ij"), axis=-1).reshape(-1, len(shape))
    q = q[q.any(axis=1)]
    power = tau ** (2 * alpha - len(shape)) * (4 * np.pi**2 * (q**2).sum(axis=1) + tau**2) ** -alpha
    return power @ np.cos(2 * np.pi * q @ (np.array(lag) / shape))


@pytest.mark.parametrize(
    ("shape", "alpha", "tau", "lags"),
    [
        ((12, 12), 2.5, 7.0, [(0, 0), (1, 0), (0, 11), (3, 2), (6, 6)]),
        ((9, 16), 1.5, 10.0, [(0, 0), (1, 0), (0, 1), (8, 15), (4, 3)]),
        ((10,), 2.0, 3.0, [(0,), (1,), (9,), (5,)]),
        ((6, 5, 4), 2.5, 7.0, [(0, 0, 0), (1, 0, 0), (0, 1, 3)]),
    ],
)
def test_covariance_is_the_sum_over_modes(rng, shape, alpha, tau, lags):
    draws = np.stack([gaussian_field(shape, alpha=alpha, tau=tau, rng=rng) for _ in range(4000)])
    axes = tuple(range(1, draws.ndim))
    variance = covariance(shape, (0,) * len(shape), alpha, tau)
    for lag in lags:
        found = (draws * np.roll(draws, lag, axis=axes)).mean()  # the field is periodic: the roll is a shift
        assert found == pytest.approx(covariance(shape, lag, alpha, tau), abs=0.04 * variance)
    pointwise = draws.var(axis=0) / variance
    assert abs(pointwise - 1).max() < 5 * np.sqrt(2 / len(draws))
    assert abs(draws.mean(axis=axes)).max() < 1e-14


def test_the_seed_decides():
    one, two = gaussian_field((8, 8), rng=3), gaussian_field((8, 8), rng=np.random.default_rng(3))
    np.testing.assert_array_equal(one, two)
    assert one.flags.c_contiguous
    assert not np.array_equal(one, gaussian_field((8, 8), rng=4))
    assert gaussian_field((1, 1), rng=0) == 0  # nothing but the mean


@pytest.mark.parametrize(
    ("shape", "options", "what"),
    [((0, 3), {}, "shape"), ((4, 4), {"tau": 0.0}, "tau"), ((4, 4), {"alpha": -1.0}, "alpha")],
)
def test_bad_input(shape, options, what):
    with pytest.raises(ValueError, match=what):
        gaussian_field(shape, **options)
