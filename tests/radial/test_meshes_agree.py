"""Atoms on default meshes: eigenvalues agree with those on finer meshes to 1e-9 hartree."""

import numpy as np
import pytest

from numsolve import radial


@pytest.mark.parametrize("relativistic", [False, True])
@pytest.mark.parametrize("Z", [[5, 82], pytest.param([25, 55, 76, 90], marks=pytest.mark.extended)])
def test_eigenvalues_do_not_depend_on_the_mesh(Z, relativistic):
    default = radial.atoms(Z, relativistic=relativistic)
    mesh = default[-1].mesh
    ratio = mesh.lengths[-1] / mesh.lengths[0]
    fine = radial.exponential(mesh.rmax, mesh.elements * 5 // 4, ratio=float(ratio), degree=mesh.degree + 2)
    for one, other in zip(default, radial.atoms(Z, relativistic=relativistic, mesh=fine), strict=True):
        assert one.success
        assert other.success
        assert one.mesh.size < other.mesh.size
        np.testing.assert_allclose(one.eigenvalues, other.eigenvalues, rtol=0, atol=1e-9)
        np.testing.assert_allclose(one.energy, other.energy, rtol=0, atol=2e-9)
