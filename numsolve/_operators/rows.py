"""The rows of a matrix, or blocks of them, in the order in which a method takes them."""

from functools import cached_property, partial
from typing import Any

import numpy as np

from .._array import array_module, namespace, sparse_module, to_host
from ..kernels import kernels_for
from .blocks import BlockDiagonal, rows_of_blocks
from .colours import checked_colouring, greedy_colouring
from .entries import diagonal
from .operator import Csr
from .readonly import ReadOnly, frozen


class Rows(ReadOnly):
    """A matrix with its rows and columns in some order, and sections of rows that are taken at once.

    Attributes
    ----------
    order : array of int, or None
        The rows in the order in which they are taken; None for the order of the matrix.
    bounds : array of int, or None
        The first row of each section, then the number of rows; None if every row is a section.
    indptr, indices, data : array
        The matrix with its rows and columns in this order.
    places : array of int, or None
        Where each entry of `data` is in the original matrix; None if the order is the same.
    """

    order: Any = None
    bounds: Any = None
    places: Any = None
    kind = "row"

    def __init__(self, matrix):
        self.matrix, self.library, self.count = matrix, matrix.library, matrix.shape[0]
        self.indptr, self.indices, self.data = matrix.indptr, matrix.indices, matrix.data

    def pattern(self) -> Any:
        """Return which rows are coupled: `indptr` and `indices` of CSR, on the host."""
        return to_host(self.matrix.indptr, self.matrix.indices)

    def scale(self, method):
        """Return the inverse of the diagonal, which multiplies the residuals; raise if an entry is zero."""
        return 1 / self.to_order(diagonal(self.matrix, method, "a Krylov method"))

    def as_one_section(self):
        """Make one section of all rows, each relaxed with the old values of the others; return self."""
        self.bounds = self._to_library(np.array([0, self.count]))
        return self

    def by_sections(self, section):
        """Take the rows section by section; `section` holds the number of each row's colour or level."""
        bounds, order = bounds_and_order(section)
        self.bounds = self._to_library(bounds)
        return self.reorder(order)

    def entries(self, matrix):
        """Return the entries of another matrix of the same pattern, in the order of these rows."""
        return matrix.data if self.places is None else matrix.data[self.places]

    def reorder(self, order):
        """Take rows and columns in the order of a permutation; return self."""
        from ..kernels.host.colours import permuted

        indptr, indices = to_host(self.indptr, self.indices)
        found = order, *permuted(indptr, indices, order)
        self.order, self.indptr, self.indices, self.places = map(self._to_library, found)
        self.data = self.data[self.places]
        return self

    def sweep(self, live, data, scale, b, x, y):
        """Sweep from `x` to `y`; return the squared residual of `x`."""
        sweep = kernels_for(b).sor_sweep
        return sweep(live, self.bounds, self.indptr, self.indices, data, scale, b, x, y)

    def to_order(self, x):
        """Return a copy of `x` in the order of the rows."""
        return x.copy() if self.order is None else x[self.order]

    def from_order(self, x):
        """Return `x`, given in the order of the rows, in the order of the matrix."""
        if self.order is None:
            return x
        out = namespace(x).empty_like(x)
        out[self.order] = x
        return out

    def iterate_from(self, x):
        """Return the iterate `x`, or a function that returns it in the order of the matrix."""
        return x if self.order is None else partial(self.from_order, x)

    def operator(self):
        """Return the matrix with its rows and columns in this order, as an operator."""
        if self.order is None:
            return self.matrix
        arrays, sparse = (self.data, self.indices, self.indptr), sparse_module(self.library)
        A = sparse.csr_matrix(arrays, shape=self.matrix.shape)
        A.has_canonical_format = True
        return Csr(A)

    def _to_library(self, index):
        return array_module(self.library).asarray(index.astype(self.matrix.indices.dtype, copy=False))


