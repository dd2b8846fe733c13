"""The passes of an iteration over each kind of cost: fused kernels, axis by axis, or along allowed edges.

A pass takes the step of all rows or of all columns. Potentials, masses and sums have a first axis of
problems.
"""

from math import prod
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import maximum_flow

from .._array import is_sparse, library, namespace, sparse_module, to_host
from ..kernels import kernels_for
from ._costs import Grid, PointCloud

DENSE, SQUARED, EUCLIDEAN, SCALED, CITYBLOCK = range(5)  # as in the kernels
KIND_OF_METRIC = {"sqeuclidean": SQUARED, "euclidean": EUCLIDEAN, "cityblock": CITYBLOCK}
ROW_BLOCKS = {"numpy": (64, 64), "cupy": (8, 512)}  # least number of rows a block, largest number of blocks
MAX_EXTRA = 8.0  # largest amount that over-relaxation adds to a step, as in the kernels
SAFE_EXPONENT = 500.0  # largest cost of an axis over eps whose exponentials and sums are normal numbers


def passes_of(cost, dtype, like):
    """Return the passes of a checked cost in a dtype; `like` are the masses of the rows (k, n)."""
    if isinstance(cost, Grid):
        return GridPasses(cost)
    if is_sparse(cost):
        return SparsePasses(cost, like)
    return FusedPasses(cost, dtype, like)


def with_exponentials(passes, inverse):
    """Return the passes with ``exp(-inverse * cost)`` stored in place of the cost."""
    xp, K = namespace(passes.C), passes.C * -passes.dtype.type(inverse)
    return passes.like(kind=SCALED, C=xp.exp(K))


