"""GMRES alone."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import DTYPES

from numsolve import ConvergenceWarning, Status
from numsolve._linear.system import prepare
from numsolve._operators.operator import Dense
from numsolve.krylov import gcrodr, gmres
from numsolve.krylov._gmres import Arnoldi
from numsolve.problems import convection_diffusion


def arnoldi(A, m, stride, dtype, rng):
    """Run a cycle; return what is final of the basis, and coordinates of directions and of their images."""
    b = rng.standard_normal(len(A)).astype(dtype)
    cycle = Arnoldi(prepare(A, b, None, None, rtol=0, atol=0, maxiter=m), m, stored=False, stride=stride)
    cycle.restart(b)
    steps, live = cycle.steps(Dense(A), None, np.array([True]), np.vdot(b, b).real, abs), None
    for _ in range(m):
        steps.send(live)
        live = np.array([True])
    H, Y, _ = cycle.HYR
    return cycle.W[: m - 1], Y[: m - 3, : m - 1].T, H[: m - 3, : m - 1].T  # what pending rows do not touch


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("case", ["graded", "near the identity", "non-normal"])
def test_the_basis_stays_orthonormal_and_the_relation_holds(case, stride, dtype, rng):
    A = {
        # Ill-conditioned enough that one pass of classical Gram-Schmidt loses every digit.
        "graded": np.vander(np.linspace(0.1, 1, 40)) + np.diag(np.geomspace(1, 1e8, 40)),
        "near the identity": np.eye(40) + 1e-3 * rng.standard_normal((40, 40)),
        "non-normal": np.triu(rng.standard_normal((40, 40))) + 0.01 * rng.standard_normal((40, 40)),
    }[case].astype(dtype)
    if np.dtype(dtype).kind == "c":
        A = A + (1j * rng.standard_normal((40, 40)) * (1e-3 if case == "near the identity" else 1)).astype(
            dtype
        )
    W, Y, H = arnoldi(A, 24, stride, dtype, rng)
    tol = 500 * np.finfo(dtype).eps
    assert np.abs(W.conj() @ W.T - np.eye(len(W))).max() < tol
    images = A @ W.T @ Y
    assert (np.linalg.norm(images - W.T @ H, axis=0) < tol * np.linalg.norm(images, axis=0)).all()


def minimal_residuals(A, b, steps):
    """Return the smallest residual over each Krylov space, by dense least squares."""
    basis, norms = [b / np.linalg.norm(b)], [np.linalg.norm(b)]
    for _ in range(steps):
        Q = np.linalg.qr(np.array(basis).T)[0]
        y = np.linalg.lstsq(A @ Q, b)[0]
        norms.append(np.linalg.norm(b - A @ Q @ y))
        basis.append(A @ Q[:, -1])
    return np.array(norms)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_residuals_are_the_smallest_possible(dtype, rng):
    A = (np.eye(25) * 3 + rng.standard_normal((25, 25)) / 3).astype(dtype)
    if dtype == "complex128":
        A = A + 0.3j * rng.standard_normal((25, 25))
    b = rng.standard_normal(25).astype(dtype)
    result = gmres(A, b, rtol=1e-9, restart=25).check()
    np.testing.assert_allclose(result.residuals, minimal_residuals(A, b, result.nit), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize(
    ("restart", "maxiter"), [(1, 9), (2, 9), (5, 12), (6, 9), (7, 7), (60, 11), (60, 12)]
)
@pytest.mark.parametrize("M", [None, "diagonal"])
def test_iterates_are_those_of_single_steps(restart, maxiter, M, rng):
    A = convection_diffusion((9, 8), (20.0, 3.0)).toarray()
    b, d = rng.standard_normal(72), rng.uniform(0.5, 2, 72) if M else np.ones(72)
    x, norms = np.zeros(72), [np.linalg.norm(b)]
    while len(norms) <= maxiter:
        r, K = b - A @ x, []
        for _ in range(min(restart, maxiter + 1 - len(norms))):
            K.append(A @ (d * K[-1]) if K else r)
            Q = d[:, None] * np.linalg.qr(np.array(K).T)[0]
            step = Q @ np.linalg.lstsq(A @ Q, r)[0]
            norms.append(np.linalg.norm(r - A @ step))
        x = x + step
    with pytest.warns(ConvergenceWarning):
        result = gmres(A, b, rtol=1e-15, restart=restart, maxiter=maxiter, M=np.diag(d) if M else None)
    np.testing.assert_allclose(result.residuals, norms, rtol=1e-7)
    np.testing.assert_allclose(result.x, x, atol=1e-7 * np.abs(x).max())


def test_convergence_at_the_first_of_two_steps_costs_one_unused_product(rng):
    A = np.diag(np.r_[np.full(30, 2.0), np.full(30, 5.0), np.full(30, 9.0)])
    for kinds in (1, 2, 3):
        b = np.r_[np.ones(30 * kinds), np.zeros(90 - 30 * kinds)]
        assert gmres(A, b, rtol=1e-11).check().nit == kinds
        result = gcrodr(A, b, rtol=1e-11, restart=10, k=2).check()
        assert result.nit == kinds
        assert result.products == kinds + kinds % 2 + 2  # and two true residuals


def thin_step(n=12):
    """A matrix that maps the third basis vector almost into the space of the first three."""
    coupling = np.r_[1, 1, 1e-5, np.ones(n - 4)]
    return np.diag(np.full(n, 2.5)) + np.diag(coupling, 1) + np.diag(coupling, -1), np.eye(n)[0]


def test_one_step_at_a_time_where_two_lose_accuracy():
    A, b = thin_step()
    cycle = Arnoldi(prepare(A, b, None, None, rtol=0, atol=0, maxiter=12), 12, stored=False, stride=2)
    cycle.restart(b)
    steps, live, norms = cycle.steps(Dense(A), None, np.array([True]), 1.0, abs), None, [1.0]
    for _ in range(4):
        norms.append(steps.send(live)[1] ** 0.5)
        live = np.array([True])
    np.testing.assert_allclose(norms[:4], minimal_residuals(A, b, 3), rtol=1e-12)
    assert np.isnan(norms[4])
    with pytest.raises(StopIteration):  # so that the loop starts again
        steps.send(None)
    assert cycle.stride == 1
    result = gmres(A, b, rtol=1e-10).check()
    np.testing.assert_allclose(result.x, np.linalg.solve(A, b), atol=1e-9)
    assert (np.diff(result.residuals) <= 0).all()


def test_the_residual_never_rises(rng):
    A = convection_diffusion((16, 16), (60.0, 10.0))
    result = gmres(A, rng.standard_normal(256), rtol=1e-10, restart=12).check()
    assert result.nit > 36
    assert (np.diff(result.residuals) <= 1e-12 * result.residuals[0]).all()


def test_right_preconditioning_reports_the_true_residual(rng):
    A = convection_diffusion((12, 12), (30.0, 0.0))
    b = rng.standard_normal(144)
    M = sp.diags_array(rng.uniform(0.1, 10, 144))
    norms = []

    def callback(x, norm):
        norms.append((norm, np.linalg.norm(b - A @ x)))

    gmres(A, b, M=M, rtol=1e-8, callback=callback).check()
    np.testing.assert_allclose(*np.array(norms).T, rtol=1e-6)


@pytest.mark.parametrize("restart", [1, 2, 5, 1000])
def test_any_restart(restart, rng):
    A = np.eye(20) * 4 + rng.standard_normal((20, 20)) / 5
    x = rng.standard_normal(20)
    np.testing.assert_allclose(gmres(A, A @ x, restart=restart, rtol=1e-10).check().x, x, atol=1e-7)


@pytest.mark.parametrize(("restart", "error"), [(0, ValueError), (-3, ValueError), (2.0, TypeError)])
def test_bad_restart(restart, error):
    with pytest.raises(error, match="restart"):
        gmres(np.eye(2), np.ones(2), restart=restart)


def test_a_lucky_breakdown_is_the_solution(rng):
    A = np.diag([2.0, 2.0, 2.0, 5.0])
    result = gmres(A, np.array([1.0, 1.0, 1.0, 0.0]), rtol=1e-12).check()
    assert result.nit == 1
    assert gmres(A, np.ones(4), rtol=1e-12).check().nit == 2


def test_the_cyclic_shift_stagnates_until_the_last_step():
    A = np.roll(np.eye(8), 1, axis=0)
    assert gmres(A, np.eye(8)[0], restart=8).check().nit == 8
    with pytest.warns(ConvergenceWarning, match="stopped falling.*improve the preconditioner"):
        result = gmres(A, np.eye(8)[0], restart=4)
    assert result.status == Status.STAGNATED


def test_a_nilpotent_matrix_is_singular():
    A = np.diag(np.ones(3), 1)
    with pytest.warns(ConvergenceWarning):
        result = gmres(A, np.array([0.0, 0.0, 0.0, 1.0]))
    assert not result.success
    assert np.isfinite(result.x).all()
    with pytest.warns(ConvergenceWarning, match="singular"):
        assert gmres(A, np.eye(4)[0]).status == Status.SINGULAR


def test_watt_meets_the_residual_but_not_the_error(matrix):
    A = matrix("watt__1")
    with pytest.warns(ConvergenceWarning, match="rows of A differ much in size"):
        result = gmres(A, A @ np.ones(1856), rtol=1e-8).check()
    assert result.nit <= 8
    assert np.linalg.norm(result.x - 1) > 0.5 * np.sqrt(1856)


def test_one_product_an_iteration(rng):
    calls = []
    A = convection_diffusion((15, 15), (5.0, 5.0))

    def multiply(v):
        calls.append(1)
        return A @ v

    from scipy.sparse.linalg import LinearOperator

    result = gmres(
        LinearOperator(A.shape, multiply, dtype=float), rng.standard_normal(225), restart=10, rtol=1e-8
    )
    restarts = -(-result.nit // 10)
    assert len(calls) <= result.nit + restarts + 2


def test_storage_is_what_the_docstring_says(rng):
    A = convection_diffusion((90, 90), (5.0, 5.0))
    b, held = rng.standard_normal(8_100), []

    class Look:
        wants_x = False

        def __call__(self, x, norm):
            held.append(tracemalloc.get_traced_memory()[0])
            return len(held) == 5

    gmres(A, b, restart=10, callback=Look())
    held.clear()
    tracemalloc.start()
    try:
        gmres(A, b, restart=10, callback=Look())
    finally:
        tracemalloc.stop()
    assert 11 + 1 - 0.5 < held[-1] / b.nbytes < 11 + 1 + 0.5