class Blocks(Rows):
    """The same for blocks of neighbouring rows, each relaxed as a whole; sections consist of blocks."""

    kind = "block"
    _not_pickled = ("_work",)

    def __init__(self, matrix, size):
        super().__init__(matrix)
        self._work = []  # a vector, made by the first sweep: the blocks belong to one solve
        self.members = rows_of_blocks(matrix, size)
        self.count = len(self.members)
        self.starts = self._to_library(_first_rows(self.members))

    def pattern(self) -> Any:
        import scipy.sparse as sp

        indptr, indices = super().pattern()
        block, size = np.arange(len(indptr) - 1) // self.members.shape[1], 2 * (self.count,)
        couples = np.repeat(block, np.diff(indptr)), block[indices]
        graph = sp.coo_array((np.ones(len(indices), bool), couples), shape=size).tocsr()
        return graph.indptr, graph.indices

    def scale(self, method):
        return BlockDiagonal(self.matrix, self.members, method).inverses

    def reorder(self, order):
        self.members = self.members[order]
        self.starts = self._to_library(_first_rows(self.members))
        return super().reorder(self.members[self.members >= 0])

    def sweep(self, live, data, scale, b, x, y):
        matrix = self.bounds, self.starts, self.indptr, self.indices, data
        if not self._work:
            self._work.append(namespace(b).empty_like(b))
        return kernels_for(b).block_sweep(live, *matrix, scale, b, x, y, *self._work)


def bounds_and_order(section):
    """Return the first place of each section and the number of rows, and the rows section by section.

    `section` holds the number of each row's colour or level.
    """
    short = section.astype(np.min_scalar_type(section.max(initial=0)))  # sorted by radix
    return np.append(0, np.cumsum(np.bincount(section))), np.argsort(short, kind="stable")


def levels_of(matrix):
    """Return on the host the level of each row of anything with `indptr` and `indices`.

    Rows of one level are not coupled. The level of a row is above those of the earlier rows coupled to it.
    """
    from ..kernels.host.levels import levels

    return levels(*to_host(matrix.indptr, matrix.indices))


class Order(ReadOnly):
    """The order in which coupled rows are taken: level by level on a GPU, as stored on the host.

    On the host ``arrays`` holds None twice. If `coloured`, rows are taken colour by colour on both.
    """

    def __init__(self, library, indptr, indices, coloured=False):
        self._library, self.indptr, self.indices, self._coloured = library, indptr, indices, coloured

    @cached_property
    def arrays(self) -> Any:
        """The arrays `bounds` and `order` of the kernels, computed on the host and moved to the device."""
        if self._library == "numpy" and not self._coloured:
            return None, None
        pattern = to_host(self.indptr, self.indices)
        xp, width = array_module(self._library), self.indices.dtype
        section = greedy_colouring(*pattern) if self._coloured else levels_of(self)
        return frozen(tuple(xp.asarray(each.astype(width)) for each in bounds_and_order(section)))


def _first_rows(members):
    """Return the first row of each block, then the number of rows."""
    return np.append(0, np.cumsum((members >= 0).sum(axis=1)))


def ordered_rows(matrix, block_size, colours, reverse):
    """Return the rows, or blocks of a size, in natural order or by colours, and the colouring or None.

    Without `colours` the order is natural on the host, and that of a greedy colouring on a GPU. `reverse`
    takes them from the last to the first.
    """
    rows = Rows(matrix) if block_size is None else Blocks(matrix, block_size)
    if colours is None and rows.library == "numpy":
        return (rows.reorder(np.arange(rows.count)[::-1]) if reverse else rows), None
    return coloured_rows(rows, colours, reverse)


def coloured_rows(rows, colours, reverse=False):
    """Return the rows colour by colour, and the colouring: the given one, or a greedy one."""
    found = colours is None or (isinstance(colours, str) and colours == "greedy")
    indptr, indices = rows.pattern()
    if found:
        colours = greedy_colouring(indptr, indices)
    else:
        colours = checked_colouring(colours, indptr, indices, rows.kind)
    return rows.by_sections(colours.max() - colours if reverse else colours), colours
