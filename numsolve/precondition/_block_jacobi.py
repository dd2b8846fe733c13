"""The block diagonal preconditioner."""

from .._operators.blocks import BlockDiagonal, rows_of_blocks
from .._operators.entries import sparse_of
from ._matching import made


def block_jacobi(A, block_size=None, *, blocks=None, matching="auto"):
    r"""Return the inverse of the diagonal blocks of `A` as an operator.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix with nonsingular diagonal blocks, of NumPy/SciPy or CuPy, real or complex.
    block_size : int, optional
        Number of neighbouring rows in a block. The last block may be smaller.
    blocks : array of int, shape (n,), optional
        Instead of `block_size`: a label for each row; rows with the same label share a block.
    matching : {"auto", True, False}
        Whether to take the rows in the order that makes the product of the diagonal entries largest, and to
        equilibrate. "auto": if a block is singular; M is then not Hermitian.

    Returns
    -------
    Operator
        ``M @ r`` solves with each block; it is in the library of `A`, and is Hermitian positive definite if
        `A` is. ``M.update(A)`` returns the operator for other values in the same pattern.

    Raises
    ------
    ValueError
        A block is singular, also after matching (its rows are named), sizes do not fit, blocks differ too
        much in size, `A` is not square or not finite, or `update` is given another pattern.
    TypeError
        `A` is a LinearOperator, or not exactly one of `block_size` and `blocks` is given.

    Notes
    -----
    Let m be the size of the largest block. Each block is inverted once, in double precision: about 2 m^3
    operations. Applying M takes 2 m n operations and moves ``8 m n + 20 n`` bytes in float64. Storage: m n
    entries, and the positions of the entries of the blocks in `A`. Section 12.2 of [1]_.

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
    matrix = sparse_of(A, "block_jacobi", keep=True)
    rows = rows_of_blocks(matrix, block_size, blocks)
    return made(lambda matrix: BlockDiagonal(matrix, rows), matrix, matching, "block_jacobi")
