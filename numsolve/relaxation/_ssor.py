"""Symmetric successive over-relaxation."""

from .._linear.solve import warn_of_miss
from ._run import gathered, over_relaxed


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
    callback=None,
):
    r"""Solve :math:`Ax = b` by symmetric successive over-relaxation.

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
    colours : "greedy" or array of int, shape (n,), optional
        Take the rows colour by colour, in parallel: those of `colouring`, or others; rows (or blocks) that an
        entry couples need different ones. Default: in the order of the matrix, on one thread; on a GPU
        "greedy", found on the host for each solve unless you give it, as the attribute `colours` of a result.
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
        A diagonal entry is zero (its row is named), `omega` is not between 0 and 2, a shape does not fit,
        an entry is not finite, two coupled rows have one colour, or a tolerance is negative.
    TypeError
        `A` is a LinearOperator, a dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why, and how fast the residual fell.

    Notes
    -----
    A sweep of `sor` forth and one back. Where `A` is Hermitian the error operator has real eigenvalues, and
    the residual falls without oscillating; but `sor` with its best `omega` needs far fewer sweeps. What the
    symmetric sweep is good for is to precondition `cg`: ``numsolve.precondition.ssor`` [1]_.

    An iteration is one pass over `A`: the residual of an iterate is found by the sweep that leaves it. It
    moves 12 bytes an entry of `A` and 44 a row in float64 with int32 indices, and the sweep back as much
    less 8. Storage: two vectors; with `colours` the matrix in another order. The norms are those of true
    residuals.

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
    system = gathered("ssor", A, b, x0, rtol, atol, maxiter)
    return warn_of_miss(
        over_relaxed("ssor", system, omega, callback, symmetric=True, colours=colours, context=context)
    )
