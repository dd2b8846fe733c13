"""Jacobi and multigrid: what they are as operators, and what they gain."""

import numpy as np
import pyamg
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import aslinearoperator

from numsolve.krylov import cg, gmres
from numsolve.precondition import amg, jacobi
from numsolve.problems import convection_diffusion, diffusion, poisson


def dense(M):
    """Return the matrix of an operator."""
    return M @ np.eye(M.shape[0], dtype=M.dtype)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, sp.coo_matrix])
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_jacobi_is_the_inverse_diagonal(form, dtype, rng):
    A = (np.diag(rng.uniform(1, 2, 5)) + 0.1).astype(dtype)
    M = jacobi(form(A))
    assert M.shape == (5, 5)
    assert M.dtype == dtype
    np.testing.assert_allclose(dense(M), np.diag(1 / A.diagonal()), rtol=1e-6)


@pytest.mark.parametrize("make", [jacobi, amg])
def test_what_they_refuse(make):
    with pytest.raises(ValueError, match="2 zero entries on the diagonal, the first in row 1"):
        make(sp.csr_array(np.array([[1.0, 1, 0], [1, 0, 1], [0, 1, 0]])))
    with pytest.raises(ValueError, match="square"):
        make(np.ones((2, 3)))
    with pytest.raises(TypeError, match="entries of A"):
        make(aslinearoperator(np.eye(3)))
    with pytest.raises(ValueError, match="NaN"):
        make(np.diag([1, np.nan]))


def test_what_the_operators_refuse():
    M = jacobi(np.eye(3))
    with pytest.raises(ValueError, match="x has shape"):
        M @ np.ones(4)
    with pytest.raises(ValueError, match="method is 'magic'"):
        amg(poisson((4, 4)), method="magic")
    with pytest.raises(ValueError, match="sweeps"):
        amg(poisson((4, 4)), sweeps=0)
    with pytest.raises(ValueError, match="hierarchy for"):
        amg(poisson((4, 4)), method=pyamg.ruge_stuben_solver(sp.csr_matrix(poisson((5, 5)))))


@pytest.mark.parametrize("sweeps", [1, 2])
@pytest.mark.parametrize("method", ["smoothed_aggregation", "ruge_stuben"])
def test_the_cycle_is_symmetric_positive_definite_and_close_to_the_inverse(method, sweeps):
    A = poisson((16, 16))
    M = amg(A, method=method, sweeps=sweeps, max_coarse=10)
    assert M.levels >= 3
    assert 1 < M.operator_complexity < 3.5
    B = dense(M)
    np.testing.assert_allclose(B, B.T, atol=1e-12)
    values = np.linalg.eigvals(B @ A.toarray()).real
    assert values.min() > 0.1
    assert values.max() < 1.9


def test_the_cycle_is_pyamgs_with_the_same_smoother(rng):
    """PyAMG's own V-cycle over the same hierarchy, its smoothers set to our damped Jacobi."""
    A = sp.csr_matrix(poisson((20, 20)))
    hierarchy = pyamg.smoothed_aggregation_solver(A, max_coarse=10)
    M = amg(A, method=hierarchy)
    weights = [level.smoother.inverse[0] * level.A.to_sparse().diagonal()[0] for level in M._levels[:-1]]
    from pyamg.relaxation.smoothing import change_smoothers

    options = [("jacobi", {"omega": w, "withrho": False}) for w in weights]
    change_smoothers(hierarchy, options, options)
    b = rng.standard_normal(400)
    want = hierarchy.aspreconditioner(cycle="V") @ b
    np.testing.assert_allclose(M @ b, want, rtol=1e-8, atol=1e-10)


def test_iterations_hardly_grow_with_the_grid(rng):
    counts = []
    for side in (32, 64, 128):
        A = poisson((side, side))
        counts.append(cg(A, rng.standard_normal(side * side), M=amg(A), rtol=1e-8).check().nit)
    assert max(counts) <= min(counts) + 3
    assert max(counts) < 18


@pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128"])
def test_other_dtypes(dtype, rng):
    A = poisson((20, 20)).astype(dtype)
    if np.dtype(dtype).kind == "c":
        ones = 0.3 * np.ones(399)
        A = A + sp.diags_array([1j * ones, 2 * np.ones(400), -1j * ones], offsets=[1, 0, -1]).astype(dtype)
    M = amg(sp.csr_array(A))
    assert M.dtype == dtype
    x = rng.standard_normal(400).astype(dtype)
    result = cg(A, A @ x, M=M, rtol=1e-4).check()
    assert result.x.dtype == dtype
    np.testing.assert_allclose(result.x, x, atol=1e-2)


def test_a_double_preconditioner_in_single_precision(rng):
    A = poisson((20, 20))
    x = rng.standard_normal(400).astype(np.float32)
    result = cg(A.astype(np.float32), (A @ x).astype(np.float32), M=amg(A), rtol=1e-5).check()
    assert result.x.dtype == np.float32
    np.testing.assert_allclose(result.x, x, atol=1e-3)


def test_multigrid_for_nonsymmetric_matrices(rng):
    A = convection_diffusion((40, 40), (20.0, 10.0))
    b = rng.standard_normal(1600)
    plain = gmres(A, b, rtol=1e-8).check().nit
    for method in ("smoothed_aggregation", "air"):
        assert gmres(A, b, M=amg(A, method=method), rtol=1e-8).check().nit < plain / 2


def test_jacobi_pays_on_rough_coefficients(rng):
    A = diffusion(np.exp(3 * rng.standard_normal((40, 40))))
    b = rng.standard_normal(1600)
    assert cg(A, b, M=jacobi(A), rtol=1e-8).check().nit < 0.5 * cg(A, b, rtol=1e-8, maxiter=10**5).check().nit


def test_building_leaves_the_global_random_state_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    amg(poisson((30, 30)))
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
