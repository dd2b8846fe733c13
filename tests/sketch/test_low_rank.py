"""Randomized singular values and eigenvalues."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, aslinearoperator
from support.tiers import DTYPES, extended

from numsolve import ConvergenceError, ConvergenceWarning, to_device
from numsolve.sketch import eigh, svd


def unitary(rng, m, n, dtype=float):
    """Return n orthonormal columns."""
    X = rng.standard_normal((m, n))
    if np.dtype(dtype).kind == "c":
        X = X + 1j * rng.standard_normal((m, n))
    return np.linalg.qr(X)[0]


def with_values(rng, s, m, n, dtype=float):
    """Return a matrix with given singular values."""
    return ((unitary(rng, m, len(s), dtype) * s) @ unitary(rng, n, len(s), dtype).conj().T).astype(dtype)


def hermitian(rng, w, n, dtype=float):
    """Return a Hermitian matrix with given nonzero eigenvalues."""
    V = unitary(rng, n, len(w), dtype)
    A = (V * w) @ V.conj().T
    return ((A + A.conj().T) / 2).astype(dtype)


def error(A, result):
    """Return the 2-norm and the Frobenius norm of the error of a result."""
    if len(result) == 3:
        E = A - (result.U * result.s) @ result.Vh
    else:
        E = A - (result.V * result.w) @ result.V.conj().T
    return np.linalg.norm(E, 2), np.linalg.norm(E)


DECAY = 0.8 ** np.arange(60)
FORMS = {"dense": np.asarray, "sparse": sp.csr_array, "operator": aslinearoperator}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", ["dense", *extended("sparse", "operator")])
@pytest.mark.parametrize(("m", "n"), [(90, 70), *extended((70, 90))])
def test_singular_values_and_vectors(m, n, form, dtype, rng):
    A = with_values(rng, DECAY, m, n, dtype)
    U, s, Vh = result = svd(FORMS[form](A), 8, rng=1)
    eps = np.finfo(dtype).eps
    assert (U.shape, s.shape, Vh.shape) == ((m, 8), (8,), (8, n))
    assert U.dtype == Vh.dtype == dtype
    assert s.dtype == np.finfo(dtype).dtype
    np.testing.assert_allclose(s, DECAY[:8], rtol=1e-4)
    np.testing.assert_allclose(U.conj().T @ U, np.eye(8), atol=100 * eps)
    np.testing.assert_allclose(Vh @ Vh.conj().T, np.eye(8), atol=100 * eps)
    two, frobenius = error(A, result)
    assert DECAY[8] * (1 - 100 * eps) <= two <= 1.05 * DECAY[8]  # the best possible error
    assert two <= result.error_bound <= 1.5 * two
    assert 0.5 * frobenius <= result.error_frobenius <= 2 * frobenius
    assert result.success
    assert result.rank == 8


def test_singular_values_are_never_overestimated_and_power_helps(rng):
    s = 1 / (1 + np.arange(80.0))
    A = with_values(rng, s, 100, 90)
    errors = []
    for power in (0, 1, 3):
        result = svd(A, 10, power=power, oversampling=5, rng=2)
        assert (result.s <= s[:10] * (1 + 1e-12)).all()
        errors.append(error(A, result)[0])
    assert errors[0] > 1.1 * s[10]
    assert errors[2] < errors[1] < errors[0]
    assert errors[2] < 1.02 * s[10]


@pytest.mark.parametrize("dtype", ["float64", *extended("complex128", "float32")])
@pytest.mark.parametrize("rtol", [1e-1, 1e-4])
def test_the_rank_adapts_to_a_tolerance(rtol, dtype, rng):
    s = 0.7 ** np.arange(70)
    A = with_values(rng, s, 120, 100, dtype)
    H = hermitian(rng, s * (-1.0) ** np.arange(70), 110, dtype)
    for result, matrix in ((svd(A, rtol=rtol, rng=3), A), (eigh(H, rtol=rtol, rng=3), H)):
        assert error(matrix, result.check())[0] <= result.error_bound <= rtol
        least = int((s > rtol).sum())
        assert least <= result.rank <= least + 3


def test_a_rank_too_small_for_the_tolerance(rng):
    A = with_values(rng, DECAY, 80, 70)
    with pytest.warns(ConvergenceWarning, match="error bound of rank 5 is .*: raise k"):
        result = svd(A, 5, rtol=1e-6, rng=4)
    assert result.rank == 5
    assert not result.success
    with pytest.raises(ConvergenceError, match="raise k"):
        result.check()


def test_the_bound_holds_for_many_seeds(rng):
    A = with_values(rng, DECAY[:40], 50, 40)
    results = [svd(A, 4, power=0, rng=seed) for seed in range(60)]
    errors = np.array([error(A, result) for result in results])
    assert (errors[:, 0] <= [result.error_bound for result in results]).all()
    ratios = np.array([result.error_frobenius for result in results]) / errors[:, 1]
    assert 0.9 < np.sqrt((ratios**2).mean()) < 1.1


def test_exact_rank_full_rank_and_zero(rng):
    A = with_values(rng, np.ones(3), 40, 30)
    result = svd(A, rtol=1e-10, rng=5).check()
    assert result.rank == 3
    assert error(A, result)[0] < 1e-13
    full = svd(A, 30, rng=5)
    np.testing.assert_allclose(full.s, np.linalg.svd(A, compute_uv=False), atol=1e-13)
    zero = svd(np.zeros((6, 4)), rtol=0.1, rng=5).check()
    assert zero.rank == 0
    assert zero.error_bound == 0
    np.testing.assert_array_equal(svd(np.zeros((6, 4)), 2, rng=5).s, 0)
    np.testing.assert_array_equal(eigh(np.zeros((5, 5)), 2, rng=5).w, 0)


@pytest.mark.parametrize("dtype", ["float64", *extended("complex128")])
@pytest.mark.parametrize("form", FORMS)
def test_eigenvalues_of_largest_modulus(form, dtype, rng):
    w = DECAY * np.where(np.arange(60) % 3 == 1, -1, 1)
    A = hermitian(rng, w, 90, dtype)
    result = eigh(FORMS[form](A), 8, rng=6)
    values, V = result
    np.testing.assert_allclose(values, np.sort(w[:8]), rtol=1e-4)
    np.testing.assert_allclose(V.conj().T @ V, np.eye(8), atol=1e-12)
    two, frobenius = error(A, result)
    assert DECAY[8] * (1 - 1e-10) <= two <= 1.05 * DECAY[8]
    assert two <= result.error_bound <= 30 * frobenius


def test_semidefinite_matrices_are_approximated_better(rng):
    w = 1 / (1 + np.arange(80.0)) ** 2
    A = hermitian(rng, w, 100)
    plain, better = (eigh(A, 10, semidefinite=flag, power=0, oversampling=4, rng=7) for flag in (False, True))
    assert error(A, better)[0] < 0.8 * error(A, plain)[0]
    assert (np.diff(better.w) > 0).all()
    np.testing.assert_allclose(better.w[-5:], w[4::-1], rtol=0.02)
    with pytest.raises(ValueError, match="not positive semidefinite"):
        eigh(A - 0.5 * np.eye(100), 10, semidefinite=True, rng=7)


def test_products_are_counted(rng):
    A = with_values(rng, DECAY[:40], 50, 40)
    counts = {"A": 0, "adjoint": 0}

    def count(which, matrix):
        def product(x):
            counts[which] += 1
            return matrix @ x

        return product

    operator = LinearOperator(A.shape, count("A", A), count("adjoint", A.T), dtype=float)
    svd(operator, 5, oversampling=3, power=2, rng=8)
    assert counts == {"A": 3 * 8 + 32, "adjoint": 3 * 8 + 16}


@pytest.mark.parametrize("power", [-300, 300])
def test_units_do_not_matter(power, rng):
    A = hermitian(rng, DECAY, 70)
    for function in (svd, eigh):
        want, found = (function(matrix, 4, rng=9) for matrix in (A, np.ldexp(A, 2 * power)))
        for one, two in zip(want, found, strict=True):
            np.testing.assert_allclose(one if one.ndim == 2 else np.ldexp(one, 2 * power), two, rtol=1e-9)
        assert found.error_bound == pytest.approx(np.ldexp(want.error_bound, 2 * power))


def test_results_are_values(rng):
    A = hermitian(rng, DECAY, 70)
    for result in (svd(A, 4, rng=9), eigh(A, 4, rng=9)):
        twin = pickle.loads(pickle.dumps(result))
        for one, two in zip(result, twin, strict=True):
            np.testing.assert_array_equal(one, two)
        assert "rank 4" in repr(result)
        assert "probability of 1 - 1e-08" in repr(result)
        assert result[0] is next(iter(result))
    for function in (svd, eigh):
        np.testing.assert_array_equal(function(A, 4, rng=9)[0], function(A, 4, rng=9)[0])


def test_bad_input_is_named(rng):
    A = rng.standard_normal((6, 4))
    with pytest.raises(ValueError, match="k and rtol are both left out"):
        svd(A)
    with pytest.raises(ValueError, match=r"k is 5, but A of shape \(6, 4\) has at most 4 singular values"):
        svd(A, 5)
    with pytest.raises(ValueError, match="A is empty"):
        svd(np.zeros((0, 0)), rtol=0.1)
    with pytest.raises(ValueError, match="k is 0"):
        svd(A, 0)
    with pytest.raises(ValueError, match=r"rtol is 0\.0; a number > 0"):
        svd(A, rtol=0)
    with pytest.raises(ValueError, match="power is -1"):
        svd(A, 2, power=-1)
    with pytest.raises(ValueError, match="NaN or infinite"):
        svd(A * np.nan, 2)
    with pytest.raises(ValueError, match=r"product with A has .* NaN or infinite"):
        svd(LinearOperator((6, 4), lambda x: np.full(6, np.nan), lambda x: np.zeros(4), dtype=float), 2)
    with pytest.raises(TypeError, match="without adjoint product"):
        svd(LinearOperator((6, 4), lambda x: A @ x, dtype=float), 2)
    with pytest.raises(ValueError, match="square"):
        eigh(A, 2)
    with pytest.raises(ValueError, match="not symmetric"):
        eigh(A[:4], 2)


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_on_the_device(form, cupy, rng):
    A = with_values(rng, DECAY[:20], 40, 30)
    H = hermitian(rng, DECAY[:20] * (-1.0) ** np.arange(20), 35)
    for function, matrix in ((svd, A), (eigh, H)):
        host = function(matrix, 5, rng=10)
        device = function(to_device(matrix if form == "dense" else sp.csr_matrix(matrix)), 5, rng=10)
        for one, two in zip(host, device, strict=True):
            np.testing.assert_allclose(abs(two.get()), abs(one), atol=1e-10)
        assert device.error_bound == pytest.approx(host.error_bound)
    semidefinite = eigh(to_device(H @ H), 5, semidefinite=True, rng=10)
    np.testing.assert_allclose(semidefinite.w.get(), DECAY[4::-1] ** 2, rtol=1e-4)


@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0])
def test_the_bound_includes_rounding_errors(decay, rng):
    s = (1 + np.arange(60.0)) ** -decay
    A, H = with_values(rng, s, 90, 60), hermitian(rng, s, 60)
    for result, matrix in ((svd(A, 60, rng=1), A), (eigh(H, rtol=1e-6, rng=1), H)):
        assert error(matrix, result)[0] <= result.error_bound <= 1e-13
