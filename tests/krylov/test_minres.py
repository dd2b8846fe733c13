"""MINRES alone."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from support.tiers import extended

from numsolve import ConvergenceWarning, Status
from numsolve.krylov import cg, gmres, minres
from numsolve.precondition import jacobi
from numsolve.problems import convection_diffusion, poisson


def indefinite(n, dtype, rng, condition=30.0):
    """Return a dense Hermitian matrix with eigenvalues of both signs."""
    B = rng.standard_normal((n, n))
    if np.dtype(dtype).kind == "c":
        B = B + 1j * rng.standard_normal((n, n))
    Q = np.linalg.qr(B)[0]
    A = (Q * np.geomspace(1, condition, n) * np.where(np.arange(n) % 3, 1, -1)) @ Q.conj().T
    return ((A + A.conj().T) / 2).astype(dtype)


def minimal(A, b, M, steps):
    """Return the iterates that minimise the norm of the residual in M over each Krylov space, densely."""
    root = np.linalg.cholesky(M).conj().T
    basis, iterates = [M @ b], [0 * b]
    for _ in range(steps):
        Q = np.linalg.qr(np.array(basis).T)[0]
        iterates.append(Q @ np.linalg.lstsq(root @ A @ Q, root @ b)[0])
        basis.append(M @ (A @ Q[:, -1]))
    return iterates


@pytest.mark.parametrize("with_M", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_iterates_minimise_the_residual(dtype, with_M, rng):
    A, x = indefinite(30, dtype, rng), rng.standard_normal(30).astype(dtype)
    M = np.diag(rng.uniform(0.5, 2, 30)).astype(dtype)
    if dtype == "complex128":
        x = x + 1j * rng.standard_normal(30)
        M = M + 0.1j * (np.eye(30, k=1) - np.eye(30, k=-1))
    b = A @ x
    found = [np.zeros_like(b)]
    options = {"M": M} if with_M else {}
    result = minres(A, b, rtol=1e-8, callback=lambda x, norm: found.append(x.copy()), **options).check()
    want = minimal(A, b, M if with_M else np.eye(30), 20)  # the basis has lost its orthogonality after that
    np.testing.assert_allclose(found[:21], want, atol=1e-5)
    norms = [np.linalg.norm(b - A @ y) for y in want]
    np.testing.assert_allclose(result.residuals[:21], norms, rtol=1e-5)
    np.testing.assert_allclose(result.x, x, atol=1e-6)


def scipys(A, b, **options):
    """Return the residuals of SciPy's iterates, and whether it converged."""
    norms = [np.linalg.norm(b)]

    def look(x):
        norms.append(np.linalg.norm(b - options.get("true", A) @ x))

    spla.minres(A, b, callback=look, **{k: v for k, v in options.items() if k != "true"})
    return np.array(norms)


@pytest.mark.parametrize("with_M", [False, True])
def test_residuals_are_scipys(with_M, rng):
    A = poisson((20, 20)) - 1.3 * sp.eye_array(400)
    b = rng.standard_normal(400)
    options = {"M": sp.diags_array(rng.uniform(0.5, 2, 400)).tocsr()} if with_M else {}
    theirs = scipys(A, b, rtol=1e-13, **options)
    ours = minres(A, b, rtol=1e-7, **options).check()
    np.testing.assert_allclose(ours.residuals[:70], theirs[:70], rtol=1e-4)
    first = int(np.argmax(theirs <= 1e-7 * theirs[0]))
    assert first > 100
    assert ours.nit == pytest.approx(first, rel=0.05, abs=2)


@pytest.mark.parametrize("dtype", ["complex128", *extended("float32")])
def test_a_shift_is_the_shifted_matrix(dtype, rng):
    A = poisson((12, 12)).astype(dtype)
    b = rng.standard_normal(144).astype(dtype)
    shifted = minres(A, b, shift=0.7, rtol=1e-4).check()
    whole = minres(sp.csr_array(A - 0.7 * sp.eye_array(144, dtype=dtype)), b, rtol=1e-4).check()
    assert shifted.x.dtype == dtype
    assert shifted.nit == pytest.approx(whole.nit, rel=0.2 if dtype == "float32" else 0.05, abs=2)
    np.testing.assert_allclose(shifted.x, whole.x, rtol=1e-2, atol=1e-2)
    theirs = scipys(poisson((12, 12)), b.real.astype(float), shift=0.7, rtol=1e-6, true=whole_of(144, 0.7))
    if dtype == "complex128":
        np.testing.assert_allclose(shifted.residuals[:30], theirs[:30], rtol=1e-6)


def whole_of(n, shift):
    """Return the shifted Laplacian of a square of n points."""
    side = round(n**0.5)
    return poisson((side, side)) - shift * sp.eye_array(n)


