"""Sparse approximate inverses: what they minimise, column by column, and the iterations that they save."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import DTYPES

from numsolve.krylov import cg, gmres
from numsolve.precondition import _spai, spai
from numsolve.problems import convection_diffusion, poisson


def dense(M):
    return M @ np.eye(M.shape[0], dtype=M.dtype)


def general(n, dtype, rng, density=0.1):
    A = sp.random_array((n, n), density=density, rng=rng) + 2 * sp.eye_array(n)
    if np.dtype(dtype).kind == "c":
        A = A + 1j * sp.random_array((n, n), density=density, rng=rng)
    return sp.csr_array(A).astype(dtype)


def definite(n, dtype, rng):
    B = general(n, dtype, rng, 0.05)
    return sp.csr_array(B @ B.conj().T + sp.eye_array(n)).astype(dtype)


def pattern(A, power):
    return np.linalg.matrix_power((A.toarray() != 0) + np.eye(A.shape[0]), power) != 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("power", [1, 2])
def test_columns_are_those_of_dense_least_squares(power, dtype, rng):
    A = general(40, dtype, rng)
    M, full, kept = spai(A, power=power), A.toarray().astype(complex), pattern(A, power)
    assert not M.factorized
    want = np.zeros((40, 40), complex)
    for j in range(40):
        want[kept[:, j], j] = np.linalg.lstsq(full[:, kept[:, j]], np.eye(40)[:, j])[0]
    np.testing.assert_allclose(dense(M), want, atol=100 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_no_perturbation_lowers_the_norm(dtype, rng):
    A = general(25, dtype, rng)
    full, M, kept = A.toarray(), dense(spai(A)), pattern(A, 1)
    assert not M[~kept].any()
    least = np.linalg.norm(full @ M - np.eye(25), axis=0)
    for i, j in zip(*np.nonzero(kept), strict=True):
        for step in (1e-3, -1e-3, *((1e-3j, -1e-3j) if dtype == "complex128" else ())):
            column = M[:, j].copy()
            column[i] += step
            assert np.linalg.norm(full @ column - np.eye(25)[:, j]) > least[j]


def test_a_higher_power_comes_closer(rng):
    A = general(60, float, rng, 0.05)
    norms = [np.linalg.norm(A @ dense(spai(A, power=p)) - np.eye(60)) for p in (1, 2, 3, 4)]
    assert norms == sorted(norms, reverse=True)
    assert norms[-1] < norms[0] / 5


@pytest.mark.parametrize("factorized", [True, False])
def test_a_full_pattern_is_the_inverse(factorized, rng):
    B = rng.standard_normal((12, 12))
    A = B @ B.T + np.eye(12)
    np.testing.assert_allclose(dense(spai(A, factorized=factorized)), np.linalg.inv(A), atol=1e-10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("power", [1, 2])
def test_the_factor_agrees_with_its_definition(power, dtype, rng):
    """Row i of G solves A[J, J] y = e_i and is scaled to a unit diagonal of G A G^H."""
    A = definite(40, dtype, rng)
    M, full, kept = spai(A, power=power), A.toarray().astype(complex), pattern(A, power)
    assert M.factorized
    G = np.zeros((40, 40), complex)
    for i in range(40):
        J = np.nonzero(kept[i, : i + 1])[0]
        y = np.linalg.solve(full[np.ix_(J, J)], np.eye(len(J))[:, -1])
        G[i, J] = y.conj() / np.sqrt(y[-1].real)
    np.testing.assert_allclose(dense(M), G.conj().T @ G, atol=100 * np.finfo(dtype).eps)
    product = G @ full @ G.conj().T
    np.testing.assert_allclose(product.diagonal(), 1, atol=1e-5)


def test_iterations_of_cg_on_poisson(rng):
    A = poisson((40, 40))
    x = rng.standard_normal(1600)
    counts = []
    for power in (1, 2, 3):
        result = cg(A, A @ x, M=spai(A, power=power), rtol=1e-8).check()
        np.testing.assert_allclose(result.x, x, atol=1e-5)
        counts.append(result.nit)
    assert counts == pytest.approx([61, 43, 34], abs=3)
    assert cg(A, A @ x, rtol=1e-8).nit > 110


def test_gmres_on_convection_and_diffusion(rng):
    A = convection_diffusion((40, 40), (20.0, 10.0))
    b = rng.standard_normal(1600)
    plain = gmres(A, b, rtol=1e-8).check().nit
    counts = [gmres(A, b, M=spai(A, power=p), rtol=1e-8).check().nit for p in (1, 2)]
    assert plain > 1.3 * counts[0] > 1.3 * counts[1]


def test_batches_change_nothing(rng, monkeypatch):
    A = general(100, float, rng, 0.05)
    S = definite(100, float, rng)
    want = dense(spai(A)), dense(spai(S))
    monkeypatch.setattr(_spai, "ENTRIES_PER_BATCH", 300)
    np.testing.assert_allclose(dense(spai(A)), want[0], atol=1e-13)
    np.testing.assert_allclose(dense(spai(S)), want[1], atol=1e-13)


def test_a_zero_diagonal_is_allowed(rng):
    A = sp.csr_array(sp.kron(sp.eye_array(20), np.array([[0.0, 2.0], [1.0, 0.0]])) + 0.1 * poisson((40,)))
    A.setdiag(0)
    A.eliminate_zeros()
    b = rng.standard_normal(40)
    assert gmres(A, b, M=spai(A, power=2), rtol=1e-10).check().nit < gmres(A, b, rtol=1e-10).nit


def test_a_matrix_that_is_not_positive_definite():
    A = sp.csr_array(poisson((6, 6)) - 3 * sp.eye_array(36))
    with pytest.raises(ValueError, match=r"A is not positive definite, as row \d+ .*and gmres"):
        spai(A, factorized=True)
    assert not spai(A).factorized
    assert not spai(-poisson((6, 6))).factorized
    M = spai(poisson((6, 6)))
    before = dense(M)
    with pytest.raises(ValueError, match="not positive definite"):
        M.update(-poisson((6, 6)))
    lopsided = poisson((6, 6)).tolil()
    lopsided[0, 1] = 5
    with pytest.raises(ValueError, match="not symmetric"):
        M.update(lopsided.tocsr())
    assert np.array_equal(dense(M), before)
    with pytest.raises(ValueError, match="not symmetric"):
        spai(lopsided.tocsr(), factorized=True)


@pytest.mark.parametrize(
    ("entries", "column"),
    [
        ([[1, 1, 0, 0], [1, 1, 0, 1], [0, 0, 3, 0], [0, 0, 0, 4]], 0),  # equal columns
        ([[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]], 2),  # an empty one
        ([[1, 0, 0, 0], [0, 2, 0, 1], [0, 0, 3, 0], [0, 0, 0, 0]], 3),  # an empty row
    ],
)
def test_a_singular_matrix_names_the_column(entries, column):
    A = sp.csr_array(np.array(entries, float))
    with pytest.raises(ValueError, match=f"A looks singular from column {column} of the approximate inverse"):
        spai(A)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="power is 0"):
        spai(np.eye(3), power=0)
    with pytest.raises(TypeError, match=r"power is 1\.5"):
        spai(np.eye(3), power=1.5)
    with pytest.raises(ValueError, match="factorized is 'yes'"):
        spai(np.eye(3), factorized="yes")
