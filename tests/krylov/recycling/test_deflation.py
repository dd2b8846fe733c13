"""CG and MINRES with `recycle`: what they make of known directions, and what they learn."""

import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from support.tiers import DTYPES, extended

import numsolve
from numsolve import ConvergenceWarning, Status
from numsolve._operators.operator import Operator
from numsolve.krylov import RecycledResult, RecycledSpace, cg, gcrodr, minres
from numsolve.precondition import jacobi
from numsolve.problems import diffusion, poisson

both = pytest.mark.parametrize("method", [cg, minres], ids=lambda m: m.__name__)


def hermitian(n, dtype, rng, values):
    """Return a dense Hermitian matrix of given eigenvalues, and its eigenvectors."""
    B = rng.standard_normal((n, n)) + (1j * rng.standard_normal((n, n)) if np.dtype(dtype).kind == "c" else 0)
    Q = np.linalg.qr(B)[0]
    A = (Q * values) @ Q.conj().T
    return ((A + A.conj().T) / 2).astype(dtype), Q.astype(dtype)


def vector(n, dtype, rng):
    x = rng.standard_normal(n) + (1j * rng.standard_normal(n) if np.dtype(dtype).kind == "c" else 0)
    return x.astype(dtype)


def space_of(A, U):
    """Return the recycled space of the columns of U, found densely."""
    Q, R = np.linalg.qr(A @ U)
    return RecycledSpace((U @ np.linalg.inv(R)).T.copy(), Q.T.copy())


def drifting(count, size=40, drift=0.1):
    """Yield diffusion matrices whose coefficients vary slowly in space and from one to the next."""
    rng, grid = np.random.default_rng(5), np.linspace(0, 1, size)
    for i in range(count):
        waves = np.cos(3 * grid[:, None] + 5 * grid + drift * i) + np.sin(9 * grid - drift * i)
        yield diffusion(np.exp(waves + drift * np.cos(20 * grid + i))), rng.standard_normal(size * size)


class Counted(Operator):
    """A matrix that counts its products."""

    def __init__(self, A):
        super().__init__(A.shape, A.dtype, "numpy")
        self.A, self.count = A, 0

    def apply(self, x, out):
        self.count += 1
        out[...] = self.A @ x
        return out


# -- the formulas, against dense algebra -----------------------------------------------------------------


