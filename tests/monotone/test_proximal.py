"""Projections and proximal maps: optimality, Moreau's identity, invariants."""

import pickle

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from numsolve import to_device, to_host
from numsolve.monotone import (
    L1,
    L2,
    Affine,
    Ball,
    Box,
    Halfspace,
    Nonnegative,
    NuclearNorm,
    Product,
    Quadratic,
    SecondOrderCone,
    SemidefiniteCone,
    Simplex,
    Space,
)
from numsolve.monotone._proximal import projection

N = 6
A = np.random.default_rng(3).standard_normal((2, N))
SETS = {
    "space": Space(),
    "box": Box(-0.5, np.linspace(0, 1, N)),
    "nonnegative": Nonnegative(),
    "simplex": Simplex(1.5),
    "ball": Ball(0.7, np.full(N, 0.1)),
    "ball of the 1-norm": Ball(0.7, norm=1),
    "ball of the largest entry": Ball(0.7, norm=np.inf),
    "halfspace": Halfspace(A[0], 0.3),
    "affine": Affine(A, [1.0, -2.0]),
    "sparse affine": Affine(sp.csr_array(A), [1.0, -2.0]),
    "cone": SecondOrderCone(),
    "product": Product([Simplex(), Box(0, 1)], [2, N - 2]),
}
FUNCTIONS = {
    "L1": (L1(0.3), lambda z: 0.3 * abs(z).sum()),
    "L2": (L2(0.3), lambda z: 0.3 * np.linalg.norm(z)),
    "quadratic": (Quadratic(0.3, 1.0), lambda z: 0.15 * ((z - 1) ** 2).sum()),
}
vectors = st.integers(0, 2**32 - 1).map(lambda seed: 3 * np.random.default_rng(seed).standard_normal((2, N)))


@pytest.mark.parametrize("name", SETS)
@given(z=vectors)
def test_projections_are_the_nearest_points(name, z):
    P = SETS[name]
    p, q = P(z[0]), P(z[1])
    np.testing.assert_allclose(P(p), p, atol=1e-12)  # in the set
    assert (z[0] - p) @ (q - p) <= 1e-10  # and nearer than any other point of it
    assert np.linalg.norm(p - q) <= np.linalg.norm(z[0] - z[1]) + 1e-12


@pytest.mark.parametrize("name", FUNCTIONS)
@given(z=vectors)
def test_proximal_points_minimise(name, z):
    P, h = FUNCTIONS[name]
    for step in (0.1, 1.0, 7.0):
        p = P(z[0], step)
        value = h(p) + ((p - z[0]) ** 2).sum() / (2 * step)
        for other in (z[1], p + 1e-3 * z[1], p - 1e-3 * z[1]):
            assert value <= h(other) + ((other - z[0]) ** 2).sum() / (2 * step) + 1e-12


@given(z=vectors)
def test_moreaus_identity(z):
    np.testing.assert_allclose(L1(0.3)(z[0]) + Ball(0.3, norm=np.inf)(z[0]), z[0], atol=1e-12)
    np.testing.assert_allclose(L2(0.3)(z[0]) + Ball(0.3)(z[0]), z[0], atol=1e-12)
    cone = SecondOrderCone()
    np.testing.assert_allclose(cone(z[0]) - cone(-z[0]), z[0], atol=1e-12)  # a cone that is its own dual


def test_independent_oracles(rng):
    z = rng.standard_normal(N)
    found = scipy.optimize.minimize(
        lambda x: ((x - z) ** 2).sum(),
        np.ones(N) / N,
        bounds=[(0, None)] * N,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
        options={"ftol": 1e-14},
    )
    np.testing.assert_allclose(Simplex()(z), found.x, atol=1e-6)
    M = rng.standard_normal((4, 3))
    U, values, V = np.linalg.svd(M, full_matrices=False)
    np.testing.assert_allclose(NuclearNorm(0.5)(M, 2.0), U * np.maximum(values - 1, 0) @ V, atol=1e-12)
    S = rng.standard_normal((4, 4))
    values = np.linalg.eigvalsh(SemidefiniteCone()(S))
    assert values.min() > -1e-12
    np.testing.assert_allclose(values.sum(), np.maximum(np.linalg.eigvalsh((S + S.T) / 2), 0).sum())


@pytest.mark.parametrize(
    "z", [np.zeros(4), np.full(4, 1e200), np.array([1.0, 1.0, 1.0, 1.0]), np.array([-9.0])]
)
def test_simplex_of_hostile_points(z):
    found = Simplex(2.0)(z)
    assert found.sum() == pytest.approx(2)
    assert (found >= 0).all()


@pytest.mark.parametrize("size", [1e-200, 1e-160, 1e160, 1e200])
def test_points_whose_squares_leave_the_range_of_numbers(size):
    """The maps commute with a change of unit."""
    z = np.array([0.3, 3.0, -4.0])
    for at_one, there in (
        (Ball(2.0), Ball(2.0 * size)),
        (SecondOrderCone(), SecondOrderCone()),
        (L2(2.0), L2(2.0 * size)),
    ):
        np.testing.assert_allclose(there(size * z) / size, at_one(z), rtol=1e-12, atol=1e-15)
    at_one, there = Halfspace([1.0, 2.0, 0.0], 1.0), Halfspace([size, 2 * size, 0.0], size)
    np.testing.assert_allclose(there(z), at_one(z), rtol=1e-12)  # the same set


def test_whole_numbers_and_lists_become_floats():
    """A projection of whole numbers is not rounded."""
    np.testing.assert_array_equal(Simplex()(np.array([1, 1])), [0.5, 0.5])
    np.testing.assert_array_equal(Box(0, 0.5)([1, 2]), [0.5, 0.5])
    np.testing.assert_allclose(Ball()(np.array([3, 4])), [0.6, 0.8])
    np.testing.assert_array_equal(L1(0.5)(np.array([3, 4])), [2.5, 3.5])


