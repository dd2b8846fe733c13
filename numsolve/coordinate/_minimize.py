"""Block coordinate descent: the call, and the run in the loop of all iterative methods."""

from math import inf, isfinite, nan
from typing import Any

import numpy as np

from .. import _validate
from .._array import common_library, library, read_every
from .._result import Breakdown, Interrupted, Status, warn_of_miss
from .._run import run
from .._variables import Variables
from ._datafits import Datafit
from ._forest_rules import TREE_SELECTIONS, TREE_UPDATES
from ._iterates import Iterate, Problem
from ._partitions import PARTITIONS, given
from ._penalties import NoPenalty, Penalty
from ._result import CoordinateResult
from ._selections import SELECTIONS
from ._setting import Setting
from ._updates import UPDATES

SWEEPS = 1000  # the default of maxiter, in steps that change each coefficient once
PATIENCE = 20  # sweeps without a change of x, after which a random rule counts as stagnated
SAYS = {
    Status.MAXITER: "maxiter reached: raise it, or choose another select, update or block_size",
    Status.TIME_LIMIT: "time limit reached: raise it, or choose another select, update or block_size",
    Status.NONFINITE: "the objective or its gradient is not finite at x0: choose another x0, or scale X",
    Status.STAGNATED: "no step changes x any more, because of rounding error: loosen rtol",
}
STUCK = Breakdown(SAYS[Status.STAGNATED], Status.STAGNATED)


