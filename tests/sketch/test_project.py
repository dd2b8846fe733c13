"""Sketch-and-project for a square system, with the residual kept up to date."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import aslinearoperator
from support.tiers import extended

from numsolve.sketch._project import Projections, pseudo_inverse

KINDS = [("kaczmarz", 1), ("block", 4), ("gaussian", 1), ("gaussian", 3)]


def saddle(rng, n=24, m=8, dtype=float):
    """Return a symmetric (Hermitian) indefinite KKT matrix of moderate condition."""
    G = rng.standard_normal((m, n)).astype(dtype)
    B = np.diag(rng.uniform(1, 2, n)).astype(dtype)
    if np.dtype(dtype).kind == "c":
        G = G + 1j * rng.standard_normal((m, n))
    return np.block([[B, G.conj().T], [G, np.zeros((m, m))]])


def system(rng, dtype=float):
    """Return a KKT matrix, a right-hand side and the solution."""
    K = saddle(rng, dtype=dtype)
    b = rng.standard_normal(len(K)).astype(dtype)
    return K, b, np.linalg.solve(K, b)


@pytest.mark.parametrize("dtype", ["float64", *extended("complex128")])
@pytest.mark.parametrize(("kind", "size"), KINDS)
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_it_converges_and_keeps_the_residual(kind, size, form, dtype, rng):
    K, b, x = system(rng, dtype)
    z, r = np.zeros_like(b), -b
    steps = Projections(form(K), kind, block_size=size, rng=1)
    errors = [np.linalg.norm(x)]
    for _ in range(3):
        steps.advance(z, r, 1500 // size)
        np.testing.assert_allclose(r, K @ z - b, atol=1e-11)
        errors.append(np.linalg.norm(z - x))
    assert errors[3] < errors[2] < errors[1] < errors[0]
    assert errors[3] < 0.05 * errors[0]


def test_the_first_step_goes_towards_the_solution(rng):
    K, b, x = system(rng)
    for kind, size in KINDS:
        z, r = np.zeros_like(b), -b
        Projections(K, kind, block_size=size, rng=2).advance(z, r, 1)
        assert np.linalg.norm(z - x) < np.linalg.norm(x)


@pytest.mark.parametrize("kind", ["kaczmarz", "block"])
def test_dense_and_sparse_matrices_take_the_same_steps(kind, rng):
    K, b, _ = system(rng)
    found = []
    for A in (K, sp.csr_array(K)):
        z, r = np.zeros_like(b), -b
        Projections(A, kind, block_size=1 if kind == "kaczmarz" else 3, rng=3).advance(z, r, 50)
        found.append(z)
    np.testing.assert_allclose(*found, atol=1e-12)


def test_a_step_is_the_projection_of_its_definition(rng):
    K, b, _ = system(rng)
    z, r = rng.standard_normal(len(b)), np.zeros(len(b))
    r[:] = K @ z - b
    before = z.copy()
    Projections(K, "gaussian", block_size=3, rng=4).advance(z, r, 1)
    S = np.random.default_rng(4).standard_normal((3, len(b))).T
    want = before - K @ S @ np.linalg.pinv(S.T @ K @ K @ S) @ S.T @ (K @ before - b)
    np.testing.assert_allclose(z, want, atol=1e-12)


def test_the_expected_rate_of_kaczmarz(rng):
    K, b, x = system(rng)
    unit = K / np.linalg.norm(K, axis=1)[:, None]
    rate = 1 - np.linalg.svd(unit, compute_uv=False)[-1] ** 2 / len(b)
    squares = []
    for seed in range(60):
        z, r = np.zeros_like(b), -b
        Projections(K, "kaczmarz", rng=seed).advance(z, r, 400)
        squares.append(np.linalg.norm(z - x) ** 2)
    assert np.mean(squares) <= 1.2 * rate**400 * np.linalg.norm(x) ** 2


def test_products_are_enough_for_gaussian_steps(rng):
    K, b, _ = system(rng)
    found = []
    for A in (K, aslinearoperator(K)):
        z, r = np.zeros_like(b), -b
        Projections(A, "gaussian", rng=5).advance(z, r, 100)
        found.append(z)
    np.testing.assert_allclose(*found, atol=1e-12)
    for kind in ("kaczmarz", "block"):
        with pytest.raises(TypeError, match="entries of K are needed"):
            Projections(aslinearoperator(K), kind)


def test_rows_of_zeros_and_dependent_rows(rng):
    K = saddle(rng)
    K[3], K[:, 3] = 0, 0
    K[5], K[:, 5] = K[4], K[:, 4]
    x = rng.standard_normal(len(K))
    for kind, size in [*KINDS, ("block", len(K))]:
        z, r = np.zeros(len(K)), -K @ x
        Projections(K, kind, block_size=size, rng=6).advance(z, r, 30)
        assert np.isfinite(z).all()
        assert np.linalg.norm(z - x) < np.linalg.norm(x)
    np.testing.assert_allclose(r, 0, atol=1e-10)  # the last was a block of all rows


def test_the_number_of_steps_and_the_seed_decide_alone(rng):
    K, b, _ = system(rng)
    for kind, size in KINDS:
        found = []
        for _ in range(2):
            z, r = np.zeros_like(b), -b
            Projections(K, kind, block_size=size, rng=7).advance(z, r, 20)
            found.append(z)
        np.testing.assert_array_equal(*found)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="kind is 'sketch'; one of"):
        Projections(np.eye(3), "sketch")
    with pytest.raises(ValueError, match="block_size is 4, but K has only 3 rows"):
        Projections(np.eye(3), "block", block_size=4)


def test_the_pseudo_inverse_of_small_matrices(rng):
    B = rng.standard_normal((4, 5, 3))
    B[2] = 0
    G = B @ B.swapaxes(1, 2)
    np.testing.assert_allclose(pseudo_inverse(G), np.linalg.pinv(G, rcond=1e-12, hermitian=True), atol=1e-9)
    np.testing.assert_array_equal(pseudo_inverse(G[2]), 0)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix])
def test_on_the_device_of_the_matrix(form, cupy, rng):
    K, b, _ = system(rng)
    for kind, size in KINDS:
        if form is not np.asarray and kind == "block":
            continue
        z, r = np.zeros_like(b), -b
        Projections(K, kind, block_size=size, rng=8).advance(z, r, 40)
        Z, R = cupy.zeros(len(b)), cupy.asarray(-b)
        A = cupy.asarray(K) if form is np.asarray else sparse_on(cupy, K)
        Projections(A, kind, block_size=size, rng=8).advance(Z, R, 40)
        np.testing.assert_allclose(Z.get(), z, atol=1e-11)
        np.testing.assert_allclose(R.get(), r, atol=1e-11)


def sparse_on(cupy, K):
    """Return a sparse matrix of the device."""
    from numsolve import to_device

    return to_device(sp.csr_matrix(K))
