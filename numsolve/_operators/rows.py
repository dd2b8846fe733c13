"""The rows of a matrix, or blocks of them, in the order in which a method takes them."""

from functools import partial
from typing import Any

import numpy as np

from .._array import array_module, namespace, sparse_module, to_host
from ..kernels import kernels_for
from .blocks import BlockDiagonal, members
from .colours import checked, greedy
from .entries import diagonal
from .operator import Csr


class Rows:
    """A matrix stored in an order of its rows, in sections of rows that are taken at once.

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
    kind = "row"

    def __init__(self, matrix):
        self.matrix, self.library, self.count = matrix, matrix.library, matrix.shape[0]
        self.indptr, self.indices, self.data = matrix.indptr, matrix.indices, matrix.data

    def pattern(self) -> Any:
        """Return, on the host and in CSR, which rows are coupled."""
        return to_host(self.matrix.indptr, self.matrix.indices)

    def scale(self, method):
        """Return what each residual is multiplied by, the inverse of the diagonal; raise where it is zero."""
        return 1 / self.into(diagonal(self.matrix, method, "a Krylov method"))

    def at_once(self):
        """Take all rows at once, each seeing the old values of the others; return self."""
        self.bounds = self._moved(np.array([0, self.count]))
        return self

    def by_sections(self, section):
        """Take the rows section by section, be they colours or levels, as numbered; return self."""
        self.bounds = self._moved(np.append(0, np.cumsum(np.bincount(section))))
        few = section.astype(np.min_scalar_type(section.max(initial=0)))  # which NumPy sorts by counting
        return self.taken(np.argsort(few, kind="stable"))

    def entries(self, matrix):
        """Return the entries of a matrix of the same pattern in the order of the rows."""
        return matrix.data if self.places is None else matrix.data[self.places]

    def taken(self, order):
        """Take the rows in the order of a permutation; return self."""
        from ..kernels.host.colours import permuted

        indptr, indices = to_host(self.indptr, self.indices)
        found = order, *permuted(indptr, indices, order)
        self.order, self.indptr, self.indices, self.places = map(self._moved, found)
        self.data = self.data[self.places]
        return self

    def sweep(self, live, data, scale, b, x, y):
        """Sweep from `x` to `y`; return the squared residual of `x`."""
        sweep = kernels_for(b).sor_sweep
        return sweep(live, self.bounds, self.indptr, self.indices, data, scale, b, x, y)

    def into(self, x):
        """Return a copy of `x` in the order of the rows."""
        return x.copy() if self.order is None else x[self.order]

    def out_of(self, x):
        """Return what `x`, in the order of the rows, is in that of the matrix."""
        if self.order is None:
            return x
        out = namespace(x).empty_like(x)
        out[self.order] = x
        return out

    def form(self, x):
        """Return the iterate `x`, or what forms it in the order of the matrix."""
        return x if self.order is None else partial(self.out_of, x)

    def operator(self):
        """Return the matrix with its rows and columns in the order as an operator."""
        if self.order is None:
            return self.matrix
        arrays, sparse = (self.data, self.indices, self.indptr), sparse_module(self.library)
        A = sparse.csr_matrix(arrays, shape=self.matrix.shape)
        A.has_canonical_format = True
        return Csr(A)

    def _moved(self, index):
        return array_module(self.library).asarray(index.astype(self.matrix.indices.dtype, copy=False))


class Blocks(Rows):
    """The same in blocks of neighbouring rows, relaxed as a whole; sections and colours are of blocks."""

    kind = "block"
    room: Any = None

    def __init__(self, matrix, size):
        super().__init__(matrix)
        self.members = members(matrix, size)
        self.count = len(self.members)
        self.starts = self._moved(_starts(self.members))

    def pattern(self) -> Any:
        import scipy.sparse as sp

        indptr, indices = super().pattern()
        block, size = np.arange(len(indptr) - 1) // self.members.shape[1], 2 * (self.count,)
        couples = np.repeat(block, np.diff(indptr)), block[indices]
        graph = sp.coo_array((np.ones(len(indices), bool), couples), shape=size).tocsr()
        return graph.indptr, graph.indices

    def scale(self, method):
        return BlockDiagonal(self.matrix, self.members, method).inverses

    def taken(self, order):
        self.members = self.members[order]
        self.starts = self._moved(_starts(self.members))
        return super().taken(self.members[self.members >= 0])

    def sweep(self, live, data, scale, b, x, y):
        matrix = self.bounds, self.starts, self.indptr, self.indices, data
        if self.room is None:
            self.room = namespace(b).empty_like(b)
        return kernels_for(b).block_sweep(live, *matrix, scale, b, x, y, self.room)


def _starts(members):
    """Return the first row of each block, and the number of rows."""
    return np.append(0, np.cumsum((members >= 0).sum(axis=1)))


def arranged(matrix, block_size, colours, reverse):
    """Return the rows, or blocks of a size, in natural order or coloured; and the colouring if there is one.

    Without `colours` the order is natural on the host, and that of a greedy colouring on a GPU; `reverse`
    begins at its end.
    """
    rows = Rows(matrix) if block_size is None else Blocks(matrix, block_size)
    if colours is None and rows.library == "numpy":
        return (rows.taken(np.arange(rows.count)[::-1]) if reverse else rows), None
    return coloured(rows, colours, reverse)


def coloured(rows, colours, reverse=False):
    """Return the rows, now colour by colour, and the colouring: the one given, or a greedy one."""
    found = colours is None or (isinstance(colours, str) and colours == "greedy")
    indptr, indices = rows.pattern()
    colours = greedy(indptr, indices) if found else checked(colours, indptr, indices, rows.kind)
    return rows.by_sections(colours.max() - colours if reverse else colours), colours
