"""Cases of ``kaczmarz``."""

import numpy as np
import scipy.sparse as sp

from .sparse import csr
from .vector import real_dtype, vectors

STEPS = 9
MOST = 1025  # rows of a dense matrix


def rows(rng, n, index, greedy=False):
    """Return some rows, fewer than would solve the system; a negative one stands for the farthest."""
    chosen = rng.permutation(n)[: min(STEPS, n // 2)]
    if greedy:
        chosen[1::2] = -1
    return chosen.astype(index)


def dense(rng, n, dtype):
    """Return a random matrix with a row of zeros, and the squared norms of its rows."""
    A = vectors(rng, n, min(n, 40) + 1, dtype)
    A[n // 2 : n // 2 + 1] = 0
    return A, (abs(A) ** 2).sum(axis=1).astype(real_dtype(dtype))


def sparse(rng, n, dtype, index):
    """Return the arrays of a random sparse matrix, those of its conjugate transpose, and norms of rows."""
    indptr, indices, data = csr(rng, n, dtype, index)
    A = sp.csr_array((data, indices, indptr), (n, n))
    A.sum_duplicates()
    adjoint = A.conj().T.tocsr()
    norms = np.asarray(abs(A).power(2).sum(axis=1)).ravel().astype(real_dtype(dtype))
    both = [(M.indptr.astype(index), M.indices.astype(index), M.data.astype(dtype)) for M in (A, adjoint)]
    return *both, norms


def sweep_dense(rng, n, dtype, index):
    """Return the arguments of kaczmarz_dense."""
    n = min(n, MOST)
    A, norms = dense(rng, n, dtype)
    return rows(rng, n, index), A, norms, *vectors(rng, 1, n, dtype), *vectors(rng, 1, A.shape[1], dtype)


def sweep_csr(rng, n, dtype, index):
    """Return the arguments of kaczmarz_csr."""
    matrix, _, norms = sparse(rng, n, dtype, index)
    return rows(rng, n, index), *matrix, norms, *vectors(rng, 2, n, dtype)


def projection_dense(rng, n, dtype, index):
    """Return the arguments of project_dense."""
    n = min(n, 300)  # G has n^2 entries
    K, _ = dense(rng, n, dtype)
    G = K @ K.conj().T
    z, r = vectors(rng, 1, K.shape[1], dtype)[0], vectors(rng, 1, n, dtype)[0]
    return rows(rng, n, index, greedy=True), K, G, z, r


def projection_blocks(rng, n, dtype, index):
    """Return the arguments of project_blocks; a row is twice in a block."""
    _, K, G, z, r = projection_dense(rng, n, dtype, index)
    blocks = rng.integers(0, max(len(r), 1), (4 if n > 2 else 0, 3)).astype(index)
    blocks[:, 0] = blocks[:, 1]
    inverses = [np.linalg.pinv(G[np.ix_(block, block)], rcond=1e-3) for block in blocks]
    return blocks, np.array(inverses, dtype).reshape(len(blocks), 3, 3), K, G, z, r


def projection_csr(rng, n, dtype, index):
    """Return the arguments of project_csr."""
    matrix, adjoint, norms = sparse(rng, n, dtype, index)
    return rows(rng, n, index, greedy=True), *matrix, *adjoint, norms, *vectors(rng, 2, n, dtype)


def combinations(rng, n, dtype, index):
    """Return the arguments of project_along; one combination is zero."""
    n = min(n, MOST)
    K, _ = dense(rng, n, dtype)
    S = vectors(rng, 5, n, dtype)
    S[3] = 0
    Y = S @ K.conj()
    return S, Y, Y @ K.T, vectors(rng, 1, K.shape[1], dtype)[0], vectors(rng, 1, n, dtype)[0]


CASES = {
    "kaczmarz_dense": sweep_dense,
    "kaczmarz_csr": sweep_csr,
    "project_dense": projection_dense,
    "project_blocks": projection_blocks,
    "project_csr": projection_csr,
    "project_along": combinations,
}
RETURNS_SUM = set()
