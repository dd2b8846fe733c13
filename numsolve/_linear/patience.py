"""How long an iteration may go on: until its forecast exceeds that of the choice that would follow."""

from math import inf, sqrt

import numpy as np

FIRST = 0.1  # the first forecast is made after this fraction of the time of the next choice
GROWTH = 1.25  # iterations from one forecast to the next, as a ratio
# The next choice is taken if the forecast of what remains exceeds its time by these factors, which depend on
# the time spent over its time: early forecasts may be three times too high, late ones are too low for some b.
LEAST_MARGIN = 0.4
SHORT, BRIEF = (
    3e-2,
    8e-3,
)  # a time below SHORT counts as BRIEF in them: for small systems milliseconds are lost
MARGINS = ((0.3, 2.0), (0.6, 1.0), (inf, LEAST_MARGIN))


class Patience:
    """A callback that ends an iteration when the choice that would follow is expected to take less time.

    Time is counted in iterations, at the seconds of a model, so that the same input gives the same choice.

    Parameters
    ----------
    seconds : float
        Time of an iteration for one column.
    instead : callable
        ``instead(most)`` returns the forecast time of the choice that would follow, or infinity if it exceeds
        `most`, a multiple of the seconds that are expected to remain.
    tol : array of float, shape (k,)
        Residual norms to reach, one for each column.
    callback : callable, optional
        The caller's own.
    spent : float
        Seconds that methods before have taken.
    """

    def __init__(self, seconds, instead, tol, callback, spent=0.0):
        self.seconds, self.instead, self.tol, self.callback = seconds, instead, tol, callback
        self.wants_x = callback is not None and getattr(callback, "wants_x", True)
        self.history, self.column, self.spent, self.forecast = [], 0, spent, 0.0
        self.next, self.ended = 10, False

    def __call__(self, x, norm):
        if self.callback is not None and self.callback(x, norm):
            return True
        norms = np.atleast_1d(norm)
        tol = self.tol[self.column : self.column + len(norms)]
        if len(tol) < len(norms):
            return False
        self.history.append(norms)
        self.spent += self.seconds * len(norms)
        count = len(self.history)
        if (norms <= tol).all():  # the next columns begin
            self.history, self.column, self.next = [], self.column + len(norms), 10
        elif count >= self.next:
            self.next = int(GROWTH * count) + 1
            self.ended = self.is_over(expected(np.array(self.history), tol), len(norms))
        return self.ended

    def describe(self, count):
        """Return the reason for the end, after `count` iterations."""
        left = self.forecast / self.seconds / len(self.tol)
        return f"stopped after {count} iterations, as {_worth(left)} were expected"

    def is_over(self, total, width):
        """Tell whether the next choice is expected to take less time than what remains."""
        columns = width * (total - len(self.history)) + (len(self.tol) - self.column - width) * total
        self.forecast = self.seconds * columns
        at_stake = max(self.forecast, min(self.spent, 3 * self.forecast)) / LEAST_MARGIN
        other = self.instead(min(at_stake, self.spent / FIRST))
        if self.spent < FIRST * other:
            return False
        scale = min(other, BRIEF) if other < SHORT else other
        margin = next(factor for share, factor in MARGINS if self.spent < share * scale or share == inf)
        return self.forecast > margin * other


def expected(history, tol):
    """Return the number of iterations that a history of residual norms, shape (m, k), lets expect in all.

    It is the geometric mean of two linear extrapolations of the logarithm, from the largest norm and from the
    middle of the history. The first is too low where the residual falls fast in the beginning. The second is
    too high where it begins on a plateau.
    """
    m, largest = len(history), history.max(axis=0)
    done, before = (_gained(part, largest, tol) for part in (history, history[: (m + 1) // 2]))
    if not done > 0:
        return inf
    average = m / done
    rate = (done - before) / (m - (m + 1) // 2)
    recent = m + (1 - done) / rate if rate > 0 else inf
    return sqrt(average * min(recent, 3 * average))


def _gained(history, largest, tol):
    """Return the fraction of the digits, from the largest norm to the tolerance, of the slowest column."""
    with np.errstate(all="ignore"):
        last = history[-max(1, len(history) // 4) :].min(axis=0)
        shares = np.log(largest / last) / np.log(largest / tol)
    return float(np.where(last <= tol, 1.0, shares).min())


def _worth(count):
    """Return a number of iterations in words."""
    return "many more" if count == inf else f"about {count:.0f} more"
