"""Kaczmarz's method for consistent linear systems of any shape."""

from functools import partial
from math import inf
from typing import Any

import numpy as np

from .. import _callbacks, _validate
from .._array import namespace
from .._iterate import iterate
from .._linear.column import at_rounding, represented
from .._linear.columns import ENDS_ALL, join_columns
from .._linear.system import largest, make_system, norm, unit_near
from .._operators.operator import Csr, Dense
from .._result import Breakdown, Interrupted, Result, Status, warn_of_miss
from ..kernels import kernels_for
from ._project import squared_rows
from ._row_actions import row_actions

SELECT = ("uniform", "norm", "greedy")
SWEEPS = 50  # in a start of the loop: the loop ends a run if several starts in a row reduce nothing
_LEAST_SQUARES = "use numsolve.krylov.lsqr or numsolve.sketch.lstsq, which minimise norm(b - A x)"
_SAYS = {
    Status.MAXITER: "maxiter reached: raise it, use a larger block_size, or numsolve.krylov.lsqr",
    Status.TIME_LIMIT: "time limit reached: raise it, use a larger block_size, or numsolve.krylov.lsqr",
    Status.STAGNATED: (
        "the residual stopped falling before it met the tolerance: A x = b has no solution, and Kaczmarz's "
        f"method does not find the least-squares solution, or it converges too slowly: {_LEAST_SQUARES}"
    ),
}


def kaczmarz(
    A: Any,
    b: Any,
    x0: Any = None,
    *,
    select: str = "uniform",
    block_size: int = 1,
    rtol: float = 1e-5,
    atol: float = 0.0,
    maxiter: int | None = None,
    rng: Any = None,
    callback: Any = None,
    time_limit: float | None = None,
) -> Result:
    r"""Solve a consistent system :math:`Ax = b` by projections onto single equations.

    A step moves `x` to the nearest point that satisfies one equation, or a block of equations:
    :math:`x \leftarrow x + (b_i - a_i x)\, a_i^H / \lVert a_i\rVert^2`, with :math:`a_i` row i of `A`.

    Parameters
    ----------
    A : array or sparse array, shape (m, n)
        Any matrix, of any shape and rank, in the library (NumPy/SciPy or CuPy) of `b`.
    b : array, shape (m,) or (m, k)
        Right-hand side, or `k` of them, solved one after the other. Real or complex floating point;
        integers are taken as float64.
    x0 : array, shape (n,) or (n, k), optional
        Starting guess, never overwritten. Default: zeros.
    select : {"uniform", "norm", "greedy"}
        The equation of a step: random with equal probabilities; random with probabilities
        :math:`\lVert a_i\rVert^2 / \lVert A\rVert_F^2`; or the one farthest from `x`, of largest
        :math:`|b_i - a_i x| / \lVert a_i\rVert`.
    block_size : int
        Number of equations in a step. Random blocks are those of a partition that is drawn once; a greedy
        block has the farthest equations.
    rtol, atol : float
        Stop once ``norm(b - A x) <= max(rtol * norm(b), atol)``, in the 2-norm, for each column. If b is
        zero, `rtol` is relative to ``norm(A x0)``.
    maxiter : int, optional
        Largest number of iterations. An iteration is a sweep: m steps, or ``ceil(m / block_size)``.
        Default: ``max(10 * n, 1000)``.
    rng : int, numpy.random.Generator or None
        Source of the random numbers, which are drawn on the host.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration; true stops. `x` is overwritten later: copy it to
        keep it. A callback of one argument gets a copy of `x`, and what it returns is ignored.
    time_limit : float, optional
        Seconds after which to stop with a usable iterate. Default: no limit.

    Returns
    -------
    Result
        ``x``, ``status``, ``message``, and ``residuals``, the true norms, of shape ``(nit + 1,)`` or
        ``(nit + 1, k)``.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, or an argument has a value that is not allowed.
    TypeError
        `A` is a LinearOperator, which has no rows, a dtype is not supported, or NumPy and CuPy arrays are
        mixed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` gives the reason and what to try.

    Notes
    -----
    The distance to every solution never grows. The limit is the solution nearest to `x0`; from zero, the one
    of smallest norm. With "norm" the expected error after k steps is [1]_

    .. math:: E\lVert x_k - x_*\rVert^2
        \le \left(1 - \sigma_{\min}^2 / \lVert A\rVert_F^2\right)^k \lVert x_0 - x_*\rVert^2,

    with the smallest nonzero singular value; with "uniform" the same holds for the matrix whose rows have
    been divided by their norms. Blocks converge faster in sweeps if their rows are far from parallel [2]_.
    Other row and block rules are special cases of [3]_.

    A system without a solution does not converge, and not to its least-squares solution either: the iterates
    stay at a distance from it. The run then ends as ``STAGNATED``, after some hundred sweeps without
    progress. Use `numsolve.krylov.lsqr` or `numsolve.sketch.lstsq`. Rows of zeros are left out.

    An iteration takes 4 m n operations on a dense matrix, and 4 times its entries on a sparse one, and a
    product with `A` for the true residual. Blocks of q equations take q m more; their set-up takes about
    2 q m n operations and a second copy of A. "greedy" updates the residual in each step: a dense `A` then
    needs ``A A^H``, m^2 entries formed by 2 m^2 n operations, and an iteration takes 4 m (m + n) operations;
    for a sparse `A` the conjugate transpose is kept, and each step searches the m entries of the residual.
    The steps of single equations are one kernel, by one thread; on a GPU by one block of threads, because
    each step starts from what the one before has changed: large blocks suit a GPU better.

    References
    ----------
    .. [1] T. Strohmer, R. Vershynin, *A randomized Kaczmarz algorithm with exponential convergence*,
       J. Fourier Anal. Appl. 15, 2009, :doi:`10.1007/s00041-008-9030-4`.
    .. [2] D. Needell, J. A. Tropp, *Paved with good intentions: analysis of a randomized block Kaczmarz
       method*, Linear Algebra Appl. 441, 2014, :doi:`10.1016/j.laa.2012.12.022`.
    .. [3] R. M. Gower, P. Richtarik, *Randomized iterative methods for linear systems*, SIAM J. Matrix Anal.
       Appl. 36, 2015, :doi:`10.1137/15M1025487`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.sketch import kaczmarz
    >>> A = np.array([[2.0, 1.0], [1.0, -1.0], [0.0, 3.0]])
    >>> kaczmarz(A, A @ np.array([1.0, 2.0]), rng=0, rtol=1e-10).check().x.round(6)
    array([1., 2.])
    """
    _validate.choice(select, "select", SELECT)
    m, n = _validate.matrix_shape(A)
    block_size = min(_validate.count(block_size, "block_size", least=1), max(m, 1))
    home, xp = _validate.same_library(A=A, b=b, x0=x0)
    b = _validate.right_hand_side(b, m, xp)
    x0 = _validate.starting_guess(x0, (n, *b.shape[1:]), xp, "A and b need")
    maxiter = max(10 * n, 1000) if maxiter is None else maxiter
    system = make_system(A, b, x0, None, home, rtol, atol, maxiter, time_limit)
    if not isinstance(system.A, (Csr, Dense)):
        raise TypeError(f"kaczmarz needs the rows of A; a {type(A).__name__} only multiplies: use lsqr")
    callback = _callbacks.checked(callback)
    rng = np.random.default_rng(rng)
    return warn_of_miss(_solve(system, lambda A: row_actions(A, select, block_size, rng), callback))


