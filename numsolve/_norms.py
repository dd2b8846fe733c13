"""The residual norms of a run of the loop: they are read, recorded and compared with the tolerance here."""

from math import inf, nan

import numpy as np

from ._array import namespace, read_every, to_host
from .kernels import kernels_for


class Norms:
    """The residual norms of one vector: they are read, recorded and compared with the tolerance here."""

    def __init__(self, x, tol, fresh, every=None):
        self.judge = kernels_for(x).residual_norm
        self.room = namespace(x).empty(every or read_every(x), x.real.dtype)
        self.live = namespace(x).ones(1, bool)
        self.tol = self.goal = self.room.dtype.type(tol)
        self.fresh, self.history, self.unknown = fresh, [], nan

    def first(self, rr):
        """Read the true norm of the current iterate into the history, and return it."""
        self.judge(rr, self.tol, 0, self.room, self.live)
        true = float(to_host(self.room)[0])
        self.replace(true)
        return true

    def replace(self, true):
        """Make `true` the last norm of the history."""
        self.history[-1:] = [true]

    def write(self, step, rr):
        """Write the norm of a step to the array that is read later, and compare it with the goal."""
        self.judge(rr, self.goal, step, self.room, self.live)

    def read(self, count):
        """Return the norms of the steps of a block, on the host."""
        return to_host(self.room)[:count].tolist()

    def record(self, norm):
        """Add a norm to the history; return whether it meets the goal."""
        self.history.append(norm)
        return norm <= self.goal

    def is_met(self, true):
        """Tell whether a true norm meets the tolerance."""
        return true <= self.tol

    def is_finite(self, norm):
        """Tell whether a norm is finite."""
        return norm < inf

    def is_stuck(self, true, limit):
        """Tell whether a new start gained nothing."""
        return true > limit

    def set_goal(self, true, claimed):
        """Set the goal: the norm at which the recurrence stops.

        It is not below the rounding error of the first norm. After a false claim of convergence it is the
        tolerance times the ratio of claimed and true norm, at least half of the tolerance.
        """
        tol, least = self.tol, 0.0 if self.fresh else true * np.finfo(self.tol.dtype).eps
        if claimed and not self.fresh:
            tol = tol * np.where(true > tol, np.maximum(tol / true, 0.5), 1)
        self.goal = np.maximum(tol, least).astype(self.tol.dtype)

    def few_are_left(self):
        """Tell whether so few columns are left that a new start without the others pays."""
        return False

    def latest(self):
        """Return the last norm, for the callback."""
        return self.history[-1]


class ColumnNorms(Norms):
    """The norms of a block of columns. A column that has met its tolerance is not followed further.

    The norms of a step are a list: for few columns, lists are faster than arrays.
    """

    def __init__(self, x, tol, fresh, every=None):
        xp = namespace(x)
        self.judge_all = kernels_for(x).residual_norms
        self.room = xp.empty((every or read_every(x), len(tol)), x.real.dtype)
        self.live = xp.ones(len(tol), bool)
        self.tol = self.goal = np.asarray(tol, self.room.dtype)
        self.fresh, self.history, self.unknown = fresh, [], [nan] * len(tol)
        self.last_row = [0] * len(tol)  # of the history, for each column
        self.were_few = False

    def first(self, rr):
        self.live[...] = True
        self.judge_all(rr, namespace(self.room).asarray(self.tol), 0, self.room, self.live)
        true = to_host(self.room)[0].astype(float)
        self.replace(true)
        self.started = len(self.left)
        return true

    def replace(self, true):
        if not self.history:
            self.history.append(self.unknown.copy())
        for column, row in enumerate(self.last_row):
            self.history[row][column] = float(true[column])
        self.left = [c for c, norm in enumerate(true) if not norm <= self.tol[c]]

    def write(self, step, rr):
        self.judge_all(rr, self.limits, step, self.room, self.live)

    def record(self, norm):
        row = [nan] * len(norm)
        for column in self.left:
            row[column] = norm[column]
            self.last_row[column] = len(self.history)
        self.history.append(row)
        self.left = [c for c in self.left if not norm[c] <= self.goals[c]]
        return not self.left

    def is_met(self, true):  # noqa: ARG002 - the norms were recorded
        return not self.left

    def is_finite(self, norm):
        return all(norm[column] < inf for column in self.left)

    def is_stuck(self, true, limit):
        were_few, self.were_few = self.were_few, False  # a start with few columns need not reduce their norms
        return not were_few and bool((true > limit)[self.left].all())

    def set_goal(self, true, claimed):
        super().set_goal(true, claimed)
        self.limits = namespace(self.room).asarray(self.goal)
        self.goals = self.goal.tolist()

    def few_are_left(self):
        if self.fresh or 4 * len(self.left) > self.started:
            return False
        norms = self.latest()
        self.were_few = all(norms[c] > 10 * self.goals[c] for c in self.left)  # others converge soon
        return self.were_few

    def latest(self):
        return np.array([self.history[row][column] for column, row in enumerate(self.last_row)])
