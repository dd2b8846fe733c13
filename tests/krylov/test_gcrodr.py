"""GCRO-DR: the recurrence, the choice of directions, and the space that a result carries."""

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sp
from support.tiers import DTYPES

import numsolve
from numsolve import ConvergenceWarning, Status
from numsolve._operators.operator import Csr
from numsolve.krylov import RecycledResult, RecycledSpace, gcrodr, gmres
from numsolve.krylov.recycling.space import slowest
from numsolve.problems import convection_diffusion


class Counted(Csr):
    """A matrix that counts its products, also those of its copies for a solve."""

    def __init__(self, A):
        super().__init__(A)
        self.products = []

    @property
    def count(self):
        """Number of products so far."""
        return len(self.products)

    def apply(self, x, out):
        self.products.append(1)
        return super().apply(x, out)

    def apply_dot(self, x, out):
        self.products.append(1)
        return super().apply_dot(x, out)

    def residual_to(self, b, x, out):
        self.products.append(1)
        return super().residual_to(b, x, out)


HARD = {"shape": (40, 42), "wind": (3.0, 1.0)}


def problem(rng, dtype=float, shape=(20, 19), wind=(30.0, 10.0)):
    A = convection_diffusion(shape, wind).astype(dtype)
    if np.dtype(dtype).kind == "c":
        A = (A + sp.diags_array(0.3j * rng.uniform(0, 1, A.shape[0]))).tocsr().astype(dtype)
    b = rng.standard_normal(A.shape[0]) + (1j * rng.standard_normal(A.shape[0]) if A.dtype.kind == "c" else 0)
    return A, b.astype(dtype)


def fits(A, space, tol):
    """Check what a recycled space promises."""
    assert abs(A @ space.U.T - space.C.T).max() <= tol
    assert abs(space.C.conj() @ space.C.T - np.eye(space.k)).max() <= tol


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("preconditioned", [False, True])
def test_the_space_fits_its_matrix_after_many_cycles(dtype, preconditioned, rng):
    A, b = problem(rng, dtype)
    M = sp.diags_array(rng.uniform(0.1, 1, A.shape[0])).astype(dtype) if preconditioned else None
    rtol = 1e-4 if np.finfo(dtype).eps > 1e-10 else 1e-11
    result = gcrodr(A, b, rtol=rtol, restart=12, k=5, M=M).check()
    assert isinstance(result, RecycledResult)
    assert result.nit > 36
    assert result.recycle.dtype == dtype
    fits(A, result.recycle, 2e-4 if rtol > 1e-10 else 1e-12)
    if preconditioned:
        np.testing.assert_allclose(result.recycle.P @ M, result.recycle.U, atol=1e3 * rtol * abs(b).max())


