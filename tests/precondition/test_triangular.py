"""Incomplete factorisations, SSOR and Gauss-Seidel: against their definitions, and iterations they save."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import spsolve_triangular
from support.tiers import DTYPES, extended

import numsolve
from numsolve import Status
from numsolve.kernels.host.levels import levels
from numsolve.krylov import cg, gmres
from numsolve.precondition import ic0, ilu0, jacobi, ssor
from numsolve.precondition._gauss_seidel import RowSweeps
from numsolve.problems import convection_diffusion, diffusion, irregular, poisson

each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def random_matrix(n, density, dtype, rng, hermitian=False):
    """Return a diagonally dominant sparse matrix with a random pattern."""
    A = rng.standard_normal((n, n)) * (rng.random((n, n)) < density)
    if np.dtype(dtype).kind == "c":
        A = A + 1j * rng.standard_normal((n, n)) * (A != 0)
    np.fill_diagonal(A, 0)
    if hermitian:
        A = A + A.conj().T
    A = A + np.diag(1 + abs(A).sum(axis=1))
    return sp.csr_array(A.astype(dtype))


def factors(M):
    """Return L and U of a factorisation as dense arrays: ``M^-1 = L U``."""
    eye = np.eye(M.shape[0])
    return M.L.to_sparse().toarray() + eye, (M.U.to_sparse().toarray() + eye) / M.scale[:, None]


def close(found, want, dtype, factor=50):
    tol = factor * np.finfo(dtype).eps
    np.testing.assert_allclose(found, want, rtol=tol, atol=tol * abs(np.asarray(want)).max(initial=1))


# -- incomplete LU --------------------


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
        ilu0(sp.csr_array([[0.0, 1], [1, 0]]))
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


# -- incomplete Cholesky --------------------


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


# -- SSOR and Gauss-Seidel --------------------


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


# -- the order of rows --------------------


def test_levels_are_the_longest_paths(rng):
    A = random_matrix(60, 0.05, "float64", rng)
    coupled = (A.toarray() != 0) | (A.toarray().T != 0)
    want = np.zeros(60, int)
    for i in range(60):
        want[i] = max((want[j] + 1 for j in range(i) if coupled[i, j]), default=0)
    assert np.array_equal(levels(A.indptr, A.indices), want)
    assert levels(*(getattr(poisson((7, 5)), k) for k in ("indptr", "indices"))).max() == 7 + 5 - 2


# -- solves by levels --------------------


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
    close(levels.update(2 * A) @ b, rows @ b / 2, dtype)
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


# -- Jacobi-iterated solves --------------------


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


# -- what they gain --------------------


def test_iterations_of_cg_on_poisson():
    A, b = poisson((64, 64)), np.ones(4096)
    makers = {
        None: lambda: None,
        "jacobi": lambda: jacobi(A),
        "ssor": lambda: ssor(A),
        "ssor 1.9": lambda: ssor(A, 1.9),
        "ic0": lambda: ic0(A),
        "ic0, 2 Jacobi sweeps": lambda: ic0(A, solves="jacobi"),
    }
    counts = {name: cg(A, b, M=make(), rtol=1e-8).check().nit for name, make in makers.items()}
    want = {None: 119, "jacobi": 119, "ssor": 58, "ssor 1.9": 33, "ic0": 52, "ic0, 2 Jacobi sweeps": 63}
    assert counts == {name: pytest.approx(count, abs=2) for name, count in want.items()}


def test_iterations_of_gmres_on_convection_diffusion():
    A = convection_diffusion((50, 50), (20.0, 10.0))
    b = np.ones(2500)
    makers = {
        None: lambda: None,
        "ssor": lambda: ssor(A),
        "ilu0": lambda: ilu0(A),
        "ilu0, 2 Jacobi sweeps": lambda: ilu0(A, solves="jacobi"),
    }
    counts = {name: gmres(A, b, M=make(), rtol=1e-8).check().nit for name, make in makers.items()}
    want = {None: 270, "ssor": 60, "ilu0": 52, "ilu0, 2 Jacobi sweeps": 95}
    assert counts == {name: pytest.approx(count, abs=3) for name, count in want.items()}


@pytest.mark.parametrize(
    ("name", "shift", "want", "error"),
    [
        ("orsreg_1", 0, 58, 1e-6),
        ("jpwh_991", 0, 18, 1e-6),
        *extended(("memplus", 0, 553, 1e-2), ("memplus", 0.1, 290, 1e-2)),
    ],
)
def test_gmres_with_ilu0_on_real_matrices(matrix, name, shift, want, error):
    A = matrix(name)
    x = np.ones(A.shape[0])
    result = gmres(A, A @ x, M=ilu0(A, shift=shift), rtol=1e-8, maxiter=2000).check()
    assert result.nit == pytest.approx(want, rel=0.1)
    np.testing.assert_allclose(result.x, x, atol=error)


@pytest.mark.parametrize(
    ("name", "sign", "shift", "want"),
    [("sherman1", -1, 0, 42), ("494_bus", 1, 0, 84), *extended(("bcsstk15", 1, 0.064, 172))],
)
def test_cg_with_ic0_on_real_matrices(matrix, name, sign, shift, want):
    A = sign * matrix(name)
    x = np.ones(A.shape[0])
    M = ic0(A)
    result = cg(A, A @ x, M=M, rtol=1e-8).check()
    assert M.shift == pytest.approx(shift)
    assert result.nit == pytest.approx(want, rel=0.1)
    np.testing.assert_allclose(result.x, x, atol=1e-3)


@pytest.mark.parametrize(("name", "zeros"), [("e05r0500", 74), ("hangGlider_2", 733)])
def test_zero_diagonals_of_real_matrices_are_named(matrix, name, zeros):
    A = matrix(name)
    with pytest.raises(ValueError, match=f"{zeros} zero entries on the diagonal, the first in row"):
        ssor(A)
    with pytest.raises(ValueError, match=f"{zeros} zero entries on the diagonal"):
        RowSweeps(A)
    if name == "hangGlider_2":
        with pytest.raises(ValueError, match="ic0 meets the pivot"):
            ic0(A)


def test_a_residual_is_not_an_error(matrix):
    """The rows of watt__1 differ by nine orders of magnitude: the residual hides errors in small ones."""
    A = matrix("watt__1")
    x = np.ones(A.shape[0])
    result = gmres(A, A @ x, M=ilu0(A), rtol=1e-8)
    assert result.status is Status.CONVERGED
    assert abs(result.x - x).max() > 0.5
    rows = 1 / abs(A).max(axis=1).toarray().ravel()
    scaled = sp.csr_array(sp.diags_array(rows) @ A)
    good = gmres(scaled, scaled @ x, M=ilu0(scaled), rtol=1e-8).check()
    assert abs(good.x - x).max() < 0.1


# -- on a device --------------------


@pytest.mark.parametrize("solves", ["exact", "levels", "jacobi"])
@pytest.mark.parametrize("make", [ilu0, ic0, ssor])
@pytest.mark.parametrize("dtype", ["float64", *extended("float32", "complex64", "complex128")])
def test_on_the_device_as_on_the_host(cupy, make, solves, dtype, rng):
    A = random_matrix(70, 0.05, dtype, rng, hermitian=True)
    b = rng.standard_normal(70).astype(dtype)
    M = make(numsolve.to_device(A), solves=solves)
    assert M.library == "cupy"
    assert M.dtype == dtype
    close(numsolve.to_host(M @ numsolve.to_device(b)), make(A, solves=solves) @ b, dtype)


@pytest.mark.gpu
@pytest.mark.parametrize("solves", ["exact", "jacobi"])
@pytest.mark.parametrize("make", [ilu0, ic0, ssor])
@each_dtype
def test_on_a_real_device_as_on_the_host(make, solves, dtype, rng):
    A = random_matrix(3000, 0.002, dtype, rng, hermitian=True)
    b = rng.standard_normal(3000).astype(dtype)
    found = make(numsolve.to_device(A), solves=solves) @ numsolve.to_device(b)
    close(numsolve.to_host(found), make(A, solves=solves) @ b, dtype, factor=500)


def test_the_default_is_exact_on_the_host_and_jacobi_on_a_device(cupy):
    A = poisson((5, 5))
    assert (ilu0(A).solves, ilu0(numsolve.to_device(A)).solves) == ("exact", "jacobi")


@pytest.mark.parametrize("make", [ilu0, ic0, ssor])
def test_launches_of_an_application(cupy, make):
    A, b = numsolve.to_device(poisson((12, 9)), np.ones(108))
    for options, most in (({"solves": "exact"}, 2 * (12 + 9 - 1)), ({}, 14), ({"sweeps": 3}, 20)):
        M = make(A, **options)
        M @ b
        cupy.counts.clear()
        M @ b
        assert cupy.counts["launches"] <= most
        assert cupy.counts["syncs"] == 0
        assert cupy.counts["bytes to device"] == cupy.counts["bytes to host"] == 0


def test_a_factorisation_on_the_device_moves_no_entries(cupy):
    A = numsolve.to_device(poisson((12, 9)))
    M = ilu0(A)
    cupy.counts.clear()
    M.update(A)
    assert cupy.counts["bytes to host"] < 200  # flags that were asked for
    assert cupy.counts["bytes to device"] == 0


def test_sweeps_on_the_device(cupy, rng):
    A = random_matrix(70, 0.05, "float64", rng)
    b, x = rng.standard_normal((2, 70))
    sweeps = RowSweeps(numsolve.to_device(A))
    found = sweeps.symmetric(*(numsolve.to_device(v.copy()) for v in (b, x)))
    close(found.get(), RowSweeps(A).symmetric(b, x.copy()), "float64")


@pytest.mark.parametrize("solves", ["exact", "jacobi"])
def test_solvers_on_the_device(cupy, solves, rng):
    A, x = poisson((12, 12)), rng.standard_normal(144)
    for method, make in ((cg, ic0), (cg, ssor), (gmres, ilu0)):
        host = method(A, A @ x, M=make(A, solves=solves), rtol=1e-8)
        device = method(
            *numsolve.to_device(A, A @ x), M=make(numsolve.to_device(A), solves=solves), rtol=1e-8
        )
        assert abs(device.check().nit - host.nit) <= 1
        np.testing.assert_allclose(device.x.get(), x, atol=1e-6)


def test_poor_pivots_on_the_device_are_named(cupy):
    with pytest.raises(ValueError, match="in row 1 of A"):
        ilu0(numsolve.to_device(sp.csr_array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]])))


def test_jacobi_of_a_varying_diagonal_is_beaten(rng):
    A = diffusion(np.exp(3 * rng.standard_normal((40, 40))))
    b = rng.standard_normal(1600)
    plain = cg(A, b, M=jacobi(A), rtol=1e-8).check().nit
    assert cg(A, b, M=ssor(A), rtol=1e-8).check().nit < 0.6 * plain
    assert cg(A, b, M=ic0(A), rtol=1e-8).check().nit < 0.5 * plain