@np.errstate(all="ignore")
def _solve(system, actions, callback):
    """Solve for each column of b."""
    A, b, xp = _in_units(system.A, system.A_unit), system.b, namespace(system.b)
    x = xp.zeros((A.shape[1], *b.shape[1:]), b.dtype)
    if system.x0 is not None:
        x[...] = system.x0
    if b.size == 0 or x.size == 0:
        return Result(x, Status.CONVERGED, "converged: the system is empty", np.zeros((1, *b.shape[1:])))
    system, actions = system._replace(A=A), actions(A)
    if b.ndim == 1:
        return _solve_one(system, actions, b, x, callback)
    results = []
    for column in range(b.shape[1]):
        try:
            results.append(_solve_one(system, actions, b[:, column], x[:, column], callback))
        except Interrupted as caught:
            results.append(caught.result)
        if results[-1].status in ENDS_ALL:
            break
    return join_columns(results, x)


def _solve_one(system, actions, b, x0, callback):
    """Solve for one column from the array `x0`, in units in which A and b are near one."""
    A, xp = system.A, namespace(b)
    magnitude = largest(b)
    if magnitude == 0 and not bool((x0 != 0).any()):
        return Result(x0, Status.CONVERGED, "converged: b is zero, and so is x", np.zeros(1))
    b_unit = unit_near(magnitude, b.dtype)
    x_unit = b_unit / system.A_unit
    b = xp.ascontiguousarray(b if b_unit == 1 else b * b.real.dtype.type(1 / b_unit))

    def guess():
        return (xp.array(x0, order="C") / x_unit).astype(b.dtype, copy=False)

    tol = max(system.rtol * (norm(b) or norm(A.residual(b, guess()))), system.atol / b_unit)
    result = iterate(
        partial(_steps, actions, A, b),
        guess(),
        tol=tol,
        maxiter=system.maxiter,
        callback=callback,
        deadline=system.deadline,
        scale=(x_unit, b_unit),
        fresh=True,
        guess=guess,
        explain=partial(_explanation, A, b),
        says=_SAYS,
        every=1,
    )
    return represented(result, A, b, x_unit, b_unit, tol) if x_unit != 1 else result


def _steps(actions, A, b, x):
    """Yield `x` and its squared residual norm, at the start and after each sweep."""
    dot = kernels_for(b).dot
    r = A.residual(b, x)
    yield x, dot(r, r)
    for _ in range(SWEEPS):
        actions.sweep(b, x, r)
        r = A.residual(b, x)
        live = yield x, dot(r, r)
        if live is None:
            raise Breakdown("the iterate overflows: A has rows of very different size", Status.NONFINITE)


def _explanation(A, b, x):
    """Return a status and a message if the residual of `x` cannot fall further, else None."""
    r = A.residual(b, x)
    message = at_rounding(A, x, norm(r), norm(b) or inf)
    if message:
        return Status.STAGNATED, message
    empty = (squared_rows(A) == 0) & (b != 0)
    if not bool(empty.any()):
        return None
    row = int(namespace(b).argmax(empty))
    return Status.STAGNATED, (
        f"A x = b has no solution: row {row} of A is zero, but b[{row}] is not. Leave it out, or for a "
        f"least-squares solution {_LEAST_SQUARES}"
    )


def _in_units(A, unit):
    """Return the matrix divided by a power of two."""
    if unit == 1:
        return A
    factor = A.dtype.type(1 / unit)
    return A.with_data(A.data * factor) if isinstance(A, Csr) else Dense(A.array * factor)
