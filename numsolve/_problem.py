"""A checked system, the methods that `solve` tries for it, and what is known of the answer."""

from dataclasses import dataclass, replace
from functools import partial
from math import inf

import numpy as np

from . import krylov, precondition
from ._array import array_module, to_host
from ._choice import AFFORDABLE, Chooser
from ._linear import complement, direct
from ._linear.backward import largest_backward_error
from ._linear.costs import Costs
from ._linear.engines import ENGINES, named
from ._linear.null_space import recognised, searched
from ._linear.patience import Patience
from ._linear.solve import solve_system
from ._operators.inspect import inspect
from ._operators.operator import Csr, Dense, Scaled, absolute, as_operator, entries
from ._operators.singular import with_null_space
from ._result import Breakdown, LinearResult, Status, inner_solve

ITERATIVE = {name: method for name, method in krylov.METHODS.items() if method.for_system is not None}
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
    backward_error : float
        Largest residual of a row, relative to the terms in it; NaN for a LinearOperator. For a singular `A`
        it is that without the part of b that no x can match.
    """

    method: str = ""
    preconditioner: str | None = None


class Problem:
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
        self.thorough = True  # whether the answer of an iterative method is checked by further solves

    @np.errstate(all="ignore")
    def best(self, method, M):
        """Solve in the complement of a null space that is declared, recognised or found after a failure."""
        A, null_space = self.system.A, self.system.A.null_space
        if self.sizes is not None:
            null_space = recognised(A, self.sizes, self.traits.hermitian, self.searches)
        result = self.solved(null_space, method, M)
        is_sure = result.status not in (Status.SINGULAR, Status.DOUBTFUL)
        is_sure = is_sure or self.sizes is None or A.library != "numpy"
        if null_space is not None:  # a direct solve shows whether the null space is larger
            is_sure = is_sure or result.method != "direct" or result.forward_error < 1
        found = None if is_sure else searched(A, null_space, *self.searches())
        return result if found is None else self.solved(found, method, M)

    def solved(self, null_space, method, M):
        """Return the result for a matrix with this null space, or None."""
        empty = f"{self.traits.empty} of A is zero"
        if null_space is None:
            if self.traits.empty:
                return self.failure(Status.SINGULAR, f"{empty}: A is singular", "direct")
            return self.tried(method, M)

        def solve(inside):
            return Problem(inside, self.callback, self.maxiter).tried(method, M)

        system = self.system._replace(A=with_null_space(self.system.A, null_space))
        result = complement.solve_in_complement(solve, system)
        return replace(result, message=f"{empty}: {result.message}") if self.traits.empty else result

    def searches(self):
        """Return how a null space is looked for: an iterative solver or None, and whether to factorise."""
        solver = None if self.chooser.is_quick_to_factorise() else self.first_choice
        return solver, self.chooser.direct(AFFORDABLE) < inf

    def first_choice(self, A):
        """Return a function that solves ``A x = b`` for x by the first choice for A, as far as it comes."""
        system = self.system._replace(A=A, x0=None, M=None, rtol=1e-8, atol=0.0)
        problem = Problem(system, None, None)
        problem.thorough = False
        choice = next(problem.chooser.choices("auto", "auto"))

        def solve(b):
            problem.take(b)
            with inner_solve():
                return problem.attempt(choice, None).x

        return solve

    def take(self, b):
        """Take another right-hand side."""
        self.system = self.system._replace(b=b)
        self.norms = to_host(direct.column_norms(b, self.xp))
        self.size = float(np.max(self.norms, initial=0))

    def tried(self, method, M):
        """Try the choices in order until one meets the tolerance; return the best, with all messages."""
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
        result = solve_system(start, system, callback, block, thorough=self.thorough)
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
        solve = complement.solve_direct if self.system.in_complement else direct.solve
        try:
            x, norms, error, engine = solve(A, self.sizes, b, self.met, self.plan)
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
            message = f"the residual is at the limit of this precision, above rtol; error bound {error:.1e}"
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
