"""Relaxation of blocks of rows against dense splittings."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from support.splittings import assert_close, dominant, random
from support.tiers import extended

from numsolve import ConvergenceWarning
from numsolve.problems import poisson
from numsolve.relaxation import gauss_seidel, jacobi, sor


def block_splitting(A, size, omega, order=None, jacobi=False):
    """Return the error operator of a sweep over blocks, in an order of them, as a dense matrix."""
    A, n = A.toarray().astype(complex), A.shape[0]
    block = np.arange(n) // size
    when = np.arange(n // size + 1) if order is None else np.argsort(order)
    when = when[block]
    kept = A * (when[:, None] == when) / omega
    if not jacobi:
        kept = kept + A * (when[:, None] > when)
    return np.eye(n) - np.linalg.solve(kept, A)


@pytest.mark.parametrize("dtype", ["float64", *extended("float32", "complex64", "complex128")])
@pytest.mark.parametrize("size", [1, 4, 50])
def test_blocks_are_their_splittings(dtype, size, rng):
    A, x = dominant(rng, 31, dtype), random(rng, 31, dtype)
    count = -(-31 // size)
    for method, options, T in (
        (jacobi, {"omega": 0.8}, block_splitting(A, size, 0.8, jacobi=True)),
        (gauss_seidel, {}, block_splitting(A, size, 1.0)),
        (sor, {"omega": 1.2}, block_splitting(A, size, 1.2)),
        (
            sor,
            {"omega": 1.2, "reverse": True},
            block_splitting(A, size, 1.2, np.arange(count)[::-1]),
        ),
    ):
        with warnings.catch_warnings(action="ignore"):
            result = method(A, A @ x, block_size=size, maxiter=3, rtol=0, **options)
        want = x - np.linalg.matrix_power(T, result.nit) @ x
        assert_close(result.x, want)
        left = np.linalg.norm(A @ (x - want))
        assert abs(result.residuals[-1] - left) < 2000 * np.finfo(dtype).eps * result.residuals[0]


def test_coloured_blocks(rng):
    A, x = sp.csr_array(poisson((8, 9)) + 0.1 * sp.eye_array(72)), rng.standard_normal(72)
    with pytest.warns(ConvergenceWarning):
        result = sor(A, A @ x, block_size=9, colours="greedy", maxiter=3, rtol=0, omega=1.3)
    assert result.colours.tolist() == [0, 1, 0, 1, 0, 1, 0, 1]  # lines of the grid, alternating
    T = block_splitting(A, 9, 1.3, np.argsort(result.colours, kind="stable"))
    assert_close(result.x, x - np.linalg.matrix_power(T, 3) @ x)
    with pytest.raises(ValueError, match="blocks 0 and 1 the same colour"):
        sor(A, A @ x, block_size=9, colours=np.zeros(8, int))
    with pytest.raises(ValueError, match="symmetric sweeps do not support blocks"):
        sor(A, A @ x, block_size=9, symmetric=True)
    with pytest.raises(ValueError, match="block_size is 0"):
        jacobi(A, A @ x, block_size=0)
    points = gauss_seidel(A, A @ x, rtol=1e-8).check().nit
    assert gauss_seidel(A, A @ x, rtol=1e-8, block_size=9).check().nit < 0.6 * points


def test_a_zero_diagonal_is_allowed_within_a_regular_block(rng):
    A = sp.csr_array(np.kron(np.diag([3.0, 4, 5]), [[0, 1], [1, 0]]) + 0.3 * rng.random((6, 6)))
    A.setdiag(0)
    np.testing.assert_allclose(
        A @ gauss_seidel(A, np.ones(6), block_size=2, rtol=1e-9).check().x, 1, atol=1e-8
    )
    with pytest.raises(
        ValueError, match=r"singular diagonal block, of rows 0, but gauss_seidel inverts all blocks"
    ):
        gauss_seidel(A, np.ones(6), block_size=1)


@pytest.mark.extended
def test_threads_change_no_bit_of_blocks(on_threads, rng):
    A, b = poisson((100, 100)), rng.standard_normal(10_000)
    with pytest.warns(ConvergenceWarning):
        one, two = on_threads(lambda: sor(A, b, colours="greedy", block_size=3, maxiter=3, rtol=0))
    assert np.array_equal(one.x, two.x)
    assert np.array_equal(one.residuals, two.residuals)