@both
@pytest.mark.parametrize("with_M", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_iterates_are_the_best_over_the_space_and_the_krylov_space(method, dtype, with_M, rng):
    n = 40
    signs = 1 if method is cg else np.where(np.arange(n) % 3, 1, -1)
    A, _ = hermitian(n, dtype, rng, np.geomspace(1, 50, n) * signs)
    M = np.diag(rng.uniform(0.5, 2, n)).astype(dtype)
    if dtype == "complex128":
        M = M + 0.1j * (np.eye(n, k=1) - np.eye(n, k=-1))
    b, U = vector(n, dtype, rng), np.array([vector(n, dtype, rng) for _ in range(4)]).T
    P = M if with_M else np.eye(n)
    weight = np.eye(n) if method is cg else A.conj().T @ P  # Galerkin: weight @ r is orthogonal to the space
    seen, norms = [], []

    def look(x, norm):
        seen.append(x.copy())
        norms.append(norm)

    options = {"M": M} if with_M else {}
    method(A, b, rtol=1e-9, recycle=space_of(A, U), callback=look, **options).check()
    left = np.eye(n) - A @ U @ np.linalg.solve(U.conj().T @ weight @ A @ U, U.conj().T @ weight)
    Q, v = np.linalg.qr(U)[0], P @ left @ b
    for step in range(12):
        x = Q @ np.linalg.solve(Q.conj().T @ weight @ A @ Q, Q.conj().T @ weight @ b)
        np.testing.assert_allclose(seen[step], x, atol=1e-8)
        assert norms[step] == pytest.approx(np.linalg.norm(b - A @ x), rel=1e-6)
        Q = np.linalg.qr(np.column_stack([Q, v]))[0]
        v = P @ (left @ (A @ Q[:, -1]))


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_the_residual_of_cg_stays_orthogonal_to_the_space_over_many_steps(dtype, rng):
    n = 80
    A, _ = hermitian(n, dtype, rng, np.geomspace(1e-5, 1, n))
    space = space_of(A, np.array([vector(n, dtype, rng) for _ in range(5)]).T)
    b, worst = vector(n, dtype, rng), []

    def look(x, norm):
        worst.append(np.linalg.norm(space.U.conj() @ (b - A @ x)) / np.linalg.norm(space.U))

    result = cg(A, b, rtol=1e-7, recycle=space, callback=look).check()
    assert result.nit > 2 * n  # long after the directions have lost their orthogonality
    assert max(worst) < 1e-9


@both
@pytest.mark.parametrize("with_M", [False, True])
def test_exact_eigenvectors_leave_the_rest_of_the_spectrum(method, with_M, rng):
    """As many iterations as without recycling on the matrix whose ten smallest eigenvalues are moved."""
    n, k = 200, 10
    values = np.r_[np.geomspace(1e-5, 1e-3, k), np.linspace(0.5, 2, n - k)]
    A, Q = hermitian(n, "float64", rng, values)
    easy = A + Q[:, :k] @ np.diag(1 - values[:k]) @ Q[:, :k].T
    easy, b = (easy + easy.T) / 2, rng.standard_normal(n)
    b_left = b - Q[:, :k] @ (Q[:, :k].T @ b)
    options = {"M": np.eye(n)} if with_M else {}
    space = RecycledSpace((Q[:, :k] / values[:k]).T.copy(), Q[:, :k].T.copy())
    ours = method(A, b, rtol=1e-9, recycle=space, **options).check()
    plain = method(easy, b_left, atol=1e-9 * np.linalg.norm(b), rtol=0, **options).check()
    assert abs(ours.nit - 1 - plain.nit) <= 1  # the first iteration projects
    assert ours.products <= plain.nit + 4  # two true residuals, one step that tests the space
    assert method(A, b, rtol=1e-9, **options).check().nit > 1.5 * ours.nit


# -- sequences ---------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("with_M", [False, True])
def test_a_sequence_gets_cheaper(method, with_M):
    recycle, ours, plain = 8, [], []
    for A, b in drifting(4):
        options = {"M": jacobi(A)} if with_M else {}
        result = method(A, b, rtol=1e-8, recycle=recycle, **options).check()
        assert isinstance(result, RecycledResult)
        recycle = result.recycle
        np.testing.assert_allclose(A @ recycle.U.T, recycle.C.T, atol=1e-9)
        np.testing.assert_allclose(recycle.C @ recycle.C.T, np.eye(8), atol=1e-12)
        if with_M and not ours:  # later P mixes those of different preconditioners
            np.testing.assert_allclose(options["M"] @ recycle.P.T, recycle.U.T, rtol=1e-6, atol=1e-6)
        ours.append(result.products)
        plain.append(method(A, b, rtol=1e-8, **options).check().nit)
        np.testing.assert_allclose(result.x, spla.spsolve(A.tocsc(), b), atol=1e-5 * abs(result.x).max())
    assert ours[0] <= plain[0] + 10
    assert sum(ours[2:]) < 0.8 * sum(plain[2:])


@both
def test_the_same_system_again(method):
    A, b = next(drifting(1))
    first = method(A, b, rtol=1e-8, recycle=10).check()
    second = method(A, b, rtol=1e-8, recycle=first.recycle).check()
    third = method(A, b, rtol=1e-8, recycle=second.recycle).check()
    assert second.products < 0.8 * first.products
    assert third.products < second.products + 5


@both
def test_what_is_learned_are_the_slowest_directions(method):
    A, b = next(drifting(1, 25))
    space = method(A, b, rtol=1e-10, recycle=12).check().recycle
    values, vectors = np.linalg.eigh(A.toarray())
    slow = vectors[:, :4]
    Q = np.linalg.qr(space.U.T)[0]
    assert np.linalg.norm(slow - Q @ (Q.T @ slow)) < 0.05
    ritz = np.sort(1 / np.linalg.eigvalsh(space.U @ space.C.T))  # C is orthonormal: harmonic ones
    np.testing.assert_allclose(ritz[:4], values[:4], rtol=0.2)
    assert (ritz >= values[:12] * (1 - 1e-8)).all()


@pytest.mark.parametrize("with_M", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_an_indefinite_sequence(dtype, with_M, rng):
    n = 150
    values = np.linspace(1, 3, n) * np.where(np.arange(n) % 3, 1, -1)
    values[:4] = 1e-3, -2e-3, 3e-3, -4e-3
    A, _ = hermitian(n, dtype, rng, values)
    E, _ = hermitian(n, dtype, rng, 1e-4 * rng.standard_normal(n))
    options = {"M": np.diag(rng.uniform(0.8, 1.2, n))} if with_M else {}
    recycle, ours, plain = 8, [], []
    for i in range(3):
        matrix, x = A + i * E, vector(n, dtype, rng)
        result = minres(matrix, matrix @ x, rtol=1e-9, recycle=recycle, **options).check()
        np.testing.assert_allclose(result.x, x, atol=1e-4)
        recycle = result.recycle
        ours.append(result.products)
        plain.append(minres(matrix, matrix @ x, rtol=1e-9, **options).check().nit)
    assert sum(ours[1:]) < 0.7 * sum(plain[1:])


@both
def test_later_columns_use_the_directions_of_earlier_ones(method, rng):
    A, _ = next(drifting(1))
    B = rng.standard_normal((1600, 3))
    result = method(A, B, rtol=1e-8, recycle=10).check()
    counts = (~np.isnan(result.residuals)).sum(axis=0) - 1
    assert max(counts[1:]) < 0.8 * counts[0]
    assert np.linalg.norm(A @ result.x - B) < 1e-7 * np.linalg.norm(B)
    assert result.products < 0.85 * 3 * counts[0]


# -- spaces that fit badly -----------------------------------------------------------------------------------


@both
def test_products_are_counted(method, rng):
    matrices = [A for A, _ in drifting(2)]
    b, recycle = rng.standard_normal(1600), 6
    for A, stale in ((matrices[0], 0), (matrices[0], 1), (matrices[1], 7)):
        counted = Counted(A)
        result = method(counted, b, rtol=1e-8, recycle=recycle).check()
        assert counted.count == result.products + 2  # that A is Hermitian is tested with two
        # All iterations but the projection, two true residuals; to test the space, and to renew it.
        assert result.products == result.nit - (stale > 0) + 2 + stale
        recycle = result.recycle


@both
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_unrelated_space_does_no_harm(method, dtype, rng):
    A = sp.csr_array(poisson((20, 20)).astype(dtype))
    single = np.finfo(dtype).eps > 1e-10
    x = vector(400, dtype, rng)
    rtol = 1e-4 if single else 1e-10
    U, C = (np.array([vector(400, dtype, rng) for _ in range(8)]) for _ in range(2))
    U[3] = U[2]  # dependent
    result = method(A, A @ x, rtol=rtol, recycle=RecycledSpace(U, C)).check()
    assert result.x.dtype == result.recycle.dtype == dtype
    np.testing.assert_allclose(result.x, x, atol=1e3 * rtol)
    assert result.nit <= 1.25 * method(A, A @ x, rtol=rtol).nit  # it splits double eigenvalues
    assert result.recycle.k == 8


@both
def test_a_residual_without_component_along_the_images_does_not_hide_a_stale_space(method, rng):
    A, b = poisson((12, 12)), rng.standard_normal(144)
    C = np.linalg.qr(np.column_stack([b, rng.standard_normal((144, 3))]))[0][:, 1:]
    U = rng.standard_normal((3, 144))
    result = method(A, b, rtol=1e-10, recycle=RecycledSpace(U, C.T.copy())).check()
    assert result.nit <= 1.25 * method(A, b, rtol=1e-10).nit


@pytest.mark.parametrize("recycle", [1, "null", "partly"])
def test_a_singular_matrix_and_a_space_it_annihilates(recycle, rng):
    n = 60
    values = np.where(np.arange(n) % 2, 1, -1) * np.linspace(1, 5, n)
    values[:2] = 0
    A, Q = hermitian(n, "float64", rng, values)
    x = rng.standard_normal(n)
    if recycle != 1:
        U = Q[:, :2] if recycle == "null" else Q[:, [0, 5]]
        recycle = RecycledSpace(U.T.copy(), Q[:, 10:12].T.copy())
    result = minres(A, A @ x, rtol=1e-9, recycle=recycle).check()
    assert np.linalg.norm(A @ result.x - A @ x) <= 1e-9 * np.linalg.norm(A @ x)
    b = A @ x + Q[:, 0]
    with pytest.warns(ConvergenceWarning, match="A is singular"):
        result = minres(A, b, rtol=1e-9, recycle=result.recycle)
    assert result.status == Status.SINGULAR
    assert result.residuals[-1] == pytest.approx(1, rel=1e-6)


def test_minres_continues_where_the_complement_of_the_images_is_mapped_to_zero():
    A = np.kron(np.eye(2), [[0.0, 1.0], [1.0, 0.0]])
    U, C = np.eye(4)[:1].copy(), np.eye(4)[1:2].copy()  # A u is orthogonal to u
    result = minres(A, np.array([1.0, 0.0, 2.0, 1.0]), rtol=1e-12, recycle=RecycledSpace(U, C)).check()
    np.testing.assert_allclose(result.x, [0, 1, 1, 2], atol=1e-12)


@both
@pytest.mark.parametrize("n", [1, 2, 3, 7])
@pytest.mark.parametrize("k", [1, 5, 20])
def test_more_directions_than_unknowns(method, n, k, rng):
    A, _ = hermitian(n, "float64", rng, np.arange(1.0, n + 1))
    recycle = k
    for _ in range(3):
        x = rng.standard_normal(n)
        result = method(A, A @ x, rtol=1e-10, recycle=recycle).check()
        np.testing.assert_allclose(result.x, x, atol=1e-8)
        assert (result.recycle is None) == (n == 1)
        recycle = result.recycle or k
    full = space_of(A, np.eye(n))
    np.testing.assert_allclose(method(A, A @ x, rtol=1e-10, recycle=full).check().x, x, atol=1e-8)


@both
def test_a_residual_inside_the_space(method):
    """Diagonal: what the projection leaves is zero or rounding errors inside the space."""
    d = np.geomspace(1, 1e6, 50)
    space = space_of(np.diag(d), np.eye(50)[:, :10])
    b = np.r_[1 / np.arange(3.0, 13.0), np.zeros(40)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = method(np.diag(d), b, rtol=0, recycle=space)
    assert result.status in (Status.CONVERGED, Status.STAGNATED)
    np.testing.assert_allclose(result.x, b / d, atol=1e-14)


@both
def test_convergence_at_once(method):
    A, b = next(drifting(1))
    result = method(A, b, rtol=1e-8, recycle=4).check()
    again = method(A, b, result.x, rtol=1e-7, recycle=result.recycle).check()
    assert again.nit == 0
    assert again.products == 1
    assert again.recycle.k == 4
    nothing = method(A, 0 * b, recycle=result.recycle).check()
    assert nothing.products == 0
    assert nothing.recycle.k == 4
    b = result.recycle.C[1]
    step = method(A, b, rtol=1e-10, recycle=result.recycle).check()
    assert step.nit == 1
    one = method(A, A @ b, b + 1e-3, rtol=1e-2, recycle=4)
    assert one.recycle is None or one.recycle.k <= 4


@both
def test_an_ill_conditioned_system_gets_as_far_as_without(method, rng):
    """The rounding errors of A x are 1e-15 of b: those of x are amplified by the condition, not these."""
    A, _ = hermitian(90, "float64", rng, np.geomspace(1e-5, 1, 90))
    x = rng.standard_normal(90)
    plain = method(A, A @ x, rtol=1e-10, maxiter=8000).check()
    recycle = 10
    for _ in range(3):
        result = method(A, A @ x, rtol=1e-10, maxiter=8000, recycle=recycle).check()
        assert result.nit < 1.25 * plain.nit
        recycle = result.recycle


@pytest.mark.parametrize("with_M", [False, True])
@both
def test_storage_is_what_the_docstring_says(method, with_M):
    A, k = poisson((44, 46)), 10
    b, M, held = np.ones(2024), jacobi(A) if with_M else None, []
    space = method(A, b, rtol=1e-6, recycle=k).recycle
    method(A, b, M=M, rtol=1e-6, recycle=space)

    def callback(x, norm):
        held.append(tracemalloc.get_traced_memory()[0])
        return len(held) == 9

    callback.wants_x = False
    tracemalloc.start()
    try:
        method(A, b, M=M, recycle=space, callback=callback)
    finally:
        tracemalloc.stop()
    says = {cg: (8 * k + 7, 12 * k + 9), minres: (8 * k + 12, 13 * k + 18)}[method][with_M]
    assert says - 4 < held[-1] / b.nbytes < says + 1


# -- faults and errors --------------------------------------------------------------------------------------


def test_an_indefinite_matrix_is_named(rng):
    A, Q = hermitian(50, "float64", rng, np.r_[-np.linspace(1, 2, 3), np.linspace(1, 2, 47)])
    b = rng.standard_normal(50)
    with pytest.warns(ConvergenceWarning, match=r"p\^H A p = .* A is not positive definite, use minres"):
        assert cg(A, b, recycle=3).status == Status.BREAKDOWN
    space = minres(A, b, recycle=3).check().recycle
    with pytest.warns(ConvergenceWarning, match="A is not positive definite, use minres"):
        assert cg(A, b, recycle=space).status == Status.BREAKDOWN
    with pytest.warns(ConvergenceWarning, match=r"u\^H A u = .* A is not positive definite, use minres"):
        result = cg(A, b, recycle=space_of(A, Q[:, :3]))
    np.testing.assert_array_equal(result.x, 0)


@both
def test_a_preconditioner_that_is_not_positive_definite_is_named(method):
    A, b = next(drifting(1, 10))
    space = method(A, b, recycle=3).check().recycle
    for recycle in (3, space):
        with pytest.warns(ConvergenceWarning, match="M is not positive definite"):
            assert method(A, b, M=-np.eye(100), recycle=recycle).status == Status.BREAKDOWN


@both
def test_a_product_that_is_not_finite_is_named(method):
    A, b = next(drifting(1, 10))
    space = method(A, b, recycle=3).check().recycle

    class Breaks(Counted):
        def apply(self, x, out):
            super().apply(x, out)
            if self.count > 7:
                out[...] = np.nan
            return out

    for recycle in (3, space):
        with pytest.warns(ConvergenceWarning, match="not finite"):
            result = method(Breaks(A), b, recycle=recycle)
        assert result.status == Status.NONFINITE
        assert result.recycle is None or np.isfinite(result.recycle.U).all()


@both
def test_bad_arguments_are_named(method):
    A, b = poisson((4, 4)), np.ones(16)
    space = RecycledSpace(np.ones((2, 15)), np.ones((2, 15)))
    with pytest.raises(ValueError, match="recycle holds vectors of length 15, but A needs 16"):
        method(A, b, recycle=space)
    with pytest.raises(TypeError, match="recycle is complex, but A and b are float64"):
        method(A, b, recycle=RecycledSpace(np.ones((2, 16)) * 1j, np.ones((2, 16)) * 1j))
    with pytest.raises(ValueError, match="recycle is 0; a whole number >= 1 is needed"):
        method(A, b, recycle=0)
    for wrong in (True, 2.0, "4", [1]):
        with pytest.raises(TypeError, match=r"recycle is .* or a number of directions, is needed"):
            method(A, b, recycle=wrong)


@both
def test_interrupted_and_stopped_solves_return_what_they_learned(method):
    A, b = next(drifting(1))

    def interrupt(x, norm):
        if norm < 1e-3 * np.linalg.norm(b):
            raise KeyboardInterrupt

    with pytest.raises(numsolve.Interrupted) as caught:
        method(A, b, rtol=1e-9, recycle=5, callback=interrupt)
    assert caught.value.result.recycle.k == 5
    with pytest.warns(ConvergenceWarning, match="maxiter"):
        result = method(A, b, rtol=1e-9, maxiter=9, recycle=5)
    assert result.recycle.k == 5
    assert len(result.residuals) == 10


@both
@pytest.mark.parametrize("power", [-150, 150])
def test_a_matrix_of_any_size(method, power):
    A, b = next(drifting(1, 20))
    scale = 10.0**power
    recycle = 5
    for _ in range(2):
        result = method(A * scale, b, rtol=1e-9, recycle=recycle).check()
        recycle = result.recycle
    ours = method(A, b, rtol=1e-9, recycle=method(A, b, rtol=1e-9, recycle=5).recycle)
    assert abs(result.nit - ours.nit) <= 0.1 * ours.nit
    np.testing.assert_allclose(result.x * scale, ours.x, rtol=1e-5, atol=1e-8)


# -- interchange ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_M", [False, True])
@pytest.mark.parametrize("second", [cg, minres, gcrodr], ids=lambda m: m.__name__)
@pytest.mark.parametrize("first", [cg, minres, gcrodr], ids=lambda m: m.__name__)
def test_a_space_goes_from_method_to_method(first, second, with_M):
    A, b = next(drifting(1))
    options = {"M": jacobi(A)} if with_M else {}

    def learn(method, recycle=8):
        if method is gcrodr:
            given = None if isinstance(recycle, int) else recycle
            return gcrodr(A, b, rtol=1e-8, restart=24, k=8, recycle=given, **options).check()
        return method(A, b, rtol=1e-8, recycle=recycle, **options).check()

    space = learn(first).recycle
    assert (space.P is not None) == with_M
    result = learn(second, space)
    assert result.products < 0.85 * learn(second).products
    assert np.linalg.norm(b - A @ result.x) <= 1e-8 * np.linalg.norm(b)


@pytest.mark.extended
@both
def test_a_space_of_another_dtype_or_without_P_is_completed(method):
    A, b = next(drifting(1))
    single = method(A.astype(np.float32), b.astype(np.float32), rtol=1e-3, recycle=6).check().recycle
    assert single.dtype == np.float32
    plain = method(A, b, rtol=1e-8).check()
    assert method(A, b, rtol=1e-8, recycle=single).check().nit < 0.9 * plain.nit
    with_M = method(A, b, rtol=1e-8, M=jacobi(A)).check()
    assert method(A, b, rtol=1e-8, M=jacobi(A), recycle=single).check().nit < 0.95 * with_M.nit
    shifted = minres(A, b, shift=1e-4, rtol=1e-8, recycle=single).check()
    assert np.linalg.norm(b - A @ shifted.x + 1e-4 * shifted.x) <= 1e-8 * np.linalg.norm(b)


# -- the GPU path --------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("dtype", "with_M"),
    [
        ("float64", False),
        ("float64", True),
        ("complex128", True),
        *extended(("complex128", False), ("float32", False), ("float32", True)),
    ],
)
def test_as_on_the_host(cupy, method, with_M, dtype):
    A, b = next(drifting(1, 7))
    A, b = sp.csr_matrix(A.astype(dtype)), b.astype(dtype)
    rtol = 1e-8 if dtype != "float32" else 1e-4
    device = numsolve.to_device(A, b)
    here, there = 4, 4
    for _ in range(2):
        host = method(A, b, rtol=rtol, recycle=here, M=jacobi(A) if with_M else None).check()
        M = jacobi(device[0]) if with_M else None
        found = method(*device, rtol=rtol, recycle=there, M=M).check()
        here, there = host.recycle, found.recycle
        assert there.library == "cupy"
        assert found.nit == pytest.approx(host.nit, rel=0.1, abs=2)
        np.testing.assert_allclose(found.x.get(), host.x, atol=1e4 * rtol)
    with pytest.raises(TypeError, match=r"b is on the host|recycle is on the GPU"):
        method(A, b, recycle=there)


@pytest.mark.parametrize("method", [cg, *extended(minres)], ids=lambda m: m.__name__)
def test_no_wait_inside_an_iteration(cupy, method):
    A, b = next(drifting(1, 9))
    A, b = numsolve.to_device(sp.csr_matrix(A), b)
    space, counted = method(A, b, rtol=1e-2, recycle=20).check().recycle, []
    for maxiter in (11, 31):  # a window is longer
        cupy.counts.clear()
        with pytest.warns(ConvergenceWarning):
            method(A, b, rtol=1e-30, maxiter=maxiter, recycle=space)
        counted.append((cupy.counts["launches"], cupy.counts["syncs"]))
    launches, syncs = np.diff(counted, axis=0)[0]
    assert launches <= 20 * 20
    assert syncs <= 2 + 1  # reads of norms, and one to compare the last iterate with the kept one


@pytest.mark.parametrize("method", [cg, minres, gcrodr], ids=lambda m: m.__name__)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_space_that_is_not_finite_is_dropped(method, value):
    A, b = next(drifting(1))
    bad = RecycledSpace(np.full((3, len(b)), value), np.full((3, len(b)), value))
    result = method(A, b, rtol=1e-8, recycle=bad).check()
    assert np.linalg.norm(A @ result.x - b) <= 1e-8 * np.linalg.norm(b)
