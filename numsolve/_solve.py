"""`solve`: inspect the system, choose a method and a preconditioner, check the answer, report the reasons."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from . import _rectangular, _validate, krylov, precondition
from ._array import array_module, to_host
from ._choice import Chooser
from ._linear import direct
from ._linear.backward import largest_backward_error
from ._linear.costs import Costs
from ._linear.engines import ENGINES, named
from ._linear.patience import Patience
from ._linear.solve import solve_system
from ._linear.system import prepare
from ._operators.inspect import inspect
from ._operators.operator import Csr, Dense, Scaled, absolute, as_operator, entries
from ._result import Breakdown, LinearResult, Status, warn_of_miss

ITERATIVE = {name: method for name, method in krylov.METHODS.items() if method.for_system is not None}
METHODS = ("auto", "direct", *ITERATIVE, *ENGINES)
NEEDS_RECTANGLE = set(_rectangular.METHODS) - set(METHODS)
# All but block_jacobi, whose block size is not known here.
PRECONDITIONERS = ("auto", *(name for name in precondition.__all__ if name != "block_jacobi"), "ilu")
ROUNDING = 16  # units of rounding in the residual of a row that count as rounding error
LARGEST_BOUND = 1e-2  # of the error of a direct solution that counts as a success


@dataclass(frozen=True, eq=False, repr=False)
class SolveResult(LinearResult):
    """The result of `solve`: a `LinearResult` with the method that was used and what is known of the error.

    Attributes
    ----------
    method : str
        "direct" or the name of a function of `numsolve.krylov`; "lsmr" or "direct" if A is not square.
    preconditioner : str or None
        The name of a function of `numsolve.precondition`, "ilu" for SciPy's, "given", or None.
    forward_error : float
        After a direct solve an estimated bound of ``norm(x - x_true) / norm(x)``, in the maximum norm. After
        an iterative one the relative change of `x`, in the 2-norm, when the method went on to a residual a
        thousand times smaller: the error of the iterate before. NaN where this was not needed.
    """

    method: str = ""
    preconditioner: str | None = None


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
    problem = _Problem(system, callback, None if maxiter is None else system.maxiter)
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


class _Problem:
    """A checked system, and the methods that can be tried for it."""

    def __init__(self, system, callback, maxiter):
        self.system, self.callback, self.maxiter = system, callback, maxiter
        self.xp = array_module(system.A.library)
        self.norms = to_host(direct.column_norms(system.b, self.xp))
        self.size = float(np.max(self.norms, initial=0))
        self.sizes = absolute(system.A) if isinstance(system.A, (Csr, Dense)) else None
        self.traits = inspect(system.A, self.sizes)
        on_host = system.A.library == "numpy"
        self.plan = direct.Plan(system.A, self.sizes) if on_host and isinstance(system.A, Csr) else None
        self.costs = Costs(
            self.traits.n,
            getattr(system.A, "nnz", self.traits.n**2),
            system.b.size // self.traits.n,
            system.A.dtype.itemsize / 8,
            system.A.dtype.kind == "c",
        )
        self.chooser = Chooser(self.traits, self.costs, self.plan, on_host)

    @np.errstate(all="ignore")
    def best(self, method, M):
        """Try the choices in order until one meets the tolerance; return the best, with all messages."""
        if self.traits.empty:
            return self.singular(f"{self.traits.empty} of A is zero: A is singular")
        if method in ENGINES and self.plan is not None:
            named(method, self.system.A.dtype)
            self.plan.engine = method
        method = "direct" if method in ENGINES else method
        story, best, choices, result = [], None, self.chooser.choices(method, M), None
        while (choice := _following(choices, result)) is not None:
            name = choice.method
            if choice.M is not None and name != "direct":
                name = f"{name} with {_label(choice.M)}"
            result = self.attempt(choice, best)
            story.append(f"{name} ({choice.why}): {result.message}")
            if best is None or _rank(result) <= _rank(best):
                best = result
            if result.success or result.status in (Status.STOPPED, Status.TIME_LIMIT):
                break
            if choice.method == "direct" and result.status != Status.BREAKDOWN:
                break  # no other method would come closer
        assert best is not None
        return replace(best, message="; then ".join(story))

    def attempt(self, choice, before):
        """Solve with one choice; an iterative method starts from the x of `before`, if that is any better."""
        if choice.method == "direct":
            return self.direct()
        A, label, chosen = self.system.A, _label(choice.M), ITERATIVE[choice.method]
        try:
            M = self.preconditioner(choice.M)
        except (ValueError, RuntimeError, np.linalg.LinAlgError, MemoryError) as error:
            return self.failure(Status.BREAKDOWN, f"no {label} for this matrix: {error}", choice.method)
        if chosen.hermitian and not self.traits.hermitian:
            message = "A is not Hermitian: use gmres, or pass numsolve.hermitian(A) if you know that it is"
            return self.failure(Status.BREAKDOWN, message, choice.method)
        if M is not None:
            M = as_operator(M, A.library, "M").astype(A.dtype).with_workspace()
        system = self.system._replace(
            M=M,
            maxiter=self.maxiter if self.maxiter is not None else choice.limit or 10 * self.traits.n,
        )
        if before is not None and (before.nit == 0 or not _last(before) < self.size):
            before = None
        if before is not None:
            system = system._replace(x0=before.x)
        callback = self.patience(choice, label)
        start, block = chosen.for_system(system), chosen.block
        if choice.method == "cg" and self.traits.sign < 0:
            start, block = (partial(_negative, steps) for steps in (start, block))
        result = solve_system(start, system, callback, block, thorough=True)
        if isinstance(callback, Patience):
            self.chooser.remaining, self.chooser.spent = callback.forecast, callback.spent
        if isinstance(callback, Patience) and callback.ended and result.status == Status.STOPPED:
            result = replace(result, status=Status.MAXITER, message=callback.describe(result.nit))
        if before is not None:
            result = replace(result, residuals=np.concatenate((before.residuals[:-1], result.residuals)))
        result = SolveResult(**vars(result), method=choice.method, preconditioner=label)
        return replace(result, status=Status.DOUBTFUL) if result.success and result.doubt else result

    def patience(self, choice, label):
        """Return the callback of an attempt: the caller's, or one that also ends it for the next choice."""
        if choice.instead is None:
            return self.callback
        seconds = self.costs.iteration(choice.method, label)
        return Patience(
            seconds, choice.instead, np.atleast_1d(self.tolerances()), self.callback, self.chooser.spent
        )

    def preconditioner(self, M):
        """Return the preconditioner of this name, or the given one."""
        if not isinstance(M, str):
            return self.system.M if M is not None else None
        if not isinstance(self.system.A, (Csr, Dense)):
            raise ValueError("a LinearOperator only multiplies")
        if M == "ilu":
            return _ilu(self.system.A)
        return getattr(precondition, M)(self.system.A)

    def direct(self):
        """Factorise, solve, refine, and bound the error."""
        A, b = self.system.A, self.system.b
        if A.library != "numpy" or not isinstance(A, (Csr, Dense)):
            return self.failure(
                Status.BREAKDOWN, "direct solves need a matrix on the host: numsolve.to_host(A, b)", "direct"
            )
        try:
            x, norms, error, engine = direct.solve(A, self.sizes, b, self.met, self.plan)
        except Breakdown as breakdown:
            return self.failure(breakdown.status, str(breakdown), "direct")
        backward = largest_backward_error(A, b, x)
        result = SolveResult(x, Status.CONVERGED, f"converged by {engine}", np.array(norms), backward, error)
        return self.bounded(replace(result, method="direct"), self.met(norms[-1]))

    def bounded(self, result, met):
        """Return the result of a direct solve with what its error bound says.

        A residual that is rounding error in each row is a success although it exceeds the tolerance, if the
        error is small: in this precision no x has a much smaller residual.
        """
        error, eps = result.forward_error, float(np.finfo(self.system.b.dtype).eps)
        if not met:
            status = Status.CONVERGED if result.backward_error <= ROUNDING * eps else Status.STAGNATED
            message = (
                f"the residual is at the limit of this precision, above rtol; x is off by {error:.1e} at most"
            )
            result = replace(result, status=status, message=message)
        if not error > eps**0.25:
            return result
        if error >= 1 and result.success:
            message = (
                "A is singular to working precision: x meets the residual, but may have no correct digit"
            )
            return replace(result, status=Status.SINGULAR, message=message)
        doubt = f"A is so ill-conditioned that x may be off by {error:.1e} of its size"
        status = Status.DOUBTFUL if result.success and error > LARGEST_BOUND else result.status
        return replace(result, status=status, message=f"{result.message}, but {doubt}", doubt=doubt)

    def met(self, norms):
        """Tell whether the residual norms of all columns meet the tolerance."""
        return bool((norms <= self.tolerances()).all())

    def tolerances(self):
        """Return the residual norm that each column has to reach."""
        return np.maximum(self.system.rtol * self.norms, self.system.atol)

    def failure(self, status, message, method):
        """Return a result with zeros for x."""
        x = self.xp.zeros_like(self.system.b)
        return SolveResult(x, status, message, self.norms[None], method=method)

    def singular(self, message):
        """Return the result for a matrix that has no inverse."""
        return self.failure(Status.SINGULAR, message, "direct")


