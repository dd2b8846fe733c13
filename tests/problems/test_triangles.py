"""Meshes and linear elements: area, outline, topology; patch tests, order, symmetry."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.polynomial import Polynomial
from numpy.polynomial.chebyshev import poly2cheb
from scipy.sparse.linalg import spsolve

from numsolve.problems import plate_mesh, poisson_fem, square_mesh, thermal
from numsolve.problems._elements import flux, mass, stiffness

SHAPES = {"square": (square_mesh, 1.0, 4.0, 1), "plate": (plate_mesh, 1.52, 7.0, 0)}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("jitter", [0.0, 0.25, 0.4])
@pytest.mark.parametrize("spacing", [0.1, 0.0533, 0.03])
def test_a_mesh_fills_its_outline(name, jitter, spacing):
    make, area, outline, characteristic = SHAPES[name]
    for seed in range(3):
        mesh = make(spacing, jitter=jitter, rng=seed)
        assert mesh.areas.sum() == pytest.approx(area, rel=1e-13)
        assert mesh.areas.min() > 0.02 * mesh.areas.mean()
        edge = mesh.points[mesh.boundary]
        assert np.linalg.norm(edge[:, 0] - edge[:, 1], axis=1).sum() == pytest.approx(outline, rel=1e-13)
        edges = (3 * len(mesh.triangles) + len(mesh.boundary)) // 2
        assert len(mesh.points) - edges + len(mesh.triangles) == characteristic
        assert np.unique(mesh.triangles).size == len(mesh.points)


def test_the_slot_is_empty():
    mesh = plate_mesh(0.04, rng=1)
    x, y = abs(mesh.points[mesh.triangles].mean(axis=1)).T
    assert not ((x < 0.05) & (y < 0.4)).any()
    assert (abs(mesh.points[mesh.boundary[:, 0]]) == (0.05, 0.4)).any(axis=1).sum() > 20  # nodes on its rim


def test_the_mesh_is_irregular_and_reproducible():
    one, two = square_mesh(0.05, rng=0), square_mesh(0.05, rng=0)
    np.testing.assert_array_equal(one.triangles, two.triangles)
    degrees = np.bincount(one.triangles.ravel())
    assert np.unique(degrees).size >= 6


@pytest.mark.parametrize("name", SHAPES)
def test_matrices_integrate_linear_functions_exactly(name, rng):
    mesh = SHAPES[name][0](0.08, rng=2)
    x, y = mesh.points.T
    u, v = 1 + 2 * x - 3 * y, 4 * x + y
    K, M = stiffness(mesh), mass(mesh)
    assert abs(K - K.T).max() == 0
    assert abs(M - M.T).max() == 0
    inner = np.setdiff1d(np.arange(len(x)), mesh.boundary)
    assert abs((K @ u)[inner]).max() < 1e-13
    assert abs(K @ np.ones(len(x))).max() < 1e-13
    k = rng.uniform(1, 5, len(mesh.triangles))
    assert u @ stiffness(mesh, k) @ v == pytest.approx((8 - 3) * (k @ mesh.areas), rel=1e-13)
    centres = mesh.points[mesh.triangles].mean(axis=1)
    assert np.ones(len(x)) @ M @ u == pytest.approx(mesh.areas @ (1 + centres @ (2, -3)), rel=1e-13)
    outward = flux(mesh, mesh.boundary)
    assert outward.sum() == pytest.approx(SHAPES[name][2], rel=1e-13)


def test_mass_is_exact_for_products():
    mesh = square_mesh(0.2, rng=0)
    x, y = mesh.points.T
    assert x @ mass(mesh) @ y == pytest.approx(1 / 4, rel=1e-13)
    assert x @ mass(mesh) @ x == pytest.approx(1 / 3, rel=1e-13)


def series(*polynomials, degree=5):
    """Chebyshev coefficients, one row a polynomial."""
    rows = [poly2cheb(Polynomial(p).coef) for p in polynomials]
    return np.stack([np.pad(row, (0, degree + 1 - len(row))) for row in rows])


def test_poisson_patch():
    """u = 1 + 2 x + 3 y: below, right, above, left."""
    mesh = square_mesh(0.07, rng=3)
    A, b = poisson_fem(mesh, series([0.0], [1.0, 2.0], [3.0, 3.0], [4.0, 2.0], [1.0, 3.0]))
    x, y = mesh.points[~np.isin(np.arange(len(mesh.points)), mesh.boundary)].T
    np.testing.assert_allclose(spsolve(A.tocsc(), b), 1 + 2 * x + 3 * y, atol=1e-12)


def test_poisson_is_of_second_order():
    """u = x^3 y - x y^3 + x^4 in the L2 norm: f = -12 x^2, the corners agree."""
    data = series([0, 0, -12], [0, 0, 0, 0, 1], [1, 1, 0, -1], [0, -1, 0, 1, 1], [0.0])
    errors = []
    for spacing in (0.08, 0.04, 0.02):
        mesh = square_mesh(spacing, rng=4)
        A, b = poisson_fem(mesh, data)
        inner = ~np.isin(np.arange(len(mesh.points)), mesh.boundary)
        x, y = mesh.points.T
        error = np.zeros(len(x))
        error[inner] = spsolve(A.tocsc(), b) - (x**3 * y - x * y**3 + x**4)[inner]
        errors.append(np.sqrt(error @ mass(mesh) @ error))
    assert np.log2(errors[0] / errors[2]) / 2 == pytest.approx(2, abs=0.2)
    assert errors[2] < 1e-4


def test_a_corner_belongs_to_the_later_side():
    """Constants 1, 2, 3, 4 on the four sides, counterclockwise from below."""
    mesh = square_mesh(0.5, rng=0)
    _, b = poisson_fem(mesh, np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]))
    values = {(0, 0): 4, (0.5, 0): 1, (1, 0): 2, (1, 0.5): 2, (1, 1): 3, (0.5, 1): 3, (0, 1): 4, (0, 0.5): 4}
    K = stiffness(mesh).toarray()
    (centre,) = (i for i, p in enumerate(mesh.points) if tuple(p) not in values)
    total = sum(K[centre, i] * values[tuple(p)] for i, p in enumerate(mesh.points) if i != centre)
    np.testing.assert_allclose(b, [-total])


@pytest.mark.parametrize("make", [square_mesh, plate_mesh])
def test_the_matrices_are_positive_definite(make):
    mesh = make(0.09, rng=5)
    A, _ = thermal(mesh, 1.0, 1.0)
    assert abs(A - A.T).max() == 0
    assert np.linalg.eigvalsh(A.toarray())[0] > 0


def test_thermal_without_a_slot_is_linear():
    mesh = square_mesh(0.06, rng=6)
    A, b = thermal(mesh, 20.0, -7.0)
    x = mesh.points[mesh.points[:, 0] > 0, 0]
    np.testing.assert_allclose(spsolve(A.tocsc(), b), 20 - 7 * x, atol=1e-11)


def test_thermal_on_the_plate():
    """Zero flux: constant temperature. Else heat enters right and leaves left; the slot adds resistance."""
    mesh = plate_mesh(0.02, rng=7)
    x = mesh.points[:, 0]
    A, b = thermal(mesh, 30.0, 0.0)
    np.testing.assert_allclose(spsolve(A.tocsc(), b), 30, rtol=1e-10)
    u, free = np.zeros(len(x)), x > -0.5
    A, b = thermal(mesh, 0.0, 2.0)
    u[free] = spsolve(A.tocsc(), b)
    assert (stiffness(mesh) @ u)[~free].sum() == pytest.approx(-2 * 1.6, rel=1e-10)
    assert u[x == 0.5].mean() > 1.05 * 2  # the drop without a slot is 2
    assert u.min() == 0  # the maximum principle
    assert u.argmax() in np.flatnonzero(x == 0.5)


def test_the_resistance_of_the_slot_against_a_fine_grid():
    """Heat through the plate, against finite differences on a grid that has the slot cut out."""
    h, (m, n) = 0.0125, (80, 128)
    x, y = np.meshgrid((np.arange(m) + 0.5) * h - 0.5, (np.arange(n) + 0.5) * h - 0.8, indexing="ij")
    metal = ~((abs(x) < 0.05) & (abs(y) < 0.4))
    number = np.where(metal, metal.ravel().cumsum().reshape(m, n) - 1, -1)
    pairs = [(number[:-1], number[1:]), (number[:, :-1], number[:, 1:])]
    i, j = (np.concatenate([p[e].ravel() for p in pairs]) for e in (0, 1))
    i, j = i[(i >= 0) & (j >= 0)], j[(i >= 0) & (j >= 0)]
    links = sp.coo_array((np.ones(len(i)), (i, j)), shape=2 * (int(metal.sum()),)).tocsr()
    links = links + links.T
    diagonal = links.sum(axis=1)
    diagonal[number[0]] += 2  # half a cell to the left side
    b = np.zeros(len(diagonal))
    b[number[-1]] = h
    u = spsolve((sp.diags_array(diagonal) - links).tocsc(), b)
    wanted = u[number[-1]].mean() + h / 2
    mesh = plate_mesh(0.0125, rng=8)
    A, c = thermal(mesh, 0.0, 1.0)
    found = c @ spsolve(A.tocsc(), c) / 1.6  # the mean over the right side
    assert found == pytest.approx(wanted, rel=0.01)


@pytest.mark.parametrize(
    ("call", "error", "what"),
    [
        (lambda: square_mesh(0.0), ValueError, "spacing"),
        (lambda: square_mesh(0.1, jitter=0.5), ValueError, "jitter is 0.5; a number from 0 to 0.4"),
        (lambda: plate_mesh(0.2), ValueError, "spacing is 0.2; at most 0.1"),
        (lambda: thermal(square_mesh(0.5), np.inf, 0.0), ValueError, "left is inf"),
        (lambda: thermal(square_mesh(0.5), 1.0, "hot"), TypeError, "right is 'hot'"),
        (lambda: poisson_fem(square_mesh(0.5), np.ones((4, 3))), ValueError, r"\(4, 3\); \(5, degree"),
        (lambda: poisson_fem(square_mesh(0.5), np.ones((5, 3)) * 1j), TypeError, "coefficients has dtype"),
    ],
)
def test_bad_input(call, error, what):
    with pytest.raises(error, match=what):
        call()
