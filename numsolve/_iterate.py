"""The loop of all iterative methods: tolerance, limits, callback, history, and reads from the device."""

import time
from contextlib import suppress
from math import inf
from typing import Any

import numpy as np

from ._kept import Deferred, Kept, better
from ._norms import ColumnNorms, Norms
from ._result import Breakdown, Interrupted, Result, Status

PATIENCE = 5  # starts in a row without progress before the residual counts as stagnated

_SAYS = {
    Status.CONVERGED: "converged",
    Status.MAXITER: "maxiter reached: raise it, or improve the preconditioner M",
    Status.STOPPED: "stopped by the callback",
    Status.TIME_LIMIT: "time limit reached: raise it, or improve the preconditioner M",
    Status.INTERRUPTED: "interrupted: the best of the last iterates is kept",
    Status.NONFINITE: "the residual is not finite: A, b or M overflows or returns NaN",
    Status.STAGNATED: (
        "the residual stopped falling before it met the tolerance: loosen rtol, use a higher precision, "
        "or improve the preconditioner M"
    ),
}


@np.errstate(all="ignore")
def iterate(
    start,
    x,
    *,
    tol,
    maxiter,
    callback=None,
    deadline=inf,
    scale=(1.0, 1.0),
    batches=False,
    fresh=False,
    guess=None,
    explain=None,
    says=None,
    every=None,
    trusting=False,
):
    """Run a method until its residual meets the tolerance, and return the result with the reason for its end.

    Parameters
    ----------
    start : callable
        ``start(x)`` returns a generator. It first yields ``(x, rr)`` with the true squared residual norm of
        `x`, then one pair per iteration. ``x`` may be a function that forms the iterate; it is a `Deferred`
        if that is costly and the residual does not rise. On a GPU ``rr`` may be an array of partial sums. The
        loop sends `live` to the generator, a flag in the library of `x`, which is false once the tolerance is
        met. After a NaN it sends None, and the generator raises `Breakdown`. If a generator ends, it is
        started again from its last iterate.
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
    guess : callable, optional
        ``guess()`` returns the starting guess in a new array. With it, the loop keeps an iterate within a
        factor of ten of the best, and returns that if the last one is worse; never one worse than the guess.
    explain : callable, optional
        ``explain(x)`` is called when a new start from `x` gained nothing. It returns a status and a message
        if it can tell why the residual cannot fall further, else None. With it, several starts in a row have
        to gain nothing before the run ends.
    says : dict, optional
        The message for a status, where it is not that of a linear solver.
    every : int, optional
        Number of steps between two reads of the norms. Default: see the notes.
    trusting : bool
        Whether the norms of the recurrence are taken as true: for an inner solve, whose caller computes a
        residual of its own. The method is not started again to verify convergence, which saves a product.

    Returns
    -------
    Result
        The first iterate that met the tolerance, or else the last one, or with `guess` the best. The last
        norm is the true one of this iterate, also after Ctrl-C.

    Notes
    -----
    If the recurrence indicates convergence, the method is started again from the iterate. Its first norm is
    the true one and decides. Norms are read at every step on the host, and every `read_every` steps on a GPU.
    """
    norms = ColumnNorms if np.ndim(tol) else Norms
    loop = (_BatchLoop if batches else _Loop)(
        start, x, norms(x, tol, fresh, every), maxiter, callback, deadline, scale, guess, explain, says
    )
    loop.trusting = trusting
    return loop.result()


