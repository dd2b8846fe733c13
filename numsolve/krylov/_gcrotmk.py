"""SciPy's `gcrotmk` by name, solved by GCRO-DR."""

from .. import _validate
from . import _scipy
from ._lgmres import solve_in_cycles


@_scipy.call()
def gcrotmk(
    A,
    b,
    x0=None,
    *,
    rtol=1e-5,
    atol=0.0,
    maxiter=1000,
    M=None,
    callback=None,
    m=20,
    k=None,
    CU=None,
    discard_C=False,
    truncate="oldest",
    time_limit=None,
):
    r"""Solve :math:`Ax = b` by GCRO-DR, with the arguments of SciPy's `gcrotmk`.

    Both methods are flexible GMRES in the complement of a few directions, kept from cycle to cycle and from
    solve to solve. GCROT(m, k) [1]_ keeps the last ones, `gcrodr` those that are slowest. New code should
    call `gcrodr`.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (n, n)
        Any nonsingular matrix, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (n,) or (n, k)
        Right-hand side, or several, solved one after the other.
    x0 : array, shape of `b`, or "Mb", optional
        Starting guess, never overwritten. Default: zeros.
    rtol, atol : float
        Stop once ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column.
    maxiter : int
        Largest number of cycles, each `m` products with `A`.
    M : array, sparse array or LinearOperator, shape (n, n), optional
        Approximates the inverse of `A`, from the right; it may change in every iteration.
    callback : callable, optional
        ``callback(x)`` after each cycle, or ``callback(x, residual_norm)`` after each iteration, which stops
        the solve if it returns true.
    m : int
        Iterations of a cycle.
    k : int, optional
        How many directions are kept; with 0 the method is `fgmres`. Default: `m`.
    CU : list of tuples ``(c, u)``, optional
        Directions u to start with and their products c with the matrix, which may be None. The list is
        replaced, in place, by those kept at the end.
    discard_C : bool
        Ignore the products in `CU`, and return None in their place.
    truncate : {"oldest", "smallest"}
        Has no effect: the slowest directions are kept.
    time_limit : float, optional
        Seconds after which to stop with the last iterate. Default: no limit.

    Returns
    -------
    RecycledResult, or Result with ``k=0``
        As that of `gcrodr`.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, `truncate` is unknown, or a tolerance or a number is out
        of range.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try.

    Notes
    -----
    Cost and storage are those of `gcrodr` with ``restart = m + k``.

    References
    ----------
    .. [1] J. E. Hicken, D. W. Zingg, *A simplified and flexible variant of GCROT for solving nonsymmetric
       linear systems*, SIAM J. Sci. Comput. 32, 2010, :doi:`10.1137/090754674`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.krylov import gcrotmk
    >>> gcrotmk(np.array([[1.0, 2.0], [0.0, 2.0]]), np.array([5.0, 4.0])).check().x.round(12)
    array([1., 2.])
    """
    _validate.choice(truncate, "truncate", ("oldest", "smallest"))
    m = _validate.count(m, "m", least=1)
    k = m if k is None else _validate.count(k, "k")
    limits = {"rtol": rtol, "atol": atol, "time_limit": time_limit, "M": M}
    CU = [] if CU is None else CU
    pairs = [(u, None if discard_C else c) for c, u in CU]
    result = solve_in_cycles(A, b, x0, m, k, maxiter, callback, limits, pairs, not discard_C)
    CU[:] = [(c, u) for u, c in pairs]
    return result
