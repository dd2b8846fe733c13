"""Matrices for tests of triangular preconditioners, and what they are compared with."""

import numpy as np
import scipy.sparse as sp


def random_matrix(n, density, dtype, rng, hermitian=False):
    """Return a diagonally dominant sparse matrix with a random pattern."""
    A = rng.standard_normal((n, n)) * (rng.random((n, n)) < density)
    if np.dtype(dtype).kind == "c":
        A = A + 1j * rng.standard_normal((n, n)) * (A != 0)
    np.fill_diagonal(A, 0)
    if hermitian:
        A = A + A.conj().T
    A = A + np.diag(1 + abs(A).sum(axis=1))
    return sp.csr_array(A.astype(dtype))


def factors(M):
    """Return L and U of a factorisation as dense arrays: ``M^-1 = L U``."""
    eye = np.eye(M.shape[0])
    return M.L.to_sparse().toarray() + eye, (M.U.to_sparse().toarray() + eye) / M.scale[:, None]


def close(found, want, dtype, factor=50):
    tol = factor * np.finfo(dtype).eps
    np.testing.assert_allclose(found, want, rtol=tol, atol=tol * abs(np.asarray(want)).max(initial=1))
