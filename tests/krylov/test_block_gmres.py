"""GMRES for several right-hand sides at once."""

import gc
import tracemalloc
from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator
from support.tiers import extended

from numsolve import ConvergenceWarning, Interrupted, Status
from numsolve._operators.operator import Csr
from numsolve.kernels import home
from numsolve.krylov import block_gmres as gmres
from numsolve.precondition import ilu0, jacobi
from numsolve.problems import convection_diffusion

ALL = list(product([2, 3, 4, 5, 8, 11], ["float32", "float64", "complex64", "complex128"]))
QUICK = [(3, "float64"), (4, "float64")]  # kernels are compiled for each width


def norms(R):
    return np.linalg.norm(R, axis=0)


def block(n, k, dtype, rng):
    B = rng.standard_normal((n, k))
    return (B + 1j * rng.standard_normal((n, k)) if np.dtype(dtype).kind == "c" else B).astype(dtype)


def general(n, dtype, rng):
    """Return a matrix whose eigenvalues lie around 3."""
    return (3 * np.eye(n) + block(n, n, dtype, rng) / n**0.5).astype(dtype)


@pytest.fixture
def no_falling_back(monkeypatch):
    """Make sure that the block method itself does the work."""
    monkeypatch.delattr("numsolve._linear.columns._finish")


def minimal_residuals(A, B, steps, M):
    """Return the smallest residuals over the block Krylov spaces, by dense least squares, one row a step."""
    V, newest, found = np.zeros((len(B), 0), B.dtype), B, [norms(B)]
    for _ in range(steps):
        for _ in range(2):
            newest = newest - V @ (V.conj().T @ newest)
        newest = np.linalg.qr(newest)[0]
        V = np.hstack([V, newest])
        found.append(norms(B - A @ M @ V @ np.linalg.lstsq(A @ M @ V, B)[0]))
        newest = A @ M @ newest
    return np.array(found)


@pytest.mark.parametrize("dtype", ["float64", *extended("complex128")])
@pytest.mark.parametrize("with_M", [False, True])
def test_residuals_are_the_smallest_of_the_common_space(dtype, with_M, no_falling_back, rng):
    A, B = general(90, dtype, rng), block(90, 4, dtype, rng)
    M = np.diag(1 / rng.uniform(1, 4, 90)).astype(dtype)
    result = gmres(A, B, M=M if with_M else None, rtol=1e-9, restart=90).check()
    steps = int(np.isfinite(result.residuals).all(axis=1).sum()) - 2  # those at which no column had ended
    assert steps > 6
    best = minimal_residuals(A, B, steps, M if with_M else np.eye(90))
    np.testing.assert_allclose(result.residuals[: steps + 1], best, rtol=1e-6)


@pytest.mark.parametrize(("k", "dtype"), [*QUICK, *extended(*(pair for pair in ALL if pair not in QUICK))])
@pytest.mark.parametrize("with_M", [False, True])
def test_error_and_residual_against_the_known_solution(k, dtype, with_M, no_falling_back, rng):
    A, X = general(80, dtype, rng), block(80, k, dtype, rng)
    rtol = 1e-4 if np.finfo(dtype).eps > 1e-10 else 1e-11
    result = gmres(A, A @ X, M=jacobi(A) if with_M else None, rtol=rtol, restart=7).check()
    assert result.x.dtype == dtype
    assert (norms(A @ (result.x - X)) <= 1.1 * rtol * norms(A @ X)).all()
    assert (norms(result.x - X) <= 100 * rtol * norms(X)).all()


@pytest.mark.parametrize("dtype", ["float64", *extended("complex128")])
def test_the_basis_stays_orthonormal_and_the_relation_holds(dtype, rng):
    """On a matrix ill-conditioned enough that one pass of Gram-Schmidt loses every digit."""
    n, p, m = 60, 4, 9
    A = (np.vander(np.linspace(0.1, 1, n)) + np.diag(np.geomspace(1, 1e8, n))).astype(dtype)
    kernels, V = home("cpu"), np.zeros((m + 1, n, p), dtype)
    shapes = (m, (m + 1) * p, p), (m, (m + 1) * p, p), (m, 2 * p, 2 * p), (m + 1, p, 1), (m, p, 1)
    H, R, Q, E, G = (np.zeros(shape, dtype) for shape in shapes)
    C, L = np.zeros((p, p), dtype), np.zeros((p, p), dtype)
    V[0] = block(n, p, dtype, rng) / n**0.5  # nearly orthonormal will do
    for j in range(m):
        V[j + 1] = A @ V[j]
        ST = kernels.block_project(j, V)
        kernels.block_correct(np.ones(1, bool), j, ST, L, H, R, Q, E, G, C)
        F = kernels.block_advance(j, ST, C, V)
        kernels.block_reduce(j, F, H, R, Q, E, G, L, C)
        kernels.block_transform(C, V[j + 1])
    W = V[:m].transpose(1, 0, 2).reshape(n, -1)
    assert np.abs(W.conj().T @ W - np.eye(m * p)).max() < 1e-13
    columns = H[: m - 1, : m * p].transpose(1, 0, 2).reshape(m * p, -1)
    assert np.abs(A @ W[:, :-p] - W @ columns).max() < 1e-13 * np.abs(A).max()


