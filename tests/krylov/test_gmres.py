"""GMRES alone."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

from numsolve import ConvergenceWarning, Status
from numsolve.kernels import kernels_for
from numsolve.krylov import gmres
from numsolve.problems import convection_diffusion


def arnoldi(A, steps, kernels, dtype, rng):
    """Run the kernels as GMRES does; return the basis and the Hessenberg matrix."""
    n = A.shape[0]
    V = np.zeros((steps + 1, n), dtype)
    V[0] = rng.standard_normal(n)
    H, R, G, rot = (np.zeros((rows, steps + 2), dtype) for rows in (steps, steps, 2, 2))
    live = np.array([True])
    for j in range(steps):
        V[j + 1] = A @ V[j]
        ST = kernels.gmres_project(j, V)
        uu = kernels.gmres_advance(j, ST, V)
        kernels.gmres_residual(live, 0, True, j, ST, uu, H, R, G, rot)
    return V, H


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_the_basis_stays_orthonormal_and_the_relation_holds(dtype, rng):
    # Ill-conditioned enough that one pass of classical Gram-Schmidt loses every digit.
    A = (np.vander(np.linspace(0.1, 1, 40)) + np.diag(np.geomspace(1, 1e8, 40))).astype(dtype)
    if dtype == "complex128":
        A = A + 1j * rng.standard_normal((40, 40))
    V, H = arnoldi(A, 25, kernels_for(V := np.zeros(1)), dtype, rng)
    Q = V[:25]
    assert np.abs(Q.conj() @ Q.T - np.eye(25)).max() < 1e-13
    columns = H[:24, :25].T  # the last column is corrected by the step that does not come
    assert np.abs(A @ Q[:24].T - Q.T @ columns).max() < 1e-13 * np.abs(A).max()


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
    result = gmres(A, np.array([1.0, 1.0, 1.0, 0.0]), rtol=1e-14).check()
    assert result.nit == 1
    assert gmres(A, np.ones(4), rtol=1e-14).check().nit == 2


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
    result = gmres(A, A @ np.ones(1856), rtol=1e-8).check()
    assert result.nit <= 8
    assert np.linalg.norm(result.x - 1) > 0.5 * np.sqrt(1856)  # why solve() looks at rows, not at norms alone


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
    A = convection_diffusion((300, 300), (5.0, 5.0))
    b, held = rng.standard_normal(90_000), []

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
