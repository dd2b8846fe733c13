"""Reference elements and meshes: exactness for polynomials, and layouts."""

import numpy as np
import pytest
from numpy.polynomial import Polynomial

from numsolve.radial import Mesh, Orbital, exponential, uniform
from numsolve.radial._elements import element, gauss_jacobi, gauss_legendre, gauss_lobatto, interpolation
from numsolve.radial._errors import on_coarse, on_refined, potential_on_refined, refined

DEGREES = [1, 2, 3, 8, 13, 30]


@pytest.mark.parametrize("degree", DEGREES)
def test_quadrature_is_exact_up_to_its_degree_only(degree):
    x, w = gauss_lobatto(degree)
    for power in range(2 * degree):
        assert w @ x**power == pytest.approx((1 + (-1) ** power) / (power + 1), abs=1e-14)
    assert abs(w @ x ** (2 * degree) - 2 / (2 * degree + 1)) > 1e-11 / 4.0**degree
    x, w = gauss_legendre(degree)
    assert w @ x ** (2 * degree - 2) == pytest.approx(2 / (2 * degree - 1))
    x, w = gauss_jacobi(degree, -0.75)
    assert w @ (1 + x) ** (2 * degree - 1) == pytest.approx(2 ** (2 * degree - 0.75) / (2 * degree - 0.75))


@pytest.mark.parametrize("degree", DEGREES)
def test_operators_are_exact_for_polynomials(degree, rng):
    e = element(degree)
    f = Polynomial(rng.standard_normal(degree + 1))
    values, points = f(e.nodes), np.append(rng.uniform(-1, 1, 7), [-1, 1, e.nodes[0]])
    np.testing.assert_allclose(e.D @ values, f.deriv()(e.nodes), atol=1e-12 * degree**2)
    np.testing.assert_allclose(e.integration @ values, f.integ(lbnd=-1)(e.nodes), atol=1e-14 * degree)
    np.testing.assert_allclose(interpolation(e.nodes, points) @ values, f(points), atol=1e-13 * degree)
    square = (f.deriv() ** 2).integ(lbnd=-1)(1)
    assert values @ e.stiffness @ values == pytest.approx(square, rel=1e-12)
    np.testing.assert_allclose(e.D.sum(axis=1), 0, atol=1e-13 * degree**2)


def test_layouts_and_integrals_of_a_mesh():
    mesh = exponential(7.0, 5, ratio=30.0, degree=6)
    assert mesh.size == 31
    assert mesh.lengths[-1] / mesh.lengths[0] == pytest.approx(30)
    np.testing.assert_allclose(mesh.lengths[1:] / mesh.lengths[:-1], 30**0.25)
    np.testing.assert_array_equal(mesh.flat(mesh.local(mesh.r)), mesh.r)
    np.testing.assert_array_equal(mesh.local(mesh.r), mesh.local_r)
    r = mesh.local_r
    assert np.sum(mesh.weights * r**11) == pytest.approx(7.0**12 / 12)
    np.testing.assert_allclose(mesh.cumulative(r**5), r**6 / 6, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(mesh.derivative(r**6), 6 * r**5, rtol=1e-9, atol=1e-9)
    at = np.array([[0.0, 1.234], [7.0, 7.1]])
    np.testing.assert_allclose(mesh.evaluate(r**6, at), np.where(at > 7, 0, at**6), rtol=1e-12)
    np.testing.assert_allclose(uniform(2.0, 4, degree=2).edges, np.linspace(0, 2, 5))
    assert exponential(3.0, 1).edges.tolist() == [0, 3]


def test_functions_on_a_refined_mesh(rng):
    mesh = exponential(5.0, 3, ratio=4.0, degree=7)
    fine = refined(mesh)
    f = Polynomial(rng.standard_normal(8))
    values = on_refined(f(mesh.local_r), 7)
    np.testing.assert_allclose(values, f(fine.local_r), rtol=1e-9)
    np.testing.assert_allclose(on_coarse(values, 7), f(mesh.local_r), rtol=1e-9)
    r = np.where(mesh.local_r > 0, mesh.local_r, 1)
    V = potential_on_refined(-3 / r + 2 * r, mesh.local_r, 7)
    r = np.where(fine.local_r > 0, fine.local_r, 1)
    np.testing.assert_allclose(V.ravel()[1:], (-3 / r + 2 * r).ravel()[1:], rtol=1e-9)


@pytest.mark.parametrize("power", [0.0, 0.7])
def test_an_orbital_and_its_norm(power):
    mesh = exponential(30.0, 12, ratio=100.0, degree=14)
    r = mesh.local_r
    P = r * np.exp(-r) * (3 - r)
    orbital = Orbital(mesh, P[None], -1.0, 2, 0, power=power)
    at = np.array([0.0, 0.5, 3.0, 29.9, 31.0])
    want = at**power * at * np.exp(-at) * (3 - at) * (at <= 30)
    np.testing.assert_allclose(orbital(at), want, atol=1e-11)
    x = np.linspace(0, 30, 400001)
    dense = x ** (2 * power) * (x * np.exp(-x) * (3 - x)) ** 2
    assert orbital.norm == pytest.approx(np.trapezoid(dense, x), rel=1e-9)
    assert orbital.nodes == 1
    if power == 0:
        np.testing.assert_allclose(orbital.radial(at[:3]), np.exp(-at[:3]) * (3 - at[:3]), atol=1e-8)
    assert "2s" in repr(orbital)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Mesh([0.1, 1.0]), ValueError, "from 0 upwards"),
        (lambda: Mesh([0.0]), ValueError, "two or more"),
        (lambda: Mesh([0.0, 2.0, 1.0]), ValueError, "from 0 upwards"),
        (lambda: Mesh([0.0, np.nan]), ValueError, "edges has 1 NaN"),
        (lambda: Mesh([0.0, 1.0], degree=1), ValueError, "degree is 1"),
        (lambda: exponential(-1.0), ValueError, "rmax is -1"),
        (lambda: exponential(1.0, 0), ValueError, "elements is 0"),
        (lambda: exponential(1.0, 4, ratio=0), ValueError, "ratio is 0"),
    ],
)
def test_bad_meshes(make, error, words):
    with pytest.raises(error, match=words):
        make()