def minimize(
    datafit: Datafit,
    penalty: Penalty | None,
    *,
    x0: Any = None,
    partition: Any = "order",
    select: str = "gsl",
    block_size: int = 1,
    update: str = "newton",
    rtol: float = 1e-6,
    atol: float = 0.0,
    maxiter: int | None = None,
    time_limit: float | None = None,
    rng: Any = None,
    callback: Any = None,
    measure: str = "auto",
    check_every: int | None = None,
    score_norm: int = 2,
) -> CoordinateResult:
    r"""Minimise a smooth function plus a penalty by block coordinate descent.

    Each iteration selects a block of coefficients and changes only these. Partition, selection and update
    are the building blocks of [1]_, and are combined freely.

    Parameters
    ----------
    datafit : Datafit
        The smooth function: `LeastSquares`, `Logistic`, `Multinomial`, `Huber`, `Poisson`, `Quadratic`,
        `GeneralizedLinear` with a loss of your own, or your own subclass of `Datafit`.
    penalty : Penalty or None
        `NoPenalty`, `L1`, `ElasticNet`, `Box`, `Group`, `SparseGroup`, or your own subclass of `Penalty`.
    x0 : array, shape of the coefficients, optional
        Starting point, in the domain of the penalty; never overwritten. Default: the point of the domain
        that is nearest to zero.
    partition : str or list of arrays
        The blocks. "order": consecutive coefficients; "sort": coefficients with similar curvatures;
        "average": small and large curvatures paired; "variable": chosen anew in each iteration; "groups":
        the groups of the penalty; "trees" and "red-black": blocks of any size that are forests, or have no
        edge, in the graph of a `Quadratic`; or a list of index arrays that cover each coefficient once. The
        last block is shorter where `block_size` does not divide their number.
    select : str
        The rule that selects the block, see the notes.
    block_size : int
        Number of coefficients of a block.
    update : str
        The step that is taken in the block, see the notes.
    rtol, atol : float
        Stop once the measure of convergence is at most ``max(rtol * unit, atol)``. For the duality gap, the
        unit is the objective at zero; for the violation of the optimality conditions, its norm at zero.
    maxiter : int, optional
        Largest number of iterations, each of one block. Default: 1000 times the number of blocks.
    time_limit : float, optional
        Largest time in seconds.
    rng : int, numpy.random.Generator or None
        Source of random choices.
    callback : callable, optional
        ``callback(x, measure)`` or ``callback(x)`` at each check; true stops.
    measure : {"auto", "gap", "violation"}
        What is compared with the tolerance: the duality gap, or the 2-norm of the distances of the negative
        gradient to the subdifferential of the penalty. "auto": the gap where datafit and penalty have a
        known dual.
    check_every : int, optional
        Number of iterations between two checks. Default: 1 for rules that read the full gradient (10 on a
        GPU), else the number of blocks.
    score_norm : {1, 2}
        The norm of a block's scores in "gs", "gsl", "gsd": 2 as in the paper's formulas, 1 as in its code.

    Returns
    -------
    CoordinateResult
        The minimiser, the measure at each check (`residuals`), the objective at each check (`objectives`).

    Raises
    ------
    TypeError, ValueError
        An argument is not valid, or the rules cannot be combined; the message says why and what can.
    Interrupted
        Ctrl-C; the attribute `result` has the last iterate.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met.

    Notes
    -----
    Selections, for the gradient g, the curvature bounds :math:`L_i` of the coefficients, the bound H of the
    Hessian, and :math:`L_b = \lambda_{\max}(H_b)`. With a penalty, the distance of -g to the subdifferential
    takes the place of g:

    - "random", "cyclic", "permuted"; "lipschitz": random with probabilities in proportion to :math:`L_b`.
    - "gs": the largest :math:`\|g_b\|`; "gsl": the largest :math:`\|g_b\|/\sqrt{L_b}`, for fixed blocks;
      "gsd": :math:`|g_i|/\sqrt{L_i}`; "gsdhb": :math:`|g_i|/(\sum_j |H_{ij}|)^{1/2}`, for variable blocks.
    - "gsq": the largest :math:`g_b^T H_b^{+} g_b`, for fixed blocks; "iht": the same for variable blocks, by
      ten steps of iterative hard thresholding; both without a penalty. "gsq-nn": the largest decrease of
      the diagonal model with a separable penalty, as for x >= 0.
    - "gs-tree", "gsd-tree", "random-tree": the coefficients, in the order of "gs" or "gsd" or in a random
      one, that close no cycle in the graph of a `Quadratic`; at most `block_size`, for variable blocks.

    Updates:

    - "gradient": a proximal gradient step of length :math:`1/L_b`; "diagonal": with :math:`L_i`, scaled to
      bound :math:`H_b`; "line-search-gradient": with a local constant that is doubled as needed.
    - "newton": the minimiser of the model with :math:`H_b` and the penalty; "newton-line-search": with the
      true Hessian and a line search.
    - "projected-gradient", "projected-newton", "two-metric": for the penalty `Box`.
    - "message-passing": the exact minimiser on blocks that are forests in the graph of a `Quadratic`, by
      elimination from the leaves to the roots; "belief-propagation": the same by Gaussian belief propagation.

    No update raises the objective. `Poisson` and losses of your own may have no bounds of the second
    derivatives: "newton" is then "newton-line-search", "gsl" and "gsd" use the Hessian at zero, and
    rules that need the bounds are refused.

    Rules that read the full gradient take its cost in each iteration, ``2 m n`` operations for dense X (n for
    `Quadratic`). The others take ``2 m b`` for a block of b coefficients, and check convergence once for as
    many iterations as there are blocks. Storage: a few vectors of length n, and the Hessians of fixed blocks.

    References
    ----------
    .. [1] J. Nutini, I. Laradji, M. Schmidt, *Let's make block coordinate descent converge faster: faster
       greedy rules, message-passing, active-set complexity, and superlinear convergence*, J. Mach. Learn.
       Res. 23, 2022, 1-74, arXiv:1712.08859.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.coordinate import L1, LeastSquares, minimize
    >>> X, y = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([3.0, 1.0])
    >>> minimize(LeastSquares(X, y), L1(0.5), select="cyclic").check().x.round(6)
    array([2.  , 0.25])
    """
    setting = setting_of(datafit, penalty, partition, block_size, score_norm, rng)
    selection, rule = rules_of(setting, select, update)
    problem = setting.problem
    variables = Variables(start_of(problem, x0), real=True)
    variables.shape = datafit.shape
    rtol, atol = _validate.tolerances(rtol, atol)
    descent = Descent(
        problem,
        selection,
        rule,
        measure=_validate.choice(measure, "measure", ("auto", "gap", "violation")),
        interval=interval_of(setting, selection, check_every),
        maxiter=iterations_of(setting, maxiter),
        patience=patience_of(setting, selection),
    )
    return warn_of_miss(descent.run(variables, rtol, atol, callback, _validate.deadline(time_limit)))


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
                raise STUCK
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


