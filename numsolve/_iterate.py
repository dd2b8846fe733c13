"""The one loop: it alone knows tolerance, limits, callback and history, and when norms reach the host."""

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
        "the residual stopped falling above the tolerance: loosen rtol, use a higher precision, "
        "or improve the preconditioner M"
    ),
}


@np.errstate(all="ignore")
def iterate(
    start, x, *, tol, maxiter, callback=None, deadline=inf, scale=(1.0, 1.0), batches=False, fresh=False
):
    """Run a method until its residual is small, and say why it ended.

    Parameters
    ----------
    start : callable
        ``start(x)`` returns a generator that first yields ``(x, rr)`` with the true squared residual
        norm of `x`, then one pair an iteration. ``x`` may be a function that forms the iterate; ``rr``
        may, on a GPU, be a sum still in pieces. To each the loop sends `live`, a flag beside `x` that
        is false once the tolerance is met, or None after a NaN: the generator then raises `Breakdown`.
        A generator that ends is started again from its last iterate.
    x : array
        Starting guess; it is overwritten.
    tol : float or numpy.ndarray, shape (k,)
        Absolute tolerance for the residual norm, or for that of each column of a block `x` (n, k): ``rr``
        then has one entry a column, `live` one flag, and an entry counts until it has met its tolerance.
    maxiter : int
        Largest number of iterations.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each read, the latter an array for a block; true stops.
    deadline : float
        Time of ``time.monotonic()`` after which to stop at the next read.
    scale : tuple of float
        What iterates and norms are multiplied by when they are handed out; for a block, perhaps arrays.
    batches : bool
        Whether the generator takes many steps at once, on the host and without a callback: it is sent
        ``(goal, room)``, steps until a norm is at most `goal` or no number, at most `room` times, and yields
        the last iterate and the squared norms of all.
    fresh : bool
        Whether norms are found anew from each iterate, not by a recurrence that loses digits: the goal is
        then the tolerance itself, and a new start gains nothing.

    Returns
    -------
    Result
        The first iterate that met the tolerance, or the last one.

    Notes
    -----
    A claim of convergence is verified by starting again from the iterate: the first norm is then the true
    one. Norms are read one by one on the host, and every `read_every` steps on a GPU.
    """
    kind = _Columns if np.ndim(tol) else _Batches if batches else _Run
    run = kind(start, x, tol, maxiter, callback, deadline, scale)
    run.fresh = fresh
    return run.result()


class _Run:
    """The state of one run of the loop."""

    def __init__(self, start, x, tol, maxiter, callback, deadline, scale):
        self.x: Any = x
        self.start, self.maxiter, self.callback = start, maxiter, callback
        self.x_scale, self.norm_scale = scale
        self.deadline = deadline
        self.history, self.fresh = [], False
        self.prepare(namespace(x), kernels_for(x), tol)

    def prepare(self, xp, kernels, tol):
        """Make what the norms are judged by and read from."""
        self.judge = kernels.residual_norm
        self.norms = xp.empty(read_every(self.x), self.x.real.dtype)
        self.live = xp.ones(1, bool)
        self.tol = self.goal = self.norms.dtype.type(tol)

    def result(self):
        """Run, and hand out the last iterate whatever happens."""
        try:
            return self.hand_out(*self.run())
        except KeyboardInterrupt:
            raise Interrupted(self.hand_out(Status.INTERRUPTED, _SAYS[Status.INTERRUPTED])) from None

    def hand_out(self, status, message):
        return Result(self.shown(), status, message, np.array(self.history, float) * self.norm_scale)

    def iterate(self):
        """Form the current iterate."""
        if callable(self.x):
            self.x = self.x()
        return self.x

    def shown(self):
        """Return the current iterate in the caller's scale."""
        x = self.iterate()
        return x if isinstance(self.x_scale, float) and self.x_scale == 1 else x * self.x_scale

    def run(self):
        """Return the status and its message."""
        claimed, before, ending = False, inf, None
        while True:
            steps = self.start(self.iterate())
            true = self.first(steps)
            if self.met(true, self.tol):
                return Status.CONVERGED, _SAYS[Status.CONVERGED]
            if ending is not None:
                return ending
            if not self.finite(true):
                return Status.NONFINITE, _SAYS[Status.NONFINITE]
            # Started again after a false claim, or after a whole cycle: without progress it never ends.
            if self.stuck(true, (0.5 if claimed else 1 - 1e-12) * before):
                return Status.STAGNATED, _SAYS[Status.STAGNATED]
            before = true
            self.aim(true, claimed)
            try:
                status = self.limits() or self.follow(steps)
                claimed = status is Status.CONVERGED
                ending = None if claimed or status is None else (status, _SAYS[status])
            except Breakdown as error:
                ending = error.status, str(error)

    def first(self, steps):
        """Read the true norm of the current iterate into the history."""
        self.x, rr = next(steps)
        self.judge(rr, self.tol, 0, self.norms, self.live)
        true = float(to_host(self.norms)[0])
        self.history[-1:] = [true]
        return true

    def follow(self, steps):
        """Step until something happens; None means that the generator ended and wants a new start."""
        while True:
            forms, ended = self.block(steps)
            claimed = False
            for form, norm in zip(forms, self.read(len(forms)), strict=True):
                if not self.finite(norm):
                    return self.fail(steps)
                self.x = form
                self.record(norm)
                claimed = self.met(norm, self.goal)
                if claimed:
                    break
            stop = self.callback is not None and bool(forms) and self.call_back()
            status = Status.CONVERGED if claimed else Status.STOPPED if stop else self.limits()
            if status is not None or ended or self.thinned():
                return status

    def block(self, steps):
        """Take as many steps as one read covers; return what forms their iterates, and whether it ended."""
        forms = []
        for step in range(min(len(self.norms), self.maxiter - len(self.history) + 1)):
            try:
                form, rr = steps.send(self.live)
            except StopIteration:
                return forms, True
            self.judge(rr, self.goal, step, self.norms, self.live)
            forms.append(form)
        return forms, False

    def fail(self, steps):
        """After a norm that is not a number: the generator raises `Breakdown`, or ends to start again."""
        try:
            steps.send(None)
        except StopIteration:
            return None
        return Status.NONFINITE

    def read(self, count):
        """Return the norms of the steps of a block of them, on the host."""
        return to_host(self.norms)[:count].tolist()

    def record(self, norm):
        """Add a norm to the history."""
        self.history.append(norm)

    def latest(self):
        """Return the last norm, for the callback."""
        return self.history[-1]

    def met(self, norm, tol):
        """Tell whether a norm meets a tolerance."""
        return norm <= tol

    def finite(self, norm):
        """Tell whether a norm is a number."""
        return norm < inf

    def stuck(self, true, limit):
        """Tell whether a new start gained nothing."""
        return true > limit

    def aim(self, true, claimed):
        """Set the goal: what a method says below the rounding of its own start is worth nothing.

        After a false claim it is lower than the tolerance by as much as the claim was false, at most by half.
        """
        tol, least = self.tol, 0.0 if self.fresh else true * np.finfo(self.tol.dtype).eps
        if claimed and not self.fresh:
            tol = tol * np.where(true > tol, np.maximum(tol / true, 0.5), 1)
        self.goal = np.maximum(tol, least).astype(self.tol.dtype)

    def thinned(self):
        """Tell whether so few columns are left that a new start without the others pays."""
        return False

    def call_back(self):
        """Show the callback the current iterate, unless it says that it does not look."""
        wants_x = getattr(self.callback, "wants_x", True)
        return self.callback(self.shown() if wants_x else None, self.latest() * self.norm_scale)

    def limits(self):
        """Return the status of the limit that is reached, or None."""
        if len(self.history) > self.maxiter:
            return Status.MAXITER
        if time.monotonic() > self.deadline:
            return Status.TIME_LIMIT
        return None


