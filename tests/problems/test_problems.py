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
