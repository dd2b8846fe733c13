"""Quadratic models of a loss on a working set of features, minimised with a penalty by coordinate descent."""

from math import inf
from typing import Any

import numpy as np

from .._array import is_sparse
from ..kernels.host import newton_sweeps
from ..kernels.host.newton_sweeps import LEAST

MOST_PASSES = 1000  # over the features of one model
MOST_ROUNDS = 30  # of passes over a Gram matrix and a step on the support
PATIENCE = 30  # passes over a small Gram matrix before such a step
RIDGE = 1e-10  # by which the diagonal of its system is raised, relative to itself: it may be singular
EXPECTED_PASSES = 30  # for the choice between the Gram matrix and the features
LARGEST_GRAM = 3000  # features of a working set of which a Gram matrix is formed
FLOPS = 8  # operations of a dense product in the time of one of a sparse loop


class Model:
    """The second-order model of a loss in the coefficients of some features and the intercept.

    Parameters
    ----------
    block : array or csc_array, shape (m, k)
        The features.
    g, d : array, shape (m,)
        First and second derivatives of the loss in the predictions.
    kink, ridge : array, shape (k,)
        The penalty is ``kink @ abs(w) + ridge @ w**2 / 2``.
    positive : bool
        Whether ``w >= 0``.
    intercept : bool
        Whether there is an intercept. The model is minimised in it, which takes the mean from the features.
    """

    def __init__(self, block, g, d, kink, ridge, *, positive, intercept):
        self.block, self.g, self.d = block, g, d
        self.kink, self.ridge, self.positive = kink, ridge, positive
        self.total = float(d.sum()) if intercept else 0.0

    def minimised(self, w, gradient, tol):
        """Return the coefficients of the minimum, and the change of the intercept.

        Parameters
        ----------
        w : array, shape (k,)
            The coefficients of which it is the model.
        gradient : array, shape (k,)
            The derivatives of the loss in them.
        tol : float
            Largest violation of the optimality conditions, in the units of the gradient.
        """
        by_gram = gram_pays(self.block, LARGEST_GRAM)
        means = self.block.T @ self.d if self.total or by_gram else np.zeros(len(w))
        new = w.copy()
        if by_gram:
            self._sweep_gram(new, gradient, means, tol)
        else:
            self._sweep_columns(new, means, tol)
        shift = -(self.g.sum() + means @ (new - w)) / self.total if self.total else 0.0
        return new, shift

    def _sweep_gram(self, w, gradient, means, tol):
        H = weighted_gram(self.block, self.d)
        q = gradient + self.ridge * w
        if self.total:
            least = LEAST * H.diagonal()
            H -= np.outer(means, means / self.total)
            np.fill_diagonal(H, np.maximum(H.diagonal(), least))
            q -= means * (self.g.sum() / self.total)
        np.fill_diagonal(H, H.diagonal() + self.ridge)
        passes = max(PATIENCE, len(w) // 6)  # as much work as a step on the support
        for _ in range(MOST_ROUNDS):
            if newton_sweeps.sweep_gram(H, q, w, self.kink, self.positive, tol, passes) < passes:
                break
            self._step_on_support(H, q, w)

    def _step_on_support(self, H, q, w):
        """Step to the minimum over the coefficients that are not zero, or as far as all keep their signs."""
        part = np.flatnonzero((w != 0) | (self.kink == 0))
        own, signs = w[part], np.sign(w[part])
        system = H[np.ix_(part, part)]
        np.fill_diagonal(system, (1 + RIDGE) * system.diagonal())
        if not len(part) or not (system.diagonal() > 0).all():
            return
        step = np.linalg.solve(system, -q[part] - self.kink[part] * signs)
        bounded = (self.kink[part] > 0) | self.positive
        crossing = bounded & ((own + step) * signs <= 0) & (own != 0)
        ratios = np.full(len(part), inf)
        np.divide(-own, step, out=ratios, where=crossing)
        step *= min(1.0, ratios.min())
        w[part] = np.where(ratios == min(1.0, ratios.min()), 0, own + step)
        q += step @ H[part]

    def _sweep_columns(self, w, means, tol):
        indptr, indices, data = compressed_columns(self.block)
        newton_sweeps.sweep_columns(
            indptr,
            indices,
            data,
            self.d,
            self.g.copy(),
            means,
            self.total,
            w,
            self.kink,
            self.ridge,
            self.positive,
            tol,
            MOST_PASSES,
        )


def gram_pays(block, largest) -> bool:
    """Tell whether passes over the Gram matrix, with its set-up, cost less than over the features.

    No more than `largest` features have a Gram matrix.
    """
    m, k = block.shape
    if k > largest:
        return False
    if is_sparse(block):
        counts = np.bincount(block.indices, minlength=m).astype(float)
        entries, products = block.nnz, float(counts @ counts) / 2
    else:
        entries, products = m * k, m * k * k / FLOPS
    return products + EXPECTED_PASSES * k * k / 2 < 2 * EXPECTED_PASSES * entries


def weighted_gram(block, d) -> np.ndarray:
    """Return the dense matrix ``block^T diag(d) block``."""
    if not is_sparse(block):
        return block.T @ (d[:, None] * block)
    rows: Any = block.tocsr()
    H = np.zeros((block.shape[1], block.shape[1]))
    newton_sweeps.add_weighted_gram(*_short_indices(rows), d, H)
    return H


def compressed_columns(block) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the arrays of a matrix in compressed sparse columns; of a dense one, all entries."""
    if is_sparse(block):
        return _short_indices(block)
    m, k = block.shape
    indptr, indices = np.arange(k + 1) * m, np.tile(np.arange(m, dtype=np.int32), k)
    return indptr.astype(np.int32), indices, np.ascontiguousarray(block.T).reshape(-1)


def _short_indices(matrix):
    """Return the arrays of a sparse matrix, with indices of four bytes: kernels are compiled for these."""
    return matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32, copy=False), matrix.data