@pytest.mark.parametrize(
    ("shift", "error"), [(1j, TypeError), ("1", TypeError), (True, TypeError), (np.nan, ValueError)]
)
def test_a_bad_shift_is_named(shift, error):
    with pytest.raises(error, match="shift is"):
        minres(np.eye(2), np.ones(2), shift=shift)


@pytest.mark.parametrize("power", [-150, 150])
def test_a_shift_of_any_size(power, rng):
    A, scale = poisson((6, 6)), 10.0**power
    x = rng.standard_normal(36)
    result = minres(A * scale, (A @ x - 0.9 * x) * scale, shift=0.9 * scale, rtol=1e-10).check()
    np.testing.assert_allclose(result.x, x, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "shift", "want"), [((16, 16), 0, 28), ((16, 16), 1, 33), ((32, 32), 0, 59)]
)
def test_pinned_iteration_counts(shape, shift, want):
    A = poisson(shape)
    result = minres(A, np.ones(A.shape[0]), shift=shift, rtol=1e-8).check()
    assert result.nit == pytest.approx(want, rel=0.05, abs=2)


def test_no_more_than_gmres_and_cg_need(rng):
    A, b = poisson((15, 15)), rng.standard_normal(225)
    ours = minres(A, b, rtol=1e-8).check()
    assert ours.nit <= cg(A, b, rtol=1e-8).check().nit + 1
    full = gmres(A, b, rtol=1e-8, restart=225).check()
    count = 40
    np.testing.assert_allclose(ours.residuals[:count], full.residuals[:count], rtol=1e-6)


def test_twice_the_steps_for_a_mirrored_spectrum(rng):
    """Eigenvalues in +-[a, b]: every second step stands still, and the rate is that of CG on A^2."""
    values = np.linspace(1, 4, 100)
    result = minres(np.diag(np.r_[values, -values]), np.ones(200), rtol=1e-9).check()
    np.testing.assert_allclose(
        result.residuals[1:-1:2], result.residuals[:-1:2][: (result.nit) // 2], rtol=1e-9
    )
    pairs = np.arange(len(result.residuals[::2]))
    bound = 2 * ((4 - 1) / (4 + 1)) ** pairs
    assert (result.residuals[::2] <= bound * result.residuals[0] * (1 + 1e-9)).all()


def test_as_many_steps_as_distinct_eigenvalues(rng):
    Q = np.linalg.qr(rng.standard_normal((30, 30)))[0]
    A = (Q * np.repeat([-1.0, 2.0, 5.0], 10)) @ Q.T
    assert minres((A + A.T) / 2, rng.standard_normal(30), rtol=1e-10).check().nit == 3
    assert minres(np.diag([0.0, 3.0, -3.0]), np.array([0.0, 1.0, 0.0]), rtol=1e-14).check().nit == 1


def test_a_first_step_that_gains_nothing():
    result = minres(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1.0, 0.0])).check()
    assert result.residuals[1] == result.residuals[0]
    np.testing.assert_allclose(result.x, [0, 1], atol=1e-15)


@pytest.mark.parametrize("with_M", [False, True])
def test_the_reported_residual_is_the_true_one_at_every_step_and_never_rises(with_M, rng):
    d = rng.uniform(1, 30, 400)
    A = sp.csr_array(poisson((20, 20)) - 0.5 * sp.eye_array(400))
    A = sp.csr_array(A * np.sqrt(d)[:, None] * np.sqrt(d))
    b, norms = rng.standard_normal(400), []
    M = sp.diags_array(1 / abs(A.diagonal())) if with_M else None
    result = minres(
        A, b, M=M, rtol=1e-8, callback=lambda x, norm: norms.append((norm, np.linalg.norm(b - A @ x)))
    ).check()
    np.testing.assert_allclose(*np.array(norms).T, rtol=1e-3, atol=1e-10 * result.residuals[0])
    if not with_M:
        assert (np.diff(result.residuals) <= 1e-12 * result.residuals[0]).all()


def test_preconditioned_is_plain_on_the_split_system(rng):
    A, d = indefinite(80, "float64", rng), rng.uniform(0.1, 10, 80)
    b = rng.standard_normal(80)
    s = np.sqrt(d)
    seen = []
    minres(A, b, M=np.diag(d), rtol=1e-8, callback=lambda x, norm: seen.append(x.copy())).check()
    split = []
    minres(A * s[:, None] * s, s * b, rtol=1e-9, callback=lambda y, norm: split.append(s * y)).check()
    np.testing.assert_allclose(seen[:25], split[:25], rtol=1e-6, atol=1e-8)