def test_complex_points(rng):
    """A ball and a norm see a complex number as a vector of the plane; ordered sets refuse it."""
    z = rng.standard_normal(3) + 1j * rng.standard_normal(3)
    flat = z.view(float)
    np.testing.assert_allclose(Ball(0.5)(z).view(float), Ball(0.5)(flat))
    np.testing.assert_allclose(L2(0.5)(z).view(float), L2(0.5)(flat))
    for P, bound in ((Ball(0.5, norm=np.inf), 0.5), (Ball(10.0, norm=np.inf), 10.0)):
        np.testing.assert_allclose(P(z), z * np.minimum(1, bound / abs(z)))
    np.testing.assert_allclose(L1(0.2)(z) + Ball(0.2, norm=np.inf)(z), z)  # Moreau's identity
    for P in (Box(), Simplex(), Halfspace(np.ones(3), 1.0), SecondOrderCone()):
        with pytest.raises(TypeError, match="z is complex"):
            P(z)
    with pytest.raises(TypeError, match="lower is complex"):
        Box(1j)


@pytest.mark.parametrize("sparse", [False, True])
def test_affine_sets_with_rows_of_different_sizes(sparse, rng):
    B = rng.standard_normal((3, 5))
    scales, b, z = np.array([1e9, 1.0, 1e-9]), rng.standard_normal(3), rng.standard_normal(5)
    S = scales[:, None] * B
    P = Affine(sp.csr_array(S) if sparse else S, scales * b)
    np.testing.assert_allclose(P(z), Affine(B, b)(z), atol=1e-12)
    assert Affine(np.zeros((0, 5)), np.zeros(0))(z) == pytest.approx(z)  # no equation
    low = rng.standard_normal((3, 2)) @ rng.standard_normal((2, 5))
    with pytest.raises(ValueError, match="linearly dependent"):
        Affine(sp.csr_array(low) if sparse else low, b)


def test_rows_of_a_matrix_and_single_precision(rng):
    Z = rng.standard_normal((5, N)).astype(np.float32)
    found = Simplex()(Z)
    assert found.dtype == np.float32
    for z, p in zip(Z, found, strict=True):
        np.testing.assert_allclose(Simplex()(z), p, atol=1e-6)
    for P in (*SETS.values(), *(P for P, _ in FUNCTIONS.values())):
        assert P(Z[0]).dtype == np.float32


@pytest.mark.parametrize("name", ["box", "simplex", "ball", "ball of the 1-norm", "halfspace", "cone"])
def test_on_the_device_as_on_the_host(name, cupy, rng):
    z, P = rng.standard_normal(N), SETS[name]
    there = pickle.loads(pickle.dumps(P))
    for key, value in vars(there).items():
        if isinstance(value, np.ndarray):
            setattr(there, key, to_device(value))
    found = there(to_device(z))
    assert isinstance(found, cupy.ndarray)
    np.testing.assert_allclose(to_host(found), P(z), atol=1e-12)


def test_they_pickle_show_themselves_and_cannot_be_changed(rng):
    z = rng.standard_normal(N)
    for P in SETS.values():
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(P))(z), P(z))
    assert repr(Simplex(2.0)) == "Simplex(radius=2.0)"
    assert repr(Box(np.zeros(2), 1.0)) == "Box(lower=<array of shape (2,)>, upper=1.0)"
    bounds = np.zeros(2)
    box = Box(bounds, 1.0)
    bounds[:] = 9
    np.testing.assert_array_equal(box(np.full(2, -1.0)), [0, 0])
    with pytest.raises(ValueError, match="read-only"):
        box.lower[0] = 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Box(1.0, 0.0), "lower is above upper"),
        (lambda: Box(np.nan, 0.0), "NaN"),
        (lambda: Simplex(0), "radius"),
        (lambda: Ball(-1), "radius"),
        (lambda: Ball(1, norm=3), "norm is 3"),
        (lambda: Halfspace(np.zeros(2), 1.0), "a is zero"),
        (lambda: Affine(np.ones((2, 3)), np.ones(2)), "linearly dependent"),
        (lambda: Affine(np.ones((2, 3)), np.ones(3)), r"\(m, n\) and \(m,\)"),
        (lambda: L1(-1), "negative"),
        (lambda: Product([Space()], [1, 2]), "1 maps are given for 2 parts"),
        (lambda: Product([Space()], [3])(np.zeros(2)), "the parts have 3"),
        (lambda: Product([Space()], [-1]), "lengths >= 0"),
        (lambda: Affine(np.zeros((1, 3)), np.zeros(1)), "row of zeros"),
        (lambda: Affine(np.ones((1, 3)), 1.0), r"\(m, n\) and \(m,\)"),
        (lambda: Box(np.zeros(3), 1.0)(np.zeros(1)), "does not fit Box"),
        (lambda: Simplex()(np.zeros(0)), "at least one entry"),
        (lambda: SecondOrderCone()(np.zeros(0)), "at least one entry"),
        (lambda: SemidefiniteCone()(np.zeros((2, 3))), "a square matrix"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_stands_for_a_set():
    z = np.array([-2.0, 3.0])
    np.testing.assert_array_equal(projection(None)(z), z)
    np.testing.assert_array_equal(projection((0, None))(z), [0, 3])
    np.testing.assert_array_equal(projection(lambda z: 2 * z)(z, 5.0), 2 * z)
    with pytest.raises(TypeError, match="project is a int"):
        projection(3)