class FusedPasses:
    """Passes of a dense cost, or of points: one kernel takes the step of the rows and sums the columns."""

    def __init__(self, cost, dtype, like):
        self.cost, self.shape, self.dtype = cost, cost.shape[-2:], np.dtype(dtype)
        xp = namespace(like)
        if isinstance(cost, PointCloud):
            self.kind = KIND_OF_METRIC[cost.metric]
            self.C = xp.empty((1, 0, 0), dtype)
            points = (x if x.ndim == 3 else x[None] for x in (cost.x, cost.y))
            self.X, self.Y = (xp.ascontiguousarray(x.swapaxes(1, 2).astype(dtype)) for x in points)
        else:
            self.kind = DENSE
            self.C = xp.ascontiguousarray(cost if cost.ndim == 3 else cost[None], dtype=dtype)
            self.X, self.Y = (xp.empty((1, 0, k), dtype) for k in self.shape)
        rows, most = ROW_BLOCKS[library(like) or "numpy"]
        self.blocks = max(1, min(self.shape[0] // rows, most))
        self.sums: Any = xp.empty((len(like), self.blocks, self.shape[1]), dtype)
        self.kernels = kernels_for(self.sums)

    def without_workspace(self):
        """Return the passes for a plan, which threads can share."""
        return self.like(sums=None)

    def with_workspace(self):
        """Return the passes of one problem with work space of their own, for one call."""
        return self.like(sums=namespace(self.C).empty((1, self.blocks, self.shape[1]), self.dtype))

    def like(self, **changed):
        """Return a copy with other values of some attributes."""
        other = object.__new__(FusedPasses)
        other.__dict__.update(self.__dict__, **changed)
        return other

    def part(self, p):
        """Return the passes of problem `p` alone."""
        own = {name: x[p : p + 1] for name in "CXY" if len(x := getattr(self, name)) > 1}
        if own:
            own["cost"] = self.cost.part(p) if isinstance(self.cost, PointCloud) else self.cost[p]
        return self.like(sums=self.sums[p : p + 1], **own)

    def only(self, index):
        """Return the passes of the problems with these numbers."""
        own = {name: x[index] for name in "CXY" if len(x := getattr(self, name)) > 1}
        return self.like(sums=self.sums[: len(index)], **own)

    @property
    def arrays(self):
        """The arguments of the kernels that describe the cost."""
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
        """Return feasible pairs of potentials: ``F_i = min_j (cost_ij - G_j)``, and the columns likewise."""
        F = namespace(G).empty((len(G), self.shape[0]), self.dtype)
        self.kernels.transport_least(inverse, *self.arrays, G, F, self.sums)
        return F, self.sums.min(axis=1)

    def block(self, first, last):
        """Return some rows of the cost, if there is only one."""
        return self.cost.rows(first, last) if isinstance(self.cost, PointCloud) else self.cost[first:last]


class LogSumExpPasses:
    """Passes of a cost shared by all problems, which takes sums of exponentials of its rows and columns.

    Subclasses define `log_sum_exp`.
    """

    dtype = np.dtype(float)

    def with_workspace(self):
        """Return the passes themselves: they need no work space."""
        return self

    without_workspace = with_workspace

    def part(self, p):  # noqa: ARG002 - as of the other passes
        """Return the passes of one problem, or of some: they are the same for all."""
        return self

    only = part

    def rows(self, live, omega, kappa, inverse, a, F, G, F_new, r):
        """Take the step of the rows."""
        self.write_step(live, omega, kappa, a, F, self.log_sum_exp(inverse, G, 1), F_new, r)

    def columns(self, live, omega, kappa, inverse, F, b, G, G_new, c):
        """Take the step of the columns; `c` are the sums that they then have."""
        found = self.log_sum_exp(inverse, F, 0)
        self.write_step(live, omega, kappa, b, G, found, G_new, c)
        self.write_step(live, 0 * omega, kappa, b, G_new, found, G_new, c)

    @staticmethod
    def write_step(live, omega, kappa, mass, potential, found, new, sums):
        """Write the new potentials to `new` and the sums of the plan to `sums`.

        `found` are the logarithms of these sums without the factor ``exp(potential)``.
        """
        xp, some = namespace(mass), mass > 0
        live, omega = live[:, None], omega[:, None]
        with np.errstate(all="ignore"):
            sums[...] = xp.where(live, xp.where(some, xp.exp(potential + found), 0), sums)
            change = kappa * (xp.log(mass) - found) - potential
            step = change + (omega - 1) * xp.clip(change, -MAX_EXTRA, MAX_EXTRA)
            moved = xp.where(some & (omega != 0), potential + step, potential)
            new[...] = xp.where(live, moved, new)

    def least(self, inverse, G):
        """Return feasible pairs of potentials: ``F_i = min_j (cost_ij - G_j)``, and the columns likewise."""
        F = self.largest_potentials(inverse, G, 1)
        return F, self.largest_potentials(inverse, F, 0)

    def largest_potentials(self, inverse, G, axis):
        """Return the largest feasible potentials of one side, given those of the other; 0 without an edge."""
        found = self.log_sum_exp(inverse, G, axis, hard=True)
        xp = namespace(found)
        return xp.where(xp.isfinite(found), -found, 0)

    def log_sum_exp(self, inverse, G, axis, hard=False) -> Any:
        """Return the logarithms of the sums of ``exp(G - inverse * cost)`` over an axis of the cost.

        With `hard`, return the largest of these exponents.
        """
        raise NotImplementedError


class GridPasses(LogSumExpPasses):
    """Passes of a cost on a grid: sums are taken along one axis after the other."""

    def __init__(self, cost):
        self.cost, self.shape = cost, cost.shape
        self.kernels = kernels_for(cost.costs[0])
        self.largest_costs = [float(abs(C).max()) for C in cost.costs]
        self._made = None, []

    def exponentials(self, inverse):
        """Return ``exp(-inverse * cost)`` of each axis."""
        made = self._made  # threads share a plan: each reads it once
        if made[0] != inverse:
            xp = namespace(self.cost.costs[0])
            self._made = made = inverse, [xp.exp(-inverse * C) for C in self.cost.costs]
        return made[1]

    def log_sum_exp(self, inverse, G, axis, hard=False):
        sides = self.cost.to if axis else self.cost.axes
        left, right = len(G), prod(len(side) for side in sides)
        for C, K, most in zip(self.cost.costs, self.exponentials(inverse), self.largest_costs, strict=True):
            C, K = (C, K) if axis else (C.T, K.T)
            right //= C.shape[1]
            T = G.reshape(left, C.shape[1], right)
            G = self.log_sum_exp_of_axis(inverse, C, K, T, hard, safe=inverse * most < SAFE_EXPONENT)
            left *= len(C)
        return G.reshape(-1, self.shape[1 - axis])

    def log_sum_exp_of_axis(self, inverse, C, K, T, hard, safe):
        """Return the logarithms of the sums over the middle axis of ``exp(T_j - inverse * C_ij)``.

        They are found by a product with K. Where ``exp(-inverse * C)`` may underflow, small sums are computed
        again from their largest terms.
        """
        xp = namespace(T)
        if hard:
            found = xp.empty((len(T), len(C), T.shape[2]), T.dtype)
            self.kernels.transport_axis(1, inverse, xp.ascontiguousarray(C), T, found, found)
            return found
        top = T.max(axis=1, keepdims=True)
        top = xp.where(top > -np.inf, top, 0)
        with np.errstate(all="ignore"):
            E = xp.exp(T - top)
            sums = (E[:, :, 0] @ K.T)[:, :, None] if T.shape[2] == 1 else K @ E
            found = xp.log(sums) + top
        if not safe:
            self.kernels.transport_axis(0, inverse, xp.ascontiguousarray(C), T, sums, found)
        return found

    def block(self, first, last):
        """Return some rows of the cost."""
        return self.cost.rows(first, last)


class SparsePasses(LogSumExpPasses):
    """Passes of a sparse cost: entries that are not stored are forbidden."""

    def __init__(self, cost, like):
        xp, home = namespace(like), sparse_module(library(like) or "numpy")
        csr = home.csr_matrix(cost, dtype=float, copy=True)
        csr.sum_duplicates()
        order = home.csr_matrix((xp.arange(csr.nnz, dtype=float), csr.indices, csr.indptr), shape=csr.shape)
        across = order.T.tocsr()
        self.cost, self.shape = csr, csr.shape
        self.sides = (
            (csr.indptr, csr.indices, csr.data),
            (across.indptr, across.indices, csr.data[across.data.astype(int)]),
        )

    def log_sum_exp(self, inverse, G, axis, hard=False):
        found = namespace(G).empty((len(G), self.shape[1 - axis]), G.dtype)
        kernels_for(G).transport_edges(int(hard), inverse, *self.sides[1 - axis], G, found)
        return found

    def largest_flow(self, a, b):
        """Return the share of the mass that the allowed edges can carry: a maximum flow, rounded up."""
        n, m = self.shape
        a, b, edges = to_host(a), to_host(b), sp.coo_array(to_host(self.cost))
        unit = 1 << 30
        tails = np.concatenate([np.zeros(n), 1 + edges.coords[0], np.arange(1 + n, 1 + n + m)])
        heads = np.concatenate([np.arange(1, 1 + n), 1 + n + edges.coords[1], np.full(m, 1 + n + m)])
        room = np.concatenate([a * unit, np.full(edges.nnz, unit), b * unit])
        ends = tails.astype(int), heads.astype(int)
        graph = sp.csr_array((room.astype(np.int32), ends), shape=(n + m + 2, n + m + 2))
        return min(1.0, (maximum_flow(graph, 0, n + m + 1).flow_value + n + m) / unit)

    def block(self, first, last):
        """Return some rows of the cost; forbidden entries are infinite."""
        xp = namespace(self.sides[0][2])
        start, end = (int(self.sides[0][0][k]) for k in (first, last))
        indptr, indices, data = self.sides[0]
        block = xp.full((last - first, self.shape[1]), np.inf)
        rows = xp.searchsorted(indptr[first : last + 1], xp.arange(start, end), side="right") - 1
        block[rows, indices[start:end]] = data[start:end]
        return block
