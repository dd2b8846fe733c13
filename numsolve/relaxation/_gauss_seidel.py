"""The method of Gauss and Seidel."""

from .._linear.solve import warn_of_miss
from ._run import gathered, over_relaxed


def gauss_seidel(
    A,
    b,
    x0=None,
    *,
    symmetric=False,
    reverse=False,
    colours=None,
    block_size=None,
    rtol=1e-5,
    atol=0.0,
    maxiter=None,
    callback=None,
):
    r"""Solve :math:`Ax = b` by the method of Gauss and Seidel.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix with a diagonal free of zeros, in the library (NumPy/SciPy or CuPy) of `b`; its entries are
        needed, a LinearOperator is refused.
    b : array, shape (n,) or (n, k)
        Right-hand side, or `k` of them, solved one after the other. Real or complex floating point;
        integers are taken as float64.
    x0 : array, shape of `b`, optional
        Starting guess, never overwritten. Default: zeros.
    symmetric : bool
        Sweep forth and back: an iteration is two sweeps.
    reverse : bool
        Begin with the last row, or colour.
    colours : "greedy" or array of int, shape (n,), optional
        Take the rows colour by colour, in parallel: those of `colouring`, or others; rows (or blocks) that an
        entry couples need different ones. Default: in the order of the matrix, on one thread; on a GPU
        "greedy", found on the host for each solve unless you give it, as the attribute `colours` of a result.
    block_size : int, optional
        Relax so many neighbouring rows at once, with the inverse of their diagonal block, instead of one row;
        the last block may be smaller. `colours` are then those of the blocks.
    rtol, atol : float
        Stop once ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column.
    maxiter : int, optional
        Largest number of iterations. Default: ``max(10 * n, 1000)``.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration (on a GPU: after every tenth); true stops.
        `x` is live: copy it to keep it.

    Returns
    -------
    RelaxationResult
        ``x``, ``status``, ``message``, ``residuals`` of shape ``(nit + 1,)`` or ``(nit + 1, k)``, the
        ``omega`` that was used, and the ``colours``, for the next matrix of this pattern.

    Raises
    ------
    ValueError
        A diagonal entry is zero (its row is named) or a block singular, a shape does not fit, an entry is
        not finite, two coupled rows have one colour, or a tolerance is negative.
    TypeError
        `A` is a LinearOperator, a dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why, and how fast the residual fell.

    Notes
    -----
    Each row in turn is set right, with the newest values: :math:`x \leftarrow x + (D + L)^{-1}(b - Ax)`,
    which is `sor` with ``omega=1``. It converges where `A` is Hermitian definite or diagonally dominant, on
    grids twice as fast as `jacobi`; section 4.1 of [1]_.

    An iteration is one pass over `A`: the residual of an iterate is found by the sweep that leaves it. It
    moves 12 bytes an entry of `A` and 44 a row in float64 with int32 indices, with `symmetric` twice that
    less 8. Storage: two vectors; with `colours`, `reverse` or blocks the matrix in another order, and the
    inverses of the blocks. The norms are those of true residuals.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.relaxation import gauss_seidel
    >>> gauss_seidel(np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([5.0, 4.0])).check().x.round(4)
    array([1., 1.])
    """
    system = gathered("gauss_seidel", A, b, x0, rtol, atol, maxiter)
    options = {"symmetric": symmetric, "reverse": reverse, "colours": colours, "block_size": block_size}
    return warn_of_miss(over_relaxed("gauss_seidel", system, 1.0, callback, **options))
