"""Conjugate gradients alone."""

import tracemalloc

import numpy as np
import pytest

from numsolve import ConvergenceWarning, Status
from numsolve.krylov import cg
from numsolve.precondition import jacobi
from numsolve.problems import poisson


def textbook(A, b, rtol):
    """Algorithm 6.18 of Saad's book, as an oracle of iterates and residuals."""
    x, r = np.zeros_like(b), b.copy()
    p, norms = r.copy(), [np.linalg.norm(b)]
    while norms[-1] > rtol * norms[0]:
        q = A @ p
        alpha = (r @ r) / (p @ q)
        x, new = x + alpha * p, r - alpha * q
        p, r = new + (new @ new) / (r @ r) * p, new
        norms.append(np.linalg.norm(r))
    return x, np.array(norms)


def test_iterates_are_the_textbooks(rng):
    A, b = poisson((15, 15)), rng.standard_normal(225)
    x, norms = textbook(A, b, 1e-8)
    result = cg(A, b, rtol=1e-8).check()
    assert result.nit == pytest.approx(len(norms) - 1, abs=1)
    both = min(result.nit, len(norms) - 1)
    np.testing.assert_allclose(result.residuals[:both], norms[:both], rtol=1e-6)
    np.testing.assert_allclose(result.x, x, rtol=1e-7)


@pytest.mark.parametrize(("shape", "want"), [((16, 16), 28), ((32, 32), 59), ((12, 12, 12), 28)])
def test_pinned_iteration_counts(shape, want):
    A = poisson(shape)
    assert cg(A, np.ones(A.shape[0]), rtol=1e-8).check().nit == pytest.approx(want, rel=0.05, abs=2)


def test_the_error_in_the_energy_norm_falls_and_obeys_its_bound(rng):
    A = poisson((12, 12))
    x = rng.standard_normal(144)
    errors = []

    def callback(y, norm):
        errors.append(((y - x) @ (A @ (y - x))) ** 0.5)

    cg(A, A @ x, rtol=1e-9, callback=callback)
    values = np.linalg.eigvalsh(A.toarray())
    rate = (np.sqrt(values[-1] / values[0]) - 1) / (np.sqrt(values[-1] / values[0]) + 1)
    steps = np.arange(1, len(errors) + 1)
    assert (np.diff(errors) < 1e-12).all()
    assert (np.array(errors) <= 2 * rate**steps * (x @ (A @ x)) ** 0.5 + 1e-8).all()


def test_as_many_steps_as_distinct_eigenvalues(rng):
    Q = np.linalg.qr(rng.standard_normal((30, 30)))[0]
    A = (Q * np.repeat([1.0, 2.0, 5.0], 10)) @ Q.T
    assert cg((A + A.T) / 2, rng.standard_normal(30), rtol=1e-10).check().nit == 3


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_preconditioned_is_plain_on_the_split_system(dtype, rng):
    A = poisson((10, 10)).toarray().astype(dtype)
    d = rng.uniform(1, 100, 100)
    A = A * np.sqrt(d)[:, None] * np.sqrt(d)
    b = rng.standard_normal(100).astype(dtype)
    with_M = cg(A, b, M=jacobi(A), rtol=1e-9).check()
    s = 1 / np.sqrt(A.diagonal().real)
    split = cg(A * s[:, None] * s, s * b, rtol=1e-9).check()
    assert abs(with_M.nit - split.nit) <= 3
    np.testing.assert_allclose(with_M.x, s * split.x, rtol=1e-5, atol=1e-9)


def test_a_nonsymmetric_matrix_is_refused():
    A = poisson((5, 5)).tolil()
    A[0, 1] = 3
    with pytest.raises(ValueError, match=r"A is not symmetric.*use gmres"):
        cg(A, np.ones(25))
    with pytest.raises(ValueError, match="A is not Hermitian"):
        cg(np.eye(3) * 1j, np.ones(3))


@pytest.mark.parametrize("signs", [[1, 1, -1], [-1, -1, -1]])
def test_an_indefinite_matrix_breaks_down_with_the_last_iterate(signs):
    A = np.diag(np.array([1.0, 2.0, 3.0]) * signs)
    with pytest.warns(ConvergenceWarning, match=r"p\^H A p = .* A is not positive definite, use minres"):
        result = cg(A, np.ones(3))
    assert result.status == Status.BREAKDOWN
    assert np.isfinite(result.x).all()
    assert result.residuals[-1] == pytest.approx(np.linalg.norm(1 - A @ result.x))


def test_an_indefinite_preconditioner_is_named():
    with pytest.warns(ConvergenceWarning, match=r"r\^H M r = .* M is not positive definite, use gmres"):
        result = cg(np.diag([1.0, 2.0]), np.ones(2), M=-np.eye(2))
    assert result.status == Status.BREAKDOWN


def test_sherman1_is_negative_definite(matrix):
    A = matrix("sherman1")
    b = A @ np.ones(1000)
    with pytest.warns(ConvergenceWarning, match="not positive definite"):
        assert cg(A, b).status == Status.BREAKDOWN
    np.testing.assert_allclose(cg(-A, -b, rtol=1e-12).check().x, 1, atol=1e-6)


def test_one_product_an_iteration(rng):
    calls = []
    A = poisson((20, 20))

    def multiply(v):
        calls.append(v.ctypes.data)
        return A @ v

    from scipy.sparse.linalg import LinearOperator

    result = cg(LinearOperator(A.shape, multiply, dtype=float), rng.standard_normal(400), rtol=1e-8).check()
    checks = 2 + 1 + 1  # symmetry, first residual, residual at exit
    assert len(calls) == result.nit + checks


@pytest.mark.parametrize(("with_M", "vectors"), [(False, 5), (True, 6)])
def test_storage_is_what_the_docstring_says(with_M, vectors, rng):
    A = poisson((90, 90))
    b, M = rng.standard_normal(8_100), jacobi(A) if with_M else None
    held = []

    def callback(x, norm):
        held.append(tracemalloc.get_traced_memory()[0])
        return norm < 0.05 * np.linalg.norm(b)  # one iterate was kept by then

    cg(A, b, M=M, callback=callback)
    held.clear()
    tracemalloc.start()
    try:
        cg(A, b, M=M, callback=callback)
    finally:
        tracemalloc.stop()
    assert vectors - 0.5 < held[-1] / b.nbytes < vectors + 0.5
