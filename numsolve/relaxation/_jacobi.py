"""The Jacobi method, weighted or not."""

from .. import _validate
from .._operators.rows import Blocks, Rows
from .._result import warn_of_miss
from ._solve import checked_system, solve_by_sweeps


def jacobi(
    A,
    b,
    x0=None,
    *,
    omega=1.0,
    block_size=None,
    rtol=1e-5,
    atol=0.0,
    maxiter=None,
    time_limit=None,
    callback=None,
):
    r"""Solve :math:`Ax = b` by the Jacobi method.

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
    omega : float
        Weight of a step, positive; 1 is the classical method. Smaller weights are safer: where `A` is
        Hermitian positive definite it converges for ``omega < 2 / rho(D^-1 A)``.
    block_size : int, optional
        Solve with the diagonal blocks of this many neighbouring rows instead of the diagonal. The last block
        may be smaller.
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
        A diagonal entry is zero (its row is named), a block is singular, `omega` is not positive, a shape
        does not fit, an entry is not finite, a tolerance is negative, or `time_limit` is not
        positive.
    TypeError
        `A` is a LinearOperator, a dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why, and how fast the residual falls.

    Notes
    -----
    All rows at once, from the old values: :math:`x \leftarrow x + \omega D^{-1}(b - Ax)`. It runs in parallel
    and takes two launches per iteration on a GPU, but converges more slowly than the other methods; section
    4.1 of [1]_.

    An iteration is one pass over `A`, because a sweep also computes the residual of the iterate it starts
    from. It moves 12 bytes per entry of `A` and 44 per row in float64 with int32 indices, in parallel.
    Storage: two vectors, and the inverses of the blocks. The residuals are true ones.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.relaxation import jacobi
    >>> jacobi(np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([5.0, 4.0])).check().x.round(4)
    array([1., 1.])
    """
    system = checked_system("jacobi", A, b, x0, rtol, atol, maxiter, time_limit)
    omega = _validate.positive(omega, "omega")
    rows = (Rows(system.A) if block_size is None else Blocks(system.A, block_size)).as_one_section()
    return warn_of_miss(solve_by_sweeps(rows, omega, rows.scale("jacobi"), system, callback))
