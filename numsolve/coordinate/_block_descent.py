"""A run of block coordinate descent in the loop of all iterative methods."""

from math import inf, isfinite, nan
from typing import Any

import numpy as np

from .._result import Breakdown, Interrupted, Status
from .._run import run
from ._iterates import Iterate
from ._result import CoordinateResult

SAYS = {
    Status.MAXITER: "maxiter reached: raise it, or choose another select, update or block_size",
    Status.TIME_LIMIT: "time limit reached: raise it, or choose another select, update or block_size",
    Status.NONFINITE: "the objective or its gradient is not finite at x0: choose another x0, or scale X",
    Status.STAGNATED: "no step changes x any more, because of rounding error: loosen rtol",
}


class Descent:
    """A run: it takes block steps, and measures convergence once in a while."""

    def __init__(self, problem, selection, rule, *, measure, interval, maxiter, patience):
        self.problem, self.selection, self.rule = problem, selection, rule
        self.interval, self.maxiter, self.patience = interval, maxiter, patience
        self.taken, self.objectives = 0, []
        zero = Iterate(problem, problem.penalty.prox(self._zeros(), 1.0))
        gap = self.gap(zero) if measure != "violation" else nan
        if measure == "gap" and not isfinite(gap):
            names = type(problem.datafit).__name__, type(problem.penalty).__name__
            raise ValueError(
                f"measure is 'gap', but {names[0]} with {names[1]} has no known dual: use 'auto'"
            )
        self.has_gap = isfinite(gap)
        self.unit = zero.objective if self.has_gap else self.violation(zero)
        self.at_zero = zero.x

    def _zeros(self):
        return self.problem.xp.zeros(self.problem.n, self.problem.datafit.dtype)

    def gap(self, iterate) -> float:
        """Return the duality gap, NaN where none is known."""
        datafit, penalty = self.problem.datafit, self.problem.penalty
        return float(datafit.gap(iterate.state, iterate.x, iterate.gradient, penalty))

    def violation(self, iterate) -> float:
        """Return the norm of the violations of the optimality conditions."""
        found = iterate.violations()
        return float(found @ found) ** 0.5

    def measured(self, iterate) -> Any:
        """Record the objective; return the squared measure of convergence in its unit, for the loop."""
        found = self.gap(iterate) if self.has_gap else self.violation(iterate)
        self.objectives.append(iterate.objective)
        found = found if isfinite(iterate.objective) else nan
        return self.problem.xp.asarray((found / self.scale) ** 2, dtype=self.problem.datafit.dtype)

    @property
    def scale(self):
        """The unit of the measures, 1 if that is not a positive number."""
        return self.unit if 0 < self.unit < inf else 1.0

    def steps(self, x):
        """Take block steps from x: the generator that the loop reads."""
        iterate, idle = Iterate(self.problem, x), 0
        self.objectives[-1:] = []  # of the point from which the run is started again
        yield iterate.x.copy(), self.measured(iterate)
        while True:
            for _ in range(min(self.interval, self.maxiter - self.taken)):
                idle = 0 if self.moves(iterate) else idle + 1
            if idle >= self.patience and not self.is_met(iterate):
                raise Breakdown(SAYS[Status.STAGNATED], Status.STAGNATED)
            live = yield iterate.x.copy(), self.measured(iterate)
            if live is None:
                raise Breakdown("the objective is not finite: scale the data", Status.NONFINITE)

    def moves(self, iterate):
        """Take a step; tell whether the iterate changed. On a GPU that is not known."""
        block = self.selection.choose(iterate)
        d = self.rule.step(iterate, block)
        self.taken += 1
        if d is None:
            return False
        before = iterate.x[block]
        iterate.move(block, d)
        return self.problem.xp is not np or bool((iterate.x[block] != before).any())

    def is_met(self, iterate):
        """Tell whether the measure meets the tolerance."""
        return (self.gap(iterate) if self.has_gap else self.violation(iterate)) <= self.tol

    @np.errstate(all="ignore")
    def run(self, variables, rtol, atol, callback, deadline) -> CoordinateResult:
        """Run in the loop of all iterative methods."""
        if self.unit == 0:
            if self.has_gap:
                variables.start[...] = self.at_zero
            else:
                self.unit = self.violation(Iterate(self.problem, variables.start))
        self.tol = max(rtol * self.scale, atol) if self.unit != 0 else atol
        try:
            result = run(
                self.steps,
                variables,
                first=self.scale,
                tol=self.tol,
                maxiter=-(-self.maxiter // self.interval),
                callback=callback,
                deadline=deadline,
                says=SAYS,
            )
        except Interrupted as error:
            raise Interrupted(self.finished(error.result)) from None
        return self.finished(result)

    def finished(self, result) -> CoordinateResult:
        """Return the result with the objective and the gap at its x."""
        iterate = Iterate(self.problem, result.x.reshape(-1))
        return CoordinateResult(
            **vars(result),
            objective=iterate.objective,
            gap=self.gap(iterate),
            objectives=np.array(self.objectives),
            iterations=self.taken,
        )
