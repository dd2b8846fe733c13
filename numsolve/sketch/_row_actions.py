"""The sweeps of Kaczmarz's method: which equations a sweep takes, and how it moves onto them."""

import numpy as np

from .._array import array_module, to_host
from .._operators.operator import Dense
from ..kernels import kernels_for
from ._project import KeptResidual, pseudo_inverse, squared_rows


def row_actions(A, select, block_size, rng):
    """Return the sweeps for a `Csr` or `Dense` operator; ``sweep(b, x, r)`` changes `x`, and may change `r`.

    `r` is the residual ``b - A x`` of `x`. A sweep takes as many rows as A has, or more in blocks.
    """
    if select == "greedy":
        return Greedy(A, block_size)
    return (Single if block_size == 1 else Blocks)(A, select, block_size, rng)


class Single:
    """Random rows, one at a time."""

    def __init__(self, A, select, block_size, rng):  # noqa: ARG002 - as the other classes
        self._xp = array_module(A.library)
        self._norms = squared_rows(A)
        if isinstance(A, Dense):
            self._arrays = (self._xp.ascontiguousarray(A.array),)
            self._dtype = np.dtype(np.int64)
        else:
            self._arrays = A.indptr, A.indices, A.data
            self._dtype = A.indices.dtype
        self._draw = drawing(A.shape[0], self._norms if select == "norm" else None, rng)

    def sweep(self, b, x, r):  # noqa: ARG002 - as the other classes
        """Take a sweep."""
        rows = self._xp.asarray(self._draw().astype(self._dtype))
        kernels = kernels_for(x)
        action = kernels.kaczmarz_dense if len(self._arrays) == 1 else kernels.kaczmarz_csr
        action(rows, *self._arrays, self._norms, b, x)


class Blocks:
    """Random blocks of a fixed random partition of the rows: ``x += A_S^+ (b_S - A_S x)``."""

    def __init__(self, A, select, block_size, rng):
        xp, m = array_module(A.library), A.shape[0]
        matrix = A.array if isinstance(A, Dense) else A.to_sparse()
        self._blocks, sizes = [], []
        for rows in np.array_split(rng.permutation(m), -(-m // block_size)):
            chosen = xp.asarray(rows)
            part = matrix[chosen]
            adjoint = part.conj().T
            gram = part @ adjoint
            gram = gram if isinstance(A, Dense) else gram.toarray()
            sizes.append(float(gram.diagonal().real.sum()))
            self._blocks.append((chosen, part, adjoint, pseudo_inverse(gram)))
        self._draw = drawing(len(sizes), np.array(sizes) if select == "norm" else None, rng)

    def sweep(self, b, x, r):  # noqa: ARG002 - as the other classes
        """Take a sweep."""
        for block in self._draw():
            rows, part, adjoint, inverse = self._blocks[block]
            x += adjoint @ (inverse @ (b[rows] - part @ x))


class Greedy:
    """The farthest equations: those of largest ``|r_i| / |A_i|``."""

    def __init__(self, A, block_size):
        self._kept, self._size = KeptResidual(A), block_size
        self._library = A.library
        norms = squared_rows(A)
        self._inverses = array_module(A.library).where(norms > 0, 1 / norms, 0)

    def sweep(self, b, x, r):
        """Take a sweep."""
        r *= -1
        if self._size == 1:
            self._kept.project(np.full(len(b), -1), x, r)
            return
        for _ in range(-(-len(b) // self._size)):
            distances = abs(r) ** 2 * self._inverses
            farthest = array_module(self._library).argsort(-distances)[: self._size]
            self._kept.project_blocks(farthest[None], x, r)


def drawing(count, weights, rng):
    """Return a function that draws `count` of the numbers below `count`, evenly or by their weights."""
    if weights is None:
        return lambda: rng.integers(count, size=count)
    edges = np.cumsum(to_host(weights), dtype=float)
    return lambda: np.searchsorted(edges, rng.random(count) * edges[-1], side="right").clip(max=count - 1)
