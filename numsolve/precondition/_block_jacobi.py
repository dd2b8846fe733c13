"""The block diagonal preconditioner."""

import numpy as np

from .. import _validate
from .._array import array_module, to_host
from .._matrix import sparse_of, successor
from .._operator import Operator
from ..kernels import kernels_for


def block_jacobi(A, block_size=None, *, blocks=None):
    r"""Return the inverse of the diagonal blocks of `A` as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix whose diagonal blocks are nonsingular, of NumPy/SciPy or CuPy.
    block_size : int, optional
        Rows of a block; neighbouring rows share one, and the last may be smaller.
    blocks : array of int, shape (n,), optional
        Instead of `block_size`: a label for each row; rows with the same label share a block.

    Returns
    -------
    Operator
        ``M @ r`` solves with each block; it lives where `A` lives, and is Hermitian positive definite if `A`
        is. ``M.update(A)`` takes other values in the same pattern and returns M.

    Raises
    ------
    ValueError
        A block is singular (its rows are named), sizes do not fit, blocks differ too much in size, or `A` is
        not square or not finite.
    TypeError
        `A` is a LinearOperator, or not exactly one of `block_size` and `blocks` is given.

    Notes
    -----
    Each block is inverted once, in double precision: about 2 m^3 operations for m rows. Applying M takes
    2 m n operations and moves ``8 m n + 20 n`` bytes in float64. Storage: m entries a row, where m is the
    size of the largest block, and the places of the blocks' entries in `A`. Section 12.2 of [1]_.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.precondition import block_jacobi
    >>> A = np.array([[2.0, 1.0, 9.0], [1.0, 1.0, 9.0], [0.0, 0.0, 4.0]])
    >>> block_jacobi(A, 2) @ np.array([3.0, 2.0, 8.0])
    array([1., 1., 2.])
    """
    if (block_size is None) == (blocks is None):
        raise TypeError("give either block_size or blocks")
    matrix = sparse_of(A, "block_jacobi")
    n = matrix.shape[0]
    if blocks is None:
        labels = np.arange(n) // min(_validate.count(block_size, "block_size", least=1), n)
    else:
        labels = _labels(blocks, n)
    return BlockDiagonal(matrix, _members(labels, matrix.indices.dtype))


def _labels(blocks, n):
    """Return the number of the block of each row, counted from zero."""
    blocks = np.asarray(to_host(blocks))
    if blocks.shape != (n,) or blocks.dtype.kind not in "iu":
        raise ValueError(
            f"blocks has shape {blocks.shape} and dtype {blocks.dtype}; needed: {n} whole numbers, "
            "the label of each row"
        )
    return np.unique(blocks, return_inverse=True)[1]


def _members(labels, dtype):
    """Return the rows of each block, filled up with -1 to the size of the largest."""
    sizes = np.bincount(labels)
    m, entries = int(sizes.max()), int((sizes**2).sum())
    if len(sizes) * m * m > max(50 * entries, 10**6):
        raise ValueError(
            f"blocks differ too much in size: the largest has {m} rows, the mean "
            f"{len(labels) / len(sizes):.1f}, and all take the room of the largest; split it"
        )
    rows = np.full((len(sizes), m), -1, dtype)
    rows[np.arange(m) < sizes[:, None]] = np.argsort(labels, kind="stable")
    return rows


class BlockDiagonal(Operator):
    """The inverses of diagonal blocks."""

    def __init__(self, matrix, rows):
        super().__init__(matrix.shape, matrix.dtype, matrix.library)
        xp = array_module(self.library)
        self._matrix, self._rows = matrix, xp.asarray(rows)
        self._taken, self._places, self._filled = (xp.asarray(a) for a in _places(matrix, rows))
        self._inverses = self._inverted()

    def apply(self, x, out):
        kernels_for(out).block_jacobi(self._rows, self._inverses, x, out)
        return out

    def update(self, A):
        """Take the blocks of another matrix of the same pattern; return the operator itself."""
        self._matrix, before = successor(self._matrix, A, "block_jacobi"), self._matrix
        try:
            self._inverses = self._inverted()
        except ValueError:
            self._matrix = before
            raise
        return self

    def _inverted(self):
        """Return the inverses of the blocks."""
        xp, (count, m) = array_module(self.library), self._rows.shape
        flat = xp.zeros(count * m * m, np.result_type(self.dtype, np.float64))
        flat[self._places] = self._matrix.data[self._taken]
        flat[self._filled] = 1.0
        blocks = flat.reshape(count, m, m)
        try:
            inverses = xp.linalg.inv(blocks)
        except np.linalg.LinAlgError:
            raise self._singular(next(k for k in range(count) if _is_singular(blocks[k]))) from None
        # Rounding moves an entry by this many units at most, however rows and columns are scaled.
        condition = (abs(inverses) * abs(blocks).swapaxes(1, 2)).sum(axis=(1, 2))
        bad = ~(condition * np.finfo(flat.dtype).eps < 0.1)
        if bool(bad.any()):
            raise self._singular(int(xp.argmax(bad)))
        return inverses.astype(self.dtype)

    def _singular(self, block):
        rows = to_host(self._rows[block])
        rows = rows[rows >= 0]
        named = ", ".join(map(str, rows[:6])) + (", ..." if len(rows) > 6 else "")
        return ValueError(
            f"A has a singular diagonal block, of rows {named}: block_jacobi needs none; "
            "choose other blocks, or use spai or amg"
        )


def _places(matrix, rows):
    """Return which entries of a matrix lie in blocks, where there, and the diagonal of what is filled up."""
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
    """Tell whether a factorisation meets a zero pivot."""
    try:
        np.linalg.inv(to_host(block))
    except np.linalg.LinAlgError:
        return True
    return False