class _Loop:
    """The state of one run of the loop."""

    trusting = False

    def __init__(self, start, x, norms, maxiter, callback, deadline, scale, guess, explain, says):
        self.x: Any = x
        self.start, self.norms, self.maxiter, self.callback = start, norms, maxiter, callback
        self.deadline = deadline
        self.x_scale, self.norm_scale = scale
        self.guess, self.explain = guess, explain
        self.says = _SAYS if says is None else _SAYS | says
        self.kept: Any = None
        self.steps: Any = None
        self.owns_x = False  # whether the method never overwrites the iterate that it was started from
        self.idle, self.reference = 0, inf  # starts in a row without progress, and the norm before them

    def result(self):
        """Iterate, and return the best iterate, also after Ctrl-C."""
        try:
            return self.hand_out(*self.iterate())
        except KeyboardInterrupt:
            found = self.interrupted()
        raise Interrupted(found)

    def interrupted(self):
        """Return the result after Ctrl-C, with the true norm; a second Ctrl-C prevents that."""
        with suppress(KeyboardInterrupt, Breakdown):
            true = self.begin(self.formed())[1]
            self.keep(true)
            self.settled(true, None)
        return self.hand_out(Status.INTERRUPTED, self.says[Status.INTERRUPTED])

    def hand_out(self, status, message):
        """Return the result in the caller's units."""
        history = self.norms.history or [self.norms.unknown]
        return Result(self.shown(), status, message, np.array(history, float) * self.norm_scale)

    def iterate(self):
        """Start the method as often as needed; return the final status and its message."""
        norms, claimed, ending = self.norms, False, None
        while True:
            steps, true = self.begin(self.formed())
            if norms.is_met(true):
                return Status.CONVERGED, self.says[Status.CONVERGED]
            self.keep(true)
            ending = ending or self.hopeless(true, claimed)
            if ending is not None:
                return self.settled(true, ending)
            norms.set_goal(true, claimed)
            try:
                status = self.limit() or self.follow(steps)
                claimed = status is Status.CONVERGED
                if self.trusting and status is not None:
                    self.formed()
                    return status, self.says[status]
                ending = None if claimed or status is None else (status, self.says[status])
            except Breakdown as error:
                ending = error.status, str(error)

    def begin(self, x):
        """Start the method from `x`; return its generator and the true norm, which is recorded."""
        if self.steps is not None:
            self.steps.close()
        self.steps = self.start(x)
        self.x, rr = next(self.steps)
        return self.steps, self.norms.first(rr)

    def keep(self, true):
        """Keep the iterate from which the method was started, if its norm is the smallest."""
        if self.guess is None:
            return
        if self.kept is None:
            self.kept = Kept(self.guess, true)
        elif np.any(true < self.kept.norm):
            x: Any = self.x() if callable(self.x) else self.x
            self.kept.take(x if x is not self.x or self.owns_x else x.copy(), true)

    def hopeless(self, true, claimed):
        """Return the status and the message of a start from which the residual will not fall, else None.

        A new start follows a false claim, or a whole cycle without convergence.
        """
        norms, patient = self.norms, self.explain is not None
        if not norms.is_finite(true):
            return Status.NONFINITE, self.says[Status.NONFINITE]
        least_gain = (0.9 if patient else 0.5) if claimed else 1 - 1e-12
        if not norms.is_stuck(true, least_gain * self.reference):
            self.idle, self.reference = 0, true
            return None
        self.idle += 1
        found = self.explain(self.x) if patient else None
        if found is None and self.idle < PATIENCE and patient and true <= 10 * self.reference:
            return None
        return found or (Status.STAGNATED, self.says[Status.STAGNATED])

    def settled(self, true, ending):
        """Replace the last iterate, of norm `true`, by the kept one or the guess if that is better.

        Return `ending`, or convergence if the better one meets the tolerance.
        """
        kept, norms = self.kept, self.norms
        if kept is None or np.all(true <= kept.norm):
            return ending
        x, best, last = self.x, true, self.x
        if kept.x is not None:
            other = self.begin(kept.x)[1]
            x, best = better(x, best, kept.x, other)
        if not np.all(best <= kept.first):
            x, best = better(x, best, kept.guess(), kept.first)
        norms.replace(best)
        if norms.is_met(best):
            ending = Status.CONVERGED, self.says[Status.CONVERGED]
        elif ending and ending[0] == Status.STAGNATED and x is not last:
            ending = (self.explain and self.explain(x)) or (Status.STAGNATED, self.says[Status.STAGNATED])
        self.x = x
        return ending

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
            if forms and not claimed and self.kept is not None:
                self.kept.see(self.x, norms.history[-1])
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
        self.owns_x = isinstance(self.x, Deferred)
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
            claimed = norms.record(last)
            if not claimed and self.kept is not None:
                self.kept.see(form, last)
            status = Status.CONVERGED if claimed else self.limit()
            if status is not None:
                return status
