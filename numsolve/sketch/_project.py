"""Sketch-and-project: steps towards the solution of a linear system from a few random combinations of it."""

from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, library, namespace
from .._operators.operator import Csr, Dense, as_operator
from .._random import standard_normal
from ..kernels import kernels_for

KINDS = ("kaczmarz", "gaussian", "block")
AT_ONCE = 64  # Gaussian steps whose products are formed together: a product of matrices, not of vectors


class Projections:
    r"""Steps of sketch-and-project for ``K z = b``, with the residual ``r = K z - b`` kept up to date.

    A step projects `z` onto the solutions of the sketched system ``S^H K z = S^H b``:

    .. math:: z \leftarrow z - K^H S (S^H K K^H S)^+ S^H r .

    The distance to every solution of ``K z = b`` does not grow, and the expected distance to the nearest one
    falls.

    Parameters
    ----------
    K : array, sparse array or LinearOperator, shape (m, n)
        The matrix. A LinearOperator, which needs an adjoint product, suits "gaussian" alone.
    kind : {"kaczmarz", "gaussian", "block"}
        The columns of S: unit vectors of random rows (kaczmarz, block), or normal deviates.
    block_size : int
        Number of columns of S.
    rng : int, numpy.random.Generator or None
        Source of the random numbers, which are drawn on the host.

    Notes
    -----
    Cost of a step with one column: for "kaczmarz" 4 (m + n) operations on a dense matrix, whose ``K K^H`` is
    formed and kept, and about ``4 p q`` on a sparse one with p entries in a row and q in a column, of which
    ``K^H`` is kept. For "gaussian" two products with K. The expected square of the distance falls at least by
    the factor :math:`1 - \lambda_{\min}^+(E[P])`, with P the projector onto the range of ``K^H S``:
    theorem 4.6 of [1]_.

    References
    ----------
    .. [1] R. M. Gower, P. Richtarik, *Randomized iterative methods for linear systems*, SIAM J. Matrix Anal.
       Appl. 36, 2015, :doi:`10.1137/15M1025487`.
    """

    def __init__(self, K: Any, kind: str, *, block_size: int = 1, rng: Any = None):
        _validate.choice(kind, "kind", KINDS)
        m, _ = _validate.matrix_shape(K)
        self._K = as_operator(K, library(K) or "numpy", "K")
        self._size = _validate.count(block_size, "block_size", least=1)
        if self._size > m:
            raise ValueError(f"block_size is {block_size}, but K has only {m} rows")
        self._rng = np.random.default_rng(rng)
        if kind == "gaussian":
            self._adjoint = self._K.adjoint()
            self._steps = self._gaussian if self._size == 1 else self._gaussian_blocks
        else:
            self._rows = KeptResidual(self._K)
            self._steps = self._kaczmarz if self._size == 1 else self._blocks

    def advance(self, z: Any, r: Any, steps: int) -> None:
        """Take a number of steps, which change `z` and the residual ``r = K z - b`` in place.

        Rounding errors of `r` add up: compute it anew before it decides on anything.

        Parameters
        ----------
        z, r : array, shape (n,) and (m,)
            The iterate and its residual, of the dtype and in the library of K.
        steps : int
            Number of steps.
        """
        self._steps(z, r, steps)

    def _kaczmarz(self, z, r, steps):
        self._rows.project(self._rng.integers(len(r), size=steps), z, r)

    def _blocks(self, z, r, steps):
        for first in range(0, steps, AT_ONCE):
            keys = self._rng.random((min(AT_ONCE, steps - first), len(r)))
            rows = keys.argpartition(self._size - 1, axis=1)[:, : self._size]  # subsets, all as likely
            self._rows.project_blocks(rows, z, r)

    def _gaussian(self, z, r, steps):
        project = kernels_for(z).project_along
        for first in range(0, steps, AT_ONCE):
            project(*self._combinations(min(AT_ONCE, steps - first)), z, r)

    def _gaussian_blocks(self, z, r, steps):
        q, many = self._size, max(AT_ONCE // self._size, 1)
        for first in range(0, steps, many):
            count = min(many, steps - first)
            S, Y, W = (X.reshape(count, q, X.shape[1]) for X in self._combinations(count * q))
            inverses = pseudo_inverse(Y.conj() @ Y.swapaxes(1, 2))
            for step in range(count):
                y = inverses[step] @ (S[step].conj() @ r)
                z -= Y[step].T @ y
                r -= W[step].T @ y

    def _combinations(self, count):
        """Return Gaussian vectors s as rows, with ``y = K^H s`` and ``K y``."""
        xp = array_module(self._K.library)
        S = standard_normal(self._rng, (count, self._K.shape[0]), dtype=self._K.dtype, like=self._K.library)
        Y = self._adjoint @ S.T
        W = self._K @ Y
        return S, xp.ascontiguousarray(Y.T), xp.ascontiguousarray(W.T)


class KeptResidual:
    """Projections onto equations of a matrix with known entries, which keep the residual up to date."""

    def __init__(self, K):
        if not isinstance(K, (Csr, Dense)):
            raise TypeError("the entries of K are needed; a LinearOperator only multiplies: use 'gaussian'")
        self._K = K
        self._xp = array_module(K.library)
        if isinstance(K, Dense):
            self._array = self._xp.ascontiguousarray(K.array)
            self._gram = self._xp.ascontiguousarray(self._array @ self._array.conj().T)
            self._index = np.dtype(np.int64)
        else:
            self._adjoint = K.adjoint()
            self._norms = squared_rows(K)
            self._index = K.indices.dtype

    def project(self, rows, z, r):
        """Project `z` onto the equations `rows`, one after the other; -1 stands for the farthest equation."""
        rows = self._xp.asarray(rows.astype(self._index))
        K, kernels = self._K, kernels_for(z)
        if isinstance(K, Dense):
            kernels.project_dense(rows, self._array, self._gram, z, r)
        else:
            A = self._adjoint
            matrices = K.indptr, K.indices, K.data, A.indptr, A.indices, A.data
            kernels.project_csr(rows, *matrices, self._norms, z, r)

    def project_blocks(self, rows, z, r):
        """Project `z` onto several equations at once, one block after the other: those of a row of `rows`."""
        K, rows = self._K, self._xp.asarray(rows).astype(self._index, copy=False)
        if isinstance(K, Dense):
            inverses = pseudo_inverse(self._gram[rows[:, :, None], rows[:, None, :]])
            kernels_for(z).project_blocks(rows, inverses, self._array, self._gram, z, r)
            return
        matrix = K.to_sparse()
        for chosen in rows:
            part = matrix[chosen]
            step = part.conj().T @ (pseudo_inverse((part @ part.conj().T).toarray()) @ r[chosen])
            z -= step
            r -= matrix @ step


def pseudo_inverse(G):
    """Return the pseudo-inverse of a small positive semidefinite matrix, or of each of several."""
    xp = namespace(G)
    values, V = xp.linalg.eigh(G)
    least = values[..., -1:] * (G.shape[-1] * np.finfo(values.dtype).eps)
    inverses = xp.where(values > least, 1 / xp.where(values > least, values, 1), 0)
    return (V * inverses[..., None, :]) @ V.conj().swapaxes(-2, -1)


def squared_rows(A):
    """Return the squared norms of the rows of a `Csr` or `Dense` operator."""
    xp = array_module(A.library)
    if isinstance(A, Dense):
        return xp.sum(abs(A.array) ** 2, axis=1)
    return A.with_data(abs(A.data) ** 2) @ xp.ones(A.shape[1], A.data.real.dtype)
