"""The stages of a solve: each iterates from what the stages before it found."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .._array import namespace, to_host
from .._iterate import iterate
from .._linear.columns import columns_of
from .._result import Result, Status
from ._iteration import Sinkhorn
from ._problem import Problems

SINGLE_ACCURACY = 3e-5  # of the mass: what the marginals can be brought to in single precision
MESSAGES = {
    Status.MAXITER: "maxiter reached: raise it, loosen atol, take a larger eps, or method='newton'",
    Status.TIME_LIMIT: "time limit reached: raise it, loosen atol, take a larger eps, or method='newton'",
    Status.STAGNATED: "the error of the marginals stopped falling above the tolerance: loosen atol",
    Status.NONFINITE: "a marginal is not finite: use method='log', or a larger eps",
}


@dataclass(frozen=True, eq=False, repr=False)
class StageResult(Result):
    """What a stage found for one problem.

    Attributes
    ----------
    x : array, shape (n + m,)
        Potentials of the rows, then of the columns, in units of the cost.
    method : str
        Name of the method.
    omega : float
        Over-relaxation of the last iterations.
    why : str
        Why this method was chosen; empty where the caller chose it.
    """

    method: str = ""
    omega: float = 1.0
    why: str = ""


class Limits(NamedTuple):
    """When an iteration ends.

    Attributes
    ----------
    tol : numpy.ndarray, shape (k,)
        Tolerance of each problem, relative to its mass.
    maxiter : int
        Largest number of iterations.
    deadline : float
        Time of ``time.monotonic()`` at which to stop.
    callback : callable, optional
        As of `sinkhorn`.
    """

    tol: np.ndarray
    maxiter: int
    deadline: float = inf
    callback: Callable | None = None


class Progress:
    """What the stages have found so far.

    Attributes
    ----------
    problems : Problems
        The problems, with the eps that was asked for.
    passes : FusedPasses, GridPasses or SparsePasses
        Their cost in the precision that was asked for.
    x : array or None
        The iterate to start from; None for a cold start.
    g : array, shape (k, m), or None
        Potentials of the columns in units of the cost. If present, the next iterate is made from them.
    results : list of StageResult
        One for each problem, once the method has been run.
    is_late : bool
        Whether the deadline has passed: stages that only prepare a start are then skipped.
    """

    def __init__(self, problems, passes, x):
        self.problems, self.passes, self.x = problems, passes, x
        self.g, self.results, self.is_late = None, [], False

    def watch(self, results):
        """Note whether a result ended by the time limit; return the results."""
        self.is_late = any(result.status == Status.TIME_LIMIT for result in results)
        return results

    def keep_columns(self):
        """Keep only the potentials of the columns: stages with another eps start from them."""
        x = self.problems.cold_start(self.passes, 1 / self.problems.eps) if self.x is None else self.x
        self.problems.check_start(x)
        self.g = self.problems.by_problem(x)[:, self.problems.a.shape[1] :] * self.problems.eps

    def start(self, passes):
        """Return the iterate to start from; a cold start uses the `passes` of the stage."""
        inverse = 1 / self.problems.eps
        if self.g is not None:
            self.x = self.problems.warm_start(self.passes, inverse, self.g / self.problems.eps)
            self.g = None
        return self.problems.cold_start(passes, inverse) if self.x is None else self.x


@dataclass(frozen=True)
class Stage:
    """One run of an iteration; subclasses define `advance`.

    Attributes
    ----------
    problems : Problems
        The problems, with the eps of this stage.
    passes : FusedPasses, GridPasses or SparsePasses
        Their cost.
    controls : list of Rule
        The rule of omega of each problem.
    limits : Limits
        When the iteration ends.
    method : type
        `Sinkhorn` or `Newton`.
    prepares : bool
        Whether the stage only prepares a start for the next one.
    """

    prepares: ClassVar[bool] = False

    problems: Problems
    passes: Any
    controls: list
    limits: Limits
    method: type = Sinkhorn

    def advance(self, progress):
        """Iterate from what was found so far, and add to it."""
        raise NotImplementedError

    def part(self, p):
        """Return the stage of one of the problems alone."""
        one = slice(p, p + 1)
        return replace(
            self,
            problems=self.problems.part(p),
            passes=self.passes.part(p),
            controls=self.controls[one],
            limits=self.limits._replace(tol=self.limits.tol[one]),
        )

    def iterate(self, x, **fields):
        """Iterate from `x`; return a `StageResult` for each problem, with further `fields`."""
        problems, (tol, maxiter, deadline, callback) = self.problems, self.limits
        single, mass = len(problems) == 1, problems.mass
        iteration = problems.iteration(self.passes, self.controls, self.method, deadline)
        found = iterate(
            iteration.start,
            x.astype(self.passes.dtype),
            tol=float(tol[0]) if single else tol,
            maxiter=maxiter,
            deadline=deadline,
            callback=callback if single or callback is None else _shown_by_problem(callback, problems),
            scale=(problems.eps, float(mass[0]) if single else mass),
            fresh=True,
        )
        found = replace(found, message=MESSAGES.get(found.status, found.message))
        if single:
            results = [found]
        else:
            results = columns_of(replace(found, x=problems.by_problem(found.x).T), tol * mass)
        return [
            StageResult(**vars(result), omega=control.chosen, **fields)
            for result, control in zip(results, self.controls, strict=True)
        ]


class LargerEps(Stage):
    """Find rough potentials of the columns, with an eps larger than the one that was asked for."""

    prepares = True

    def advance(self, progress):
        eps = self.problems.eps
        runs = progress.watch(self.iterate(self.problems.warm_start(self.passes, 1 / eps, progress.g / eps)))
        progress.g = namespace(progress.g).stack([run.x for run in runs])[:, self.problems.a.shape[1] :]


class SinglePrecision(Stage):
    """Find potentials in single precision, as far as its rounding errors allow.

    The cost in single precision is kept only while the stage runs.
    """

    prepares = True

    def advance(self, progress):
        passes, eps = self.problems.passes(np.float32), self.problems.eps
        start = progress.start(passes)
        rounding = 4 * float(np.finfo(np.float32).eps) * spread(self.problems, passes) / eps
        tol = np.maximum(self.limits.tol, max(SINGLE_ACCURACY, rounding))
        stage = replace(self, passes=passes, limits=self.limits._replace(tol=tol))
        runs = progress.watch(stage.iterate(start))
        if all(run.status >= 0 for run in runs):  # otherwise its range is too small
            x = namespace(start).stack([run.x for run in runs]).astype(np.float64)
            progress.x = self.problems.to_iterate(x / eps)


@dataclass(frozen=True)
class Main(Stage):
    """Run the method that was chosen.

    Attributes
    ----------
    name : str
        Name of the method.
    why : str
        Why it was chosen; empty where the caller chose it.
    one_by_one : bool
        Whether problems are solved one after the other, not together.
    """

    name: str = ""
    why: str = ""
    one_by_one: bool = False

    def advance(self, progress):
        progress.x = x = progress.start(progress.passes)
        self.problems.check_start(x)
        pairs = zip(map(self.part, range(len(self.problems))), self.problems.by_problem(x), strict=True)
        groups = pairs if self.one_by_one else [(self, x)]
        for stage, start in groups:
            progress.results += stage.iterate(start, method=self.name, why=self.why)


@dataclass(frozen=True)
class Fallback(Stage):
    """Run another method on the problems that are still unsolved, one after the other.

    Attributes
    ----------
    name : str
        Name of the method.
    applies : callable
        ``applies(result)`` tells whether the stage is meant for a problem with this result.
    explain : callable
        ``explain(result)`` returns why, for the message.
    onward : bool
        Whether to start from the potentials found so far; otherwise from the start of the main stage.
    """

    name: str = ""
    applies: Callable = bool
    explain: Callable = str
    onward: bool = False

    def advance(self, progress):
        starts = self.problems.by_problem(progress.x)
        for p, before in enumerate(progress.results):
            steps_left = self.limits.maxiter - before.nit
            if before.success or steps_left <= 0 or not self.applies(before):
                continue
            stage = self.part(p)
            stage = replace(stage, limits=stage.limits._replace(maxiter=steps_left))
            start = before.x / self.problems.eps if self.onward else starts[p]
            (after,) = stage.iterate(start, method=self.name, why=self.explain(before))
            residuals = np.append(before.residuals, after.residuals[1:])
            progress.results[p] = replace(after, residuals=residuals)


def spread(problems, passes):
    """Estimate the difference of the largest and the smallest cost from three rows of each problem."""
    largest, parts = 0.0, len(problems) if getattr(problems.cost, "ndim", 2) == 3 else 1
    for part in map(passes.part, range(parts)):
        rows = [to_host(part.block(i, i + 1)) for i in {0, passes.shape[0] // 2, passes.shape[0] - 1}]
        finite = np.concatenate([row[np.isfinite(row)] for row in rows])
        largest = max(largest, float(np.ptp(finite)) if finite.size else 0.0)
    return largest


def _shown_by_problem(callback, problems):
    """Return a callback that is given the potentials of k problems in the shape (k, n + m)."""

    def call(x, errors):
        return callback(None if x is None else problems.by_problem(x), errors)

    call.wants_x = getattr(callback, "wants_x", True)
    return call
