"""Incomplete factorisations against their definitions, and the solves with their triangles."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import spsolve_triangular
from support.tiers import DTYPES, extended
from support.triangles import close, factors, random_matrix

from numsolve.precondition import ic0, ilu0, ssor
from numsolve.problems import convection_diffusion, poisson

each_dtype = pytest.mark.parametrize("dtype", DTYPES)


@each_dtype
@pytest.mark.parametrize("seed", [0, *extended(1, 2)])
def test_ilu0_agrees_with_the_matrix_on_its_pattern(dtype, seed):
    A = random_matrix(40, 0.15, dtype, np.random.default_rng(seed))
    L, U = factors(ilu0(A))
    dense = A.toarray()
    pattern = dense != 0
    assert not L[~pattern & ~np.eye(40, dtype=bool)].any()
    assert not U[~pattern].any()
    close((L @ U)[pattern], dense[pattern], dtype)
    assert abs((L @ U - dense)[~pattern]).max() > 1e-3  # elsewhere it does not


@settings(deadline=None)
@given(st.integers(1, 12), st.floats(0, 1), st.integers(0, 2**20))
def test_ilu0_of_any_pattern(n, density, seed):
    A = random_matrix(n, density, "float64", np.random.default_rng(seed))
    L, U = factors(ilu0(A))
    dense = A.toarray()
    close((L @ U)[dense != 0], dense[dense != 0], "float64")


@each_dtype
def test_ilu0_of_a_tridiagonal_or_full_matrix_is_exact(dtype, rng):
    line = convection_diffusion((60,), (30.0,)).astype(dtype)
    full = random_matrix(20, 1.0, dtype, rng)
    for A in (line, full):
        x = rng.standard_normal(A.shape[0]).astype(dtype)
        close(ilu0(A) @ (A @ x), x, dtype, factor=1e4)
    close(ilu0(full.toarray()) @ (full @ x), x, dtype, factor=1e4)  # a dense one is its entries


@each_dtype
def test_the_solves_are_scipys(dtype, rng):
    A = random_matrix(80, 0.1, dtype, rng)
    M, b = ilu0(A), rng.standard_normal(80).astype(dtype)
    L, U = factors(M)
    y = spsolve_triangular(sp.csr_array(L), b.astype("complex128"), lower=True)
    close(M @ b, spsolve_triangular(sp.csr_array(U), y, lower=False), dtype, factor=1000)


def test_a_missing_diagonal_is_added(rng):
    A = random_matrix(30, 0.3, "float64", rng).toarray()
    A[[20, 25], [20, 25]] = 0  # elimination fills these
    M = ilu0(sp.csr_array(A))
    L, U = factors(M)
    pattern = (A != 0) | np.eye(30, dtype=bool)
    close((L @ U)[pattern], A[pattern], "float64", factor=1000)
    B = A + np.diag(np.where(A.diagonal() == 0, 0, 1.0))
    np.testing.assert_allclose(M.update(sp.csr_array(B)) @ np.ones(30), ilu0(sp.csr_array(B)) @ np.ones(30))


def test_a_vanishing_pivot_is_named_with_a_remedy():
    with pytest.raises(ValueError, match=r"ilu0 meets the pivot 0.0e\+00 in row 0 of A: pass a larger shift"):
        ilu0(sp.csr_array([[0.0, 1], [1, 0]]), matching=False)
    A = np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]])
    with pytest.raises(ValueError, match="in row 1 "):
        ilu0(A)
    A[1, 1] = 1 + 2e-16  # the pivot is rounding error
    with pytest.raises(ValueError, match="in row 1 "):
        ilu0(A.astype(complex))
    M = ilu0(A, shift=0.1)
    assert np.isfinite(M @ np.ones(3)).all()


def test_a_shift_is_added_in_the_direction_of_the_diagonal():
    A = np.array([[-2.0, 1, 0], [0, 0, 4], [0, 0, 1j]])
    M = ilu0(sp.csr_array(A), shift=0.5)
    np.testing.assert_allclose(1 / M.scale, [-2 - 0.5 * 3, 0.5 * 4, 1j * 1.5])


def test_the_scale_of_rows_does_not_matter(rng):
    A = random_matrix(50, 0.1, "float64", rng)
    rows = 10.0 ** rng.integers(-9, 9, 50)
    b = rng.standard_normal(50)
    np.testing.assert_allclose(ilu0(sp.diags_array(rows) @ A) @ (rows * b), ilu0(A) @ b, rtol=1e-10)


@pytest.mark.parametrize("make", [ilu0, ic0, ssor])
@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_extreme_scales(make, scale):
    A, b = poisson((9, 9)), np.ones(81)
    np.testing.assert_allclose(make(A * scale) @ b, (make(A) @ b) / scale, rtol=1e-12)


@each_dtype
def test_ic0_agrees_with_the_matrix_on_its_pattern(dtype, rng):
    A = random_matrix(40, 0.1, dtype, rng, hermitian=True)
    M = ic0(A)
    L, U = factors(M)
    assert M.shift == 0
    assert np.array_equal(M.U.to_sparse().toarray(), M.L.to_sparse().toarray().conj().T)
    dense = A.toarray()
    close((L @ U)[dense != 0], dense[dense != 0], dtype)
    assert (M.scale.real > 0).all()
    assert not M.scale.imag.any()


@pytest.mark.parametrize("options", [{}, {"solves": "jacobi", "sweeps": 3}])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("make", [ic0, ssor])
def test_the_operator_is_hermitian_positive_definite(make, dtype, options, rng):
    A = random_matrix(30, 0.2, dtype, rng, hermitian=True)
    B = make(A, **options) @ np.eye(30, dtype=dtype)
    np.testing.assert_allclose(B, B.conj().T, atol=1e-14)
    assert np.linalg.eigvalsh((B + B.conj().T) / 2).min() > 0


def test_ic0_takes_the_smallest_shift_that_serves():
    # Kershaw's matrix: positive definite, and its incomplete factorisation meets a negative pivot.
    A = np.array([[3.0, -2, 0, 2], [-2, 3, -2, 0], [0, -2, 3, -2], [2, 0, -2, 3]])
    assert np.linalg.eigvalsh(A).min() > 0
    M = ic0(A)
    assert 0 < M.shift < 1
    assert np.log2(M.shift / 1e-3) == pytest.approx(round(np.log2(M.shift / 1e-3)))
    L, U = factors(M)
    np.testing.assert_allclose((L @ U)[A != 0], (A + M.shift * np.diag(A.diagonal()))[A != 0])
    assert ic0(A, shift=1.0).shift == 1.0
    assert M.update(np.where(A < 0, A / 8, A)).shift == 0  # each matrix starts anew


def test_bad_input_of_ic0():
    with pytest.raises(ValueError, match="A is not symmetric"):
        ic0(convection_diffusion((6, 6), (20.0, 10.0)))
    with pytest.raises(ValueError, match=r"pivot -3.0e\+00 in row 1 of A: a positive definite matrix has"):
        ic0(np.diag([1.0, -3, 2]))
    with pytest.raises(ValueError, match=r"shifts up to 16\.384 did not help; use ilu0"):
        ic0(np.array([[1.0, 50], [50, 1]]))


def test_ic0_completes_a_pattern_with_stored_zeros_on_one_side(rng):
    A = poisson((7, 7)).tocoo()
    one_sided = sp.csr_array(
        (np.append(A.data, 0.0), (np.append(A.row, 0), np.append(A.col, 30))), shape=(49, 49)
    )
    b = rng.standard_normal(49)
    M = ic0(one_sided)
    assert M.L.nnz == M.U.nnz
    np.testing.assert_allclose(M.update(one_sided) @ b, M @ b)


@each_dtype
@pytest.mark.parametrize("make", [ilu0, ic0, ssor])
@pytest.mark.parametrize(("n", "density"), [(1, 1.0), (40, 0.1), (40, 0.5), (61, 0.02)])
def test_levels_solve_what_rows_solve(make, n, density, dtype, rng):
    A, b = random_matrix(n, density, dtype, rng, hermitian=make is ic0), rng.standard_normal(n).astype(dtype)
    if n == 61:
        A = sp.csr_array(A - sp.diags_array(np.where(np.arange(n) == 60, A.diagonal(), 0)))  # no entry there
    if n == 61 and make is not ilu0:
        A = sp.csr_array(A + sp.eye_array(n, dtype=dtype))
    options = {"shift": 0.5} if make is ilu0 else {}
    rows, levels = make(A, solves="exact", **options), make(A, solves="levels", **options)
    assert levels.rows.bounds is not None
    close(levels @ b, rows @ b, dtype)
    levels = levels.update(2 * A)
    close(levels @ b, rows @ b / 2, dtype)
    close(levels.astype("complex128") @ b, rows @ b / 2, dtype)


def test_a_poor_pivot_is_named_by_its_row_whatever_the_order(rng):
    A = random_matrix(30, 0.1, float, rng).tolil()
    A[17] = 0
    A[:, 17] = 0
    for solves in ("exact", "levels", "jacobi"):
        with pytest.raises(ValueError, match="in row 17 of A"):
            ilu0(A.tocsr(), solves=solves)


def test_few_wide_levels_are_shared_out_among_threads(rng):
    from numba import get_num_threads, set_num_threads

    A = poisson((100, 100))
    assert ilu0(A).solves == "exact"  # 199 levels
    black = np.argsort(np.indices((100, 100)).sum(axis=0).ravel() % 2, kind="stable")
    B, b = sp.csr_array(A[black][:, black]), rng.standard_normal(10_000)
    M = ilu0(B)
    assert (M.solves, len(M.rows.bounds)) == ("levels", 3)
    found, threads = M @ b, get_num_threads()
    set_num_threads(1)
    try:
        assert np.array_equal(M @ b, found)
    finally:
        set_num_threads(threads)
    close(found, ilu0(B, solves="exact") @ b, float)


@pytest.mark.parametrize("make", [ilu0, ic0, ssor])
def test_jacobi_solves_become_exact(make, rng):
    A, b = poisson((6, 5)), rng.standard_normal(30)
    exact = make(A) @ b
    errors = [np.linalg.norm(make(A, solves="jacobi", sweeps=k) @ b - exact) for k in (1, 2, 4, 10)]
    assert all(after < 0.7 * before for before, after in pairwise(errors))
    assert errors[-1] < 1e-13  # as many as there are levels: the triangles are nilpotent


def test_one_jacobi_sweep_is_its_polynomial(rng):
    A, b = random_matrix(20, 0.3, "float64", rng), rng.standard_normal(20)
    M = ilu0(A, solves="jacobi", sweeps=1)
    L, U, eye = M.L.to_sparse().toarray(), M.U.to_sparse().toarray(), np.eye(20)
    np.testing.assert_allclose(M @ b, (eye - U) @ (M.scale * ((eye - L) @ b)), atol=1e-14)
