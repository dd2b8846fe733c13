"""Colours for the rows of a matrix: rows of one colour can be relaxed at once."""

from .._array import to_host
from .._operators.colours import greedy_colouring
from .._operators.entries import sparse_of


def colouring(A):
    """Return a colour for each row of `A`, such that rows coupled by an entry have different colours.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix of NumPy/SciPy or CuPy. Only its pattern is used, which need not be symmetric.

    Returns
    -------
    numpy.ndarray of int32, shape (n,)
        Colours 0, 1, ..., on the host: a value for the argument `colours` of `sor`, `gauss_seidel`, `ssor`
        and ``precondition.ssor``, for every matrix with this pattern or a part of it.

    Raises
    ------
    ValueError
        `A` is not square or not finite.
    TypeError
        `A` is a LinearOperator, which has no entries, or its dtype is not supported.

    Notes
    -----
    Each row in turn gets the lowest colour that no neighbour has. 5- and 7-point grids in their natural
    order get two colours; no matrix gets more than the largest number of neighbours plus one. One pass over
    the pattern, on one thread of the host; storage: 12 n bytes. Section 3.3.3 of [1]_.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.

    Examples
    --------
    >>> from numsolve.problems import poisson
    >>> from numsolve.relaxation import colouring
    >>> colouring(poisson((3, 3)))
    array([0, 1, 0, 1, 0, 1, 0, 1, 0], dtype=int32)
    """
    matrix = sparse_of(A, "colouring")
    return greedy_colouring(*to_host(matrix.indptr, matrix.indices))
