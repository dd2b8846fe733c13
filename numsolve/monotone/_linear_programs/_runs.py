"""A run of the iteration on a linear program, in the loop of all iterative methods."""

from dataclasses import dataclass
from functools import partial
from itertools import count
from math import inf
from typing import Any

from ..._array import library, namespace
from ..._result import Breakdown, Interrupted, Status
from ..._run import run
from ..._variables import Variables
from ._certificates import Found, Search
from ._halpern import Iteration
from ._kkt import KKT, admissible, kkt
from ._measure import Measure
from ._order import ordered
from ._presolve import Contradiction, presolved
from ._restarts import Restarts
from ._result import LPResult
from ._scaling import scaled

INTERVAL = 64  # steps between two checks
# Unknowns and entries below which a check takes as long as many steps: intervals double after the first ones.
# Longer intervals, tried for larger programs, cost more by later restarts than they saved.
SMALL, FIRST = 1 << 12, 1 << 10
SEARCHES = 4  # checks between two searches for a certificate
SAYS = {
    Status.CONVERGED: "optimal to the tolerance",
    Status.MAXITER: "maxiter reached: raise it, loosen rtol, or start nearer to the solution (x0, y0)",
    Status.TIME_LIMIT: "time limit reached: raise it, loosen rtol, or start nearer to the solution (x0, y0)",
    Status.STAGNATED: "the residuals stopped falling before they met the tolerance: loosen rtol",
    Status.NONFINITE: "the iterates are not finite: scale the data",
    Status.INFEASIBLE: "the program is infeasible: certificate has multipliers that prove it",
    Status.UNBOUNDED: "the program is unbounded, unless it is infeasible too: certificate has a direction",
}


def solved(lp, x0, y0, rtol, maxiter, deadline, callback, presolve) -> LPResult:
    """Solve a checked program and return its result."""
    attempt = Attempt(lp, x0, y0, rtol, maxiter, presolve)
    try:
        result = run(
            attempt.steps,
            Variables(attempt.best.x),
            first=1.0,
            tol=rtol,
            maxiter=maxiter,
            callback=callback,
            deadline=deadline,
            says=SAYS,
        )
    except Interrupted as error:
        raise Interrupted(attempt.finished(error.result)) from None
    return attempt.finished(result)


@dataclass(frozen=True, eq=False)
class Answer:
    """A point in the caller's units, with its residuals."""

    x: Any
    y: Any
    s: Any
    kkt: KKT


