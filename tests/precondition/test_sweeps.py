"""SSOR and Gauss-Seidel sweeps against their definitions, and the levels of rows."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import DTYPES
from support.triangles import close, random_matrix

from numsolve.kernels.host.levels import levels
from numsolve.precondition import ssor
from numsolve.precondition._gauss_seidel import RowSweeps
from numsolve.problems import irregular, poisson

each_dtype = pytest.mark.parametrize("dtype", DTYPES)


@each_dtype
@pytest.mark.parametrize("omega", [0.7, 1.0, 1.8])
def test_ssor_is_its_formula(dtype, omega, rng):
    A = random_matrix(30, 0.2, dtype, rng)
    D = np.diag(A.diagonal())
    L, U = np.tril(A.toarray(), -1), np.triu(A.toarray(), 1)
    want = omega * (2 - omega) * np.linalg.inv(D + omega * U) @ D @ np.linalg.inv(D + omega * L)
    close(ssor(A, omega) @ np.eye(30, dtype=dtype), want, dtype)


@pytest.mark.parametrize("omega", [0, 2, -1, 2.5, np.inf, np.nan])
def test_omega_between_0_and_2(omega):
    with pytest.raises(ValueError, match="omega"):
        ssor(poisson((3, 3)), omega)


@each_dtype
@pytest.mark.parametrize("omega", [1.0, 1.3])
def test_sweeps_agree_with_their_definition(dtype, omega, rng):
    A = random_matrix(40, 0.2, dtype, rng)
    b, x = rng.standard_normal((2, 40)).astype(dtype)
    D, L, U = np.diag(A.diagonal()), np.tril(A.toarray(), -1), np.triu(A.toarray(), 1)
    sweeps = RowSweeps(A, omega)
    forward = x + np.linalg.solve(D / omega + L, b - A @ x)
    close(sweeps.forward(b, x.copy()), forward, dtype)
    close(sweeps.backward(b, x.copy()), x + np.linalg.solve(D / omega + U, b - A @ x), dtype)
    both = forward + np.linalg.solve(D / omega + U, b - A @ forward)
    close(sweeps.symmetric(b, x.copy()), both, dtype)


def test_sweeps_are_pyamgs(rng):
    from pyamg.relaxation.relaxation import gauss_seidel

    A = sp.csr_matrix(irregular(2000, rng=0))
    b, x = rng.standard_normal((2, 2000))
    for direction in ("forward", "backward", "symmetric"):
        found, want = x.copy(), x.copy()
        assert getattr(RowSweeps(A), direction)(b, found) is found
        gauss_seidel(A, want, b, sweep=direction)
        np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-14)


def test_one_symmetric_sweep_from_zero_is_ssor(rng):
    A, b = irregular(300, rng=1), rng.standard_normal(300)
    np.testing.assert_allclose(RowSweeps(A).symmetric(b, np.zeros(300)), ssor(A) @ b, rtol=1e-12)


def test_levels_are_the_longest_paths(rng):
    A = random_matrix(60, 0.05, "float64", rng)
    coupled = (A.toarray() != 0) | (A.toarray().T != 0)
    want = np.zeros(60, int)
    for i in range(60):
        want[i] = max((want[j] + 1 for j in range(i) if coupled[i, j]), default=0)
    assert np.array_equal(levels(A.indptr, A.indices), want)
    assert levels(*(getattr(poisson((7, 5)), k) for k in ("indptr", "indices"))).max() == 7 + 5 - 2
