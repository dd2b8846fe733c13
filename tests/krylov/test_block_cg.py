"""Conjugate gradients for several right-hand sides at once."""

import tracemalloc
from itertools import product

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator
from support.tiers import extended

from numsolve import ConvergenceWarning, Interrupted, Progress, Status
from numsolve._operators.operator import Csr
from numsolve.krylov import cg
from numsolve.precondition import amg, jacobi
from numsolve.problems import diffusion, poisson

ALL = list(product([2, 3, 4, 5, 8, 11], ["float32", "float64", "complex64", "complex128"]))
QUICK = [(3, "float64"), (4, "float64"), (2, "complex128")]  # kernels are compiled for each width


def norms(R):
    return np.linalg.norm(R, axis=0)


def block(n, k, dtype, rng):
    B = rng.standard_normal((n, k))
    return (B + 1j * rng.standard_normal((n, k)) if np.dtype(dtype).kind == "c" else B).astype(dtype)


def definite(n, dtype, rng, condition=100.0):
    Q = np.linalg.qr(block(n, n, dtype, rng))[0]
    A = (Q * np.geomspace(1, condition, n)) @ Q.conj().T
    return ((A + A.conj().T) / 2).astype(dtype)


@pytest.fixture
def no_falling_back(monkeypatch):
    """Make sure that the block method itself does the work."""
    monkeypatch.delattr("numsolve._linear.columns._finish")


def galerkin(A, B, steps, M=None):
    """Return the iterates that minimise the error in the energy norm over the block Krylov spaces."""
    Z = B if M is None else M @ B
    V, newest, iterates = np.zeros((len(B), 0)), Z, []
    for _ in range(steps):
        for _ in range(2):
            newest = newest - V @ (V.T @ newest)
        newest = np.linalg.qr(newest)[0]
        V = np.hstack([V, newest])
        iterates.append(V @ np.linalg.solve(V.T @ (A @ V), V.T @ B))
        newest = A @ newest if M is None else M @ (A @ newest)
    return iterates


@pytest.mark.parametrize("with_M", [False, True])
def test_iterates_are_the_best_of_the_common_space(with_M, no_falling_back, rng):
    A, B = poisson((15, 15)), block(225, 4, float, rng)
    M = np.diag(1 / rng.uniform(1, 4, 225)) if with_M else None
    seen = []
    cg(A, B, M=M, rtol=1e-8, callback=lambda X, _: seen.append(X.copy())).check()
    for mine, best in zip(seen[:18], galerkin(A, B, 18, M), strict=True):
        np.testing.assert_allclose(mine, best, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("k", "dtype"), [*QUICK, *extended(*(pair for pair in ALL if pair not in QUICK))])
@pytest.mark.parametrize("with_M", [False, True])
def test_error_and_residual_against_the_known_solution(k, dtype, with_M, no_falling_back, rng):
    A, X = definite(80, dtype, rng), block(80, k, dtype, rng)
    rtol = 1e-4 if np.finfo(dtype).eps > 1e-10 else 1e-11
    result = cg(A, A @ X, M=jacobi(A) if with_M else None, rtol=rtol).check()
    assert result.x.dtype == dtype
    assert (norms(A @ (result.x - X)) <= 1.1 * rtol * norms(A @ X)).all()
    assert (norms(result.x - X) <= 100 * rtol * norms(X)).all()


@pytest.mark.parametrize(("shape", "want"), [((32, 32), (101, 71)), ((12, 12, 12), (49, 43))])
def test_pinned_iteration_counts(shape, want, rng):
    A = poisson(shape)
    B = block(A.shape[0], 4, float, rng)
    alone = np.mean([cg(A, b, rtol=1e-8).check().nit for b in B.T])
    assert (alone, cg(A, B, rtol=1e-8).check().nit) == pytest.approx(want, rel=0.05)


@pytest.mark.parametrize("preconditioner", [None, jacobi, amg])
def test_reported_norms_are_the_true_ones_at_every_iteration(preconditioner, rng):
    A = diffusion(10 ** rng.uniform(-1, 1, (20, 20)))
    B = block(400, 4, float, rng)
    M = preconditioner and preconditioner(A)
    seen = []

    def callback(X, reported):
        seen.append(reported.copy())
        np.testing.assert_allclose(reported, norms(B - A @ X), rtol=1e-5, atol=1e-13 * norms(B).max())

    result = cg(A, B, M=M, rtol=1e-9, callback=callback).check()
    assert len(seen) == result.nit
    np.testing.assert_allclose(np.nanmax(result.residuals[1:-1] / seen[:-1], axis=0), 1, rtol=1e-4)


def test_a_column_that_converged_is_left_alone_and_padded(rng):
    A, B = poisson((20, 20)), block(400, 4, float, rng)
    start = np.zeros((400, 4))
    start[:, 1] = np.linalg.solve(A.toarray(), B[:, 1]) + 1e-6 * rng.standard_normal(400)
    seen = []
    result = cg(A, B, start, rtol=1e-7, callback=lambda X, _: seen.append(X[:, 1].copy())).check()
    steps = int(np.isfinite(result.residuals[:, 1]).sum()) - 1
    assert 1 <= steps < result.nit - 10
    assert np.isnan(result.residuals[steps + 1 :, 1]).all()
    for x in seen[steps:]:
        assert np.array_equal(x, seen[steps - 1])
    assert result.residuals[steps, 1] == pytest.approx(norms(B - A @ result.x)[1], rel=1e-7)


