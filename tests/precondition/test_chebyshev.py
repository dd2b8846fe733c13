"""The Chebyshev polynomial as a preconditioner."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.polynomial import chebyshev as closed
from scipy.sparse.linalg import aslinearoperator
from support.tiers import DTYPES, extended

import numsolve
from numsolve.krylov import cg, minres
from numsolve.precondition import chebyshev, jacobi
from numsolve.problems import convection_diffusion, diffusion, poisson


def dense(M):
    """Return the matrix of an operator."""
    return M @ np.eye(M.shape[0], dtype=M.dtype)


def residual(k, t, lmin, lmax):
    """Return the residual polynomial of degree k in closed form."""
    theta, delta, unit = (lmax + lmin) / 2, (lmax - lmin) / 2, np.eye(k + 1)[k]
    return closed.chebval((theta - t) / delta, unit) / closed.chebval(theta / delta, unit)


@pytest.mark.parametrize("degree", [1, 2, 3, 8])
def test_the_polynomial_in_closed_form(degree, rng):
    A = diffusion(np.exp(rng.standard_normal((8, 8)))).toarray()
    M = chebyshev(A, degree, bounds=(0.1, 2.2))
    root = A.diagonal() ** -0.5
    values, Q = np.linalg.eigh(A * root[:, None] * root)
    want = (Q * ((1 - residual(degree, values, 0.1, 2.2)) / values)) @ Q.T * root[:, None] * root
    np.testing.assert_allclose(dense(M), want, rtol=1e-9, atol=1e-12)


def test_degree_one_is_damped_jacobi(rng):
    A = diffusion(np.exp(rng.standard_normal((8, 8))))
    M = chebyshev(A, 1)
    np.testing.assert_allclose(dense(M), dense(jacobi(A)) * 2 / sum(M.bounds), rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("degree", [2, *extended(3, 5)])
def test_it_is_hermitian_positive_definite_and_close_to_the_inverse(dtype, degree, rng):
    A = poisson((12, 12)).astype(dtype)
    if np.dtype(dtype).kind == "c":
        ones = 0.4 * np.ones(143)
        A = A + sp.diags_array([1j * ones, np.ones(144), -1j * ones], offsets=[1, 0, -1]).astype(dtype)
        A = sp.csr_array(A)
    M = chebyshev(A, degree)
    assert M.dtype == dtype
    B, eps = dense(M), np.finfo(dtype).eps
    np.testing.assert_allclose(B, B.conj().T, atol=50 * eps)
    values = np.linalg.eigvals(B @ A.toarray())
    assert values.real.min() > 0
    assert values.real.max() < 2
    assert np.linalg.cond(B @ A.toarray()) < 0.5 * np.linalg.cond(A.toarray())


def test_the_default_interval_covers_the_upper_spectrum(rng):
    A = diffusion(np.exp(2 * rng.standard_normal((20, 20))))
    root = A.diagonal() ** -0.5
    largest = np.linalg.eigvalsh(A.toarray() * root[:, None] * root)[-1]
    low, high = chebyshev(A).bounds
    assert largest <= high <= 1.25 * largest
    assert high / low == pytest.approx(33)


@pytest.mark.parametrize("method", [cg, minres])
def test_iterations_fall_by_about_the_degree(method, rng):
    A = diffusion(np.exp(2 * rng.standard_normal((50, 50))))
    b = rng.standard_normal(2500)
    plain = method(A, b, M=jacobi(A), rtol=1e-8).check().nit
    counts = [method(A, b, M=chebyshev(A, k), rtol=1e-8).check().nit for k in (2, 4, 8)]
    assert counts[0] < 0.6 * plain
    assert counts[1] < 0.36 * plain
    assert counts[2] < 0.3 * plain


def test_update_takes_another_matrix(rng):
    A, B = (diffusion(np.exp(rng.standard_normal((10, 10)))) for _ in range(2))
    M = chebyshev(A)
    before, updated, fresh = dense(M), M.update(B), chebyshev(B)
    assert updated.bounds == fresh.bounds
    np.testing.assert_array_equal(dense(updated), dense(fresh))
    np.testing.assert_array_equal(dense(M), before)
    assert chebyshev(A, bounds=(0.5, 2)).update(B).bounds == (0.5, 2)
    assert chebyshev(A.astype("float32")).update(B).dtype == "float32"
    with pytest.raises(ValueError, match=r"chebyshev was made from one of \(100, 100\)"):
        M.update(poisson((5, 5)))


def test_the_matrix_is_not_changed_and_a_second_product_is_the_same(rng):
    A = poisson((9, 9))
    M, x = chebyshev(A, 4), rng.standard_normal(81)
    kept = x.copy()
    first = M @ x
    np.testing.assert_array_equal(M @ x, first)
    np.testing.assert_array_equal(x, kept)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="2 zero entries on the diagonal, the first in row 1"):
        chebyshev(sp.csr_array(np.array([[1.0, 1, 0], [1, 0, 1], [0, 1, 0]])))
    with pytest.raises(ValueError, match="diagonal entry that is not positive"):
        chebyshev(-poisson((4, 4)))
    for bounds in (None, (0.1, 5.0)):
        with pytest.raises(ValueError, match=r"needs a positive spectrum: .*A is not positive definite"):
            chebyshev(np.array([[1.0, 4.0], [4.0, 1.0]]), bounds=bounds)
    M = chebyshev(poisson((10, 10)), bounds=(0.1, 2.0))
    with pytest.raises(ValueError, match="A is not positive definite"):
        M.update(poisson((10, 10)) - 0.5 * sp.eye_array(100))
    with pytest.raises(ValueError, match="A is not symmetric"):
        chebyshev(convection_diffusion((6, 6), (20.0, 5.0)))
    with pytest.raises(TypeError, match="entries of A"):
        chebyshev(aslinearoperator(np.eye(3)))
    with pytest.raises(ValueError, match="degree is 0"):
        chebyshev(np.eye(3), 0)
    with pytest.raises(ValueError, match="smaller number comes first"):
        chebyshev(np.eye(3), bounds=(2, 1))


def test_in_single_precision_within_a_double_solve_and_back(rng):
    A = poisson((20, 20))
    b = rng.standard_normal(400)
    count = cg(A, b, M=chebyshev(A), rtol=1e-8).check().nit
    assert cg(A, b, M=chebyshev(A.astype(np.float32)), rtol=1e-8).check().nit <= count + 3
    single = cg(A.astype(np.float32), b.astype(np.float32), M=chebyshev(A), rtol=1e-4).check()
    assert single.x.dtype == np.float32


def test_a_cast_is_an_operator_of_its_own_and_still_updates(rng):
    A, B = (diffusion(np.exp(rng.standard_normal((10, 10)))) for _ in range(2))
    M, x = chebyshev(A), rng.standard_normal(100)
    want = M @ x
    single = M.astype(np.float32)
    np.testing.assert_allclose(single @ x, want, rtol=1e-5)
    assert single.update(B).bounds == chebyshev(B.astype(np.float32)).bounds
    np.testing.assert_array_equal(M @ x, want)


@pytest.mark.parametrize("degree", [2, 3])
def test_an_undetected_negative_eigenvalue_leaves_it_definite(degree, rng):
    Q = np.linalg.qr(rng.standard_normal((200, 200)))[0]
    A = (Q * np.append(-1e-3, np.linspace(1e-3, 2, 199))) @ Q.T
    M = chebyshev((A + A.T) / 2, degree)
    assert np.linalg.eigvalsh(dense(M))[0] > 0


def test_on_the_device_of_the_matrix(cupy):
    A = diffusion(np.exp(np.random.default_rng(0).standard_normal((12, 12)))).tocsr()
    A = sp.csr_matrix(A)
    b = np.random.default_rng(1).standard_normal(144)
    M = chebyshev(numsolve.to_device(A))
    host, device = cg(A, b, M=chebyshev(A), rtol=1e-8), cg(*numsolve.to_device(A, b), M=M, rtol=1e-8).check()
    assert device.nit == host.nit
    np.testing.assert_allclose(device.x.get(), host.x, atol=1e-7)
    x = numsolve.to_device(b)
    out = x.copy()
    cupy.counts.clear()
    M.apply(x, out)
    assert cupy.counts["launches"] == 1 + 2 * 2
    assert cupy.counts["syncs"] == 0
