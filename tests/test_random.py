"""Random numbers are drawn on the host and moved."""

import numpy as np

from numsolve._random import scattered, standard_normal


def test_the_same_numbers_everywhere(cupy):
    host, device = standard_normal(7, (3, 4)), standard_normal(7, (3, 4), like="cupy")
    assert isinstance(host, np.ndarray)
    np.testing.assert_array_equal(device.get(), host)
    np.testing.assert_array_equal(standard_normal(np.random.default_rng(7), (3, 4)), host)


def test_complex_deviates_have_unit_variance():
    z = standard_normal(0, 40_000, dtype="complex64")
    assert z.dtype == np.complex64
    assert abs(np.mean(abs(z) ** 2) - 1) < 0.03
    assert abs(np.mean(z**2)) < 0.03


def test_scattered_numbers_are_equidistributed_and_the_same_everywhere(cupy):
    places = np.arange(1000)
    values = scattered(places)
    assert np.diff(np.sort(values), prepend=0, append=1).max() < 3 / len(values)
    np.testing.assert_array_equal(scattered(cupy.asarray(places)).get(), values)