def eigenvectors(A):
    return np.linalg.eigh(A.toarray())[1]


DEPENDENT = {
    "equal": lambda A, B: B[:, [0, 0, 1, 0]],
    "multiples": lambda A, B: B[:, [0, 0, 0]] * [1, -3, 1e-9],
    "a sum": lambda A, B: np.column_stack([B[:, 0], B[:, 1], B[:, 0] + B[:, 1]]),
    "nearly equal": lambda A, B: np.column_stack(
        [B[:, 0], B[:, 0] + 1e-9 * B[:, 1], B[:, 0] + 1e-13 * B[:, 2]]
    ),
    "zero": lambda A, B: B[:, :4] * [0, 1, 0, 1],
    "all zero": lambda A, B: 0 * B[:, :3],
    "all but one zero": lambda A, B: B[:, :3] * [0, 1, 0],
    "an eigenvector": lambda A, B: np.column_stack([eigenvectors(A)[:, 3], B[:, 0], B[:, 1]]),
    "eigenvectors": lambda A, B: eigenvectors(A)[:, :4],
    "sums of eigenvectors": lambda A, B: eigenvectors(A)[:, :16].reshape(-1, 4, 4).sum(axis=2),
    "each the product of the last": lambda A, B: np.column_stack([B[:, 0], A @ B[:, 0], A @ (A @ B[:, 0])]),
}
MANY = {"more than rows": lambda A, B: B[:, np.arange(300) % 9] + np.arange(300) * B[:, :1]}


@pytest.mark.parametrize("case", [*DEPENDENT, *extended("more than rows")])
@pytest.mark.parametrize("with_M", [False, True])
def test_dependent_columns(case, with_M, no_falling_back, rng):
    A = poisson((12, 12))
    B = np.ascontiguousarray((DEPENDENT | MANY)[case](A, block(144, 9, float, rng)))
    M = np.diag(1 / rng.uniform(1, 4, 144)) if with_M else None
    result = cg(A, B, M=M, rtol=1e-9).check()
    assert (norms(B - A @ result.x) <= 1e-9 * norms(B)).all()
    assert np.isfinite(result.x).all()


@pytest.mark.parametrize("k", [4, *extended(7)])
def test_more_columns_than_rows_in_one_block(k, no_falling_back, rng):
    A = np.diag([1.0, 2.0, 5.0])
    B = block(3, k, float, rng)
    result = cg(A, B, rtol=1e-9).check()
    assert result.nit == 1
    np.testing.assert_allclose(A @ result.x, B, atol=1e-8 * norms(B).max())


