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
