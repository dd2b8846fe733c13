"""Incomplete factorisations with fill: by levels and by size, against elimination of dense matrices."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import spilu
from support.tiers import extended

from numsolve import to_device, to_host
from numsolve.krylov import gmres
from numsolve.precondition import ilu0, iluk, ilut
from numsolve.precondition._ilut import balanced
from numsolve.problems import convection_diffusion, irregular, poisson


def random_matrix(n, density, dtype, rng):
    """Return a sparse matrix with a diagonal that is not small."""
    A = sp.random_array((n, n), density=density, rng=rng, data_sampler=rng.standard_normal).toarray()
    A += np.diag(rng.uniform(1, 3, n) * rng.choice([-1, 1], n))
    return (A * np.exp(1j * rng.random((n, n))) if np.dtype(dtype).kind == "c" else A).astype(dtype)


def dropped(A, drop_tol, most):
    """Return L and U of the dense matrix with the dropping of ILUT: rows of A, of U and largest entries."""
    n = len(A)
    L, U, stored = np.eye(n, dtype=A.dtype), np.zeros_like(A), A != 0
    for i in range(n):
        w, least = A[i].copy(), drop_tol * np.linalg.norm(A[i])
        for k in range(i):
            if not stored[i, k]:
                continue
            w[k] /= U[k, k]
            if abs(w[k]) * np.linalg.norm(U[k]) <= least:
                stored[i, k] = False
                continue
            stored[i] |= U[k] != 0
            w[k + 1 :] -= w[k] * U[k, k + 1 :]
        before = [k for k in range(i) if stored[i, k]]
        after = [k for k in range(i + 1, n) if stored[i, k] and abs(w[k]) > least]
        before.sort(key=lambda k: -abs(w[k]) * np.linalg.norm(U[k]))
        after.sort(key=lambda k: -abs(w[k]))
        L[i, before[:most]], U[i, after[:most]], U[i, i] = w[before[:most]], w[after[:most]], w[i]
    return L, U


def levels(pattern, level):
    """Return the pattern of ILU(level), with the levels of fill of a dense elimination."""
    n, far = len(pattern), 10**6
    depth = np.where(pattern | np.eye(n, dtype=bool), 0, far)
    for i in range(n):
        for k in range(i):
            if depth[i, k] <= level:
                depth[i, k + 1 :] = np.minimum(depth[i, k + 1 :], depth[i, k] + depth[k, k + 1 :] + 1)
        depth[i, depth[i] > level] = far
    return depth <= level


def dense(M):
    """Return the operator as a dense matrix."""
    return M @ np.eye(M.shape[0], dtype=M.dtype)


@pytest.mark.parametrize("dtype", ["float64", *extended("complex128")])
@pytest.mark.parametrize(
    ("drop_tol", "fill"), [(0.0, 99.0), (1e-2, 99.0), (0.2, 99.0), (1e-3, 1.0), (0.0, 0.7)]
)
def test_ilut_is_elimination_with_dropping(drop_tol, fill, dtype, rng):
    for _ in range(6):
        A = random_matrix(24, 0.12, dtype, rng)
        B, rows, columns = balanced(sp.csr_array(A))
        np.testing.assert_allclose(B.toarray(), rows[:, None] * A * columns, rtol=1e-14)
        L, U = dropped(B.toarray(), drop_tol, int(np.ceil(fill / 2 * B.nnz / 24)))
        want = columns[:, None] * np.linalg.inv(L @ U) * rows
        M = ilut(sp.csr_array(A), drop_tol, fill, matching=False)
        np.testing.assert_allclose(dense(M), want, rtol=1e-8, atol=1e-10 * abs(want).max())
        assert M.fill == pytest.approx((np.count_nonzero(L) - 24 + np.count_nonzero(U)) / B.nnz)


def test_ilut_without_dropping_is_the_inverse(rng):
    A = random_matrix(60, 0.05, "float64", rng)
    np.testing.assert_allclose(dense(ilut(A, 0.0, 1e3)) @ A, np.eye(60), atol=1e-9)


def test_balanced_matrices_have_rows_and_columns_of_norm_one(rng):
    A = random_matrix(50, 0.2, "float64", rng) * 10.0 ** rng.integers(-100, 100, (50, 1))
    B = balanced(sp.csr_array(A))[0].toarray()
    for axis in (0, 1):
        np.testing.assert_allclose(np.linalg.norm(B, axis=axis), 1, atol=0.1)


def test_the_scales_of_rows_and_columns_do_not_matter(rng):
    A, x = convection_diffusion((25, 25), (40.0, 15.0)), rng.standard_normal(625)
    rows, columns = (sp.diags_array(2.0 ** rng.integers(-20, 21, 625)) for _ in range(2))
    plain = gmres(A, A @ x, M=ilut(A, 1e-2), rtol=1e-10).check()
    scaled = ilut(rows @ A @ columns, 1e-2)
    M = sp.linalg.LinearOperator(A.shape, matvec=lambda r: columns @ (scaled @ (rows @ r)), dtype=float)
    found = gmres(A, A @ x, M=M, rtol=1e-10).check()
    assert found.nit <= 1.3 * plain.nit + 2
    np.testing.assert_allclose(found.x, x, atol=1e-6)


@pytest.mark.parametrize("level", [0, 1, 2, 5])
def test_the_pattern_of_iluk_is_that_of_the_levels(level, rng):
    for _ in range(5):
        A = random_matrix(30, 0.08, "float64", rng)
        want = levels(A != 0, level)
        M = iluk(sp.csr_array(A), level, matching=False)
        found = (M.L.to_sparse().toarray() != 0) | (M.U.to_sparse().toarray() != 0) | np.eye(30, dtype=bool)
        assert not (found & ~want).any()
        assert M.fill == pytest.approx(want.sum() / np.count_nonzero(A))
        L, U = M.L.to_sparse().toarray() + np.eye(30), M.U.to_sparse().toarray() + np.eye(30)
        np.testing.assert_allclose((L @ np.diag(1 / M.scale) @ U)[want], A[want], atol=1e-9)


def test_levels_of_fill_end_at_the_inverse(rng):
    A = random_matrix(30, 0.1, "float64", rng)
    np.testing.assert_allclose(dense(iluk(A, 30)) @ A, np.eye(30), atol=1e-8)
    np.testing.assert_array_equal(dense(iluk(A, 0, matching=False)), dense(ilu0(A, matching=False)))


def test_fill_pays(rng):
    A = convection_diffusion((40, 40), (40.0, 15.0))
    b = rng.standard_normal(1600)
    makers = [ilu0, iluk, lambda A: iluk(A, 3), lambda A: ilut(A, 1e-2), lambda A: ilut(A, 1e-4)]
    counts = [gmres(A, b, M=make(A), rtol=1e-8).check().nit for make in makers]
    assert counts[2] < counts[1] < counts[0]
    assert counts[4] < counts[3] < counts[0]


@pytest.mark.parametrize("A", [convection_diffusion((40, 40), (40.0, 15.0)), irregular(1000, rng=0)])
def test_ilut_is_as_good_as_superlus_at_equal_fill(A, rng):
    A, b = sp.csr_array(A), rng.standard_normal(A.shape[0])
    M = ilut(A, 1e-2)
    peers = [spilu(A.tocsc(), drop_tol=tol, fill_factor=20) for tol in np.geomspace(1e-4, 0.3, 12)]
    peer = min(peers, key=lambda lu: abs(lu.nnz - A.shape[0] - M.fill * A.nnz))
    matrix = sp.linalg.LinearOperator(A.shape, matvec=peer.solve, dtype=A.dtype)
    counts = [gmres(A, b, M=each, rtol=1e-8, maxiter=300).check().nit for each in (M, matrix)]
    assert counts[0] <= 1.5 * counts[1] + 2


def test_a_shift_makes_a_zero_pivot_good():
    A = np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    with pytest.raises(
        ValueError, match=r"ilut meets the pivot 0.0e\+00 in row 0 of A: pass a smaller drop_tol"
    ):
        ilut(A, matching=False)
    assert np.isfinite(dense(ilut(A, shift=2.0, matching=False))).all()


def test_updates(rng):
    A = convection_diffusion((12, 11), (9.0, 4.0))
    B = A.copy()
    B.data *= rng.uniform(0.9, 1.1, B.nnz)
    r = rng.standard_normal(132)
    for M, fresh in ((iluk(A, 2), iluk(B, 2)), (ilut(A, 1e-2), ilut(B, 1e-2))):
        before = M @ r
        np.testing.assert_array_equal(M.update(B) @ r, fresh @ r)
        np.testing.assert_array_equal(M @ r, before)
        with pytest.raises(ValueError, match="make a new one"):
            M.update(poisson((5, 5)))
    np.testing.assert_allclose(ilut(A).update(poisson((12, 11))) @ r, ilut(poisson((12, 11))) @ r)


@pytest.mark.parametrize("solves", ["exact", "levels", "jacobi"])
@pytest.mark.parametrize("make", [lambda A, **o: iluk(A, 2, **o), lambda A, **o: ilut(A, 1e-2, **o)])
def test_on_a_gpu_and_by_each_kind_of_solve(make, solves, cupy, rng):
    A, r = convection_diffusion((9, 8), (9.0, 4.0)), rng.standard_normal(72)
    here, there = make(A, solves=solves), make(to_device(A), solves=solves)
    np.testing.assert_allclose(to_host(there @ to_device(r)), here @ r, rtol=1e-9, atol=1e-12)
    if solves == "levels":
        np.testing.assert_allclose(here @ r, make(A, solves="exact") @ r, rtol=1e-9)


def test_bad_input_is_named():
    A = poisson((4, 4))
    for options, message in (
        ({"drop_tol": -1.0}, "drop_tol"),
        ({"fill_factor": 0.0}, "fill_factor"),
        ({"shift": -0.1}, "shift"),
        ({"solves": "fast"}, "solves is 'fast'"),
    ):
        with pytest.raises(ValueError, match=message):
            ilut(A, **options)
    with pytest.raises(ValueError, match="level"):
        iluk(A, -1)
    with pytest.raises(TypeError, match="level"):
        iluk(A, 0.5)
