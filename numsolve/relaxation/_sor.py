"""Successive over-relaxation."""

from .._linear.solve import warn_of_miss
from ._run import gathered, over_relaxed


def sor(
    A,
    b,
    x0=None,
    *,
    omega=1.5,
    symmetric=False,
    reverse=False,
    colours=None,
    block_size=None,
    context=None,
    rtol=1e-5,
    atol=0.0,
    maxiter=None,
    callback=None,
):
    r"""Solve :math:`Ax = b` by successive over-relaxation.

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
    omega : float or learner
        Relaxation between 0 and 2. A learner, an object with ``suggest(context)`` and ``observe(omega, cost,
        context)``, is asked before the sweeps and told their number after them (that of the slowest column);
        a solve that fails costs it `maxiter`.
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
    context : optional
        What the learner is told about this system; a number of the problem, say.
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
        A diagonal entry is zero (its row is named) or a block singular, `omega` is not between 0 and 2, a
        shape does not fit, an entry is not finite, two coupled rows have one colour, or a tolerance is
        negative.
    TypeError
        `A` is a LinearOperator, a dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why, and how fast the residual fell.

    Notes
    -----
    Row by row, :math:`x_i \leftarrow x_i + \omega\,(b - Ax)_i / a_{ii}` with the newest values: the
    splitting :math:`x \leftarrow x + (D/\omega + L)^{-1}(b - Ax)`. It converges for every `omega` between 0
    and 2 where `A` is Hermitian definite. For consistently ordered matrices, as those of grids, the best
    one follows from :math:`\beta = \rho(I - D^{-1}A)`, :math:`\omega = 1 + (\beta / (1 + \sqrt{1 -
    \beta^2}))^2` [1]_, and saves a factor of the order of the grid's width over Gauss-Seidel.

    An iteration is one pass over `A`: the residual of an iterate is found by the sweep that leaves it. It
    moves 12 bytes an entry of `A` and 44 a row in float64 with int32 indices, with `symmetric` twice that
    less 8. Storage: two vectors; with `colours`, `reverse` or blocks the matrix in another order, and the
    inverses of the blocks. Systems of less than 16384 entries are swept many times between two looks of the
    loop, if there is no callback. The norms are those of true residuals.

    References
    ----------
    .. [1] D. M. Young, *Iterative methods for solving partial difference equations of elliptic type*, Trans.
       Amer. Math. Soc. 76, 1954, :doi:`10.1090/S0002-9947-1954-0059635-7`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.problems import poisson
    >>> from numsolve.relaxation import sor
    >>> A, b = poisson((30, 30)), np.ones(900)
    >>> [sor(A, b, omega=omega, rtol=1e-8).check().nit for omega in (1.0, 1.5, 1.82)]
    [1775, 582, 117]
    """
    system = gathered("sor", A, b, x0, rtol, atol, maxiter)
    return warn_of_miss(
        over_relaxed(
            "sor",
            system,
            omega,
            callback,
            symmetric=symmetric,
            reverse=reverse,
            colours=colours,
            block_size=block_size,
            context=context,
        )
    )
