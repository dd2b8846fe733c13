"""The loop of all iterative methods: tolerance, limits, callback, history, and reads from the device."""

import time
from math import inf, nan
from typing import Any

import numpy as np

from ._array import namespace, read_every, to_host
from ._result import Breakdown, Interrupted, Result, Status
from .kernels import kernels_for

_SAYS = {
    Status.CONVERGED: "converged",
    Status.MAXITER: "maxiter reached: raise it, or improve the preconditioner M",
    Status.STOPPED: "stopped by the callback",
    Status.TIME_LIMIT: "time limit reached: raise it, or improve the preconditioner M",
    Status.INTERRUPTED: "interrupted: the last iterate is kept",
    Status.NONFINITE: "the residual is not finite: A, b or M overflows or returns NaN",
    Status.STAGNATED: (
        "the residual stopped falling before it met the tolerance: loosen rtol, use a higher precision, "
        "or improve the preconditioner M"
    ),
}


@np.errstate(all="ignore")
def iterate(
    start, x, *, tol, maxiter, callback=None, deadline=inf, scale=(1.0, 1.0), batches=False, fresh=False
):
    """Run a method until its residual meets the tolerance, and return the result with the reason for its end.

    Parameters
    ----------
    start : callable
        ``start(x)`` returns a generator. It first yields ``(x, rr)`` with the true squared residual norm of
        `x`, then one pair per iteration. ``x`` may be a function that forms the iterate. On a GPU ``rr`` may
        be an array of partial sums. The loop sends `live` to the generator, a flag in the library of `x`,
        which is false once the tolerance is met. After a NaN it sends None, and the generator raises
        `Breakdown`. If a generator ends, it is started again from its last iterate.
    x : array
        Starting guess; it is overwritten.
    tol : float or numpy.ndarray, shape (k,)
        Absolute tolerance for the residual norm, or for that of each column of a block `x` (n, k). For a
        block, ``rr`` and `live` have an entry for each column. A column is followed until it has met its
        tolerance.
    maxiter : int
        Largest number of iterations.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each read, with an array of norms for a block; true stops.
    deadline : float
        Time of ``time.monotonic()`` after which to stop at the next read.
    scale : tuple of float
        Factors that convert iterates and norms to the caller's units; for a block they may be arrays.
    batches : bool
        Whether the generator takes many steps at a time, on the host and without a callback. It is sent
        ``(goal, room)`` and takes at most `room` steps, until a norm is at most `goal` or not finite. It
        yields the last iterate and the squared norms of all steps.
    fresh : bool
        Whether norms are computed from each iterate, and not by a recurrence that loses digits. The goal is
        then the tolerance itself, and a new start gains nothing.

    Returns
    -------
    Result
        The first iterate that met the tolerance, or the last one.

    Notes
    -----
    If the recurrence indicates convergence, the method is started again from the iterate. Its first norm is
    the true one and decides. Norms are read at every step on the host, and every `read_every` steps on a GPU.
    """
    norms = _ColumnNorms if np.ndim(tol) else _Norms
    loop = (_BatchLoop if batches else _Loop)(
        start, x, norms(x, tol, fresh), maxiter, callback, deadline, scale
    )
    return loop.result()


class _Norms:
    """The residual norms of one vector: they are read, recorded and compared with the tolerance here."""

    def __init__(self, x, tol, fresh):
        self.judge = kernels_for(x).residual_norm
        self.room = namespace(x).empty(read_every(x), x.real.dtype)
        self.live = namespace(x).ones(1, bool)
        self.tol = self.goal = self.room.dtype.type(tol)
        self.fresh, self.history = fresh, []

    def first(self, rr):
        """Read the true norm of the current iterate into the history, and return it."""
        self.judge(rr, self.tol, 0, self.room, self.live)
        true = float(to_host(self.room)[0])
        self.history[-1:] = [true]
        return true

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


class _ColumnNorms(_Norms):
    """The norms of a block of columns. A column that has met its tolerance is not followed further.

    The norms of a step are a list: for few columns, lists are faster than arrays.
    """

    def __init__(self, x, tol, fresh):
        xp = namespace(x)
        self.judge_all = kernels_for(x).residual_norms
        self.room = xp.empty((read_every(x), len(tol)), x.real.dtype)
        self.live = xp.ones(len(tol), bool)
        self.tol = self.goal = np.asarray(tol, self.room.dtype)
        self.fresh, self.history = fresh, []
        self.last_row = [0] * len(tol)  # of the history, for each column
        self.were_few = False

    def first(self, rr):
        self.live[...] = True
        self.judge_all(rr, namespace(self.room).asarray(self.tol), 0, self.room, self.live)
        true = to_host(self.room)[0].tolist()
        if not self.history:
            self.history.append(true.copy())
        for column, row in enumerate(self.last_row):
            self.history[row][column] = true[column]
        self.left = [c for c, norm in enumerate(true) if not norm <= self.tol[c]]
        self.started = len(self.left)
        return np.array(true)

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