def test_the_callback_is_shown_iterates_and_true_norms(no_falling_back, rng):
    A, B = convection_diffusion((15, 15), (20.0, 5.0)), block(225, 4, float, rng)
    start = np.zeros((225, 4))
    start[:, 2] = np.linalg.solve(A.toarray(), B[:, 2]) + 1e-6 * rng.standard_normal(225)
    seen = []

    def callback(X, reported):
        seen.append((X, reported.copy()))
        np.testing.assert_allclose(reported, norms(B - A @ X), rtol=1e-5, atol=1e-12 * norms(B).max())

    result = gmres(A, B, start, M=jacobi(A), rtol=1e-8, restart=12, callback=callback).check()
    assert len(seen) == result.nit
    rest = int(np.isfinite(result.residuals[:, 2]).sum()) - 1
    assert 1 <= rest < result.nit - 8  # it ended early, and was left alone
    for X, _ in seen[rest:]:
        np.testing.assert_allclose(X[:, 2], seen[rest - 1][0][:, 2], rtol=1e-12, atol=1e-13)


DEPENDENT = {
    "equal": lambda A, B: B[:, [0, 0, 1, 0]],
    "multiples": lambda A, B: B[:, [0, 0, 0]] * [1, -3, 1e-9],
    "a sum": lambda A, B: np.column_stack([B[:, 0], B[:, 1], B[:, 0] + B[:, 1]]),
    "nearly equal": lambda A, B: np.column_stack(
        [B[:, 0], B[:, 0] + 1e-7 * B[:, 1], B[:, 0] + 1e-13 * B[:, 2]]
    ),
    "zero": lambda A, B: B[:, :4] * [0, 1, 0, 1],
    "all zero": lambda A, B: 0 * B[:, :3],
    "all but one zero": lambda A, B: B[:, :3] * [0, 1, 0],
    "in small invariant spaces": lambda A, B: np.linalg.eig(A)[1].real[:, :4],
    "each the product of the last": lambda A, B: np.column_stack([B[:, 0], A @ B[:, 0], A @ (A @ B[:, 0])]),
    "nearly each the product of the last": lambda A, B: np.column_stack(
        [B[:, 0], A @ B[:, 0] + 1e-9 * B[:, 1], A @ (A @ B[:, 0]) + 1e-12 * B[:, 2]]
    ),
}
MANY = {"more than rows": lambda A, B: B[:, np.arange(170) % 9] + np.arange(170) * B[:, :1]}


@pytest.mark.parametrize("case", [*DEPENDENT, *extended("more than rows")])
@pytest.mark.parametrize("with_M", [False, True])
def test_dependent_columns(case, with_M, no_falling_back, rng):
    A = general(80, float, rng)
    B = np.ascontiguousarray((DEPENDENT | MANY)[case](A, block(80, 9, float, rng)))
    M = np.diag(1 / rng.uniform(1, 4, 80)) if with_M else None
    result = gmres(A, B, M=M, rtol=1e-10).check()
    assert (norms(B - A @ result.x) <= 1e-10 * norms(B)).all()
    assert result.nit <= 45


def test_a_space_that_closes_for_some_columns_goes_on_for_the_others(no_falling_back, rng):
    Q = np.linalg.qr(rng.standard_normal((60, 60)))[0]
    small, large = np.diag(rng.uniform(1, 2, 3)), 3 * np.eye(57) + rng.standard_normal((57, 57)) / 7
    A = Q @ sp.block_diag([small, large]).toarray() @ Q.T
    B = Q @ np.vstack([rng.standard_normal((3, 4)), np.zeros((57, 4))])  # closes after one or two steps
    B[:, 1] += Q[:, 3:] @ rng.standard_normal(57)
    result = gmres(A, B, rtol=1e-11, restart=60).check()
    assert (norms(B - A @ result.x) <= 1e-11 * norms(B)).all()
    assert np.isfinite(result.residuals[:, 0]).sum() <= 4
    assert result.nit >= 15


