"""The features of a working set: sweeps over their coefficients, and linear systems in some of them.

A block belongs to weights h of the samples. It keeps the correlations ``c = X^T (h r)`` of its features with
the residuals r while their coefficients change. All arithmetic is in double precision.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from .._array import array_module, library, namespace, read_every, to_host
from ..kernels import kernels_for

RIDGE = 1e-10  # by which the diagonal of a system is raised, relative to itself: it may be singular
MOST_STEPS, ACCURACY = 100, 1e-4  # of conjugate gradients
OVERHEAD = 20_000  # operations in the time of a call of a sparse product
MOST_SPARSE = 2000  # sparse features of which the time for a Gram matrix is estimated
LARGEST = 8000  # features whose Gram matrix is formed


class Block(ABC):
    """Features of a working set.

    Attributes
    ----------
    chosen : array of int, shape (k,)
        The features.
    c : array, shape (k,)
        Their correlations with the residuals.
    first : int
        Number of features of the first working set.
    growth : float
        The largest number of features that join the working set in an iteration, over that of the support.
    """

    first, growth = 200, 1.0
    chosen: Any
    c: Any

    @abstractmethod
    def start(self, chosen, q):
        """Take other features, and the residuals ``q = h r``. A block may keep features from before."""

    @abstractmethod
    def sweep(self, positive, sweeps, tol, l1, l2, w):
        """Sweep over the coefficients `w`, in place."""

    @abstractmethod
    def direction(self, part, rest, l2) -> Any:
        """Solve ``X_S^T diag(h) X_S d + l2 d = rest`` for d, about, for a part S of the features."""

    @abstractmethod
    def save(self) -> Any:
        """Return what `restore` needs to undo later moves."""

    @abstractmethod
    def restore(self, saved):
        """Undo the moves since `save`."""

    @abstractmethod
    def move(self, part, d):
        """Add `d` to the coefficients of a part of the features: change the residuals and correlations."""


class DenseBlock(Block):
    """Features of a matrix with few zeros, copied as rows, with the Gram matrix of moderately many.

    Features stay in the block, so that each product of two is computed once.

    Parameters
    ----------
    features : Features
        The matrix.
    h : array, shape (m,)
        The weights of the samples.
    centres : array, shape (n,), optional
        What is subtracted from the entries of each feature.
    """

    first, growth = 100, 0.5  # fewer: a feature adds a row to the Gram matrix

    def __init__(self, features, h, centres=None):
        self._features, self._h, self._centres = features, h, centres
        self.xp: Any = array_module(features.library)
        self._rows = self.xp.empty((0, features.shape[0]))
        self._gram: Any = self.xp.empty((0, 0))
        self.chosen = self.xp.zeros(0, int)

    def start(self, chosen, q):
        old = len(self.chosen)
        if old:
            known = self.xp.zeros(self._features.shape[1], bool)
            known[self.chosen] = True
            chosen = chosen[~known[chosen]]
        k = old + len(chosen)
        self._reserve(k)
        new = self._features.columns(chosen)
        new = (new.toarray() if self._features.is_sparse else new).T
        self._rows[old:k] = new if self._centres is None else new - self._centres[chosen][:, None]
        self.chosen = self.xp.concatenate((self.chosen, chosen))
        self.rows = self._rows[:k]
        if self.by_gram:
            new = self.rows[old:]
            products = (new * self._h) @ self.rows.T
            self._gram[old:k, :k] = products
            self._gram[:old, old:k] = products[:, :old].T
            self.squares = self._gram.diagonal()[:k]
        else:
            self._gram = None
            self.squares = self.xp.einsum("ij,ij,j->i", self.rows, self.rows, self._h)
        self._q = q.copy()
        self.c = self.rows @ q

    @property
    def by_gram(self):
        """Whether sweeps use the Gram matrix: it takes less memory than twice the features."""
        k, m = self.rows.shape
        return self._gram is not None and k <= min(2 * m + 1000, LARGEST)

    def _reserve(self, k):
        """Make room for k features."""
        room, old = len(self._rows), len(self.chosen)
        if k <= room:
            return
        room = max(k, min(2 * room, self._features.shape[1]))
        rows = self.xp.empty((room, self._rows.shape[1]))
        rows[:old] = self._rows[:old]
        self._rows = rows
        if self._gram is not None and k <= LARGEST:
            gram = self.xp.empty((room, room))
            gram[:old, :old] = self._gram[:old, :old]
            self._gram = gram

    def sweep(self, positive, sweeps, tol, l1, l2, w):
        kernels = kernels_for(w)
        if self._gram is not None:
            kernels.gram_sweeps(positive, sweeps, tol, self._gram, l1, l2, self.c, w)
        else:
            kernels.row_sweeps(
                positive, sweeps, tol, self.rows, self._h, self.squares, l1, l2, self._q, self.c, w
            )

    def direction(self, part, rest, l2):
        if self._gram is not None:
            return _solved(self._gram[part][:, part], rest, l2)
        rows = self.rows[part]
        return _conjugate_gradients(lambda v: rows @ (self._h * (v @ rows)), rest, l2)

    def move(self, part, d):
        if self._gram is not None:
            k = len(self.c)
            changes = self.xp.zeros(k)
            changes[part] = d
            self.c = self.c - changes @ self._gram[:k, :k]
        else:
            self._q = self._q - self._h * (d @ self.rows[part])
            self.c = self.rows @ self._q

    def save(self):
        return self.c, self._q

    def restore(self, saved):
        self.c, self._q = saved


class SparseBlock(Block):
    """Features of a sparse matrix, centred without being changed.

    Parameters
    ----------
    features : Features
        The matrix, in double precision.
    h : array, shape (m,)
        The weights of the samples.
    squares : array, shape (n,)
        The sum of ``h_i x_ij^2`` of each feature, after centring.
    centres : array, shape (n,)
        What is subtracted from the entries of each feature.
    """

    def __init__(self, features, h, squares, centres):
        self._features, self._h, self._squares, self._centres = features, h, squares, centres
        self.xp: Any = array_module(features.library)
        self._is_centred = bool(centres.any())

    def start(self, chosen, q):
        indices = self._features.arrays[1]
        self.chosen = chosen
        self._columns = chosen.astype(indices.dtype)
        self._q, self._shift = q.copy(), self.xp.zeros(1)
        self._own_centres, self.squares = self._centres[chosen], self._squares[chosen]
        self.c = self.xp.zeros(len(chosen))
        self._sweep(False, 0, 0.0, self.c, self.c, self.c.copy())

    def sweep(self, positive, sweeps, tol, l1, l2, w):
        self.c = self.xp.empty(len(w))
        self._sweep(positive, sweeps, tol, l1, l2, w)

    def _sweep(self, positive, sweeps, tol, l1, l2, w):
        kernels_for(w).column_sweeps(
            positive,
            sweeps,
            tol,
            self._columns,
            *self._features.arrays,
            self._h,
            self._own_centres,
            self.squares,
            l1,
            l2,
            self._q,
            self._shift,
            self.c,
            w,
        )

    def direction(self, part, rest, l2):
        X, centres = self._features.columns(self.chosen[part]), self._own_centres[part]
        total, transposed = self._h.sum(), X.T
        if self._gram_pays(X):
            scaled = type(X)((X.data * self._h[X.indices], X.indices, X.indptr), shape=X.shape)
            H = (transposed @ scaled.tocsr()).toarray()
            if self._is_centred:
                H -= total * centres[:, None] * centres
            return _solved(H, rest, l2)

        def product(v):
            return transposed @ (self._h * (X @ v)) - total * (centres @ v) * centres

        return _conjugate_gradients(product, rest, l2)

    def _gram_pays(self, X):
        """Tell whether forming and factoring the Gram matrix takes less time than conjugate gradients."""
        k = X.shape[1]
        if k > MOST_SPARSE:
            return False
        counts = to_host(self.xp.bincount(X.indices, minlength=X.shape[0])).astype(float)
        return counts @ counts + k**3 / 128 < 4 * MOST_STEPS * (2 * X.nnz + OVERHEAD)

    def move(self, part, d):
        X = self._features.columns(self.chosen[part])
        self._q = self._q - self._h * (X @ d)
        self._shift = self._shift + d @ self._own_centres[part]
        self.c = self.xp.empty(len(self.chosen))
        zero = self.xp.zeros(len(self.chosen))
        self._sweep(False, 0, 0.0, zero, zero, zero)

    def save(self):
        return self.c, self._q, self._shift

    def restore(self, saved):
        self.c, self._q, self._shift = saved


def _solved(H, rest, l2):
    """Return the solution of a dense symmetric system."""
    each = array_module(library(H) or "numpy").arange(len(rest))
    H[each, each] = (1 + RIDGE) * H[each, each] + l2
    if not isinstance(H, np.ndarray):
        return array_module("cupy").linalg.solve(H, rest)
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    try:
        factors = cho_factor(H, lower=True, overwrite_a=True, check_finite=False)
    except LinAlgError:
        return None
    return cho_solve(factors, rest, check_finite=False)


def _conjugate_gradients(product, rest, l2):
    """Return an approximate solution d of ``product(d) + l2 d = rest``."""
    xp, every = namespace(rest), read_every(rest)
    d, r, p = 0 * rest, rest, rest
    rr = first = r @ r
    for step in range(MOST_STEPS):
        if step % every == 0 and not float(rr) > ACCURACY**2 * float(first):
            break
        q = product(p) + l2 * p
        curvature = p @ q
        alpha = xp.where(curvature > 0, rr / xp.where(curvature > 0, curvature, 1), 0)
        d, r = d + alpha * p, r - alpha * q
        rr, old = r @ r, rr
        p = r + xp.where(old > 0, rr / xp.where(old > 0, old, 1), 0) * p
    return d
