"""How each kind of cost takes an iteration: by the fused kernels, along axes, or along the allowed edges."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import maximum_flow

from .._array import is_sparse, library, namespace
from ..kernels import kernels_for
from ._costs import Grid, PointCloud

DENSE, SQUARED, EUCLIDEAN, SCALED = range(4)  # as in the kernels
BLOCKS = {"numpy": (64, 64), "cupy": (8, 512)}  # at least so many rows a block, at most so many blocks
EXTRA = 8.0  # as in the kernels: over-relaxation adds at most so much to a step


def form_of(cost, dtype, like):
    """Return the form of a checked cost; `like` is an array of its library."""
    if isinstance(cost, Grid):
        return Separable(cost)
    if is_sparse(cost):
        return Sparse(cost)
    return Fused(cost, dtype, like)


def scaled(form, inverse):
    """Return the form with ``exp(-inverse * cost)`` stored in place of the cost."""
    xp, K = namespace(form.C), form.C * -form.dtype.type(inverse)
    return form.like(SCALED, xp.exp(K))


class Fused:
    """A dense cost or one of points: one pass of a kernel does rows and columns."""

    def __init__(self, cost, dtype, like):
        self.cost, self.shape, self.dtype = cost, cost.shape, np.dtype(dtype)
        self.xp = xp = namespace(like)
        if isinstance(cost, PointCloud):
            self.kind = SQUARED if cost.metric == "sqeuclidean" else EUCLIDEAN
            self.C = xp.empty((0, 0), dtype)
            self.X, self.Y = (xp.ascontiguousarray(x.T.astype(dtype)) for x in (cost.x, cost.y))
        else:
            self.kind, self.C = DENSE, xp.ascontiguousarray(cost, dtype=dtype)
            self.X, self.Y = (xp.empty((0, k), dtype) for k in cost.shape)
        rows, most = BLOCKS[library(like) or "numpy"]
        self.sums = xp.empty((max(1, min(self.shape[0] // rows, most)), self.shape[1]), dtype)
        self.kernels = kernels_for(self.sums)

    def like(self, kind, C):
        """Return a form of another kind, with the same points."""
        other = object.__new__(Fused)
        other.__dict__.update(self.__dict__, kind=kind, C=C)
        return other

    @property
    def arrays(self):
        """What the kernels take."""
        return self.kind, self.C, self.X, self.Y

    def rows(self, live, omega, kappa, inverse, a, F, G, F_new, r):
        """Take the step of the rows."""
        self.kernels.transport_rows(live, omega, kappa, inverse, *self.arrays, a, F, G, F_new, r, self.sums)

    def columns(self, live, omega, kappa, inverse, F, b, G, G_new, c):
        """Take the step of the columns, after that of the rows."""
        self.kernels.transport_columns(
            live, omega, kappa, inverse, *self.arrays, F, b, G, self.sums, G_new, c
        )

    def least(self, inverse, G):
        """Return a feasible pair of potentials: ``F_i = min_j (cost_ij - G_j)``, and the columns likewise."""
        F = self.xp.empty(self.shape[0], self.dtype)
        self.kernels.transport_least(inverse, *self.arrays, G, F, self.sums)
        return F, self.sums.min(axis=0)

    def block(self, first, last):
        """Return some rows of the cost."""
        return self.cost.rows(first, last) if isinstance(self.cost, PointCloud) else self.cost[first:last]


class Halves:
    """A cost that can add up exponentials along its rows and columns, both in array text.

    A form has ``lse(inverse, G, axis)``: the logarithms of the sums over an axis of ``exp(G - inverse *
    cost)``; and ``least(inverse, G)``.
    """

    dtype = np.dtype(float)

    def rows(self, live, omega, kappa, inverse, a, F, G, F_new, r):
        """Take the step of the rows."""
        if live[0]:
            self.move(omega, kappa, a, F, self.lse(inverse, G, 1), F_new, r)

    def columns(self, live, omega, kappa, inverse, F, b, G, G_new, c):
        """Take the step of the columns; `c` are the sums that they then have."""
        if live[0]:
            found = self.lse(inverse, F, 0)
            self.move(omega, kappa, b, G, found, G_new, c)
            c[...] = np.where(b > 0, np.exp(G_new + found), 0)

    @staticmethod
    def move(omega, kappa, mass, potential, found, new, sums):
        """Write the new potentials and the sums that there were; `found` are those without the potentials."""
        with np.errstate(all="ignore"):
            sums[...] = np.where(mass > 0, np.exp(potential + found), 0)
            change = kappa * (np.log(mass) - found) - potential
            step = change + (omega - 1) * np.clip(change, -EXTRA, EXTRA)
            new[...] = np.where(mass > 0, potential + step, potential) if omega else potential

    def lse(self, inverse, G, axis) -> Any:
        """Return logarithms of sums of exponentials."""
        raise NotImplementedError


class Separable(Halves):
    """A cost on a grid: sums are taken along one axis after the other."""

    def __init__(self, cost):
        self.cost, self.shape = cost, cost.shape
        self.made = None, []

    def kernels(self, inverse):
        """Return ``exp(-inverse * cost)`` of each axis."""
        if self.made[0] != inverse:
            self.made = inverse, [np.exp(-inverse * cost) for cost in self.cost.costs]
        return self.made[1]

    def lse(self, inverse, G, axis):
        sides = self.cost.to if axis else self.cost.axes
        T = G.reshape([len(side) for side in sides])
        for k, (cost, K) in enumerate(zip(self.cost.costs, self.kernels(inverse), strict=True)):
            cost, K = (cost, K) if axis else (cost.T, K.T)
            flat = np.moveaxis(T, k, 0)
            shape = flat.shape[1:]
            flat = flat.reshape(len(flat), -1)
            top = flat.max(axis=0)
            with np.errstate(all="ignore"):
                top = np.where(top > -np.inf, top, 0)
                sums = K @ np.exp(flat - top)
                found = np.log(sums) + top
                low = sums < 1e-250  # far from all mass in units of eps: by their largest terms
                if low.any():
                    i, j = np.nonzero(low)
                    found[i, j] = _lse(flat[:, j] - inverse * cost[i].T)
            T = np.moveaxis(found.reshape(len(cost), *shape), 0, k)
        return T.ravel()

    def least(self, inverse, G):
        F = self._least(inverse, G, False)
        return F, self._least(inverse, F, True)

    def _least(self, inverse, G, transposed):
        sides = self.cost.axes if transposed else self.cost.to
        T = -G.reshape([len(side) for side in sides])
        for k, cost in enumerate(self.cost.costs):
            cost = inverse * (cost.T if transposed else cost)
            T = np.moveaxis(T, k, 0)
            T = np.stack([(row.reshape(-1, *[1] * (T.ndim - 1)) + T).min(axis=0) for row in cost])
            T = np.moveaxis(T, 0, k)
        return T.ravel()

    def block(self, first, last):
        """Return some rows of the cost."""
        return self.cost.rows(first, last)


class Sparse(Halves):
    """A sparse cost: what is not stored is forbidden."""

    def __init__(self, cost):
        csr: Any = sp.csr_array(cost).astype(float)
        csr.sum_duplicates()
        order = sp.csr_array((np.arange(csr.nnz), csr.indices, csr.indptr), shape=csr.shape).tocsc()
        self.cost, self.shape = csr, csr.shape
        self.sides = (csr.indptr, csr.indices, csr.data), (order.indptr, order.indices, csr.data[order.data])

    def lse(self, inverse, G, axis):
        found = np.empty(self.shape[1 - axis])
        kernels_for(found).transport_edges(inverse, *self.sides[1 - axis], G, found)
        return found

    def least(self, inverse, G):
        F = self._least(inverse, G, 0)
        return F, self._least(inverse, F, 1)

    def _least(self, inverse, G, side):
        indptr, indices, data = self.sides[side]
        found, some = np.zeros(len(indptr) - 1), np.diff(indptr) > 0
        if some.any():
            found[some] = np.minimum.reduceat(inverse * data - G[indices], indptr[:-1][some])
        return found

    def carried(self, a, b):
        """Return how much of the mass the allowed edges can carry at most: a maximal flow, rounded up."""
        n, m = self.shape
        edges, unit = self.cost.tocoo(), 1 << 30
        tails = np.concatenate([np.zeros(n), 1 + edges.coords[0], np.arange(1 + n, 1 + n + m)])
        heads = np.concatenate([np.arange(1, 1 + n), 1 + n + edges.coords[1], np.full(m, 1 + n + m)])
        room = np.concatenate([a * unit, np.full(edges.nnz, unit), b * unit])
        ends = tails.astype(int), heads.astype(int)
        graph = sp.csr_array((room.astype(np.int32), ends), shape=(n + m + 2, n + m + 2))
        return min(1.0, (maximum_flow(graph, 0, n + m + 1).flow_value + n + m) / unit)

    def block(self, first, last):
        """Return some rows of the cost; forbidden entries are infinite."""
        part = self.cost[first:last].tocoo()
        block = np.full(part.shape, np.inf)
        block[part.coords] = part.data
        return block


def _lse(values):
    """Return the logarithm of the sum of exponentials over the first axis."""
    top = values.max(axis=0)
    top = np.where(top > -np.inf, top, 0)
    return np.log(np.exp(values - top).sum(axis=0)) + top
