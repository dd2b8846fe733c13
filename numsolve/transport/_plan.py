"""The plan, formed some rows at a time where its entries are needed."""

from math import inf
from typing import Any

import numpy as np

from .. import _validate
from .._array import library, namespace, sparse_module
from ._passes import FusedPasses

BLOCK_ENTRIES = 1 << 20  # entries that are formed at a time
KERNEL_COLUMNS = 8  # of a factor, up to which the kernels are faster than array operations


class Plan:
    """The plan of a transport problem, ``exp((f_i + g_j - cost_ij) / eps)``, which is not stored.

    ``plan @ v`` is the product with an array of shape (m,) or (m, k). It raises a TypeError where `v` lives
    in the other library, and a ValueError where its shape does not fit.

    Attributes
    ----------
    shape : tuple of int
        Numbers of rows and columns, (n, m).
    T : Plan
        The transpose, of shape (m, n).
    library : {"numpy", "cupy"}
        Where the potentials live.
    """

    def __init__(self, passes, inverse, F, G, transposed=False):
        self._passes, self._inverse, self._F, self._G = passes.without_workspace(), inverse, F, G
        self._transposed = transposed

    @property
    def library(self):
        """Name of the library of the potentials: "numpy" or "cupy"."""
        return library(self._F)

    @property
    def shape(self):
        """Numbers of rows and columns, (n, m)."""
        return self._passes.shape[::-1] if self._transposed else self._passes.shape

    @property
    def T(self):
        """The transpose, a `Plan` of shape (m, n)."""
        return Plan(self._passes, self._inverse, self._F, self._G, not self._transposed)

    def __matmul__(self, v) -> Any:
        xp = namespace(self._F)
        if library(v) not in (None, self.library):
            raise TypeError(f"v lives in {library(v)}, the plan in {self.library}: move one")
        v = _validate.as_array(v, "v", xp)
        if v.ndim not in (1, 2) or len(v) != self.shape[1]:
            raise ValueError(f"v has shape {v.shape}, but the plan needs ({self.shape[1]},) or (., k)")
        double = isinstance(self._passes, FusedPasses) and self._passes.dtype == np.float64
        if double and v[:1].size <= KERNEL_COLUMNS:
            if v.dtype.kind == "c":
                raise TypeError(f"v has dtype {v.dtype}; real numbers are needed")
            columns = [self._product(column) for column in v.reshape(len(v), -1).T]
            return columns[0] if v.ndim == 1 else xp.stack(columns, axis=1)
        if self._transposed:
            return sum(P.T @ v[first : first + len(P)] for first, P, _ in self.blocks())
        return xp.concatenate(tuple(P @ v for _, P, _ in self.blocks()))

    def _product(self, v) -> Any:
        """Return the product with a vector by the passes: its logarithm is added to the potential."""
        xp, passes = namespace(self._F), self._passes.with_workspace()
        still, live = xp.zeros(1), xp.ones(1, bool)
        F, G = (potential[None].astype(np.float64) for potential in (self._F, self._G))
        a, b, r, c = (xp.ones((1, size)) for size in (*passes.shape, *passes.shape))
        total = 0 * (c if self._transposed else r)
        for sign in (1, -1):
            part = sign * v
            some = part > 0
            if not bool(some.any()):
                continue
            logarithm = xp.where(some, xp.log(xp.where(some, part, 1)), -inf)
            left, right = (F + logarithm, G) if self._transposed else (F, G + logarithm)
            mass = (left > -inf) * a
            passes.rows(live, still, 1.0, self._inverse, mass, left, right, left.copy(), r)
            if self._transposed:
                passes.columns(live, still, 1.0, self._inverse, left, b, right, right.copy(), c)
            total = total + sign * (c if self._transposed else r)
        return total[0]

    def rows(self, first, last):
        """Return the entries of some rows.

        Parameters
        ----------
        first, last : int
            Rows ``first`` to ``last - 1``, with ``0 <= first <= last <= n``.

        Returns
        -------
        array of float64, shape (last - first, m)
            Their entries, in units of mass.

        Raises
        ------
        ValueError
            The plan is a transpose: its rows are columns of the plan.
        """
        if self._transposed:
            raise ValueError("rows of the transpose are not available: use plan.T.to_dense()[first:last]")
        return self._block(first, last)[0]

    def to_dense(self):
        """Return all entries.

        Returns
        -------
        array of float64, shape (n, m)
            The entries, in units of mass. The only method that needs memory for all of them.
        """
        P = namespace(self._F).concatenate(tuple(P for _, P, _ in self.blocks()))
        return P.T if self._transposed else P

    def to_sparse(self, mass=None, *, threshold=None):
        """Return the largest entries as a sparse matrix.

        Parameters
        ----------
        mass : float, optional
            Keep the largest entries of each row (of a transpose: of each column) that hold at least this
            fraction of its mass, between 0 and 1. Default: 0.999, unless `threshold` is given.
        threshold : float, optional
            Keep the entries that are at least this large.

        Returns
        -------
        csr_array or csr_matrix, shape (n, m)
            The entries that are kept, unchanged: a SciPy array or a CuPy matrix.

        Raises
        ------
        ValueError
            Both arguments are given, one is not positive, or `mass` is not less than 1.
        TypeError
            An argument is not a real number.
        """
        if mass is not None and threshold is not None:
            raise ValueError("mass and threshold are both given: pass one, the other is None")
        if threshold is None:
            mass = _validate.positive(0.999 if mass is None else mass, "mass")
            if mass >= 1:
                raise ValueError(f"mass is {mass!r}; a number less than 1 is needed, or use to_dense()")
        else:
            threshold = _validate.positive(threshold, "threshold")

        def kept():
            for _, P, _ in self.blocks():
                yield P, P >= (_least_kept(P, mass) if threshold is None else threshold)

        plan = sparse_matrix(kept(), self._passes.shape[1])
        return plan.T.tocsr() if self._transposed else plan

    def barycentric(self, y):
        """Return the mean destination of the mass of each row.

        Parameters
        ----------
        y : array, shape (m,) or (m, k)
            A value or a point for each column.

        Returns
        -------
        array, shape (n,) or (n, k)
            ``(plan @ y) / (plan @ 1)``, in the units of `y`; NaN for rows without mass.

        Raises
        ------
        ValueError
            The shape of `y` does not fit.
        TypeError
            `y` lives in the other library.
        """
        xp = namespace(self._F)
        y = _validate.as_array(y, "y", xp)
        sums = self @ xp.ones(self.shape[1], self._F.dtype)
        moved = self @ y
        return moved / (sums if y.ndim == 1 else sums[:, None])

    def blocks(self):
        """Yield the plan in blocks of rows.

        Yields
        ------
        first : int
            Number of the first row of the block.
        P, cost : array, shape (rows, m)
            Its entries and costs. Of a transpose they are those of the plan itself.
        """
        n, m = self._passes.shape
        rows = max(1, BLOCK_ENTRIES // m)
        for first in range(0, n, rows):
            yield first, *self._block(first, min(first + rows, n))

    def _block(self, first, last):
        xp, cost = namespace(self._F), self._passes.block(first, last)
        return xp.exp(self._F[first:last, None] + self._G - cost * self._inverse), cost


def sparse_matrix(blocks, columns):
    """Return a sparse matrix, given pairs of entries and flags of what to keep for each block of rows."""
    parts, xp = [], np
    for P, kept in blocks:
        xp = namespace(P)
        parts.append((P[kept], xp.nonzero(kept)[1].astype(np.int32), kept.sum(axis=1)))
    data, indices, counts = (xp.concatenate(part) for part in zip(*parts, strict=True))
    indptr = xp.concatenate((xp.zeros(1, counts.dtype), xp.cumsum(counts)))
    home = library(data) or "numpy"
    sparse = sparse_module(home)
    kind = sparse.csr_array if home == "numpy" else sparse.csr_matrix  # CuPy has no sparse arrays
    return kind((data, indices, indptr), shape=(counts.size, columns))


def _least_kept(P, mass):
    """Return for each row the smallest entry that is needed to hold the fraction `mass` of its sum."""
    xp = namespace(P)
    falling = -xp.sort(-P, axis=1)
    sums = xp.cumsum(falling, axis=1)
    needed = sums - falling < mass * sums[:, -1:]
    return xp.where(needed, falling, inf).min(axis=1)[:, None]
