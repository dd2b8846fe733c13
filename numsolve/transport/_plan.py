"""The plan, formed some rows at a time wherever it is asked for."""

from math import inf
from typing import Any

import numpy as np

from .. import _validate
from .._array import library, namespace, sparse_module
from ._forms import Fused

BLOCK = 1 << 20  # entries that are formed at a time
FEW = 8  # columns up to which the kernels are quicker than array text


class Plan:
    """The plan of a transport problem, ``exp((f_i + g_j - cost_ij) / eps)``: never stored unless asked for.

    Attributes
    ----------
    shape : tuple of int
        Numbers of rows and columns.
    T : Plan
        The transpose.
    """

    def __init__(self, form, inverse, F, G, transposed=False):
        self._form, self._inverse, self._F, self._G = form, inverse, F, G
        self._transposed = transposed

    @property
    def library(self):
        """Name of the library of the potentials."""
        return library(self._F)

    @property
    def shape(self):
        """Numbers of rows and columns."""
        return self._form.shape[::-1] if self._transposed else self._form.shape

    @property
    def T(self):
        """The transpose."""
        return Plan(self._form, self._inverse, self._F, self._G, not self._transposed)

    def __matmul__(self, v) -> Any:
        xp = namespace(self._F)
        if library(v) not in (None, self.library):
            raise TypeError(f"v lives in {library(v)}, the plan in {self.library}: move one")
        v = _validate.as_array(v, "v", xp)
        if v.ndim not in (1, 2) or len(v) != self.shape[1]:
            raise ValueError(f"v has shape {v.shape}, but the plan needs ({self.shape[1]},) or (., k)")
        double = isinstance(self._form, Fused) and self._form.dtype == np.float64
        if double and v[:1].size <= FEW:
            if v.dtype.kind == "c":
                raise TypeError(f"v has dtype {v.dtype}; real numbers are needed")
            columns = [self._product(column) for column in v.reshape(len(v), -1).T]
            return columns[0] if v.ndim == 1 else xp.stack(columns, axis=1)
        if self._transposed:
            return sum(P.T @ v[first : first + len(P)] for first, P, _ in self.blocks())
        return xp.concatenate(tuple(P @ v for _, P, _ in self.blocks()))

    def _product(self, v) -> Any:
        """Return the product with a vector by the iteration's passes: its logarithm joins the potential."""
        xp, form = namespace(self._F), self._form
        still, live = xp.zeros(1), xp.ones(1, bool)
        F, G = (potential[None].astype(np.float64) for potential in (self._F, self._G))
        a, b, r, c = (xp.ones((1, size)) for size in (*form.shape, *form.shape))
        total = 0 * (c if self._transposed else r)
        for sign in (1, -1):
            part = sign * v
            some = part > 0
            if not bool(some.any()):
                continue
            logarithm = xp.where(some, xp.log(xp.where(some, part, 1)), -inf)
            left, right = (F + logarithm, G) if self._transposed else (F, G + logarithm)
            mass = (left > -inf) * a
            form.rows(live, still, 1.0, self._inverse, mass, left, right, left.copy(), r)
            if self._transposed:
                form.columns(live, still, 1.0, self._inverse, left, b, right, right.copy(), c)
            total = total + sign * (c if self._transposed else r)
        return total[0]

    def rows(self, first, last):
        """Return some rows.

        Parameters
        ----------
        first, last : int
            Rows ``first`` to ``last - 1``.

        Returns
        -------
        array, shape (last - first, m)
            Their entries.
        """
        if self._transposed:
            raise ValueError("the rows of the transpose are columns of the plan: use (plan.T).to_dense()")
        return self._block(first, last)[0]

    def to_dense(self):
        """Return all entries.

        Returns
        -------
        array, shape (n, m)
            The plan.
        """
        P = namespace(self._F).concatenate(tuple(P for _, P, _ in self.blocks()))
        return P.T if self._transposed else P

    def to_sparse(self, mass=None, *, threshold=None):
        """Return the largest entries as a sparse matrix.

        Parameters
        ----------
        mass : float, optional
            The fraction of the mass of each row (of a transpose: of each column) that is kept at least, less
            than 1. Default: 0.999, unless `threshold` is given.
        threshold : float, optional
            Keep what is at least so large, instead.

        Returns
        -------
        csr_array or csr_matrix, shape (n, m)
            The entries that were kept, unchanged: the rest is missing. Of SciPy an array, of CuPy a matrix.
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

        plan = sparse_of(kept(), self._form.shape[1])
        return plan.T.tocsr() if self._transposed else plan

    def barycentric(self, y):
        """Return where the mass of each row goes on average.

        Parameters
        ----------
        y : array, shape (m,) or (m, k)
            A value, or a point, of each column.

        Returns
        -------
        array, shape (n,) or (n, k)
            ``(plan @ y) / (plan @ 1)``.
        """
        xp = namespace(self._F)
        y = _validate.as_array(y, "y", xp)
        sums = self @ xp.ones(self.shape[1], self._F.dtype)
        moved = self @ y
        return moved / (sums if y.ndim == 1 else sums[:, None])

    def blocks(self):
        """Yield the first row, the entries and the costs of one block of rows after the other."""
        n, m = self._form.shape
        rows = max(1, BLOCK // m)
        for first in range(0, n, rows):
            yield first, *self._block(first, min(first + rows, n))

    def _block(self, first, last):
        xp, cost = namespace(self._F), self._form.block(first, last)
        return xp.exp(self._F[first:last, None] + self._G - cost * self._inverse), cost


def sparse_of(blocks, columns):
    """Return a sparse matrix of the entries to keep, from blocks of rows: pairs of entries and flags."""
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
    """Return of each row the least entry without which the larger ones do not hold that part of its mass."""
    xp = namespace(P)
    falling = -xp.sort(-P, axis=1)
    sums = xp.cumsum(falling, axis=1)
    needed = sums - falling < mass * sums[:, -1:]
    return xp.where(needed, falling, inf).min(axis=1)[:, None]
