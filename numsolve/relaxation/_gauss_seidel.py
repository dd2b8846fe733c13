"""The Gauss-Seidel method."""

from .._result import warn_of_miss
from ._solve import checked_system, solve_over_relaxed


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
    time_limit=None,
    callback=None,
):
    r"""Solve :math:`Ax = b` by the Gauss-Seidel method.

    Parameters
    ----------
    A : array or sparse array, shape (n, n)
        Matrix with a nonzero diagonal, in the library (NumPy/SciPy or CuPy) of `b`. A LinearOperator is
        refused: the entries are needed.
    b : array, shape (n,) or (n, k)
        Right-hand side, or `k` of them, solved one after the other. float32, float64, complex64 or
        complex128; integers become float64.
    x0 : array, shape of `b`, optional
        Starting guess, never overwritten. Default: zeros.
    symmetric : bool
        Sweep forward, then backward: an iteration is two sweeps.
    reverse : bool
        Take the rows, or the colours, from the last to the first.
    colours : "greedy" or array of int, shape (n,), optional
        Take the rows colour by colour, those of one colour in parallel. Rows (or blocks) that an entry
        couples need different colours, as those of `colouring`. Default: in the order of the matrix, on one
        thread; on a GPU "greedy", which each solve finds anew on the host unless you pass the attribute
        `colours` of an earlier result.
    block_size : int, optional
        Relax this many neighbouring rows at once, with the inverse of their diagonal block, instead of one
        row. The last block may be smaller. `colours` are then colours of blocks.
    rtol, atol : float
        Stop once ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column.
        Where `b` is zero, `rtol` is relative to ``norm(A @ x0)``.
    maxiter : int, optional
        Largest number of iterations. Default: ``max(10 * n, 1000)``.
    time_limit : float, optional
        Seconds for the whole call, positive; looked at after each iteration (many at once for a small system,
        ten on a GPU). The last iterate is returned, with the status ``TIME_LIMIT``. Default: no limit.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration (on a GPU: after every tenth); a true value stops
        the solve. `x` is overwritten later: copy it to keep it. A callback of one argument gets a copy of
        `x`, and what it returns is ignored.

    Returns
    -------
    RelaxationResult
        ``x``, ``status``, ``message``, ``residuals`` of shape ``(nit + 1,)`` or ``(nit + 1, k)``, the
        ``omega`` that was used, and the ``colours`` (None without), for the next matrix with this pattern.

    Raises
    ------
    ValueError
        A diagonal entry is zero (its row is named), a block is singular, a shape does not fit, an entry is
        not finite, two coupled rows have one colour, a tolerance is negative, or
        `time_limit` is not positive.
    TypeError
        `A` is a LinearOperator, a dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why, and how fast the residual falls.

    Notes
    -----
    Each row in turn is solved for its unknown, with the newest values of the others:
    :math:`x \leftarrow x + (D + L)^{-1}(b - Ax)`, which is `sor` with ``omega=1``. It converges where `A` is
    Hermitian definite or diagonally dominant, on grids in half as many iterations as `jacobi`; section 4.1 of
    [1]_.

    An iteration is one pass over `A`, because a sweep also computes the residual of the iterate it starts
    from. It moves 12 bytes per entry of `A` and 44 per row in float64 with int32 indices, with `symmetric`
    twice as much, less 8 per row. Storage: two vectors; with `colours`, `reverse` or blocks a copy of the
    matrix in that order, and the inverses of the blocks. The residuals are true ones.

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
    system = checked_system("gauss_seidel", A, b, x0, rtol, atol, maxiter, time_limit)
    options = {"symmetric": symmetric, "reverse": reverse, "colours": colours, "block_size": block_size}
    return warn_of_miss(solve_over_relaxed("gauss_seidel", system, 1.0, callback, **options))