@pytest.mark.parametrize(("n", "k"), [(1, 4), (3, 4), *extended((2, 7), (5, 7))])
def test_more_columns_than_rows(n, k, no_falling_back, rng):
    A, B = general(n, float, rng), block(n, k, float, rng)
    result = gmres(A, B, rtol=1e-11).check()
    assert result.nit <= 2
    np.testing.assert_allclose(A @ result.x, B, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("restart", [1, 2, 5, 1000])
def test_any_restart(restart, no_falling_back, rng):
    A, X = 4 * np.eye(20) + rng.standard_normal((20, 20)) / 5, block(20, 3, float, rng)
    np.testing.assert_allclose(gmres(A, A @ X, restart=restart, rtol=1e-10).check().x, X, atol=1e-7)


@pytest.mark.parametrize("powers", [(-150, 0, 150), (0, 8, -8), (-300, -290, 300)])
def test_columns_of_very_different_size(powers, no_falling_back, rng):
    A, X = convection_diffusion((9, 9), (5.0, 2.0)), block(81, 3, float, rng)
    scale = 10.0 ** np.array(powers)
    result = gmres(A, (A @ X) * scale, rtol=1e-10).check()
    np.testing.assert_allclose(result.x / scale, X, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(result.residuals[0] / scale, norms(A @ X), rtol=1e-10)


def test_a_column_alone_is_gmres(rng):
    A, b = convection_diffusion((12, 12), (9.0, 3.0)), rng.standard_normal(144)
    alone, column = gmres(A, b, rtol=1e-9), gmres(A, b[:, None], rtol=1e-9)
    np.testing.assert_array_equal(column.x[:, 0], alone.x)
    np.testing.assert_array_equal(column.residuals[:, 0], alone.residuals)


def test_equal_columns_take_one_column_of_the_block(no_falling_back, rng):
    A, b = convection_diffusion((12, 12), (9.0, 3.0)), rng.standard_normal(144)
    alone, equal = gmres(A, b, rtol=1e-9), gmres(A, np.outer(b, [1, -2, 3]), rtol=1e-9)
    assert equal.nit == pytest.approx(alone.nit, abs=1)
    both = min(equal.nit, alone.nit)
    np.testing.assert_allclose(equal.residuals[:both, 1] / 2, alone.residuals[:both], rtol=1e-6)


def widths(monkeypatch):
    """Record the width of each product with a block."""
    seen, product = [], Csr.apply_block

    def apply_block(self, X, out):
        seen.append(X.shape[1])
        return product(self, X, out)

    monkeypatch.setattr(Csr, "apply_block", apply_block)
    return seen


def test_one_pass_over_the_matrix_an_iteration(monkeypatch, rng):
    seen = widths(monkeypatch)
    A = convection_diffusion((20, 20), (5.0, 5.0))
    result = gmres(A, block(400, 4, float, rng), rtol=1e-8, restart=15).check()
    assert seen.count(4) >= 15
    assert len(seen) <= result.nit + -(-result.nit // 15) + 3  # residuals at starts and at the end


def test_the_block_narrows_at_a_restart(monkeypatch, rng):
    seen = widths(monkeypatch)
    A, B = convection_diffusion((20, 20), (5.0, 5.0)), block(400, 4, float, rng)
    start = np.linalg.solve(A.toarray(), B) + 1e-7 * rng.standard_normal((400, 4))
    start[:, 2] = 0
    start[:, 3] = start[:, 1]
    B[:, 3] = B[:, 1]
    result = gmres(A, B, start, rtol=1e-8, restart=10).check()
    assert seen[1] == 3  # two columns are equal
    assert 1 in seen
    assert (norms(B - A @ result.x) <= 1e-8 * norms(B)).all()


@pytest.mark.parametrize(("rtol", "width"), [(1e-3, 1), (1e-7, 2)])
def test_differences_below_the_tolerance_take_no_column_of_the_block(rtol, width, monkeypatch, rng):
    seen = widths(monkeypatch)
    A, B = convection_diffusion((20, 20), (5.0, 5.0)), block(400, 2, float, rng)
    B[:, 1] = B[:, 0] + 1e-6 * B[:, 1]
    gmres(A, B, rtol=rtol).check()
    assert seen[1] == width


def test_columns_of_a_linear_operator(rng):
    A, B = convection_diffusion((10, 10), (5.0, 5.0)), block(100, 3, float, rng)
    calls = []
    operator = LinearOperator(A.shape, lambda v: calls.append(1) or A @ v, dtype=float)
    result = gmres(operator, B, rtol=1e-8, restart=100).check()
    assert len(calls) == 3 * (result.nit + 2)  # residuals at start and exit
    np.testing.assert_allclose(A @ result.x, B, atol=1e-6)


def test_fewer_iterations_than_the_columns_alone(rng):
    A = convection_diffusion((32, 32), (20.0, 10.0))
    B = block(1024, 4, float, rng)
    alone = [gmres(A, b, rtol=1e-8, restart=100).check().nit for b in B.T]
    assert gmres(A, B, rtol=1e-8, restart=100).check().nit < 0.9 * min(alone)


def test_a_singular_matrix(rng):
    A = np.diag([1.0, 2.0, 3.0, 0.0])
    with pytest.warns(ConvergenceWarning, match="of 2 columns"):
        result = gmres(A, np.ones((4, 2)) + np.eye(4)[:, :2])
    assert not result.success
    assert np.isfinite(result.x).all()
    B = np.array([[1.0, 2.0, 3.0, 0.0], [3.0, 1.0, 1.0, 0.0]]).T
    with pytest.warns(ConvergenceWarning, match="almost singular"):
        result = gmres(A, B).check()
    np.testing.assert_allclose(A @ result.x, B, atol=1e-5)
    with pytest.warns(ConvergenceWarning, match="2 of 3 columns, first 0: .*singular"):
        result = gmres(np.diag(np.ones(3), 1), np.eye(4)[:, [0, 3, 0]] * [1, 0, 1])
    assert result.status == Status.SINGULAR


def test_a_shift_stagnates_until_the_space_is_full(no_falling_back):
    """Each step gains one direction: the other column of the block is already there."""
    A, B = np.roll(np.eye(12), 1, axis=0), np.eye(12)[:, :2]
    assert gmres(A, B, restart=12).check().nit <= 12


def test_a_restart_that_gains_nothing_stagnates():
    with pytest.warns(ConvergenceWarning, match="stopped falling"):
        assert gmres(np.roll(np.eye(12), 1, axis=0), np.eye(12)[:, :2], restart=4).status == Status.STAGNATED


def test_an_operator_that_returns_nan():
    operator = LinearOperator((9, 9), lambda v: v * np.nan, dtype=float)
    with pytest.warns(ConvergenceWarning, match="2 of 2 columns, first 0: .* not finite"):
        result = gmres(operator, np.ones((9, 2)))
    assert result.status == Status.NONFINITE
    assert np.isfinite(result.x).all()


def test_an_unreachable_tolerance_stagnates(rng):
    A, X = general(50, float, rng), block(50, 3, float, rng)
    with pytest.warns(ConvergenceWarning, match="stopped falling"):
        result = gmres(A, A @ X, rtol=0.0, maxiter=5000)
    assert result.status == Status.STAGNATED
    assert (norms(A @ (X - result.x)) < 1e-13 * norms(A @ X)).all()


def test_maxiter_counts_block_iterations(rng):
    A, B = convection_diffusion((20, 20), (5.0, 5.0)), block(400, 3, float, rng)
    with pytest.warns(ConvergenceWarning, match="3 of 3 columns, first 0: maxiter"):
        result = gmres(A, B, maxiter=7, restart=5)
    assert result.nit == 7
    np.testing.assert_allclose(result.residuals[-1], norms(B - A @ result.x), rtol=1e-10)


def test_an_interrupt_keeps_the_last_iterate(rng):
    A, B = convection_diffusion((20, 20), (5.0, 5.0)), block(400, 3, float, rng)
    seen = []

    def callback(X, reported):
        seen.append(X.copy())
        if len(seen) == 5:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        gmres(A, B, callback=callback)
    assert caught.value.result.nit == 5
    np.testing.assert_array_equal(caught.value.result.x, seen[-1])


@pytest.mark.parametrize(("with_M", "besides"), [(False, 1), (True, 2)])
def test_storage_is_what_the_docstring_says(with_M, besides, rng):
    A = convection_diffusion((45, 45), (5.0, 5.0))
    B, held = block(2_025, 4, float, rng), []
    M = ilu0(A) if with_M else None

    class Look:
        wants_x = False

        def __call__(self, x, norm):
            held.append(tracemalloc.get_traced_memory()[0])
            return len(held) == 5

    gmres(A, B, M=M, restart=10, callback=Look())
    held.clear()
    tracemalloc.start()
    try:
        gmres(A, B, M=M, restart=10, callback=Look())
    finally:
        tracemalloc.stop()
    small = 3 * (11 * 4) ** 2 * B.itemsize  # the Hessenberg matrix, its triangle and the rotations
    assert 11 + besides - 0.5 < (held[-1] - small) / B.nbytes < 11 + besides + 0.5


def test_the_memory_of_the_basis_is_freed_with_the_result(one_thread, rng):
    A, B = convection_diffusion((90, 90), (5.0, 5.0)), block(8_100, 4, float, rng)
    gmres(A, B, restart=10, rtol=0.1)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        result = gmres(A, B, restart=10, rtol=0.1).check()
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        gc.enable()
    assert held < 1.5 * result.x.nbytes
