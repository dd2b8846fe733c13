"""Solve a linear program."""

from ... import _validate
from ..._array import namespace
from ..._result import Status, warn_of_miss
from ._certificates import contradiction_of_bounds
from ._kkt import kkt
from ._lp import LP
from ._result import LPResult
from ._runs import solved

MAXITER = 10_000_000


def solve_lp(
    lp: LP,
    x0=None,
    y0=None,
    *,
    rtol=1e-4,
    maxiter=None,
    time_limit=None,
    callback=None,
    presolve=True,
) -> LPResult:
    """Solve a linear program by the restarted, reflected Halpern primal-dual hybrid gradient method.

    Parameters
    ----------
    lp : LP
        The linear program, of NumPy or CuPy arrays.
    x0 : array_like, shape (n,), optional
        Starting values of the variables. Default: 0, or the nearest bound.
    y0 : array_like, shape (m,), optional
        Starting values of the multipliers of the rows. Default: 0.
    rtol : float
        Tolerance for each of the three relative residuals of `kkt`.
    maxiter : int, optional
        Largest number of iterations. Default: 10 million.
    time_limit : float, optional
        Seconds after which to stop at the next check.
    callback : callable, optional
        ``callback(x, residual)`` or ``callback(x)`` at each check, every 64 or 128 iterations; true stops.
    presolve : bool
        Whether to reduce the program first. The answer is that of the program as it was given. Programs of
        CuPy arrays are not reduced.

    Returns
    -------
    LPResult
        The answer. `x` is within its bounds, and y and s have signs that the bounds allow. `status` is
        CONVERGED only if `kkt`, computed again from them, is at most `rtol`. INFEASIBLE and UNBOUNDED come
        with a `certificate` whose `violation` is at most 1e-6. A program without feasible points may be
        called UNBOUNDED, if a direction improves its objective without end.

    Raises
    ------
    TypeError
        `lp` is no LP, or arrays of NumPy and CuPy are mixed.
    ValueError
        A starting value has the wrong shape or is not finite, or another argument is out of range.
    Interrupted
        Ctrl-C; the attribute `result` holds the best point so far.

    Notes
    -----
    An iteration costs one product with A, one with its transpose and a pass over the vectors. A check takes
    four products. Storage: the scaled matrix by rows and by columns, and about 20 vectors.

    The steps are those of cuPDLPx: ten rounds of Ruiz scaling, one of Pock and Chambolle, the step
    ``0.998 / |A|``, restarts on the fixed-point error, and a controller for the weight of primal and dual
    steps.

    References
    ----------
    H. Lu, J. Yang, *Restarted Halpern PDHG for linear programming*, :doi:`10.48550/arXiv.2407.16144`;
    H. Lu, Z. Peng, J. Yang, *cuPDLPx: a further enhanced GPU-based first-order solver for linear
    programming*, :doi:`10.48550/arXiv.2507.14051`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import LP, solve_lp
    >>> lp = LP([-1.0, -2.0], [[1.0, 1.0], [1.0, 3.0]], -np.inf, [4.0, 6.0])
    >>> result = solve_lp(lp, rtol=1e-8)
    >>> result.x.round(6), round(result.objective, 6)
    (array([3., 1.]), -5.0)
    """
    if not isinstance(lp, LP):
        raise TypeError(f"lp is of type {type(lp).__name__}; an LP is needed, as read_mps returns it")
    rtol = _validate.tolerance(rtol, "rtol")
    maxiter = MAXITER if maxiter is None else _validate.count(maxiter, "maxiter")
    deadline = _validate.deadline(time_limit)
    m, n = lp.shape
    x0, y0 = _start(lp, x0, "x0", n), _start(lp, y0, "y0", m)
    broken = contradiction_of_bounds(lp)
    if broken is not None:
        return warn_of_miss(_without_iteration(lp, x0, y0, broken))
    return warn_of_miss(solved(lp, x0, y0, rtol, maxiter, deadline, callback, presolve))


def _start(lp, value, name, count):
    """Return a starting value as an array of the library of the program; None stands for zero."""
    xp = namespace(lp.c)
    if value is None:
        return xp.zeros(count)
    _validate.same_library(lp=lp.c, **{name: value})
    value = _validate.real_array(value, name, xp)
    if value.shape != (count,):
        raise ValueError(f"{name} has shape {value.shape}, but lp needs ({count},)")
    return value


def _without_iteration(lp, x0, y0, certificate):
    """Return the result of a program whose bounds contradict each other."""
    xp = namespace(lp.c)
    kind, index = certificate.crossing
    what = f"variable {index}" if kind == "x" else f"row {index}"
    message = f"the program is infeasible: the lower bound of {what} is above its upper bound"
    x, s = xp.minimum(xp.maximum(x0, lp.l), lp.u), xp.zeros(len(x0))
    found = kkt(lp, x, y0, s)
    return LPResult(x, Status.INFEASIBLE, message, y=y0, s=s, kkt=found, certificate=certificate)
