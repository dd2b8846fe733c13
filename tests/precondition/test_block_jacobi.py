"""Block Jacobi against dense inverses."""

import numpy as np
import pytest
import scipy.sparse as sp
from support.tiers import DTYPES

from numsolve.krylov import cg, gmres
from numsolve.precondition import block_jacobi, jacobi
from numsolve.problems import poisson


def dense(M):
    return M @ np.eye(M.shape[0], dtype=M.dtype)


def matrix_of(n, dtype, rng):
    A = sp.random_array((n, n), density=0.4, rng=rng) + 3 * sp.eye_array(n)
    if np.dtype(dtype).kind == "c":
        A = A + 1j * sp.random_array((n, n), density=0.4, rng=rng)
    return sp.csr_array(A).astype(dtype)


def by_dense_inverses(A, labels):
    full = np.asarray(A.toarray() if sp.issparse(A) else A)
    want = np.zeros_like(full)
    for label in np.unique(labels):
        rows = np.nonzero(labels == label)[0]
        want[np.ix_(rows, rows)] = np.linalg.inv(full[np.ix_(rows, rows)])
    return want


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 50])
def test_against_dense_inverses(size, dtype, rng):
    A = matrix_of(20, dtype, rng)
    M = block_jacobi(A, size)
    assert M.dtype == dtype
    want = by_dense_inverses(A, np.arange(20) // size)
    np.testing.assert_allclose(dense(M), want, atol=50 * np.finfo(dtype).eps * abs(want).max())


@pytest.mark.parametrize("form", [np.asarray, list, lambda labels: labels.astype(np.int8)])
def test_labels_in_any_order(form, rng):
    A = matrix_of(23, float, rng)
    labels = rng.integers(-3, 3, 23)
    M = block_jacobi(A.toarray(), blocks=form(labels))
    np.testing.assert_allclose(dense(M), by_dense_inverses(A, labels), atol=1e-13)


def test_blocks_of_one_row_are_jacobi(rng):
    A = matrix_of(9, float, rng)
    np.testing.assert_allclose(dense(block_jacobi(A, 1)), dense(jacobi(A)), rtol=1e-14)


def test_coupled_unknowns_are_solved_at_once(rng):
    """Line relaxation: with strong couplings within blocks, the number of blocks does not matter."""
    line = sp.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(40, 40))
    A = sp.csr_array(sp.kron(sp.eye_array(40), line) + 0.01 * sp.kron(line, sp.eye_array(40)))
    b = rng.standard_normal(1600)
    plain = cg(A, b, rtol=1e-8).check().nit
    lines = cg(A, b, M=block_jacobi(A, 40), rtol=1e-8).check().nit
    assert lines < plain / 2
    across = cg(A, b, M=block_jacobi(A, blocks=np.arange(1600) % 40), rtol=1e-8).check().nit
    assert across > 2 * lines


def test_a_zero_diagonal_within_good_blocks(rng):
    A = sp.csr_array(sp.kron(sp.eye_array(30), np.array([[0.0, 2.0], [1.0, 0.0]])) + 0.05 * poisson((60,)))
    A.setdiag(0)
    b = rng.standard_normal(60)
    assert gmres(A, b, M=block_jacobi(A, 2), rtol=1e-10).check().nit < gmres(A, b, rtol=1e-10).nit


@pytest.mark.parametrize("block", [np.zeros((2, 2)), np.ones((2, 2)), np.array([[1, 1], [1, 1 + 2e-16]])])
def test_a_singular_block_is_named(block):
    A = np.eye(7)
    A[4:6, 4:6] = block
    with pytest.raises(
        ValueError, match=r"singular diagonal block, of rows 4, 5, but block_jacobi inverts all blocks"
    ):
        block_jacobi(A, 2)
    labels = np.array([0, 1, 2, 3, 9, 9, 0])
    with pytest.raises(ValueError, match="of rows 4, 5,"):
        block_jacobi(A, blocks=labels)


def test_rows_of_any_scale_are_not_singular(rng):
    A = matrix_of(12, float, rng).toarray()
    rows, columns = 10.0 ** rng.integers(-60, 60, 12), 10.0 ** rng.integers(-60, 60, 12)
    x = rng.standard_normal(12)
    scaled = A * rows[:, None] * columns
    found = columns * (block_jacobi(scaled, 3) @ (rows * x))
    np.testing.assert_allclose(found, block_jacobi(A, 3) @ x, rtol=1e-9)


def test_a_singular_successor_changes_nothing():
    M = block_jacobi(sp.csr_array(np.ones((4, 4)) + np.eye(4)), 2)
    before = dense(M)
    with pytest.raises(ValueError, match="of rows 0, 1"):
        M.update(sp.csr_array(np.ones((4, 4))))
    assert np.array_equal(dense(M), before)


def test_bad_input_is_named():
    A = np.eye(6)
    with pytest.raises(TypeError, match="either block_size or blocks"):
        block_jacobi(A)
    with pytest.raises(TypeError, match="either block_size or blocks"):
        block_jacobi(A, 2, blocks=np.zeros(6, int))
    with pytest.raises(ValueError, match="block_size is 0"):
        block_jacobi(A, 0)
    with pytest.raises(TypeError, match=r"block_size is 1\.5"):
        block_jacobi(A, 1.5)
    for labels in (np.zeros(5, int), np.zeros(6), np.zeros((6, 1), int)):
        with pytest.raises(ValueError, match="blocks has shape"):
            block_jacobi(A, blocks=labels)
    uneven = np.r_[np.zeros(300, int), np.arange(1, 30_001)]
    with pytest.raises(ValueError, match="differ too much in size: the largest has 300 rows"):
        block_jacobi(sp.eye_array(30_300).tocsr(), blocks=uneven)
