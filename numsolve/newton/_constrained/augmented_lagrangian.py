r"""The adaptive inexact Newton method on the exact augmented Lagrangian.

.. math:: M(x, y) = L(x, y) + \frac{\eta_1}{2} \|c(x)\|^2 + \frac{\eta_2}{2} \|\nabla_x L(x, y)\|^2

The direction z solves the Newton system of the Lagrangian until its residual is below the accuracy times the
residual of the optimality conditions. If M does not fall along z as it should, the penalties and the accuracy
change. Then x and y move along z together, with a step length by Armijo's rule.

I. Hong, S. Na, M. W. Mahoney, M. Kolar, Constrained optimization via exact augmented Lagrangian and
randomized iterative sketching, ICML 2023, doi:10.48550/arXiv.2305.18379.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

from ..._linear.system import length
from ..._result import Breakdown, Status
from .kkt import Kkt
from .lagrangian import Lagrangian, hessian_size
from .matrices import adjoint_product, has_entries, row_norms

LARGEST_SHIFT = 1e10  # of the Hessian, relative to its size
FIRST_SHIFT, GROWTH = 1e-2, 10.0
RECHECK = 1e-4  # factor of the tolerance where the solution decides on the curvature
LEAST_CURVATURE = 1e-10  # along a step, relative to the size of the Hessian
HALVINGS = 40
FIRST_HALVINGS = 8  # halvings before the Hessian is shifted
SWITCH = 1e3  # shift, relative to the size of the Hessian, from which all halvings are tried
FAR = 1e10  # distance from the start, relative to the first step and x0, at which a problem is unbounded
ROUNDING = 8  # rounding errors of the residual, above which it is worth another step
PATIENCE = 30  # steps in which the residual is not halved, after which the Jacobian is examined
VANISHED = 1e-4  # norm of a row of the Jacobian, relative to that at the start, that may tend to zero


@dataclass(frozen=True)
class Rules:
    """The constants of the method.

    Attributes
    ----------
    penalty, gradient_penalty : float
        First values of eta_1 and eta_2, for a problem in its own units.
    accuracy : float
        First residual of the inner solver, relative to the residual of the optimality conditions.
    armijo : float
        The part of the predicted decrease that a step must reach.
    growth : float
        Where M does not fall along z, eta_1 grows by its square and eta_2 falls by this factor; the accuracy
        is divided by its fourth power.
    largest_penalty, least_gradient_penalty, least_accuracy : float
        Their limits.
    has_units : bool
        Whether the method chooses units of the objective and of the constraints.
    large_shift : float
        The shift, relative to the size of the Hessian, above which it is kept out of the multipliers.
    """

    penalty: float = 1.0
    gradient_penalty: float = 0.1
    accuracy: float = 0.01
    armijo: float = 0.1
    growth: float = 1.5
    largest_penalty: float = 1e8
    least_gradient_penalty: float = 1e-8
    least_accuracy: float = 1e-12
    has_units: bool = True
    large_shift: float = 0.5

    def first_shift(self, kkt: Kkt) -> float:  # noqa: ARG002 - for rules that compute it
        """Return the first multiple of the identity that is added to the Hessian."""
        return 0.0

    def next_shift(self, kkt: Kkt, shift: float, least: float) -> float:  # noqa: ARG002
        """Return a larger multiple, at least `least`, after `shift` was not enough."""
        return max(GROWTH * shift, least)

    def sharpness(self, kkt: Kkt, penalties) -> tuple[float, float]:  # noqa: ARG002
        """Return a factor of the tolerance of the inner solver, and an upper bound of the accuracy."""
        return 1.0, inf


@dataclass
class Progress:
    """What the method adapts, and what it reports.

    Attributes
    ----------
    penalty, gradient_penalty, accuracy : float
        The current values of eta_1, eta_2 and of the accuracy.
    inner_steps : list of int
        Steps of the inner solver, for each outer step.
    capped : set of int
        Outer steps in which the inner solver reached its limit of steps.
    lengths : list of float
        Step lengths.
    least_shift : float
        The smallest shift that is tried, relative to the size of the Hessian.
    """

    penalty: float
    gradient_penalty: float
    accuracy: float
    inner_steps: list = field(default_factory=list)
    lengths: list = field(default_factory=list)
    capped: set = field(default_factory=set)
    least_shift: float = FIRST_SHIFT

    @property
    def penalties(self):
        """Both penalties."""
        return self.penalty, self.gradient_penalty


class Method:
    """The method: called with the iterate, it returns a generator for the loop.

    Parameters
    ----------
    problem : Lagrangian
        The problem, in units of its own.
    start : Point
        Its values at the start.
    solver : Direct, Minres or Sketched
        The inner solver.
    rules : Rules
        The constants.
    theta : callable
        ``theta(k, ratio)``, a factor of the accuracy in step k, where the residual has fallen to `ratio`.
    first : float
        The norm of the residual at the start, in the caller's units.
    deadline : float
        Time of ``time.monotonic()`` at which to stop.
    """

    def __init__(
        self, problem: Lagrangian, start, solver: Any, rules: Rules, theta: Callable, first, deadline
    ):
        self.problem, self.solver, self.rules, self.theta = problem, solver, rules, theta
        self._unit = first if 0 < first < inf else 1.0
        self._first_size = length(start.residual)
        self._reach = length(start.x)
        self._start, self._deadline = start, deadline
        self.progress = Progress(rules.penalty, rules.gradient_penalty, rules.accuracy)
        self.best = start, self.norm(start)
        self._halved = self.best[1], 0

    def norm(self, point):
        """Return the norm of the residual of the optimality conditions in the caller's units."""
        return length(self.problem.given_residual(point)) if point.J is not None else inf

    def __call__(self, v):
        point = self.problem.point(v)
        self.problem.keep(point)
        yield v, self._squared(point)
        norm = self.norm(point)
        while True:
            point, before = self._step(point), norm
            self.problem.keep(point)
            norm = self.norm(point)
            if norm < self.best[1]:
                self.best = point, norm
            if norm < self._halved[0] / 2:
                self._halved = norm, len(self.progress.inner_steps)
            yield point.v, self._squared(point)
            if norm > before / 2 and norm <= ROUNDING * self.problem.rounding(point):
                raise self._at_rounding()
            self._check_reach(point)
            self._check_progress(point)

    def _squared(self, point):
        residual = self.problem.given_residual(point) / self._unit
        return residual @ residual

    def _step(self, point):
        """Return the next point."""
        H = self.problem.hessian(point)
        kkt = Kkt(H, point.J, 0.0, hessian_size(H, point) or 1.0)
        self.progress.inner_steps.append(0)
        shift = self.rules.first_shift(kkt)
        least = self.progress.least_shift * kkt.size
        while shift <= LARGEST_SHIFT * kkt.size:
            found = self._direction(point, kkt.with_shift(shift))
            if found is not None:
                halvings = FIRST_HALVINGS if shift < SWITCH * kkt.size else HALVINGS
                after = self._search(point, *found, halvings)
                if after is not None:
                    self._adapt_shift(shift / kkt.size)
                    return after
            shift = self.rules.next_shift(kkt, shift, least)
        raise self._failure(point)

    def _adapt_shift(self, shift):
        """Let the least shift fall after a full step with it, and rise to its first value after others."""
        progress = self.progress
        if shift > 0:
            full = shift <= 1.01 * progress.least_shift and progress.lengths[-1] == 1
            progress.least_shift = progress.least_shift / GROWTH if full else FIRST_SHIFT

    def _direction(self, point, kkt):
        """Return a direction and the slope of the merit function along it, or None."""
        progress, rules = self.progress, self.rules
        if not self.solver.begin(kkt):
            return None
        solution, z = None, None
        size = length(point.residual)
        while True:
            factor, bound = rules.sharpness(kkt, progress.penalties)
            progress.accuracy = max(rules.least_accuracy, min(progress.accuracy, bound))
            if z is None or not self.solver.exact:
                theta = self.theta(len(progress.inner_steps) - 1, size / (self._first_size or 1.0))
                solution = self._solved(point, kkt, theta * progress.accuracy * factor * size, solution)
                if solution is None:
                    return None
                z = self._without_shift(kkt, solution)
            gradient = point.merit_gradient(self.problem.hessian(point), *progress.penalties)
            slope = float(gradient @ z)
            if slope <= -progress.gradient_penalty / 2 * size**2:
                return z, slope
            if not self._sharpen():
                return (z, slope) if slope < 0 else None

    def _solved(self, point, kkt, tol, z):
        """Return the solution of the system, from the guess `z`, or None if it shows negative curvature.

        The solution is made more accurate before its curvature decides.
        """
        progress, solver, b = self.progress, self.solver, -point.residual
        for tolerance in (tol, RECHECK * tol):
            z, steps, capped = solver.solve(kkt, b, tolerance, z, self._deadline)
            progress.inner_steps[-1] += steps
            if capped:
                progress.capped.add(len(progress.inner_steps))
            if z is None:
                return None
            self._check_reached(point)
            if solver.exact or self._curves_upward(kkt, z):
                return z
        return None

    def _without_shift(self, kkt, z):
        """Return the step as if the shift acted on the null space of J alone.

        The step in x is the same, and a large shift does not enter the multipliers: these lose the vector y
        that minimises ``norm(shift dx - J^T y)``.
        """
        if kkt.shift <= self.rules.large_shift * kkt.size:
            return z
        n = kkt.n
        identity, dx = Kkt(None, kkt.J, 1.0), z[:n]
        self.solver.begin(identity)
        b = self.problem.xp.concatenate((0 * dx, kkt.J @ dx))
        w, steps, _ = self.solver.solve(identity, b, RECHECK * length(b), None, self._deadline)
        self.progress.inner_steps[-1] += steps
        if not self.solver.exact:
            self.solver.begin(kkt)
        return self.problem.xp.concatenate((dx, z[n:] - kkt.shift * w[n:]))

    def _sharpen(self):
        """Raise the penalties and the accuracy; return False if they are at their limits."""
        progress, rules = self.progress, self.rules
        if progress.penalty > rules.largest_penalty or (
            progress.gradient_penalty < rules.least_gradient_penalty
        ):
            return False
        progress.penalty *= rules.growth**2
        progress.gradient_penalty /= rules.growth
        progress.accuracy /= rules.growth**4
        return True

    def _curves_upward(self, kkt, z):
        """Tell whether the augmented Lagrangian has positive curvature along the step in x."""
        dx = z[: kkt.n]
        square = float(dx @ dx)
        change = kkt.J @ dx
        curvature = float(dx @ (kkt.H @ dx)) + kkt.shift * square
        curvature += max(self.progress.penalty, 10.0) * float(change @ change)
        return curvature >= LEAST_CURVATURE * square * kkt.size

    def _search(self, point, z, slope, halvings):
        """Return the first point along `z` where the merit function has fallen enough, or None."""
        penalties = self.progress.penalties
        value = point.merit(*penalties)
        slack = (
            10 * float(np.finfo(z.dtype).eps) * (abs(value) + abs(point.f) + abs(float(point.y @ point.c)))
        )
        alpha = 1.0
        for _ in range(halvings):
            trial = self.problem.point(point.v + alpha * z)
            if trial.merit(*penalties) <= value + alpha * self.rules.armijo * slope + slack:
                self.progress.lengths.append(alpha)
                return trial
            alpha /= 2
        return None

    def _check_reached(self, point):
        """Raise if no step reduces the constraints because rows of the Jacobian depend on others."""
        unreached = self.solver.unreached
        if unreached is None or length(unreached) < (1 - 1e-6) * length(point.c):
            return
        if length(point.c) > 1e-3 * length(point.residual):
            raise self._infeasible(point)

    def _infeasible(self, point):
        violation = length(point.c * self.problem.row_units)
        return Breakdown(
            f"the violation of the constraints, {violation:.1e}, has a local minimum, where their Jacobian "
            "is singular: leave out constraints that contradict others, or start from another x0",
            Status.SINGULAR,
        )

    def _check_reach(self, point):
        """Raise if the iterates go away without end."""
        if len(self.progress.lengths) == 1:
            self._reach = max(self._reach, length(point.x - self._start.x))
        if self._is_beyond(point, FAR):
            raise self._unbounded(point)

    def _is_beyond(self, point, far):
        """Tell whether the distance from the start, or the decrease of the objective, is very large."""
        distance = length(point.x - self._start.x)
        fallen = self._start.f - point.f  # in units of squared length
        return distance > far * self._reach > 0 or fallen > far**1.5 * self._reach**2 > 0

    def _unbounded(self, point):
        distance = length(point.x - self._start.x)
        return Breakdown(
            f"the iterates go away without end: the distance from x0 is {distance:.1e}, and the objective "
            f"{point.f * self.problem.objective_unit:.1e}; it may be unbounded below where the constraints "
            "hold: add constraints or change the objective"
        )

    def _check_progress(self, point):
        """Raise if rows of the Jacobian vanish and the residual has not fallen for long."""
        if len(self.progress.inner_steps) < self._halved[1] + PATIENCE or not has_entries(point.J):
            return
        rows = row_norms(point.J)  # one at the start
        vanished = [i for i, size in enumerate(rows.tolist()) if size < VANISHED]
        if vanished:
            raise Breakdown(
                f"rows {vanished} of the Jacobian of the constraints tend to zero, and the residual stopped "
                "falling: there may be no multipliers; write these constraints in another form",
                Status.SINGULAR,
            )

    def _at_rounding(self):
        return Breakdown(
            "the residual is at the level of rounding errors, above the tolerance: raise rtol or atol",
            Status.STAGNATED,
        )

    def _failure(self, point):
        """Return the reason why no step was found."""
        problem = self.problem
        if self.norm(point) <= 1e3 * problem.rounding(point):
            return self._at_rounding()
        if self._is_beyond(point, FAR**0.5):
            return self._unbounded(point)
        violation, along = length(point.c), length(adjoint_product(point.J, point.c))
        if violation > 1e-6 * length(point.residual) and along < 1e-3 * violation:
            return self._infeasible(point)
        return Breakdown(
            "no step along the Newton direction reduces the merit function: check the derivatives with "
            "newton.check_derivative and that the objective is bounded below, or start from another x0"
        )