class Attempt:
    """A run on a program; it keeps the best answer."""

    def __init__(self, lp, x0, y0, rtol, maxiter, presolve):
        self.lp, self.rtol, self.aim, self.maxiter = lp, rtol, rtol, maxiter
        self.certificate = None
        self.best = self.answer(x0, y0, None)
        self.total = 0
        self.whole, self.nearest, self.near = inf, inf, None
        self.reductions: list = []
        self.presolves = presolve and library(lp.c) != "cupy"

    def reduced(self):
        """Return the program on which the iteration runs, and its starting point."""
        lp, x, y = self.lp, self.best.x, self.best.y
        self.reductions = []
        for reduction in (presolved, ordered) if self.presolves else (ordered,):
            found = reduction(lp)
            self.reductions.append(found)
            x, y = found.reduce(x, y)
            lp = found.lp
        return lp, x, y

    def restored(self, x, y, s):
        """Return a point of the reduced program as one of the program that was given."""
        for reduction in reversed(self.reductions):
            x, y, s = reduction.restore(x, y, s)
        return x, y, s

    @property
    def sense(self):
        """1 for a minimum, -1 for a maximum."""
        return -1.0 if self.lp.maximize else 1.0

    def answer(self, x, y, s) -> Answer:
        """Return a point with the residuals that it has, moved to where bounds allow it."""
        lp, xp, sense = self.lp, namespace(self.lp.c), self.sense
        x = xp.minimum(xp.maximum(x, lp.l), lp.u)
        y = sense * admissible(sense * y, lp.rl, lp.ru)
        s = lp.c - lp.A.T @ y if s is None else s
        s = sense * admissible(sense * s, lp.l, lp.u)
        return Answer(x, y, s, kkt(lp, x, y, s))

    def steps(self, _):
        """Yield the best answer so far, then the residual at each check."""
        self.take_nearest()
        yield self.best_x, self._squared(self.best.kkt.worst)
        try:
            yield from self.checked(*self.reduced())
        except Contradiction as proof:
            self.certificate = proof.certificate
            status = Status.UNBOUNDED if proof.certificate.y is None else Status.INFEASIBLE
            raise Breakdown(SAYS[status], status) from None
        except Found as proof:
            certificate = proof.certificate
            for reduction in reversed(self.reductions):
                certificate = reduction.restore_ray(certificate)
            self.certificate = certificate
            raise Found(certificate, SAYS[proof.status]) from None

    def checked(self, lp, x, y):
        """Iterate on the reduced program from a point; yield at each check."""
        problem, sense = scaled(lp), self.sense
        iteration = Iteration(problem, problem.from_x(x), problem.from_y(sense * y))
        restarts, search, measure = Restarts(), Search(lp, problem), Measure(lp, problem, self.lp)
        restarts.begin(iteration.point().error)
        small = len(lp.A.data) + sum(lp.shape) < SMALL
        for check in count(1):
            if iteration.total >= self.maxiter:
                raise Breakdown(SAYS[Status.MAXITER], Status.MAXITER)
            interval = 2 * INTERVAL if small and iteration.total >= FIRST else INTERVAL
            iteration.advance(min(interval, self.maxiter - iteration.total))
            self.total = iteration.total
            point = iteration.point()
            found, (x, y, s) = measure.at(point)
            worst = self.seen(found, x, sense * y, sense * s)
            if (yield partial(self.x_of, x, y, s), self._squared(worst)) is None:
                return
            due = restarts.is_due(point.error, iteration.done, iteration.total)
            if due or check % SEARCHES == 0:
                search.examine(iteration, point)
            if due:
                self.restart(iteration, restarts, search, point, found)

    def restart(self, iteration, restarts, search, point, found):
        """Restart from a point, with a new weight."""
        distances = _norm(point.x - iteration.x_anchor), _norm(point.y - iteration.y_anchor)
        balance = found.dual / found.primal if found.primal > 0 else inf
        iteration.weight = restarts.weight(iteration.weight, *distances, balance)
        iteration.restart(point.x, point.y)
        search.begin(point.Ax, point.Aty)
        restarts.begin(iteration.point().error)

    def seen(self, found, x, y, s):
        """Keep a point if it is the best; return its residual.

        If it meets the tolerance, the residual of the whole program is computed. Where that is larger, the
        next point has to have half the residual before it is tried.
        """
        worst = found.worst
        if worst <= self.aim:
            answer = self.answer(*self.restored(x, y, s))
            self.whole = answer.kkt.worst
            if self.whole <= self.best.kkt.worst:
                self.best = answer
            if not self.whole <= self.rtol:
                self.aim = 0.5 * worst
            return self.whole
        if worst < self.nearest:
            self.nearest, self.near = worst, (x, y, s)
        return max(worst, self.whole) if worst <= self.rtol else worst

    def take_nearest(self):
        """Compare the best answer with the point that had the smallest residual in the reduced program."""
        if self.near is not None:
            answer = self.answer(*self.restored(*self.near))
            if answer.kkt.worst < self.best.kkt.worst:
                self.best = answer
            self.near = None

    def x_of(self, x, y, s):
        """Return the variables of the whole program for a point of the reduced one."""
        return self.restored(x, self.sense * y, self.sense * s)[0]

    def best_x(self):
        """Return the variables of the best answer."""
        return self.best.x

    def _squared(self, worst):
        return namespace(self.lp.c).asarray(worst**2)

    def finished(self, result) -> LPResult:
        """Return the result with the best answer; its residuals are computed anew."""
        self.take_nearest()
        best = self.best
        return LPResult(
            best.x,
            result.status,
            result.message,
            result.residuals,
            y=best.y,
            s=best.s,
            kkt=best.kkt,
            certificate=self.certificate,
            iterations=self.total,
        )


def _norm(v) -> float:
    return float(v @ v) ** 0.5