def test_a_nonsymmetric_matrix_is_refused():
    with pytest.raises(ValueError, match=r"A is not symmetric.*use gmres"):
        minres(convection_diffusion((5, 5), (10.0, 0.0)), np.ones(25))
    with pytest.raises(ValueError, match="A is not Hermitian"):
        minres(np.eye(3) * 1j, np.ones(3))


@pytest.mark.parametrize("M", [-np.eye(3), np.diag([1.0, 1.0, -3.0]), np.zeros((3, 3))])
def test_a_preconditioner_that_is_not_positive_definite_is_named(M):
    with pytest.warns(ConvergenceWarning, match=r"r\^H M r = .* M is not positive definite"):
        result = minres(np.diag([1.0, 2.0, -1.0]), np.ones(3), M=M)
    assert result.status == Status.BREAKDOWN
    assert np.isfinite(result.x).all()


def singular(n, rng, zeros=2):
    """Return an indefinite matrix with a null space, and a projector onto its range."""
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    values = np.where(np.arange(n) % 2, 1, -1) * np.linspace(1, 5, n)
    values[:zeros] = 0
    A = (Q * values) @ Q.T
    return (A + A.T) / 2, Q[:, zeros:] @ Q[:, zeros:].T


@pytest.mark.parametrize("with_M", [False, True])
def test_a_singular_system_with_a_solution_is_solved(with_M, rng):
    A, _ = singular(60, rng)
    x = rng.standard_normal(60)
    M = np.diag(rng.uniform(0.5, 2, 60)) if with_M else None
    result = minres(A, A @ x, M=M, rtol=1e-9).check()
    assert np.linalg.norm(A @ result.x - A @ x) <= 1e-9 * np.linalg.norm(A @ x)
    if not with_M:  # the solution of least norm, for the Krylov space lies in the range
        np.testing.assert_allclose(result.x, np.linalg.pinv(A, rcond=1e-10) @ (A @ x), atol=1e-6)


@pytest.mark.parametrize("n", [5, 60])
def test_a_singular_system_without_a_solution_ends_with_least_squares(n, rng):
    A, project = singular(n, rng)
    b = rng.standard_normal(n)
    with pytest.warns(ConvergenceWarning, match="A is singular"):
        result = minres(A, b, rtol=1e-9)
    assert result.status == Status.SINGULAR
    best = np.linalg.norm(b - project @ b)
    assert result.residuals[-1] == pytest.approx(best, rel=1e-6)
    assert np.linalg.norm(A @ (b - A @ result.x)) < 1e-5 * best
    assert result.nit < 3 * n


def test_sherman1_is_negative_definite(matrix):
    A = matrix("sherman1")
    result = minres(A, A @ np.ones(1000), rtol=1e-10).check()
    np.testing.assert_allclose(result.x, 1, atol=1e-4)
    assert result.nit < 550


def test_hang_glider_is_indefinite(matrix):
    """A condition of 1e11: MINRES follows SciPy's down, and says at the limit that it did not arrive."""
    A = matrix("hangGlider_2")
    b = A @ np.ones(A.shape[0])
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        ours = minres(A, b, rtol=1e-8, maxiter=1500)
    theirs = scipys(A, b, rtol=1e-14, maxiter=1500)
    np.testing.assert_allclose(ours.residuals[:25], theirs[:25], rtol=1e-4)
    assert ours.residuals[-1] < 2 * theirs[-1]
    assert np.linalg.norm(b - A @ ours.x) == pytest.approx(ours.residuals[-1])


def test_one_product_an_iteration_with_each(rng):
    calls = {"A": 0, "M": 0}
    A = poisson((20, 20)) - 0.5 * sp.eye_array(400)
    M = jacobi(poisson((20, 20)))

    def counted(name, matrix):
        def multiply(v):
            calls[name] += 1
            return matrix @ v

        return spla.LinearOperator(A.shape, multiply, dtype=float)

    result = minres(counted("A", A), rng.standard_normal(400), M=counted("M", M), rtol=1e-8).check()
    assert calls["A"] == result.nit + 4  # symmetry 2, first residual, residual at exit
    assert calls["M"] == result.nit + 1


@pytest.mark.parametrize(("with_M", "vectors"), [(False, 7), (True, 9)])
def test_storage_is_what_the_docstring_says(with_M, vectors, rng):
    A = poisson((90, 90))
    b, M = rng.standard_normal(8_100), jacobi(A) if with_M else None
    held = []

    def callback(x, norm):
        held.append(tracemalloc.get_traced_memory()[0])
        return norm < 0.05 * np.linalg.norm(b)  # one iterate was kept by then

    minres(A, b, M=M, callback=callback)
    held.clear()
    tracemalloc.start()
    try:
        minres(A, b, M=M, callback=callback)
    finally:
        tracemalloc.stop()
    assert vectors - 0.5 < held[-1] / b.nbytes < vectors + 0.5
