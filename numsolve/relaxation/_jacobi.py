"""The method of Jacobi, weighted or not."""

from .. import _validate
from .._linear.solve import warn_of_miss
from .._operators.rows import Blocks, Rows
from ._run import gathered, relaxed


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
    callback=None,
):
    r"""Solve :math:`Ax = b` by the method of Jacobi.

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
    omega : float
        Weight of a step, positive; 1 is Jacobi's own. Below 1 is safer: where `A` is Hermitian positive
        definite it converges for ``omega < 2 / rho(D^-1 A)``.
    block_size : int, optional
        Solve with the diagonal blocks of so many neighbouring rows instead of the diagonal; the last block
        may be smaller.
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
        A diagonal entry is zero (its row is named) or a block singular, `omega` is not positive, a shape
        does not fit, an entry is not finite, or a tolerance is negative.
    TypeError
        `A` is a LinearOperator, a dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why, and how fast the residual fell.

    Notes
    -----
    All rows at once, from the old values: :math:`x \leftarrow x + \omega D^{-1}(b - Ax)`. It threads well
    and takes two launches an iteration on a GPU, but converges slowest of all; section 4.1 of [1]_.

    An iteration is one pass over `A`: the residual of an iterate is found by the sweep that leaves it. It
    moves 12 bytes an entry of `A` and 44 a row in float64 with int32 indices, in parallel. Storage: two
    vectors, and the inverses of the blocks. The norms are those of true residuals.

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
    system = gathered("jacobi", A, b, x0, rtol, atol, maxiter)
    omega = _validate.positive(omega, "omega")
    rows = (Rows(system.A) if block_size is None else Blocks(system.A, block_size)).at_once()
    return warn_of_miss(relaxed(rows, omega, rows.scale("jacobi"), system, callback))
