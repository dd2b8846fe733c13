"""What preconditioners share as operators; Jacobi and multigrid, and the iterations that they save."""

import numpy as np
import pyamg
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import aslinearoperator
from support.tiers import DTYPES, extended

from numsolve import to_device
from numsolve.krylov import cg, gmres
from numsolve.precondition import amg, block_jacobi, ic0, ilu0, jacobi, spai, ssor
from numsolve.problems import convection_diffusion, diffusion, poisson


def three_blocks(A):
    """Make block Jacobi of blocks of three rows."""
    return block_jacobi(A, 3)


MAKERS = [amg, ic0, ilu0, jacobi, spai, ssor, three_blocks]
UPDATABLE = [ic0, ilu0, jacobi, spai, ssor, three_blocks]
TRIANGULAR = [ic0, ilu0, ssor]


def dense(M):
    """Return the matrix of an operator."""
    return M @ np.eye(M.shape[0], dtype=M.dtype)


def hermitian(dtype):
    """Return a Hermitian positive definite matrix, complex where `dtype` is."""
    A = poisson((10, 9)).astype(dtype)
    if np.dtype(dtype).kind == "c":
        turn = np.exp(0.3j * np.arange(90))
        A = sp.diags_array(turn) @ A @ sp.diags_array(turn.conj())
    return sp.csr_array(A.astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", MAKERS)
def test_as_operators(make, dtype, rng):
    """Shape, dtype, columns, linearity, and an application that does not change its argument."""
    A = hermitian(dtype)
    M = make(A)
    assert M.shape == A.shape
    assert M.dtype == dtype
    assert M.library == "numpy"
    x, y = rng.standard_normal((2, 90)).astype(dtype)
    before = x.copy()
    tol = 100 * np.finfo(dtype).eps
    both = M @ np.stack([x, y], axis=1)
    assert both.dtype == dtype
    assert np.array_equal(x, before)
    np.testing.assert_allclose(M @ (x - 2 * y), both @ [1, -2], atol=tol * abs(both).max())
    np.testing.assert_allclose(M.astype("complex128") @ x, M @ x, atol=tol * abs(both).max())


@pytest.mark.parametrize("form", [sp.csr_array, sp.csc_matrix, sp.coo_array, np.asarray])
@pytest.mark.parametrize("make", MAKERS)
def test_of_any_container(make, form):
    A = poisson((6, 5))
    given_matrix = A.toarray() if form is np.asarray else form(A)
    np.testing.assert_allclose(make(given_matrix) @ np.ones(30), make(A) @ np.ones(30), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["complex128", *extended("float32")])
@pytest.mark.parametrize("make", MAKERS)
def test_cg_needs_fewer_iterations_or_as_many(make, dtype, rng):
    A = hermitian(dtype)
    x = rng.standard_normal(90).astype(dtype)
    result = cg(A, A @ x, M=make(A), rtol=1e-5).check()
    assert result.x.dtype == dtype
    assert result.nit <= cg(A, A @ x, rtol=1e-5).nit
    np.testing.assert_allclose(result.x, x, atol=1e-3)


@pytest.mark.parametrize("make", UPDATABLE)
def test_an_update_is_a_fresh_one(make, rng):
    A, B = poisson((8, 7)), poisson((8, 7))
    B.data *= rng.uniform(0.5, 1, B.nnz)
    B = sp.csr_array(B + B.T + sp.eye_array(56))
    M = make(A)
    before, updated = dense(M), M.update(B)
    assert updated is not M
    assert np.array_equal(dense(updated), dense(make(B)))
    assert np.array_equal(dense(updated.update(A.astype("float32"))), dense(make(A)))
    assert np.array_equal(dense(M), before)


@pytest.mark.parametrize("make", UPDATABLE)
def test_a_failed_update_leaves_the_old_one(make):
    A = poisson((4, 4))
    B = A.copy()
    B.data[:] = 0
    M = make(A)
    before = dense(M)
    with pytest.raises(ValueError, match=r"rows? 0"):
        M.update(B)
    assert np.array_equal(dense(M), before)


@pytest.mark.parametrize("make", UPDATABLE)
def test_an_update_refuses_another_shape(make):
    with pytest.raises(ValueError, match="A has shape"):
        make(poisson((4, 4))).update(poisson((5, 4)))


@pytest.mark.parametrize("make", TRIANGULAR)
def test_an_update_refuses_another_pattern_or_home(make, cupy):
    A = poisson((4, 4))
    other = sp.csr_array(A[np.r_[1:16, 0]][:, np.r_[1:16, 0]])
    with pytest.raises(ValueError, match=f"another pattern than the matrix {make.__name__} was made from"):
        make(A).update(other)
    with pytest.raises(TypeError, match="A is a cupy matrix"):
        make(A).update(to_device(A))
    with pytest.raises(TypeError, match="is on the GPU"):
        cg(*to_device(A, np.ones(16)), M=make(A))


@pytest.mark.parametrize("make", MAKERS)
def test_bad_input_of_all(make):
    with pytest.raises(ValueError, match="square"):
        make(np.ones((2, 3)))
    with pytest.raises(TypeError, match="entries of A"):
        make(aslinearoperator(np.eye(3)))
    with pytest.raises(ValueError, match="NaN"):
        make(np.diag([1, np.nan]))
    with pytest.raises(ValueError, match="x has shape"):
        make(np.eye(3)) @ np.ones(4)


@pytest.mark.parametrize("make", TRIANGULAR)
def test_bad_input_of_triangular_ones(make):
    A = poisson((3, 3))
    with pytest.raises(ValueError, match="solves is 'fast'; needed: one of exact, levels, jacobi"):
        make(A, solves="fast")
    with pytest.raises(ValueError, match="sweeps"):
        make(A, sweeps=0)
    if make is not ssor:
        with pytest.raises(ValueError, match="shift"):
            make(A, shift=-1)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array, sp.coo_matrix])
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_jacobi_is_the_inverse_diagonal(form, dtype, rng):
    A = (np.diag(rng.uniform(1, 2, 5)) + 0.1).astype(dtype)
    M = jacobi(form(A))
    assert M.shape == (5, 5)
    assert M.dtype == dtype
    np.testing.assert_allclose(dense(M), np.diag(1 / A.diagonal()), rtol=1e-6)