class _Batches(_Run):
    """The same for steps that are so short that the loop would take longer than they."""

    def follow(self, steps):
        while True:
            form, squares = steps.send((float(self.goal), self.maxiter - len(self.history) + 1))
            *norms, last = np.sqrt(squares).tolist()
            self.history += norms
            if not self.finite(last):
                return self.fail(steps)
            self.x = form
            self.record(last)
            status = Status.CONVERGED if self.met(last, self.goal) else self.limits()
            if status is not None:
                return status


class _Columns(_Run):
    """The same for a block of columns, each with its tolerance; one that has met it is followed no more.

    Norms of a step are lists: for few columns quicker than arrays.
    """

    def prepare(self, xp, kernels, tol):
        self.norms = xp.empty((read_every(self.x), len(tol)), self.x.real.dtype)
        self.live = xp.ones(len(tol), bool)
        self.tol = self.goal = np.asarray(tol, self.norms.dtype)
        self.limit = xp.asarray(self.tol)  # the tolerances in force, where the norms are
        self.residual_norms = kernels.residual_norms
        self.rest = [0] * len(tol)  # the last step of each column
        self.few = False

    def judge(self, rr, tol, *others):  # noqa: ARG002 - a method, for a lambda here would keep the run alive
        self.residual_norms(rr, self.limit, *others)

    def first(self, steps):
        """Read the true norms of the current iterate into the history, each where its column came to rest."""
        self.x, rr = next(steps)
        self.live[...], self.limit = True, namespace(self.norms).asarray(self.tol)
        self.judge(rr, self.tol, 0, self.norms, self.live)
        true = to_host(self.norms)[0].tolist()
        if not self.history:
            self.history.append(true.copy())
        for column, row in enumerate(self.rest):
            self.history[row][column] = true[column]
        self.left = [c for c, norm in enumerate(true) if not norm <= self.tol[c]]
        self.started = len(self.left)
        return np.array(true)

    def record(self, norm):
        row = [nan] * len(norm)
        for column in self.left:
            row[column] = norm[column]
            self.rest[column] = len(self.history)
        self.history.append(row)
        self.left = [c for c in self.left if not norm[c] <= self.goals[c]]

    def latest(self):
        return np.array([self.history[row][column] for column, row in enumerate(self.rest)])

    def met(self, norm, tol):  # noqa: ARG002 - the norms were recorded
        return not self.left

    def finite(self, norm):
        return all(norm[column] < inf for column in self.left)

    def stuck(self, true, limit):
        few, self.few = self.few, False  # their norms need not fall from each step to the next
        return not few and bool((true > limit)[self.left].all())

    def aim(self, true, claimed):
        super().aim(true, claimed)
        self.limit = namespace(self.norms).asarray(self.goal)
        self.goals = self.goal.tolist()

    def thinned(self):
        if self.fresh or 4 * len(self.left) > self.started:
            return False
        norms = self.latest()
        self.few = all(norms[c] > 10 * self.goals[c] for c in self.left)  # what is near is finished at once
        return self.few
