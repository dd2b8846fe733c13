"""`solve`: inspect the system, choose a method and a preconditioner, check the answer, report the reasons."""

from dataclasses import replace
from typing import Any

import numpy as np

from . import _rectangular, _validate, precondition
from ._linear.engines import ENGINES
from ._linear.solve import solve_system
from ._linear.system import prepare
from ._problem import ITERATIVE, Problem, SolveResult
from ._result import warn_of_miss

METHODS = ("auto", "direct", *ITERATIVE, *ENGINES)
NEEDS_RECTANGLE = set(_rectangular.METHODS) - set(METHODS)
# All but block_jacobi, whose block size is not known here.
NEED_ARGUMENTS = ("block_jacobi", "nystrom")  # so they are passed as operators, not by name
PRECONDITIONERS = ("auto", *(name for name in precondition.__all__ if name not in NEED_ARGUMENTS), "ilu")


def solve(
    A,
    b,
    *,
    method="auto",
    M: Any = "auto",
    x0=None,
    rtol=1e-8,
    atol=0.0,
    maxiter=None,
    time_limit=None,
    callback=None,
):
    r"""Solve the linear system :math:`Ax = b` by a method that suits it, and report which.

    Parameters
    ----------
    A : array, sparse array or LinearOperator, shape (m, n)
        Any matrix, of NumPy/SciPy or CuPy. If it is not square, the least-squares solution is computed, and
        the shortest one if there are several.
    b : array, shape (m,) or (m, k)
        Right-hand side, or `k` of them, in the library of `A`.
    method : str
        "auto" chooses by symmetry and by forecasts of the time of each method, and goes on to the next one if
        one fails or takes longer than the next would; see the notes. "direct" factorises, by a package that
        is installed or by SciPy; "pardiso", "cholmod" and "umfpack" name the package. Iterative methods are
        "cg", "minres", "gmres", "fgmres", "bicgstab" and "idrs", and for matrices that are not square "lsmr"
        and "lsqr".
    M : str, None or operator, shape (n, n)
        Preconditioner of the iterative methods: "auto", the name of a function of `numsolve.precondition`,
        "ilu" for SciPy's incomplete LU with fill, or an approximate inverse.
    x0 : array, shape of `b`, optional
        Starting guess of the iterative methods, never overwritten. Default: zeros.
    rtol, atol : float
        The true residual must meet ``norm(b - A @ x) <= max(rtol * norm(b), atol)`` for each column. In
        single precision `rtol` is raised to 8 units of rounding, and the message says so. If A is not square,
        they are those of `krylov.lsmr`.
    maxiter : int, optional
        Largest number of iterations of each method that is tried. Default: ``10 * n``.
    time_limit : float, optional
        Seconds after which an iterative method stops with its last iterate; no other method is tried then.
        The set-up of a preconditioner and a factorisation are not interrupted. Default: no limit.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration of an iterative method; true stops. The pages of
        the methods say what it receives for several columns.

    Returns
    -------
    SolveResult
        ``x``, ``status``, ``message``, ``residuals``, ``method``, ``preconditioner``, ``backward_error`` and
        ``forward_error``. If the residual is small but `x` may be wrong, ``doubt`` and the message say why.

    Raises
    ------
    ValueError
        A shape does not fit, an entry is not finite, a tolerance is negative or a name is unknown.
    TypeError
        A dtype is not supported, or NumPy and CuPy arrays are mixed.
    ImportError
        `method` names a package that is not installed.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; or it was met, but `x` may be wrong.

    Notes
    -----
    The direct method is a factorisation with iterative refinement: LAPACK's, SuperLU's, or from 5,000
    unknowns on that of CHOLMOD (scikit-sparse), PARDISO (pypardiso) or UMFPACK (scikit-umfpack), the first of
    these that is installed and suits the matrix; the message says which. Its error bound is that of LAPACK's
    ``xGERFS`` [1]_, and costs about ten more triangular solves. A residual that is rounding error in every
    row is a success, also above `rtol`, if this bound is small. For costs of the iterative methods see
    `krylov.cg`, `krylov.gmres` and `precondition.amg`. A dense matrix that is not square is solved by
    LAPACK's singular value decomposition, any other such matrix by `krylov.lsmr`.

    "auto" begins with the method of the cheapest set-up, unless a factorisation is forecast to take a few
    milliseconds: CG with the diagonal for Hermitian matrices with a diagonal of one sign, MINRES for other
    Hermitian ones, BiCGStab with the diagonal for the rest. While it iterates, the number of iterations is
    forecast from its residuals. It ends when multigrid, an incomplete or a complete factorisation is expected
    to take less time than what remains; the next iterative method goes on from its `x`. The fill of a
    factorisation is counted before it is begun. All forecasts are made from counts, so the same system is
    always solved in the same way.

    A small residual does not prove that `x` is right, so the answer of an iterative method is checked. The
    residuals of single rows, and their sums over parts of the unknowns that are joined weakly, are lower
    bounds of the error. Unless the matrix is strictly diagonally dominant, or a symmetric weighted Laplacian,
    whose nearly null vectors are constant on such parts, the method also solves for a random right-hand side
    until no direction can be missing: this estimates the norm of the inverse and costs about half as much as
    the solve. If the residual then says little about `x`, the method goes on to a thousandth of it, and the
    change of `x` is `forward_error`. If `x` remains doubtful, a factorisation follows if it is affordable; if
    doubt is left at the end, the status is ``Status.DOUBTFUL``, which is no success. The extra iterations are
    not limited by `maxiter`, and are not reported to `callback`.

    References
    ----------
    .. [1] N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., SIAM, 2002, section 7.7,
       :doi:`10.1137/1.9780898718027`.

    Examples
    --------
    >>> import numpy as np
    >>> import numsolve
    >>> numsolve.solve(np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([3.0, 4.0])).check().x.round(12)
    array([1., 1.])
    """
    _one_of(method, (*METHODS, *sorted(NEEDS_RECTANGLE)), "method")
    if isinstance(M, str):
        _one_of(M, PRECONDITIONERS, "M")
    given = M if not isinstance(M, str) and M is not None else None
    limits = {"rtol": rtol, "atol": atol, "maxiter": maxiter, "time_limit": time_limit}
    _validate.function(callback, "callback")
    if is_rectangular(A):
        return warn_of_miss(_solve_rectangle(A, b, x0, method, M, limits | {"callback": callback}))
    if method in NEEDS_RECTANGLE:
        raise ValueError(f"method is {method!r}, but A is square; needed: one of {', '.join(METHODS)}")
    system = prepare(A, b, x0, given, **limits)
    if system.b.size == 0:
        return SolveResult(**vars(solve_system(None, system, callback)), method="direct")
    floor = 8 * float(np.finfo(system.b.dtype).eps)
    raised = system.rtol < floor and system.b.dtype.itemsize // (1 + (system.b.dtype.kind == "c")) < 8
    if raised:
        system = system._replace(rtol=floor)
    problem = Problem(system, callback, None if maxiter is None else system.maxiter)
    result = problem.best(method, M)
    if raised:
        message = f"{result.message} (rtol raised to {floor:.1e}, the limit of {system.b.dtype})"
        result = replace(result, message=message)
    return warn_of_miss(result)


def is_rectangular(A):
    """Tell whether the matrix has two axes of different lengths."""
    shape = _validate.shape_of(A)
    return len(shape) == 2 and shape[0] != shape[1] and 0 not in shape


def _solve_rectangle(A, b, x0, method, M, limits):
    """Return the `SolveResult` for a matrix that is not square."""
    found, name, why = _rectangular.solve(A, b, x0, method=method, M=M, limits=limits)
    return SolveResult(
        found.x, found.status, f"{name} ({why}): {found.message}", found.residuals, method=name
    )


def _one_of(value, names, argument):
    """Raise unless `value` is one of the names."""
    if value not in names:
        raise ValueError(f"{argument} is {value!r}; needed: one of {', '.join(names)}")