def setting_of(datafit, penalty, partition, block_size, score_norm, rng) -> Setting:
    """Return the setting of a run; raise for arguments that are not valid."""
    if not isinstance(datafit, Datafit):
        raise TypeError(f"datafit is a {type(datafit).__name__}; a numsolve.coordinate.Datafit is needed")
    penalty = NoPenalty() if penalty is None else penalty
    if not isinstance(penalty, Penalty):
        raise TypeError(f"penalty is a {type(penalty).__name__}; a numsolve.coordinate.Penalty is needed")
    problem = Problem(datafit, penalty)
    check_sizes(problem)
    block_size = min(_validate.count(block_size, "block_size", least=1), problem.n)
    rng = np.random.default_rng(rng)
    blocks = blocks_of(problem, partition, block_size, rng)
    if blocks is not None:
        block_size = max(map(len, blocks))
    if penalty.groups is not None:
        check_groups(penalty.groups, blocks)
    _validate.choice(score_norm, "score_norm", (1, 2))
    return Setting(problem, blocks, block_size, rng, score_norm)


def check_sizes(problem):
    """Raise unless the arrays of the penalty fit the coefficients of the datafit."""
    for name in ("weights", "lower", "upper"):
        value: Any = getattr(problem.penalty, name, None)
        if np.ndim(value) > 0 and problem.penalty.groups is None:
            common_library(**{"datafit": problem.xp.zeros(0), f"the {name} of penalty": value})
            if np.shape(value) != (problem.n,):
                raise ValueError(
                    f"the {name} of penalty has shape {np.shape(value)}; ({problem.n},) is needed: "
                    "one number for each coefficient"
                )


def blocks_of(problem, partition, block_size, rng) -> list[Any] | None:
    """Return the blocks of a partition by name, or of the caller."""
    if not isinstance(partition, str):
        return given(partition, problem.n)
    _validate.choice(partition, "partition", PARTITIONS)
    return PARTITIONS[partition](problem, block_size, rng)


def check_groups(groups, blocks):
    """Raise unless each block has all coefficients of a group or none."""
    if blocks is None:
        raise ValueError("the penalty has groups, which variable blocks would split: pass partition='groups'")
    owner = np.empty(sum(map(len, blocks)), int)
    for b, block in enumerate(blocks):
        owner[block] = b
    if any((owner[group] != owner[group[0]]).any() for group in groups):
        raise ValueError("a block of the partition splits a group of the penalty: pass partition='groups'")


def rules_of(setting, select, update):
    """Return the selection and the update; raise a ValueError that says why they do not fit the setting."""
    selections, updates = SELECTIONS | TREE_SELECTIONS, UPDATES | TREE_UPDATES
    _validate.choice(select, "select", selections)
    _validate.choice(update, "update", updates)
    if update == "newton" and not setting.problem.has_bounds():
        update = "newton-line-search"
    for name, value, rule in (("select", select, selections[select]), ("update", update, updates[update])):
        refusal = rule.refusal(setting)
        if refusal:
            raise ValueError(f"{name}={value!r} {refusal}")
    return selections[select](setting), updates[update](setting)


def start_of(problem, x0) -> Any:
    """Return a starting point in the domain of the penalty, a vector."""
    datafit, penalty = problem.datafit, problem.penalty
    if x0 is None:
        return penalty.prox(problem.xp.zeros(problem.n, datafit.dtype), 1.0)
    common_library(datafit=problem.xp.zeros(0), x0=x0 if library(x0) else None)
    start: Any = _validate.starting_guess(x0, datafit.shape, problem.xp, "datafit needs")
    if start.dtype.kind == "c":
        raise TypeError("x0 is complex; real coefficients are needed")
    start = start.astype(datafit.dtype).reshape(-1)
    if not penalty.value(start) < inf:
        raise ValueError("x0 is outside the domain of the penalty: clip it to the bounds first")
    return start


def interval_of(setting, selection, check_every):
    """Return the number of iterations between two checks."""
    if check_every is not None:
        return _validate.count(check_every, "check_every", least=1)
    if selection.reads_gradient:
        return read_every(setting.problem.xp.zeros(0))
    return number_of_blocks(setting)


def patience_of(setting, selection):
    """Return the number of iterations without a change of x after which the run counts as stagnated."""
    if selection.reads_gradient:
        return 1
    return number_of_blocks(setting) * (PATIENCE if selection.is_random else 2)


def iterations_of(setting, maxiter):
    """Return the largest number of iterations."""
    if maxiter is None:
        return SWEEPS * number_of_blocks(setting)
    return _validate.count(maxiter, "maxiter")


def number_of_blocks(setting):
    """Return the number of blocks, or of variable blocks that it takes to change each coefficient once."""
    if setting.blocks is not None:
        return len(setting.blocks)
    return -(-setting.problem.n // setting.block_size)