class _Loop:
    """The state of one run of the loop."""

    def __init__(self, start, x, norms, maxiter, callback, deadline, scale):
        self.x: Any = x
        self.start, self.norms, self.maxiter, self.callback = start, norms, maxiter, callback
        self.deadline = deadline
        self.x_scale, self.norm_scale = scale

    def result(self):
        """Iterate, and return the last iterate, also after Ctrl-C."""
        try:
            return self.hand_out(*self.iterate())
        except KeyboardInterrupt:
            raise Interrupted(self.hand_out(Status.INTERRUPTED, _SAYS[Status.INTERRUPTED])) from None

    def hand_out(self, status, message):
        """Return the result in the caller's units."""
        return Result(self.shown(), status, message, np.array(self.norms.history, float) * self.norm_scale)

    def iterate(self):
        """Start the method as often as needed; return the final status and its message."""
        norms, claimed, before, ending = self.norms, False, inf, None
        while True:
            steps = self.start(self.formed())
            self.x, rr = next(steps)
            true = norms.first(rr)
            if norms.is_met(true):
                return Status.CONVERGED, _SAYS[Status.CONVERGED]
            if ending is not None:
                return ending
            if not norms.is_finite(true):
                return Status.NONFINITE, _SAYS[Status.NONFINITE]
            # A new start follows a false claim or a whole cycle; without progress the next would repeat it.
            if norms.is_stuck(true, (0.5 if claimed else 1 - 1e-12) * before):
                return Status.STAGNATED, _SAYS[Status.STAGNATED]
            before = true
            norms.set_goal(true, claimed)
            try:
                status = self.limit() or self.follow(steps)
                claimed = status is Status.CONVERGED
                ending = None if claimed or status is None else (status, _SAYS[status])
            except Breakdown as error:
                ending = error.status, str(error)

    def follow(self, steps):
        """Step until a status is reached; return it, or None if the generator ended and needs a new start."""
        norms = self.norms
        while True:
            forms, ended = self.block(steps)
            claimed = False
            for form, norm in zip(forms, norms.read(len(forms)), strict=True):
                if not norms.is_finite(norm):
                    return self.fail(steps)
                self.x = form
                claimed = norms.record(norm)
                if claimed:
                    break
            stop = self.callback is not None and bool(forms) and self.call_back()
            status = Status.CONVERGED if claimed else Status.STOPPED if stop else self.limit()
            if status is not None or ended or norms.few_are_left():
                return status

    def block(self, steps):
        """Take the steps of one read; return their iterates or functions, and whether the generator ended."""
        norms, forms = self.norms, []
        for step in range(min(len(norms.room), self.room_left())):
            try:
                form, rr = steps.send(norms.live)
            except StopIteration:
                return forms, True
            norms.write(step, rr)
            forms.append(form)
        return forms, False

    def fail(self, steps):
        """Handle a norm that is not finite: the generator raises `Breakdown`, or ends to be started again."""
        try:
            steps.send(None)
        except StopIteration:
            return None
        return Status.NONFINITE

    def formed(self):
        """Form the current iterate."""
        if callable(self.x):
            self.x = self.x()
        return self.x

    def shown(self):
        """Return the current iterate in the caller's units."""
        x = self.formed()
        return x if isinstance(self.x_scale, float) and self.x_scale == 1 else x * self.x_scale

    def call_back(self):
        """Call the callback with the current iterate, or with None if its `wants_x` is false."""
        wants_x = getattr(self.callback, "wants_x", True)
        return self.callback(self.shown() if wants_x else None, self.norms.latest() * self.norm_scale)

    def room_left(self):
        """Return the number of iterations that are left."""
        return self.maxiter - len(self.norms.history) + 1

    def limit(self):
        """Return the status of the limit that is reached, or None."""
        if self.room_left() <= 0:
            return Status.MAXITER
        if time.monotonic() > self.deadline:
            return Status.TIME_LIMIT
        return None


class _BatchLoop(_Loop):
    """The loop for steps that take less time than the loop itself: it takes many steps between two checks."""

    def follow(self, steps):
        norms = self.norms
        while True:
            form, squares = steps.send((float(norms.goal), self.room_left()))
            *passed, last = np.sqrt(squares).tolist()
            norms.history += passed
            if not norms.is_finite(last):
                return self.fail(steps)
            self.x = form
            status = Status.CONVERGED if norms.record(last) else self.limit()
            if status is not None:
                return status
