"""Symmetric successive over-relaxation."""

from .._result import warn_of_miss
from ._solve import checked_system, solve_over_relaxed


def ssor(
    A,
    b,
    x0=None,
    *,
    omega=1.5,
    colours=None,
    context=None,
    rtol=1e-5,
    atol=0.0,
    maxiter=None,
    time_limit=None,
    callback=None,
):
    r"""Solve :math:`Ax = b` by symmetric successive over-relaxation.

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
    omega : float or learner
        Relaxation between 0 and 2. A learner, an object with ``suggest(context)`` and ``observe(omega, cost,
        context)``, suggests it before the sweeps and then gets their number (that of the slowest column) as
        the cost. A solve that misses its tolerance has the cost `maxiter`.
    colours : "greedy" or array of int, shape (n,), optional
        Take the rows colour by colour, those of one colour in parallel. Rows (or blocks) that an entry
        couples need different colours, as those of `colouring`. Default: in the order of the matrix, on one
        thread; on a GPU "greedy", which each solve finds anew on the host unless you pass the attribute
        `colours` of an earlier result.
    context : optional
        Passed to the learner: a number that describes the system.
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
        A diagonal entry is zero (its row is named), `omega` is not between 0 and 2, a shape does not fit,
        an entry is not finite, two coupled rows have one colour, a tolerance is negative, or `time_limit`
        is not positive.
    TypeError
        `A` is a LinearOperator, a dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why, and how fast the residual falls.

    Notes
    -----
    A forward and a backward sweep of `sor`. Where `A` is Hermitian the error operator has real eigenvalues,
    and the residual falls without oscillating; but `sor` with its best `omega` needs far fewer sweeps. The
    main use of a symmetric sweep is to precondition `cg`: ``numsolve.precondition.ssor`` [1]_.

    An iteration is one pass over `A`, because a sweep also computes the residual of the iterate it starts
    from. It moves 12 bytes per entry of `A` and 44 per row in float64 with int32 indices, and the backward
    sweep as much, less 8 per row. Storage: two vectors; with `colours` a copy of the matrix in that order.
    The residuals are true ones.

    References
    ----------
    .. [1] Y. Saad, *Iterative Methods for Sparse Linear Systems*, 2nd ed., SIAM, 2003,
       :doi:`10.1137/1.9780898718003`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.problems import poisson
    >>> from numsolve.relaxation import ssor
    >>> A, b = poisson((30, 30)), np.ones(900)
    >>> ssor(A, b, omega=1.8, rtol=1e-8).check().nit
    143
    """
    system = checked_system("ssor", A, b, x0, rtol, atol, maxiter, time_limit)
    return warn_of_miss(
        solve_over_relaxed("ssor", system, omega, callback, symmetric=True, colours=colours, context=context)
    )