def test_without_a_space_the_first_cycle_is_gmres(rng):
    A, b = problem(rng)
    ours, theirs = gcrodr(A, b, rtol=1e-8, restart=20, k=8), gmres(A, b, rtol=1e-8, restart=20)
    np.testing.assert_allclose(ours.residuals[:20], theirs.residuals[:20], rtol=1e-9)
    assert ours.nit < 0.8 * theirs.nit


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("preconditioned", [False, True])
def test_residuals_are_the_smallest_over_the_space_and_directions_found_in_pairs(dtype, preconditioned, rng):
    A, b = problem(rng, dtype, (9, 8))
    d = rng.uniform(0.2, 1, 72) if preconditioned else np.ones(72)
    M = sp.diags_array(d).astype(dtype) if preconditioned else None
    first = gcrodr(A, b, rtol=1e-2, restart=14, k=4, M=M)
    c = rng.standard_normal(72).astype(dtype)
    U = first.recycle.U
    dense, norms = A.toarray(), [np.linalg.norm(c)]
    C = np.linalg.qr(dense @ U.T)[0]
    r = c - C @ (C.conj().T @ c)
    norms.append(np.linalg.norm(r))
    directions, basis = [r / norms[-1]], np.column_stack([C, r / norms[-1]])
    for step in range(8):
        space = np.column_stack([U.T, *(d * v for v in directions)])
        y = np.linalg.lstsq(dense @ space, c)[0]
        norms.append(np.linalg.norm(c - dense @ space @ y))
        w = dense @ (d * directions[-1])
        basis = np.linalg.qr(np.column_stack([basis, w]))[0]
        directions.append(basis[:, -1] if step % 2 else w)  # the second of a pair is taken as it is
    with pytest.warns(ConvergenceWarning):
        result = gcrodr(A, c, rtol=1e-14, restart=14, k=4, maxiter=9, M=M, recycle=first.recycle)
    np.testing.assert_allclose(result.residuals, norms, rtol=1e-7)


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("k", [1, 3, 4, 5, 6])
def test_directions_are_harmonic_ritz_vectors(complex_, k, rng):
    p = 12

    def random(*shape):
        return rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if complex_ else 0)

    A, V = random(30, 30), random(30, p)
    W, G = np.linalg.qr(np.column_stack([A @ V, random(30)]))
    G, S = W.conj().T @ A @ V, W.conj().T @ V
    Q, T = slowest(G, S, k, p)
    assert np.linalg.norm(Q.conj().T @ Q - np.eye(Q.shape[1])) < 1e-12
    np.testing.assert_allclose(A @ V @ T, W @ Q, atol=1e-10)
    theta, Z = scipy.linalg.eig(G.conj().T @ G, G.conj().T @ S)
    Z = Z[:, np.argsort(abs(theta))]
    theta = theta[np.argsort(abs(theta))]
    split = not complex_ and k > 1 and np.isclose(theta[k - 1], theta[k].conj()) and abs(theta[k].imag) > 0
    want = k - 1 if split else k + (not complex_ and k == 1 and theta[0].imag != 0)
    assert T.shape[1] == want
    angles = scipy.linalg.subspace_angles(V @ T + 0j, V @ Z[:, :want])
    assert angles.max() < 1e-6
    # By definition the residual of a harmonic Ritz pair is orthogonal to A V.
    z = V @ Z[:, 0]
    assert np.linalg.norm((A @ V).conj().T @ (A @ z - theta[0] * z)) < 1e-8 * np.linalg.norm(A @ z)


def test_a_conjugate_pair_is_never_split(rng):
    blocks = [
        np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]]) * s for t, s in ((1, 0.01), (2, 0.1))
    ]
    A = scipy.linalg.block_diag(*blocks, np.diag(np.linspace(1, 2, 36)))
    first = gcrodr(A, rng.standard_normal(40), rtol=1e-10, restart=12, k=3).check()
    assert first.recycle.k in (2, 3)
    assert first.recycle.dtype == float
    fits(A, first.recycle, 1e-10)
    lone = gcrodr(A, rng.standard_normal(40), rtol=1e-10, restart=12, k=1).check()
    assert lone.recycle.k == 2  # one of two would be no invariant subspace


def test_exact_directions_are_deflated(rng):
    """The rounding errors of A x are 1e-12 of b here: rtol is far above them."""
    d = np.concatenate([np.geomspace(1e-4, 1e-2, 6), rng.uniform(1, 2, 194)])
    X = rng.standard_normal((200, 200)) / 20 + np.eye(200)
    A = X @ np.diag(d) @ np.linalg.inv(X)
    b = rng.standard_normal(200)
    plain = gmres(A, b, rtol=1e-8, restart=30)
    U = X[:, :6].T
    C, R = np.linalg.qr(A @ U.T)
    space = RecycledSpace(np.linalg.solve(R.T, U), C.T.copy())
    result = gcrodr(A, b, rtol=1e-8, restart=30, k=6, recycle=space).check()
    assert result.nit < 30 < plain.nit