def _ilu(A):
    """Return SciPy's incomplete LU factorisation as an operator."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.linalg import spilu

    if A.library != "numpy":
        raise ValueError("SciPy's incomplete factorisation needs a matrix on the host")
    matrix = csr_matrix(entries(A))
    matrix, rows, cols = direct.equilibrated(matrix, abs(matrix))
    factors = spilu(matrix.tocsc(), drop_tol=1e-4, fill_factor=10)
    return as_operator(direct.linear_operator(A, lambda v: cols * factors.solve(rows * v)), "numpy", "M")


def _negative(steps, A, b, M, x):
    """CG for a negative definite matrix: solve the system with the opposite sign."""
    return steps(Scaled(A, -1), -b, None if M is None else Scaled(M, -1), x)


def _last(result):
    """Return the largest last residual of a result."""
    last = np.nanmax(result.residuals[-1], initial=0) if result.residuals.size else np.inf
    return last if np.isfinite(last) else np.inf


def _rank(result):
    """Return a key to compare results with: first successes, then doubtful ones, then small residuals."""
    if result.success or result.status == Status.DOUBTFUL:
        return int(not result.success), 0.0
    return 2, _last(result)


def _following(choices, result):
    """Return the next choice after the result of one that failed, or None if there is none."""
    try:
        return choices.send(result)
    except StopIteration:
        return None


def _label(M):
    return M if M is None or isinstance(M, str) else "given"


def _one_of(value, names, argument):
    """Raise unless `value` is one of the names."""
    if value not in names:
        raise ValueError(f"{argument} is {value!r}; needed: one of {', '.join(names)}")
