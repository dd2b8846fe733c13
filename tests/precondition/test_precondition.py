"""What preconditioners share, and Jacobi and multigrid: what they are as operators, and what they gain."""

import numpy as np
import pyamg
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import aslinearoperator

from numsolve.krylov import cg, gmres
from numsolve.precondition import amg, block_jacobi, jacobi, spai
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


def three_blocks(A):
    """Make block Jacobi of blocks of three rows."""
    return block_jacobi(A, 3)


MAKERS = [amg, jacobi, spai, three_blocks]
every_maker = pytest.mark.parametrize("make", MAKERS, ids=lambda m: m.__name__)


@every_maker
def test_what_they_refuse(make):
    with pytest.raises(ValueError, match="square"):
        make(np.ones((2, 3)))
    with pytest.raises(TypeError, match="entries of A"):
        make(aslinearoperator(np.eye(3)))
    with pytest.raises(ValueError, match="NaN"):
        make(np.diag([1, np.nan]))
    with pytest.raises(ValueError, match="empty"):
        make(np.ones((0, 0)))


@pytest.mark.parametrize("make", [jacobi, amg])
def test_a_zero_on_the_diagonal_is_named(make):
    with pytest.raises(ValueError, match="2 zero entries on the diagonal, the first in row 1"):
        make(sp.csr_array(np.array([[1.0, 1, 0], [1, 0, 1], [0, 1, 0]])))


def hermitian(dtype, side=12):
    """Return a positive definite matrix of `dtype`, complex where that is."""
    A = sp.csr_array(poisson((side, side))).astype(dtype)
    if np.dtype(dtype).kind == "c":
        ones = np.ones(side * side - 1)
        A = A + sp.diags_array([0.5j * ones, np.ones(side * side), -0.5j * ones], offsets=[1, 0, -1])
    return sp.csr_array(A).astype(dtype)


@every_maker
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_hermitian_positive_definite_as_the_matrix_is(make, dtype, rng):
    A = hermitian(dtype)
    M = make(A)
    assert M.dtype == dtype
    B = dense(M)
    assert B.dtype == dtype
    np.testing.assert_allclose(B, B.conj().T, atol=1e2 * np.finfo(dtype).eps)
    assert np.linalg.eigvalsh((B + B.conj().T) / 2)[0] > 0
    x = rng.standard_normal(144).astype(dtype)
    result = cg(A, A @ x, M=M, rtol=1e-4).check()
    assert result.x.dtype == dtype
    np.testing.assert_allclose(result.x, x, atol=1e-2)


@every_maker
def test_a_linear_operator_of_its_own_dtype(make, rng):
    A = hermitian("float64")
    M, (u, v) = make(A), rng.standard_normal((2, 144))
    np.testing.assert_allclose(M @ (2 * u - 3 * v), 2 * (M @ u) - 3 * (M @ v), atol=1e-12)
    np.testing.assert_allclose(M.astype(np.complex128) @ (u + 1j * v), M @ u + 1j * (M @ v), atol=1e-12)
    np.testing.assert_allclose(M.astype(np.float32) @ u.astype(np.float32), M @ u, atol=1e-5)


@every_maker
def test_update_is_a_fresh_start(make, rng):
    A = hermitian("float64")
    scale = sp.diags_array(rng.uniform(1, 3, 144))
    changed = sp.csr_array(scale @ A @ scale)
    M = make(A)
    assert M.update(changed) is M
    x = rng.standard_normal(144)
    result = cg(changed, changed @ x, M=M, rtol=1e-9).check()
    np.testing.assert_allclose(result.x, x, atol=1e-5)
    if make is amg:  # its prolongators are those of A: as good, but not the same
        assert abs(result.nit - cg(changed, changed @ x, M=make(changed), rtol=1e-9).nit) <= 3
    else:
        np.testing.assert_allclose(dense(M), dense(make(changed)), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(dense(M.update(A)), dense(make(A)), rtol=1e-9, atol=1e-12)


@every_maker
def test_update_refuses_what_does_not_fit_and_stays_as_it_was(make):
    A = hermitian("float64")
    M = make(A)
    before = dense(M)
    with pytest.raises(ValueError, match=r"make a new one|has shape"):
        M.update(poisson((5, 5)))
    if make is not jacobi:
        other = A.tolil()
        other[0, 100] = other[100, 0] = 0.1
        with pytest.raises(ValueError, match="make a new one"):
            M.update(other.tocsr())
        moved = sp.csr_array((A.data, np.r_[1, A.indices[1:]], A.indptr), A.shape)
        with pytest.raises(ValueError, match="make a new one"):
            M.update(moved)
    bad = A.copy()
    bad.data[3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        M.update(bad)
    assert np.array_equal(dense(M), before)


@every_maker
def test_scalings_near_the_limits_of_the_exponent(make, rng):
    A, x = hermitian("float64"), rng.standard_normal(144)
    for factor in (1e-150, 1e150):
        scaled = sp.csr_array(A * factor)
        M = make(scaled)
        np.testing.assert_allclose(factor * (M @ x), make(A) @ x, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(cg(scaled, scaled @ x, M=M, rtol=1e-10).check().x, x, atol=1e-6)


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
