"""The families: each system follows from its feature; seeds, evaluation on request, drift."""

from itertools import islice

import numpy as np
import pytest

from numsolve.problems import (
    convection_diffusion_systems,
    darcy,
    darcy_systems,
    gaussian_field,
    helmholtz,
    helmholtz_systems,
    laplacian_shifted,
    plate_mesh,
    poisson_fem,
    poisson_systems,
    square_mesh,
    thermal,
    thermal_systems,
)
from numsolve.problems._fields import complex_field

PLATE, SQUARE = plate_mesh(0.09, rng=0), square_mesh(0.12, rng=0)
FAMILIES = {
    "darcy": lambda count, rng: darcy_systems(count, 9, matrix="published", rng=rng),
    "helmholtz": lambda count, rng: helmholtz_systems(count, 9, wavenumbers=(5, 6), rng=rng),
    "thermal": lambda count, rng: thermal_systems(count, PLATE, rng=rng),
    "poisson": lambda count, rng: poisson_systems(count, SQUARE, degree=3, rng=rng),
    "shifted": lambda count, rng: laplacian_shifted(count, 5, rng=rng),
    "convection-diffusion": lambda count, rng: convection_diffusion_systems(count, (6, 7), rng=rng),
}
FROM_FEATURE = {
    "darcy": lambda feature: darcy(feature, matrix="published"),
    "helmholtz": lambda feature: helmholtz(feature[:-1].reshape(11, 11), feature[-1]),
    "thermal": lambda feature: thermal(PLATE, *feature),
    "poisson": lambda feature: poisson_fem(SQUARE, feature),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_seed_decides_and_the_count_does_not(name):
    few, many = list(FAMILIES[name](2, 5)), list(FAMILIES[name](4, np.random.default_rng(5)))
    assert (len(few), len(many), len(list(FAMILIES[name](0, 5)))) == (2, 4, 0)
    for one, two in zip(few, many, strict=False):
        assert (one.A != two.A).nnz == 0
        np.testing.assert_array_equal(one.b, two.b)
        np.testing.assert_array_equal(one.feature, two.feature)
    assert not np.array_equal(many[1].b, many[2].b) or (many[1].A != many[2].A).nnz
    assert not np.array_equal(many[1].feature, many[2].feature)


@pytest.mark.parametrize("name", FROM_FEATURE)
def test_the_feature_makes_the_system(name):
    for A, b, feature in FAMILIES[name](3, 1):
        again, c = FROM_FEATURE[name](feature)
        assert abs(A - again).max() == 0
        np.testing.assert_allclose(b, c, rtol=1e-14)


def test_features_follow_their_distributions():
    temperature, flux = np.stack([s.feature for s in thermal_systems(300, PLATE, rng=0)]).T
    assert temperature.min() > 0
    assert 90 < temperature.max() < 100
    assert flux.max() < 0
    assert -100 < flux.min() < -90
    waves = [s.feature[-1] for s in helmholtz_systems(100, 2, wavenumbers=(5, 6), rng=0)]
    assert 5 < min(waves) < 5.1
    assert 5.9 < max(waves) < 6
    coefficients = np.stack([s.feature for s in poisson_systems(50, SQUARE, rng=0)])
    assert coefficients.shape == (50, 5, 6)
    assert -1 < coefficients.min() < -0.99
    first = next(darcy_systems(1, 9, rng=4)).feature
    np.testing.assert_array_equal(np.log(first), np.log(np.exp(gaussian_field((11, 11), rng=4))))


def test_the_matrix_is_one_object_where_only_b_changes():
    for family in (thermal_systems(3, PLATE, rng=0), poisson_systems(3, SQUARE, rng=0)):
        A, others = next(family).A, list(family)
        assert all(s.A is A for s in others)


def test_systems_are_made_on_request():
    endless = darcy_systems(10**9, 9, rng=0)
    assert len(list(islice(endless, 2))) == 2


@pytest.mark.parametrize("shape", [(12,), (8, 9), (5, 4, 6)])
@pytest.mark.parametrize("scheme", ["upwind", "central"])
def test_drift_is_slow_and_periodic(shape, scheme):
    turn = list(convection_diffusion_systems(9, shape, drift=np.pi / 4, scheme=scheme, rng=2))
    assert abs(turn[0].A - turn[8].A).max() < 1e-12
    np.testing.assert_allclose(turn[8].b, turn[0].b, atol=1e-14)
    np.testing.assert_allclose(turn[4].b, -turn[0].b, atol=1e-14)
    np.testing.assert_allclose(turn[3].feature, np.sqrt(0.5) * np.array([-1, 1]))

    def change(drift):
        one, two = convection_diffusion_systems(2, shape, drift=drift, scheme=scheme, rng=2)
        return abs(one.A - two.A).max()

    assert change(1e-4) == pytest.approx(change(2e-4) / 2, rel=0.01)
    assert change(1e-4) > 0


def test_drift_by_its_parts():
    """Without contrast and wind the matrix is the Laplacian; source and wind are as documented."""
    for A, _, _ in convection_diffusion_systems(2, (6, 6), wind=0.0, contrast=0.0, rng=0):
        np.testing.assert_allclose(np.unique(A.toarray()), [-1, 0, 4], atol=1e-14)
    rng = np.random.default_rng(1)
    complex_field((8, 9), rng=rng)
    source = complex_field((6, 7), rng=rng) / 49  # h^2
    one, two = convection_diffusion_systems(2, (6, 7), drift=np.pi / 2, rng=1)
    np.testing.assert_allclose(one.b, source.real.ravel(), rtol=1e-13)
    np.testing.assert_allclose(two.b, source.imag.ravel(), atol=1e-15)
    squares = []
    for A, _, _ in convection_diffusion_systems(12, (5, 5), drift=np.pi / 6, wind=30.0, contrast=0.0, rng=3):
        skew = A.toarray() - A.toarray().T
        squares.append(36 * (skew[12, 7] ** 2 + skew[12, 11] ** 2))
    assert np.mean(squares) == pytest.approx(30**2, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "what"),
    [
        (lambda: darcy_systems(-1, 9), ValueError, "count is -1"),
        (lambda: darcy_systems(1, 1), ValueError, "side is 1"),
        (lambda: darcy_systems(1, 9, matrix="fem"), ValueError, "matrix is 'fem'"),
        (lambda: helmholtz_systems(1, 9, wavenumbers=3.0), ValueError, "wavenumbers has shape"),
        (lambda: thermal_systems(1.5, PLATE), TypeError, "count is 1.5"),
        (lambda: poisson_systems(1, SQUARE, degree=-1), ValueError, "degree is -1"),
        (lambda: convection_diffusion_systems(1, (4, 0)), ValueError, "shape is 0"),
        (lambda: convection_diffusion_systems(1, (4, 4), drift=np.nan), ValueError, "drift is nan"),
        (lambda: convection_diffusion_systems(1, (4, 4), scheme="up"), ValueError, "scheme is 'up'"),
    ],
)
def test_bad_input_is_refused_before_the_first_system(call, error, what):
    with pytest.raises(error, match=what):
        call()
