"""The gallery: entries, spectra, convergence orders."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve

from numsolve.problems import convection_diffusion, diffusion, irregular, poisson


def test_poisson_spectrum():
    m = 7
    values = np.linalg.eigvalsh(poisson((m, m)).toarray())
    line = 4 * np.sin(np.arange(1, m + 1) * np.pi / (2 * m + 2)) ** 2
    np.testing.assert_allclose(values, np.sort((line[:, None] + line).ravel()), rtol=1e-12)


def test_constant_diffusion_inside_is_poisson():
    A, B = diffusion(np.full((6, 6), 2.0)).toarray(), 2 * poisson((6, 6)).toarray()
    inner = 2 * 6 + 2
    np.testing.assert_allclose(A[inner], B[inner])
    np.testing.assert_allclose(A, A.T)


@pytest.mark.parametrize("wind", [(0.0, 0.0), (8.0, -3.0)])
def test_convection_diffusion_converges_with_its_order(wind):
    """Upwind differences are of first order, without wind of second."""
    errors = []
    for m in (15, 31, 63):
        h = 1 / (m + 1)
        x, y = np.meshgrid(*2 * [h * np.arange(1, m + 1)], indexing="ij")
        u = np.sin(np.pi * x) * np.sin(np.pi * y)
        flow = wind[0] * np.cos(np.pi * x) * np.sin(np.pi * y) + wind[1] * np.sin(np.pi * x) * np.cos(
            np.pi * y
        )
        f = 2 * np.pi**2 * u + np.pi * flow
        A = convection_diffusion((m, m), wind)
        errors.append(np.abs(spsolve(sp.csc_array(A), h * h * f.ravel()) - u.ravel()).max())
    order = np.log2(errors[-2] / errors[-1])
    assert order == pytest.approx(1 if any(wind) else 2, abs=0.15)


@pytest.mark.parametrize("shape", [(30, 45), (9, 7, 8)])
@pytest.mark.parametrize(("scheme", "order"), [("upwind", 1), ("central", 2)])
def test_variable_convection_diffusion_converges_with_its_order(shape, scheme, order):
    """Coefficient and wind vary, the wind diverges: div(w u - k grad u) = f, with a spacing for each axis."""
    errors = []
    for refine in (1, 2):
        sides = tuple(refine * (m + 1) for m in shape)
        x = np.meshgrid(*(np.linspace(0, 1, m + 1) for m in sides), indexing="ij", sparse=True)
        k = np.exp(sum(x))
        u, flow = 1.0, 0.0
        for axis in x:
            u = u * np.sin(np.pi * axis)
        wind = [40.0 * (1 + axis) for axis in x]  # div w = 40 d
        for a, axis in enumerate(x):
            slope = np.pi * u / np.tan(np.pi * np.where(axis % 1, axis, 0.5))
            flow = flow + wind[a] * slope + 40 * u - k * (slope - np.pi**2 * u)
        faces = tuple(
            np.broadcast_to(
                40 * (1 + (np.arange(m) + 0.5) / m).reshape([-1 if b == a else 1 for b in range(len(sides))]),
                [n - (b != a) for b, n in enumerate(sides)],
            )
            for a, m in enumerate(sides)
        )
        A = convection_diffusion([m - 1 for m in sides], faces, coefficient=k, scheme=scheme)
        inner = (slice(1, -1),) * len(sides)
        found = spsolve(sp.csc_array(A), flow[inner].ravel() / sides[0] ** 2)
        errors.append(abs(found - u[inner].ravel()).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.25)


def test_upwind_is_an_m_matrix_whatever_the_wind(rng):
    shape = (9, 7)
    wind = tuple(100 * rng.standard_normal([m + (a == b) for b, m in enumerate(shape)]) for a in (0, 1))
    A = convection_diffusion(shape, wind, coefficient=np.exp(rng.standard_normal((11, 9)))).toarray()
    assert (A - np.diag(np.diag(A)) <= 0).all()
    assert (np.linalg.inv(A) >= 0).all()
    assert (A.sum(axis=0) > -1e-10).all()  # what is lost leaves through the boundary


def test_irregular_is_reproducible_and_dominant():
    A, B = irregular(500, rng=3), irregular(500, rng=3)
    assert (A != B).nnz == 0
    off = abs(A).sum(axis=1) - A.diagonal()
    assert (A.diagonal() > off).all()


def test_bad_input():
    with pytest.raises(ValueError, match="shape"):
        poisson((0, 3))
    with pytest.raises(ValueError, match="positive"):
        diffusion(-np.ones((3, 3)))
    with pytest.raises(ValueError, match="wind has 3 components; 2 are needed"):
        convection_diffusion((3, 3), (1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match=r"wind\[1\] has shape \(3, 3\); a number or shape \(3, 4\)"):
        convection_diffusion((3, 3), (1.0, np.ones((3, 3))))
    with pytest.raises(ValueError, match=r"coefficient has shape \(3, 3\); a number or shape \(5, 5\)"):
        convection_diffusion((3, 3), (1.0, 0.0), coefficient=np.ones((3, 3)))
    with pytest.raises(ValueError, match="scheme is 'down'"):
        convection_diffusion((3, 3), (1.0, 0.0), scheme="down")
