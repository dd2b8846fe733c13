"""The rows of a matrix in the order in which a method takes them."""

from functools import partial
from typing import Any

import numpy as np

from .._array import array_module, namespace, sparse_module, to_host
from .._matrix import diagonal
from .._operator import Csr
from .._result import Breakdown, Status
from ..kernels import kernels_for
from ._colouring import checked, colours_of

INSTEAD = "a Krylov method"
BATCH = 1 << 20  # entries that sweeps take between two looks: Ctrl-C waits for milliseconds


class Rows:
    """A matrix stored in an order of its rows, in sections of rows that may be taken at once.

    Attributes
    ----------
    order : array of int, or None
        Which row is taken when; None in the order of the matrix.
    bounds : array of int, or None
        Where each section begins, and the number of rows; None if every row is a section.
    indptr, indices, data : array
        The matrix, its rows and columns in this order.
    places : array of int, or None
        Where the entries are in the matrix, if that has another order.
    """

    order: Any = None
    bounds: Any = None
    places: Any = None

    def __init__(self, matrix):
        self.matrix, self.library = matrix, matrix.library
        self.indptr, self.indices, self.data = matrix.indptr, matrix.indices, matrix.data

    def at_once(self):
        """Take all rows at once, each seeing the old values of the others; return self."""
        self.bounds = self._moved(np.array([0, self.matrix.shape[0]]))
        return self

    def taken(self, order):
        """Take the rows in the order of a permutation; return self."""
        from ..kernels.cpu._colours import permuted

        indptr, indices, places = permuted(*to_host(self.indptr, self.indices), order)
        self.order, self.indptr, self.indices, self.places = map(
            self._moved, (order, indptr, indices, places)
        )
        self.data = self.data[self.places]
        return self

    def operator(self):
        """Return the matrix with its rows and columns in the order as an operator."""
        if self.order is None:
            return self.matrix
        A = sparse_module(self.library).csr_matrix(
            (self.data, self.indices, self.indptr), shape=self.matrix.shape
        )
        A.has_canonical_format = True
        return Csr(A)

    def by_colour(self, colours):
        """Take the rows colour by colour; return self."""
        self.bounds = self._moved(np.append(0, np.cumsum(np.bincount(colours))))
        return self.taken(np.argsort(colours, kind="stable"))

    def _moved(self, index):
        return array_module(self.library).asarray(index.astype(self.matrix.indices.dtype, copy=False))

    def into(self, x):
        """Return a copy of `x` in the order of the rows."""
        return x.copy() if self.order is None else x[self.order]

    def form(self, x):
        """Return the iterate `x`, or what forms it in the order of the matrix."""
        return x if self.order is None else partial(self.out_of, x)

    def times(self, factor):
        """Return the entries times a number."""
        return self.data if factor == 1 else self.data * self.data.real.dtype.type(factor)

    def out_of(self, x):
        """Return what `x`, in the order of the rows, is in that of the matrix."""
        if self.order is None:
            return x
        out = namespace(x).empty_like(x)
        out[self.order] = x
        return out


def arranged(matrix, colours, reverse):
    """Return the rows in natural order, or coloured, and the colouring if there is one.

    Parameters
    ----------
    matrix : Csr
        The matrix.
    colours : None, "greedy" or array of int
        What the caller asked for. None: natural on the host, and greedy on a GPU.
    reverse : bool
        Whether to begin with the last row or colour.
    """
    rows = Rows(matrix)
    if colours is None and rows.library == "numpy":
        return (rows.taken(np.arange(matrix.shape[0])[::-1]) if reverse else rows), None
    return coloured(matrix, colours, reverse)


def coloured(matrix, colours, reverse=False):
    """Return the rows colour by colour, and the colouring: the one given, or a greedy one."""
    greedy = colours is None or (isinstance(colours, str) and colours == "greedy")
    colours = colours_of(matrix) if greedy else checked(colours, matrix)
    return Rows(matrix).by_colour(colours.max() - colours if reverse else colours), colours


def steps(rows, scale, factor, symmetric, b, x):
    """Yield the iterates of sweeps and their squared residuals, each found by the sweep that follows it.

    `scale` times its residual is what an unknown moves by; the matrix counts `factor` times.
    """
    xp, kernels, live = namespace(b), kernels_for(b), namespace(b).ones(1, bool)
    matrix = rows.indptr, rows.indices, rows.times(factor)
    b, x = rows.into(b), rows.into(x)
    y = xp.empty_like(x)
    while live is not None:
        rr = kernels.sor_sweep(live, rows.bounds, *matrix, scale, b, x, y)
        if symmetric:
            kernels.colour_sweep(live, rows.bounds, True, *matrix, scale, b, y)
        live = yield rows.form(x), rr
        x, y = y, x
    raise _diverged()


def batches(rows, scale, factor, symmetric, b, x):
    """Yield the same many sweeps at a time: for a system so small that a look at one takes longer than it."""
    from ..kernels.cpu._sweeps import sweeps

    at_once = rows.bounds is not None and len(rows.bounds) == 2
    matrix = rows.indptr, rows.indices, rows.times(factor)
    b, x = rows.into(b), rows.into(x)
    y, squares = np.empty_like(x), np.empty(1 + BATCH // (1 + matrix[2].size), x.real.dtype)
    sweeps(np.inf, symmetric, at_once, *matrix, scale, b, x, y, squares[:1])
    limits = yield rows.form(x), squares[0]
    while limits is not None:
        goal, room = limits
        x, y = y, x
        taken = sweeps(goal, symmetric, at_once, *matrix, scale, b, x, y, squares[:room])
        if taken % 2 == 0:
            x, y = y, x
        limits = yield rows.form(x), squares[:taken]
    raise _diverged()


def _diverged():
    return Breakdown(
        f"the sweeps diverge until the residual overflows: use a smaller omega, or {INSTEAD}",
        Status.NONFINITE,
    )


def inverse_diagonal(rows, method):
    """Return one over the diagonal, in the order of the rows; raise where it is zero."""
    return 1 / rows.into(diagonal(rows.matrix, method, INSTEAD))
