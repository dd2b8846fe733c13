"""Damping of Levenberg-Marquardt: a fixed number, Nielsen's rule, or a learner.

A rule has `value`, the damping of the next trial. `begin` sets the unit, the largest diagonal entry of the
Gauss-Newton matrix; `accepted` and `rejected` report a trial. Damping grows after each rejection, without
bound, so that a step of descent is found.
"""

from typing import Any

from ... import _validate

TAU = 1e-3  # Nielsen's first damping, in units of the largest diagonal entry
FACTORS = 1e-6, 1e6  # what a learner may suggest lies between


class Nielsen:
    """Nielsen's rule: a smooth function of the gain ratio after success, ever faster growth after failures.

    H. B. Nielsen, Damping parameter in Marquardt's method, report IMM-REP-1999-05, Technical University of
    Denmark, 1999, equation (2.5) there.
    """

    def begin(self, unit, least):
        """Start with the unit of the damping and its smallest value."""
        self.value, self._least, self._growth = TAU * unit, least, 2.0

    def accepted(self, ratio, left):  # noqa: ARG002 - a learner needs it
        """Take the gain ratio of an accepted trial, and the share of the cost that is left."""
        self.value = max(self.value * max(1 / 3, 1 - (2 * ratio - 1) ** 3), self._least)
        self._growth = 2.0

    def rejected(self):
        """Raise the damping after a trial that failed."""
        self.value *= self._growth
        self._growth *= 2

    def failed(self):
        """Raise the damping after a system that could not be solved."""
        self.value *= 10


class Fixed(Nielsen):
    """A fixed damping, in units of the largest diagonal entry; it is raised within a step that fails."""

    def __init__(self, number):
        self._number = number

    def begin(self, unit, least):
        super().begin(unit, least)
        self.value = self._fixed = max(self._number * unit, self._least)

    def accepted(self, ratio, left):  # noqa: ARG002 - as other rules
        self.value, self._growth = self._fixed, 2.0


class Learned(Nielsen):
    """A learner chooses the factor between the damping of two trials.

    Its context is the gain ratio of the last trial, between -1 and 2; its cost one plus the share of the cost
    that the trial left, and two for a trial that failed. After a failure the factor is at least two.
    """

    def __init__(self, learner):
        self._learner = learner

    def begin(self, unit, least):
        super().begin(unit, least)
        self._suggest(1.0, 0.0)

    def _suggest(self, ratio, least):
        self._context = min(max(ratio, -1.0), 2.0)
        self._factor = self._learner.suggest(self._context)
        factor = _validate.positive(self._factor, "what damping.suggest(context) returned")
        self.value = max(self.value * min(max(factor, least, FACTORS[0]), FACTORS[1]), self._least)

    def accepted(self, ratio, left):
        self._learner.observe(self._factor, 1 + left, self._context)
        self._growth = 1.0
        self._suggest(ratio, 0.0)

    def rejected(self):
        self._learner.observe(self._factor, 2.0, self._context)
        self._growth *= 2
        self._suggest(-1.0, self._growth)


def rule(damping: Any):
    """Return the rule for the caller's argument."""
    if hasattr(damping, "suggest") and hasattr(damping, "observe"):
        return Learned(damping)
    if isinstance(damping, str):
        _validate.choice(damping, "damping", ("nielsen",))
        return Nielsen()
    return Fixed(_validate.tolerance(damping, "damping"))