@pytest.mark.usefixtures("unexamined")
def test_the_same_system_twice_needs_no_products_for_the_space(rng):
    A, b = problem(rng, **HARD)
    first = gcrodr(Counted(A), b, rtol=1e-8).check()
    again = Counted(A)
    second = gcrodr(again, b, rtol=1e-8, recycle=first.recycle).check()
    assert again.count == second.products
    cycles = -(-second.nit // 20) + 1
    assert second.products <= second.nit + cycles + 2
    assert second.products < 0.6 * first.products
    np.testing.assert_allclose(A @ second.x, b, atol=1e-7 * np.linalg.norm(b))


@pytest.mark.usefixtures("unexamined")
def test_products_are_all_counted_when_the_matrix_changes(rng):
    A, b = problem(rng, **HARD)
    first = gcrodr(A, b, rtol=1e-8).check()
    changed = Counted(A + sp.diags_array(rng.uniform(0, 0.1, A.shape[0])))
    second = gcrodr(changed, b, rtol=1e-8, recycle=first.recycle).check()
    assert changed.count == second.products
    assert second.products >= second.nit + first.recycle.k
    fits(changed.to_sparse(), second.recycle, 1e-11)
    alone = gcrodr(changed, b, rtol=1e-8)
    assert second.products < alone.products


def test_a_change_that_the_first_step_cannot_detect_is_corrected(rng):
    A, b = problem(rng)
    space = gcrodr(A, b, rtol=1e-8).recycle
    stale = RecycledSpace(rng.standard_normal(space.shape), space.C)
    c = rng.standard_normal(len(b))
    c -= space.C.T @ (space.C @ c)  # the first step has length zero
    result = gcrodr(A, c, rtol=1e-8, recycle=stale).check()
    np.testing.assert_allclose(A @ result.x, c, atol=1e-7 * np.linalg.norm(c))


def test_directions_that_the_new_matrix_maps_to_zero_are_dropped(rng):
    line = sp.diags_array([-np.ones(199), np.r_[1, 2 * np.ones(198), 1], -np.ones(199)], offsets=[-1, 0, 1])
    A = line.tocsr()  # no boundary condition: constants are mapped to zero
    space = gcrodr(A + sp.eye_array(200), rng.standard_normal(200), rtol=1e-8, k=6, restart=20).recycle
    U = space.U.copy()
    U[1], U[2], U[3] = U[0], 0, 1  # dependent, zero, and what A maps to zero
    b = A @ rng.standard_normal(200)
    result = gcrodr(A, b, rtol=1e-8, k=6, restart=20, recycle=RecycledSpace(U, space.C)).check()
    fits(A, result.recycle, 1e-9)
    np.testing.assert_allclose(A @ result.x, b, atol=1e-7 * np.linalg.norm(b))


def test_a_zero_or_empty_space_is_ignored(rng):
    A, b = problem(rng)
    result = gcrodr(A, b, rtol=1e-8, recycle=RecycledSpace(np.zeros((3, len(b))), np.eye(3, len(b)))).check()
    assert result.nit <= gcrodr(A, b, rtol=1e-8).nit + 1
    empty = RecycledSpace(np.zeros((0, len(b))), np.zeros((0, len(b))))
    assert gcrodr(A, b, rtol=1e-8, recycle=empty).success


def test_larger_and_smaller_spaces_are_taken(rng):
    A, b = problem(rng)
    large = gcrodr(A, b, rtol=1e-8, restart=40, k=20).recycle
    for restart, k in ((8, 3), (12, 11), (60, 30)):
        result = gcrodr(A, b[::-1].copy(), rtol=1e-8, restart=restart, k=k, recycle=large).check()
        assert result.recycle.k <= k


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_small_systems(n, rng):
    A, x = rng.standard_normal((n, n)) + 3 * np.eye(n), rng.standard_normal(n)
    result = gcrodr(A, A @ x, rtol=1e-12).check()
    np.testing.assert_allclose(result.x, x, atol=1e-10)
    again = gcrodr(A, A @ x[::-1], rtol=1e-12, recycle=result.recycle).check()
    np.testing.assert_allclose(again.x, x[::-1], atol=1e-9)


def test_convergence_inside_the_first_cycle_keeps_what_there_is(rng):
    A = np.diag(np.repeat([1.0, 2.0, 5.0], 20)) + 0j
    result = gcrodr(A, rng.standard_normal(60) + 0j, rtol=1e-10).check()
    assert result.nit == 3
    assert 1 <= result.recycle.k <= 3
    fits(A, result.recycle, 1e-12)
    second = gcrodr(A, rng.standard_normal(60) + 0j, rtol=1e-10, recycle=result.recycle).check()
    assert second.nit <= 4
    nothing = gcrodr(A, np.zeros(60))
    assert nothing.success
    assert nothing.recycle is None


def test_stagnation_is_a_status(rng):
    A = np.roll(np.eye(30), 1, axis=0)
    with pytest.warns(ConvergenceWarning, match="stopped falling"):
        result = gcrodr(A, np.eye(30)[0], restart=6, k=2)
    assert result.status == Status.STAGNATED
    assert np.isfinite(result.recycle.U).all()


def test_a_singular_matrix_is_a_status():
    with pytest.warns(ConvergenceWarning, match="singular"):
        assert gcrodr(np.diag(np.ones(3), 1), np.eye(4)[0]).status == Status.SINGULAR


def test_later_columns_use_the_directions_of_earlier_ones(rng):
    A, _ = problem(rng, **HARD)
    B = rng.standard_normal((A.shape[0], 3))
    together = gcrodr(A, B, rtol=1e-8).check()
    alone = [gcrodr(A, B[:, c].copy(), rtol=1e-8) for c in range(3)]
    assert together.products < 0.8 * sum(r.products for r in alone)
    np.testing.assert_allclose(A @ together.x, B, atol=1e-6)
    fits(A, together.recycle, 1e-11)


def test_a_preconditioner_may_change_and_be_a_solve_itself(rng):
    A, b = problem(rng, shape=(30, 30))

    class Inner:
        shape, dtype, tolerance = A.shape, np.dtype(float), 0.5

        def __matmul__(self, v):
            Inner.tolerance *= 0.8
            return gmres(A, v, rtol=max(Inner.tolerance, 1e-2), restart=50).x

    result = gcrodr(A, b, rtol=1e-8, restart=6, k=2, M=Inner()).check()
    fits(A, result.recycle, 1e-11)
    np.testing.assert_allclose(A @ result.x, b, atol=1e-6)
    other = gcrodr(A, b, rtol=1e-8, recycle=result.recycle, M=sp.diags_array(1 / A.diagonal())).check()
    assert other.products < gcrodr(A, b, rtol=1e-8, M=sp.diags_array(1 / A.diagonal())).products


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_a_space_survives_scaling(scale, rng):
    A, b = problem(rng, **HARD)
    first = gcrodr(A * scale, b / scale, rtol=1e-8).check()
    fits(A * scale, first.recycle, 1e-11)
    second = gcrodr(A * scale, b / scale, rtol=1e-8, recycle=first.recycle).check()
    assert second.products < 0.6 * first.products


def test_an_interrupted_solve_returns_its_space(rng):
    A, b = problem(rng)

    def callback(x, norm):
        if norm < 1e-4 * np.linalg.norm(b):
            raise KeyboardInterrupt

    with pytest.raises(numsolve.Interrupted) as caught:
        gcrodr(A, b, rtol=1e-10, restart=10, k=4, callback=callback)
    fits(A, caught.value.result.recycle, 1e-11)


def test_bad_input(rng):
    A, b = problem(rng)
    space = gcrodr(A, b).recycle
    for k, restart, error in (
        (0, 4, ValueError),
        (4, 4, ValueError),
        (5, 4, ValueError),
        (2.0, 4, TypeError),
    ):
        with pytest.raises(error, match="k is"):
            gcrodr(A, b, k=k, restart=restart)
    with pytest.raises(ValueError, match=f"recycle holds vectors of length {len(b)}, but A needs 3"):
        gcrodr(np.eye(3), np.ones(3), recycle=space)
    with pytest.raises(TypeError, match="the attribute recycle of a result"):
        gcrodr(A, b, recycle=gcrodr(A, b))
    complex_ = RecycledSpace(space.U + 0j, space.C + 0j)
    with pytest.raises(TypeError, match="recycle is complex"):
        gcrodr(A, b, recycle=complex_)
    single = RecycledSpace(space.U.astype("f4"), space.C.astype("f4"))
    assert gcrodr(A, b, rtol=1e-8, recycle=single).check().recycle.dtype == float


def test_a_space_on_the_other_side_is_refused(cupy, rng):
    A, b = problem(rng)
    space = gcrodr(A, b).recycle
    with pytest.raises(TypeError, match="recycle"):
        gcrodr(*numsolve.to_device(A, b), recycle=space)


def test_storage(rng):
    import tracemalloc

    A, b = problem(rng, shape=(90, 90))
    gcrodr(A, b, rtol=0.5)
    vector = 8 * len(b)
    tracemalloc.start()
    for M, most in ((None, 40 + 20 + 6 + 2 * 20), (Csr(sp.eye_array(len(b)).tocsr()), 80 + 20 + 6 + 3 * 20)):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        with pytest.warns(ConvergenceWarning):
            gcrodr(Csr(A), b, rtol=1e-12, maxiter=90, M=M)
        assert (tracemalloc.get_traced_memory()[1] - before) / vector < most + 1
    tracemalloc.stop()