@pytest.mark.parametrize("powers", [(-150, 0, 150), (0, 8, -8), (-300, -290, 300), (-30, 30, 0)])
def test_columns_of_very_different_size(powers, no_falling_back, rng):
    A, X = poisson((9, 9)), block(81, 3, float, rng)
    scale = 10.0 ** np.array(powers)
    result = cg(A, (A @ X) * scale, rtol=1e-10).check()
    np.testing.assert_allclose(result.x / scale, X, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(result.residuals[0] / scale, norms(A @ X), rtol=1e-10)


@pytest.mark.parametrize("power", [-150, 150])
def test_a_matrix_of_extreme_size(power, no_falling_back, rng):
    A, X = poisson((9, 9)), block(81, 3, float, rng)
    for M in (None, jacobi(A * 10.0**power)):
        result = cg(A * 10.0**power, A @ X, M=M, rtol=1e-10).check()
        np.testing.assert_allclose(result.x * 10.0**power, X, rtol=1e-7, atol=1e-8)


def test_an_ill_conditioned_system_with_columns_that_end_at_different_times(no_falling_back, rng):
    d = np.sqrt(10.0 ** rng.uniform(-2, 2, 900))
    A = poisson((30, 30)).multiply(d[:, None]).multiply(d).tocsr()
    X = block(900, 4, float, rng)
    X[:, :2] /= d[:, None]
    result = cg(A, A @ X, rtol=1e-9).check()
    assert (norms(A @ (X - result.x)) <= 1e-9 * norms(A @ X)).all()
    assert result.nit < min(cg(A, A @ x, rtol=1e-9).nit for x in X.T)


def widths(monkeypatch):
    """Record the width of each product with a block."""
    seen, product = [], Csr.apply_gram

    def apply_gram(self, X, out):
        seen.append(X.shape[1])
        return product(self, X, out)

    monkeypatch.setattr(Csr, "apply_gram", apply_gram)
    return seen


def test_one_pass_over_the_matrix_an_iteration(monkeypatch, rng):
    seen = widths(monkeypatch)
    A = poisson((20, 20))
    result = cg(A, block(400, 4, float, rng), rtol=1e-8).check()
    assert seen == [4] * result.nit


def test_the_block_shrinks_when_few_columns_are_left(monkeypatch, rng):
    seen = widths(monkeypatch)
    A, B = poisson((20, 20)), block(400, 4, float, rng)
    start = np.linalg.solve(A.toarray(), B) + 1e-7 * rng.standard_normal((400, 4))
    start[:, 2] = 0
    result = cg(A, B, start, rtol=1e-8).check()
    assert set(seen) == {4, 1}
    assert (norms(B - A @ result.x) <= 1e-8 * norms(B)).all()
    assert np.isfinite(result.residuals[:, 2]).all()


def test_columns_of_a_linear_operator(rng):
    A, B = poisson((10, 10)), block(100, 3, float, rng)
    calls = []
    operator = LinearOperator(A.shape, lambda v: calls.append(1) or A @ v, dtype=float)
    result = cg(operator, B, rtol=1e-8).check()
    assert len(calls) == 3 * (result.nit + 2) + 2  # residuals at start and exit, symmetry
    np.testing.assert_allclose(A @ result.x, B, atol=1e-6)


def test_an_indefinite_matrix_is_named(rng):
    A = np.diag(np.r_[np.ones(30), -1.0])
    B = block(31, 3, float, rng)
    B[30, 1:] = 0
    with pytest.warns(ConvergenceWarning, match=r"1 of 3 columns, first 0: p\^H A p = .* A is not positive"):
        result = cg(A, B)
    assert result.status == Status.BREAKDOWN
    assert np.isfinite(result.x).all()
    np.testing.assert_allclose((A @ result.x)[:, 1:], B[:, 1:], atol=1e-4)
    with pytest.warns(ConvergenceWarning, match=r"3 of 3 columns, first 0: r\^H M r"):
        cg(np.eye(31), B, M=-np.eye(31))


def test_a_singular_matrix(rng):
    A = np.diag([1.0, 2.0, 3.0, 0.0])
    with pytest.warns(ConvergenceWarning, match="of 2 columns"):
        assert not cg(A, np.ones((4, 2)) + np.eye(4)[:, :2]).success
    B = np.array([[1.0, 2.0, 3.0, 0.0], [3.0, 1.0, 1.0, 0.0]]).T
    np.testing.assert_allclose(A @ cg(A, B).check().x, B, atol=1e-5)


def test_an_operator_that_returns_nan(rng):
    operator = LinearOperator((9, 9), lambda v: v * np.nan, dtype=float)
    with pytest.warns(ConvergenceWarning, match="2 of 2 columns, first 0: .* not finite"):
        result = cg(operator, np.ones((9, 2)))
    assert result.status == Status.NONFINITE
    assert np.isfinite(result.x).all()


def test_an_unreachable_tolerance_stagnates(rng):
    A = definite(50, float, rng, condition=1e3)
    B = A @ block(50, 3, float, rng)
    with pytest.warns(ConvergenceWarning, match="stopped falling"):
        result = cg(A, B, rtol=0.0, maxiter=5000)
    assert result.status == Status.STAGNATED
    assert (norms(B - A @ result.x) < 1e-11 * norms(B)).all()


def test_maxiter_counts_block_iterations(rng):
    A, B = poisson((20, 20)), block(400, 3, float, rng)
    with pytest.warns(ConvergenceWarning, match="3 of 3 columns, first 0: maxiter"):
        result = cg(A, B, maxiter=7)
    assert result.nit == 7
    np.testing.assert_allclose(result.residuals[-1], norms(B - A @ result.x), rtol=1e-10)


def test_callback_stops_and_progress_shows_the_largest(rng, capsys):
    A, B = poisson((20, 20)), block(400, 3, float, rng)
    result = cg(A, B, callback=lambda X, _: X.any())
    assert result.status == Status.STOPPED
    assert result.nit == 1
    with Progress(rtol=1e-5) as bar:
        cg(A, B, callback=bar).check()
    assert "its" in capsys.readouterr().err


def test_an_interrupt_keeps_the_last_iterate(rng):
    A, B = poisson((20, 20)), block(400, 3, float, rng)
    seen = []

    def callback(X, reported):
        seen.append(X.copy())
        if len(seen) == 5:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        cg(A, B, callback=callback)
    result = caught.value.result
    assert result.nit == 5
    assert np.array_equal(result.x, seen[-1])
    assert result.message.startswith("3 of 3 columns")


@pytest.mark.parametrize(("with_M", "blocks"), [(False, 4), (True, 5)])
def test_storage_is_what_the_docstring_says(with_M, blocks, rng):
    A = poisson((45, 45))
    B, M = block(2_025, 4, float, rng), jacobi(A) if with_M else None
    held = []

    def callback(X, _):
        held.append(tracemalloc.get_traced_memory()[0])
        return len(held) == 5

    cg(A, B, M=M, callback=callback)
    held.clear()
    tracemalloc.start()
    try:
        cg(A, B, M=M, callback=callback)
    finally:
        tracemalloc.stop()
    assert blocks - 0.5 < held[-1] / B.nbytes < blocks + 0.7
