"""Diagonal and block diagonal operators."""

from copy import copy

import numpy as np

from .. import _validate
from .._array import array_module, namespace, to_host
from ..kernels import kernels_for
from .entries import PoorDiagonal, diagonal, with_pattern_of
from .operator import Operator


class Diagonal(Operator):
    """A diagonal matrix."""

    def __init__(self, entries):
        xp = namespace(entries)
        super().__init__((entries.size, entries.size), entries.dtype, "numpy" if xp is np else "cupy")
        self.entries = entries

    def apply(self, x, out):
        namespace(out).multiply(self.entries, x, out=out)
        return out

    def apply_block(self, X, out):
        namespace(out).multiply(self.entries[:, None], X, out=out)
        return out

    def astype(self, dtype):
        return self if self.dtype == dtype else Diagonal(self.entries.astype(dtype))

    def update(self, A):
        """Return the operator for the diagonal of another matrix of the same shape."""
        entries = 1 / diagonal(A, "jacobi").astype(self.dtype)
        if entries.shape != self.entries.shape:
            raise ValueError(f"A has shape {tuple(A.shape)}, but jacobi was made from one of {self.shape}")
        return Diagonal(entries)


def _labels(blocks, n):
    """Return the number of the block of each row, counted from zero."""
    blocks = np.asarray(to_host(blocks))
    if blocks.shape != (n,) or blocks.dtype.kind not in "iu":
        raise ValueError(
            f"blocks has shape {blocks.shape} and dtype {blocks.dtype}; needed: {n} whole numbers, "
            "the label of each row"
        )
    return np.unique(blocks, return_inverse=True)[1]


def rows_of_blocks(matrix, block_size=None, blocks=None):
    """Return the rows of each block, padded with -1 to the size of the largest.

    A block consists of `block_size` neighbouring rows, or of rows with the same label in `blocks`.
    """
    n, dtype = matrix.shape[0], matrix.indices.dtype
    if blocks is None:
        labels = np.arange(n) // min(_validate.count(block_size, "block_size", least=1), n)
    else:
        labels = _labels(blocks, n)
    sizes = np.bincount(labels)
    m, entries = int(sizes.max()), int((sizes**2).sum())
    if len(sizes) * m * m > max(50 * entries, 10**6):
        raise ValueError(
            f"blocks differ too much in size: the largest has {m} rows, the mean "
            f"{len(labels) / len(sizes):.1f}, and each is stored in the size of the largest; split it"
        )
    rows = np.full((len(sizes), m), -1, dtype)
    rows[np.arange(m) < sizes[:, None]] = np.argsort(labels, kind="stable")
    return rows


class BlockDiagonal(Operator):
    """The inverses of diagonal blocks."""

    def __init__(self, matrix, rows, method="block_jacobi"):
        self._method = method
        super().__init__(matrix.shape, matrix.dtype, matrix.library)
        xp = array_module(self.library)
        self._matrix, self._rows = matrix, xp.asarray(rows)
        self._source, self._target, self._padding = (xp.asarray(a) for a in _places_of_blocks(matrix, rows))
        self.inverses = self._compute_inverses()

    def apply(self, x, out):
        kernels_for(out).block_jacobi(self._rows, self.inverses, x, out)
        return out

    def update(self, A):
        """Return the operator for the blocks of another matrix of the same pattern."""
        twin = copy(self)
        twin._matrix = with_pattern_of(self._matrix, A, self._method)
        twin.inverses = twin._compute_inverses()
        return twin

    def _compute_inverses(self):
        """Return the inverses of the blocks; raise if one is singular to working precision."""
        xp, (count, m) = array_module(self.library), self._rows.shape
        flat = xp.zeros(count * m * m, np.result_type(self.dtype, np.float64))
        flat[self._target] = self._matrix.data[self._source]
        flat[self._padding] = 1.0
        blocks = flat.reshape(count, m, m)
        try:
            inverses = xp.linalg.inv(blocks)
        except np.linalg.LinAlgError:
            raise self._singular_block(next(k for k in range(count) if _is_singular(blocks[k]))) from None
        # Rounding moves an entry by this many units at most, however rows and columns are scaled.
        condition = (abs(inverses) * abs(blocks).swapaxes(1, 2)).sum(axis=(1, 2))
        bad = ~(condition * np.finfo(flat.dtype).eps < 0.1)
        if bool(bad.any()):
            raise self._singular_block(int(xp.argmax(bad)))
        return inverses.astype(self.dtype)

    def _singular_block(self, block):
        rows = to_host(self._rows[block])
        rows = rows[rows >= 0]
        named = ", ".join(map(str, rows[:6])) + (", ..." if len(rows) > 6 else "")
        return PoorDiagonal(
            f"A has a singular diagonal block, of rows {named}, but {self._method} inverts all blocks; "
            "choose other blocks, or use ilut"
        )


def _places_of_blocks(matrix, rows):
    """Return which entries of a matrix are in blocks, where they go, and the diagonal of the padding."""
    m, n = rows.shape[1], matrix.shape[0]
    slot = np.empty(n, np.int64)
    used = np.nonzero(rows.ravel() >= 0)[0]
    slot[rows.ravel()[used]] = used
    indptr, indices = to_host(matrix.indptr, matrix.indices)
    row, column = slot[np.repeat(np.arange(n), np.diff(indptr))], slot[indices]
    taken = np.nonzero(row // m == column // m)[0]
    empty = np.nonzero(rows.ravel() < 0)[0]
    return taken, row[taken] * m + column[taken] % m, empty * m + empty % m


def _is_singular(block):
    """Tell whether the factorisation of a block has a zero pivot."""
    try:
        np.linalg.inv(to_host(block))
    except np.linalg.LinAlgError:
        return True
    return False