@pytest.mark.parametrize("make", [jacobi, amg, lambda A: ssor(A, matching=False)])
def test_zeros_on_the_diagonal_are_refused(make):
    with pytest.raises(ValueError, match="2 zero entries on the diagonal, the first in row 1"):
        make(sp.csr_array(np.array([[1.0, 1, 0], [1, 0, 1], [0, 1, 0]])))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_hermitian_positive_definite_as_the_matrix_is(make, dtype):
    B = dense(make(hermitian(dtype)))
    assert B.dtype == dtype
    np.testing.assert_allclose(B, B.conj().T, atol=1e2 * np.finfo(dtype).eps)
    assert np.linalg.eigvalsh((B + B.conj().T) / 2)[0] > 0


@pytest.mark.parametrize("make", MAKERS)
def test_update_refuses_what_does_not_fit_and_stays_as_it_was(make):
    A = hermitian("float64")
    M = make(A)
    before = dense(M)
    with pytest.raises(ValueError, match=r"make a new one|has shape"):
        M.update(poisson((5, 5)))
    if make is not jacobi:
        other = A.tolil()
        other[0, 80] = other[80, 0] = 0.1
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


@pytest.mark.parametrize("make", MAKERS)
def test_scalings_near_the_limits_of_the_exponent(make, rng):
    A, x = hermitian("float64"), rng.standard_normal(90)
    for factor in (1e-150, 1e150):
        scaled = sp.csr_array(A * factor)
        M = make(scaled)
        np.testing.assert_allclose(factor * (M @ x), make(A) @ x, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(cg(scaled, scaled @ x, M=M, rtol=1e-10).check().x, x, atol=1e-6)


def test_bad_input_of_operators():
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


def test_iterations_hardly_grow_with_the_grid(rng):
    counts = []
    for side in (20, 40, 80):
        A = poisson((side, side))
        counts.append(cg(A, rng.standard_normal(side * side), M=amg(A), rtol=1e-8).check().nit)
    assert max(counts) <= min(counts) + 3
    assert max(counts) < 18


@pytest.mark.parametrize("dtype", ["complex128", *extended("float32", "complex64")])
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
