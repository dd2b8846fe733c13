"""The randomized Nystrom preconditioner."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from support.tiers import DTYPES

from numsolve import to_device
from numsolve.krylov import cg, minres
from numsolve.precondition import nystrom
from numsolve.problems import poisson


def definite(rng, values, dtype=float):
    """Return a matrix with the given eigenvalues."""
    n = len(values)
    X = rng.standard_normal((n, n))
    if np.dtype(dtype).kind == "c":
        X = X + 1j * rng.standard_normal((n, n))
    Q = np.linalg.qr(X)[0]
    A = (Q * values) @ Q.conj().T
    return ((A + A.conj().T) / 2).astype(dtype)


def dense(M):
    """Return the matrix of an operator."""
    return M @ np.eye(M.shape[0], dtype=M.dtype)


def condition(M, A):
    """Return the condition number of the preconditioned matrix."""
    values, V = np.linalg.eigh(dense(M))
    root = (V * np.sqrt(values)) @ V.conj().T
    return np.linalg.cond(root @ A @ root)


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_is_that_of_its_formula(dtype, rng):
    A = definite(rng, 0.6 ** np.arange(50), dtype)
    M, eps = nystrom(A, 12, shift=1e-3, rng=1), np.finfo(dtype).eps
    assert M.dtype == dtype
    Omega = np.linalg.qr(np.array(standard_normal(dtype, 1)))[0]
    Y = A.astype(complex) @ Omega
    approximation = Y @ np.linalg.pinv(Omega.conj().T @ Y, hermitian=True) @ Y.conj().T
    values, U = np.linalg.eigh(approximation)
    values, U = values[::-1][:12], U[:, ::-1][:, :12]
    np.testing.assert_allclose(M.eigenvalues, values, rtol=1e-4, atol=1e3 * eps)
    P = (U * ((values[-1] + 1e-3) / (values + 1e-3) - 1)) @ U.conj().T + np.eye(50)
    np.testing.assert_allclose(dense(M), P, atol=1e4 * eps)
    x = rng.standard_normal(50).astype(dtype)
    np.testing.assert_allclose(M @ x, dense(M) @ x, atol=200 * eps)
    np.testing.assert_allclose(dense(M), dense(M).conj().T, atol=100 * eps)


def standard_normal(dtype, seed):
    """Return the random vectors of a seed."""
    from numsolve._random import standard_normal

    return standard_normal(seed, (50, 12), dtype=dtype).astype(complex)


@pytest.mark.parametrize("decay", ["polynomial", "exponential"])
def test_the_expected_condition_number(decay, rng):
    values = 1 / np.arange(1, 301.0) ** 2 if decay == "polynomial" else 0.9 ** np.arange(300)
    A, shift = definite(rng, values), 1e-3
    effective = (values / (values + shift)).sum()
    rank = 2 * int(np.ceil(1.5 * effective)) + 1
    found = [condition(nystrom(A, rank, shift=shift, rng=k), A + shift * np.eye(300)) for k in range(3)]
    assert np.mean(found) < 28
    assert np.mean(found) < np.linalg.cond(A + shift * np.eye(300)) / 20


@pytest.mark.parametrize("method", [cg, minres])
def test_a_kernel_system_takes_few_iterations(method, rng):
    x = rng.standard_normal((400, 3))
    K = np.exp(-((x[:, None] - x) ** 2).sum(axis=-1) / 2)
    A, b = K + 1e-4 * np.eye(400), rng.standard_normal(400)
    plain = method(A, b, rtol=1e-8, maxiter=4000).check().nit
    result = method(A, b, rtol=1e-8, M=nystrom(K, shift=1e-4, rng=2)).check()
    assert 4 * result.nit < plain
    np.testing.assert_allclose(A @ result.x, b, atol=1e-6)


def test_the_rank_is_doubled_until_eigenvalues_are_below_the_shift(rng):
    values = 0.8 ** np.arange(200)
    A = definite(rng, values)
    counts = []
    operator = LinearOperator((200, 200), lambda x: counts.append(1) or A @ x, dtype=float)
    M = nystrom(operator, shift=1e-4, rng=3)
    assert len(M.eigenvalues) == 64
    assert M.eigenvalues[-1] <= 1e-4 < M.eigenvalues[31]
    assert len(counts) <= 64 + 4  # the others test that the matrix is Hermitian
    np.testing.assert_allclose(M.eigenvalues[:8], values[:8], rtol=1e-3)
    assert len(nystrom(A, shift=2.0, rng=3).eigenvalues) == len(nystrom(A, rng=3).eigenvalues) == 32
    assert len(nystrom(A[:10, :10], shift=1e-9, rng=3).eigenvalues) <= 10


def test_without_a_shift(rng):
    values = np.append(10.0 ** np.arange(6, 1, -1), np.linspace(1, 2, 95))
    A = definite(rng, values)
    b = rng.standard_normal(100)
    plain = cg(A, b, rtol=1e-8).check().nit
    assert cg(A, b, rtol=1e-8, M=nystrom(A, 10, rng=4)).check().nit < 0.7 * plain
    assert condition(nystrom(A, 10, rng=4), A) < 10


def test_matrices_of_low_rank_and_zero(rng):
    X = rng.standard_normal((80, 5))
    M = nystrom(X @ X.T, 20, shift=1e-2, rng=5)
    assert len(M.eigenvalues) == 5
    A = X @ X.T + 1e-2 * np.eye(80)
    assert condition(M, A) < 1.001 * (1 + M.eigenvalues[-1] / 1e-2)
    b = rng.standard_normal(80)
    assert cg(A, b, M=M, rtol=1e-10).check().nit <= 4
    x = rng.standard_normal(6)
    np.testing.assert_array_equal(nystrom(np.zeros((6, 6)), 3, rng=5) @ x, x)


def test_sparse_matrices_and_operators_give_the_same(rng):
    A = sp.csr_array(poisson((8, 8)))
    want = dense(nystrom(A.toarray(), 20, rng=6))
    for form in (A, aslinearoperator(A)):
        np.testing.assert_allclose(dense(nystrom(form, 20, rng=6)), want, atol=1e-10)


def test_updates(rng):
    A = definite(rng, 0.7 ** np.arange(60))
    M = nystrom(A, 20, shift=1e-2, rng=7)
    before = dense(M)
    np.testing.assert_allclose(dense(M.update(shift=1e-4)), dense(nystrom(A, 20, shift=1e-4, rng=7)))
    E = rng.standard_normal((60, 60))
    B = A + 1e-2 * (E @ E.T) / 60
    updated = M.update(B)
    assert updated.shift == M.shift
    shifted = B + 1e-2 * np.eye(60)
    assert condition(updated, shifted) < 1.2 * condition(nystrom(B, 20, shift=1e-2, rng=7), shifted)
    np.testing.assert_array_equal(dense(M), before)
    with pytest.raises(ValueError, match=r"nystrom was made for \(60, 60\)"):
        M.update(np.eye(3))


def test_in_another_precision(rng):
    A = definite(rng, 0.7 ** np.arange(60))
    M, x = nystrom(A, 20, shift=1e-2, rng=8), rng.standard_normal(60)
    single = M.astype(np.float32)
    assert (single @ x).dtype == np.float32
    np.testing.assert_allclose(single @ x, M @ x, atol=1e-4)
    mixed = M.astype(complex) @ (x + 1j * x)
    np.testing.assert_allclose(mixed, (1 + 1j) * (M @ x), atol=1e-13)
    with pytest.raises(TypeError, match="cannot act on float64"):
        M.astype(complex).astype(float)


@pytest.mark.parametrize("power", [-300, 300])
def test_units_do_not_matter(power, rng):
    A = definite(rng, 0.7 ** np.arange(60))
    want = nystrom(A, shift=1e-2, rng=9)
    found = nystrom(np.ldexp(A, 2 * power), shift=np.ldexp(1e-2, 2 * power), rng=9)
    np.testing.assert_allclose(np.ldexp(want.eigenvalues, 2 * power), found.eigenvalues, rtol=1e-9)
    np.testing.assert_allclose(dense(found), dense(want), atol=1e-9)
    np.testing.assert_allclose(dense(found.update(np.ldexp(A, 2 * power))), dense(want.update(A)), atol=1e-9)


def test_bad_input_is_named(rng):
    A = definite(rng, np.linspace(1, 2, 10))
    with pytest.raises(ValueError, match="rank is 11, but A has only 10 rows"):
        nystrom(A, 11)
    with pytest.raises(ValueError, match=r"shift is -1\.0"):
        nystrom(A, 3, shift=-1.0)
    with pytest.raises(ValueError, match="not positive semidefinite"):
        nystrom(A - 1.5 * np.eye(10), 6, rng=9)
    with pytest.raises(ValueError, match="not symmetric"):
        nystrom(np.triu(np.ones((6, 6))), 3)
    with pytest.raises(ValueError, match="square"):
        nystrom(np.ones((6, 5)), 3)


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_on_the_device(form, cupy, rng):
    A = definite(rng, 0.6 ** np.arange(40))
    b = rng.standard_normal(40)
    moved = to_device(A if form == "dense" else sp.csr_matrix(A))
    M = nystrom(moved, shift=1e-3, rng=10)
    host = nystrom(A, shift=1e-3, rng=10)
    x = to_device(b)
    np.testing.assert_allclose((M @ x).get(), host @ b, atol=1e-9)
    used, out = M.with_workspace(), x.copy()
    cupy.counts.clear()
    used.apply(x, out)
    assert cupy.counts["syncs"] == 0
    solution = cg(to_device(A + 1e-3 * np.eye(40)), x, M=M, rtol=1e-8).check()
    assert abs(solution.nit - cg(A + 1e-3 * np.eye(40), b, M=host, rtol=1e-8).check().nit) <= 1
