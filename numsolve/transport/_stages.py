"""The stages of a solve: each is one run of an iteration, from what the stages before it found."""

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
from ._problem import Problem

SINGLE_ACCURACY = 3e-5  # of the mass: what the marginals can be brought to in single precision
MESSAGES = {
    Status.MAXITER: "maxiter reached: raise it, loosen atol, take a larger eps, or method='newton'",
    Status.TIME_LIMIT: "time limit reached: raise it, loosen atol, take a larger eps, or method='newton'",
    Status.STAGNATED: "the error of the marginals stopped falling above the tolerance: loosen atol",
    Status.NONFINITE: "a marginal is not finite: use method='log', or a larger eps",
}


@dataclass(frozen=True, eq=False, repr=False)
class StageResult(Result):
    """What a stage left of one problem: `x` are its potentials F and then G, in units of the cost."""

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


class Found:
    """What the stages have found so far.

    Attributes
    ----------
    task : Problem
        The problems, with the eps that was asked for.
    form : Fused, Separable or Sparse
        Their cost in the precision that was asked for.
    x : array or None
        The iterate to start from.
    g : array, shape (k, m), or None
        Potentials of the columns in units of the cost. Where they are known, `x` is made from them.
    results : list of StageResult
        One for each problem, once the method has been run.
    is_late : bool
        Whether the time is over: stages that only look for a start are then left out.
    """

    def __init__(self, task, form, x):
        self.task, self.form, self.x = task, form, x
        self.g, self.results, self.is_late = None, [], False

    def watch(self, results):
        """Return the results of a stage, after a look at whether one of them ended by the time limit."""
        self.is_late = any(result.status == Status.TIME_LIMIT for result in results)
        return results

    def keep_columns(self):
        """Keep the potentials of the columns alone, from which stages at another eps start."""
        x = self.task.cold(self.form, 1 / self.task.eps) if self.x is None else self.x
        self.task.check_start(x)
        self.g = self.task.apart(x)[:, self.task.a.shape[1] :] * self.task.eps

    def start(self, form):
        """Return the iterate to start from; `form` is that of the stage, for a cold start."""
        if self.g is not None:
            self.x, self.g = self.task.warm(self.form, 1 / self.task.eps, self.g / self.task.eps), None
        return self.task.cold(form, 1 / self.task.eps) if self.x is None else self.x


@dataclass(frozen=True)
class Stage:
    """One run of an iteration on the problems of `task`, which has the eps of the stage.

    Subclasses define ``advance(found)``: run from what was found so far, and add to it. A stage that
    `prepares` only looks for a start.
    """

    prepares: ClassVar[bool] = False

    task: Problem
    form: Any
    controls: list
    limits: Limits
    method: type = Sinkhorn

    def advance(self, found):
        """Run the stage from what was found so far, and add to it."""
        raise NotImplementedError

    def part(self, p):
        """Return the stage of one of the problems alone."""
        one = slice(p, p + 1)
        return replace(
            self,
            task=self.task.part(p),
            form=self.form.part(p),
            controls=self.controls[one],
            limits=self.limits._replace(tol=self.limits.tol[one]),
        )

    def iterate(self, x, **fields):
        """Run the iteration from `x`; return a `StageResult` for each problem, with further `fields`."""
        task, (tol, maxiter, deadline, callback), one = self.task, self.limits, len(self.task) == 1
        state = task.state(self.form, self.controls, self.method, deadline)
        found = iterate(
            state.start,
            x.astype(self.form.dtype),
            tol=float(tol[0]) if one else tol,
            maxiter=maxiter,
            deadline=deadline,
            callback=callback if one or callback is None else _by_problem(callback, task),
            scale=(task.eps, float(task.mass[0]) if one else task.mass),
            fresh=True,
        )
        found = replace(found, message=MESSAGES.get(found.status, found.message))
        apart = [found] if one else columns_of(replace(found, x=task.apart(found.x).T), tol * task.mass)
        return [
            StageResult(**vars(each), omega=control.chosen, **fields)
            for each, control in zip(apart, self.controls, strict=True)
        ]


class LargerEps(Stage):
    """Find potentials of the columns roughly, at an eps larger than the one that was asked for."""

    prepares = True

    def advance(self, found):
        eps = self.task.eps
        runs = found.watch(self.iterate(self.task.warm(self.form, 1 / eps, found.g / eps)))
        found.g = namespace(found.g).stack([run.x for run in runs])[:, self.task.a.shape[1] :]


class SinglePrecision(Stage):
    """Find potentials in single precision, as far as its rounding errors allow.

    The form in single precision lives only while the stage runs.
    """

    prepares = True

    def advance(self, found):
        form, eps = self.task.form(np.float32), self.task.eps
        start = found.start(form)
        rounding = 4 * float(np.finfo(np.float32).eps) * spread(self.task, form) / eps
        tol = np.maximum(self.limits.tol, max(SINGLE_ACCURACY, rounding))
        stage = replace(self, form=form, limits=self.limits._replace(tol=tol))
        runs = found.watch(stage.iterate(start))
        if all(run.status >= 0 for run in runs):  # else its range is too small
            x = namespace(start).stack([run.x for run in runs]).astype(np.float64)
            found.x = self.task.together(x / eps)


@dataclass(frozen=True)
class Main(Stage):
    """Run the method on all problems together, or, if `one_by_one`, one after the other."""

    name: str = ""
    why: str = ""
    one_by_one: bool = False

    def advance(self, found):
        found.x = x = found.start(found.form)
        self.task.check_start(x)
        pairs = zip(map(self.part, range(len(self.task))), self.task.apart(x), strict=True)
        groups = pairs if self.one_by_one else [(self, x)]
        for stage, start in groups:
            found.results += stage.iterate(start, method=self.name, why=self.why)


@dataclass(frozen=True)
class Fallback(Stage):
    """Run another method on each problem that the stages before left unsolved and for which it is meant.

    Attributes
    ----------
    applies : callable
        ``applies(result)``: whether it is meant for a problem that was left with this result.
    explain : callable
        ``explain(result)``: why, for the message.
    onward : bool
        Whether to start from the potentials that were left, or from the iterate that the method started from.
    """

    name: str = ""
    applies: Callable = bool
    explain: Callable = str
    onward: bool = False

    def advance(self, found):
        starts = self.task.apart(found.x)
        for p, before in enumerate(found.results):
            left = self.limits.maxiter - before.nit
            if before.success or left <= 0 or not self.applies(before):
                continue
            stage = self.part(p)
            stage = replace(stage, limits=stage.limits._replace(maxiter=left))
            start = before.x / self.task.eps if self.onward else starts[p]
            (after,) = stage.iterate(start, method=self.name, why=self.explain(before))
            residuals = np.append(before.residuals, after.residuals[1:])
            found.results[p] = replace(after, residuals=residuals)


def spread(task, form):
    """Return about the difference of the largest and the smallest cost, from three rows of each problem."""
    largest, parts = 0.0, len(task) if getattr(task.cost, "ndim", 2) == 3 else 1
    for part in map(form.part, range(parts)):
        rows = [to_host(part.block(i, i + 1)) for i in {0, form.shape[0] // 2, form.shape[0] - 1}]
        finite = np.concatenate([row[np.isfinite(row)] for row in rows])
        largest = max(largest, float(np.ptp(finite)) if finite.size else 0.0)
    return largest


def _by_problem(callback, task):
    """Return a callback that sees the potentials of k problems as (k, n + m)."""

    def call(x, errors):
        return callback(None if x is None else task.apart(x), errors)

    call.wants_x = getattr(callback, "wants_x", True)
    return call
