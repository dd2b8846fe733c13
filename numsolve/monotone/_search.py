"""One loop for all methods of this family that look for a zero of a residual."""

from dataclasses import replace
from math import floor, inf, log2, nan

import numpy as np

from .._result import Breakdown, Interrupted, Status
from .._run import ended_at_start, run

NAN = (
    "the residual is NaN: a function returned NaN near the point that is kept; start nearer to the solution, "
    "or take smaller steps"
)
GROWTH = 1e6  # of the residual, over the first one, after which a method gives up


class Search:
    """A run that keeps the point with the smallest residual.

    A method is a generator function ``points(x)``, which yields pairs of a point and its residual, a vector.
    The residual of a pair may be that of another point near by: what is claimed is verified by `residual`.

    Parameters
    ----------
    residual : callable
        ``residual(x)`` returns the residual at a point.
    points : callable
        The method.
    grows : str
        What a growing residual means, with a remedy.
    """

    def __init__(self, residual, points, grows):
        self.residual, self.points, self.grows = residual, points, grows
        self.going, self.best, self.smallest, self.first = None, None, inf, nan
        self.count, self.last, self.scale = 0, None, 1.0
        self.functions, self.at_start = (), None

    def steps(self, x):
        """Yield the residual at x, then go on where the method was."""
        try:
            r = self.verified(x)
        except Breakdown:  # a function of the caller raised: the run ends
            yield x, _square(x) * nan
            return
        rr = self.square(r)
        self.seen(x, r, float(rr))
        yield x, rr / self.unit
        if self.going is None:
            self.going = self.points(x)
        for x, r in self.going:
            rr, self.count = self.square(r), self.count + 1
            size = float(rr)
            if size > GROWTH**2 * self.first:
                raise Breakdown(self.grows, Status.BREAKDOWN)
            self.seen(x, r, size)
            if (yield x, rr / self.unit) is None:
                raise Breakdown(NAN, Status.NONFINITE)

    def square(self, r):
        """Return the squared norm of a residual, in the square of the scale."""
        return _square(r if self.scale == 1 else r / self.scale)

    def measured(self, r):
        """Return the first squared norm, after the choice of a scale in which squares stay representable."""
        with np.errstate(all="ignore"):
            first, safe = float(_square(r)), float(np.finfo(r.dtype).tiny) ** (1 / 3)
            if not safe < first < 1 / safe:
                self.scale = _scale(r)
                first = float(self.square(r))
        return first

    def verified(self, x):
        """Return the residual at x, also after the time limit: nothing is claimed without it."""
        if self.at_start is not None:
            r, self.at_start = self.at_start, None
            return r
        deadlines = [function.deadline for function in self.functions]
        for function in self.functions:
            function.deadline = inf
        try:
            return self.residual(x)
        finally:
            for function, deadline in zip(self.functions, deadlines, strict=True):
                function.deadline = deadline

    def seen(self, x, r, size):
        """Keep the last point and the best one."""
        self.last = x, r
        if size < self.smallest:
            self.best, self.smallest = x, size

    def run(self, variables, rtol, atol, maxiter, callback, deadline, functions, says):
        """Run the method; return the result with the best point."""
        self.functions = functions
        try:
            self.at_start = self.residual(variables.start)
            first = self.measured(self.at_start)
            norm = self.scale * first**0.5
            if not norm < inf:  # a tolerance relative to it would hold for anything
                raise Breakdown(says[Status.NONFINITE], Status.NONFINITE)
        except Breakdown as error:
            return ended_at_start(error, variables, functions)
        self.first, self.unit = first, first if first > 0 else 1.0
        try:
            result = run(
                self.steps,
                variables,
                first=norm,
                tol=max(rtol * norm, atol),
                maxiter=maxiter,
                callback=callback,
                deadline=deadline,
                functions=functions,
                says=says,
            )
        except Interrupted as error:
            raise Interrupted(self.best_of(error.result, variables)) from None
        return self.best_of(result, variables)

    def best_of(self, result, variables):
        """Return the result with the best point, unless the last one met the tolerance."""
        if result.status == Status.CONVERGED or self.best is None:
            return result
        return replace(result, x=variables.shown(self.best))


class Last:
    """A function of vectors that remembers its last value: points are never overwritten."""

    def __init__(self, function):
        self._function, self._x, self._value = function, None, None

    def __call__(self, x):
        if x is not self._x:
            self._value = self._function(x)
            self._x = x
        return self._value


def _scale(r):
    """Return the largest entry's size as a power of two, or 1 if it is 0 or not finite."""
    largest = float(abs(r).max()) if r.size else 0.0
    return 2.0 ** floor(log2(largest)) if 0 < largest < inf else 1.0


def _square(r):
    return (r.conj() @ r).real if r.dtype.kind == "c" else r @ r
