r"""The iteration of nonlinear least squares: trial steps, their acceptance, and the reasons for an end.

A strategy proposes steps: `LevenbergMarquardt` by its damping, `Dogleg` by a trust region. Both minimise the
Gauss-Newton model :math:`\frac12 \lVert r + J p\rVert^2` within the bounds. A trial is accepted if the cost
falls by a small part of what the model predicts.
"""

import time
from math import inf, isfinite

from ..._array import namespace
from ..._linear.system import length
from ..._result import Breakdown, Status
from ..._run import SAYS
from ...kernels import kernels_for
from .model import Step, made_step

LEAST_RATIO = 1e-4  # gain ratio of an accepted trial
LARGEST_DAMPING = 1e25  # in units of the largest diagonal entry
SMALLEST_RADIUS = 1e-25  # in units of the first
LEAST_FALL = 0.8  # of the gradient in a step whose effect on the cost is rounding error


class LevenbergMarquardt:
    """Steps that minimise the model plus ``0.5 * damping * norm(p)**2``."""

    def __init__(self, model, rule):
        self._model, self._rule = model, rule

    def begin(self, point):
        """Start at a point."""
        self._unit = point.largest**2 or 1.0
        self._least = point.system.least_damping * self._unit
        self._rule.begin(self._unit, self._least)

    def propose(self, point):
        """Return a `Step`, or None if its system could not be solved."""
        return self._model.minimise(point, self._rule.value)

    def full(self, point):
        """Return the step with the least damping."""
        return self._model.minimise(point, self._least)

    def reset(self):
        """Propose the full step next."""
        self._rule.value = self._least

    def accepted(self, step, ratio, left):  # noqa: ARG002 - the other strategy needs the step
        """Take the gain ratio of an accepted step and the share of the cost that is left."""
        self._rule.accepted(ratio, left)

    def rejected(self, step):
        """Shorten the next step; return whether that is still possible."""
        if step is None:
            self._rule.failed()
        else:
            self._rule.rejected()
        return self._rule.value < LARGEST_DAMPING * self._unit


class Dogleg:
    """Powell's dogleg: a path from the steepest descent step to the Gauss-Newton step, cut at a radius.

    Both steps lie within the bounds, and so does the path between them.

    K. Madsen, H. B. Nielsen, O. Tingleff, Methods for non-linear least squares problems, 2nd ed., Technical
    University of Denmark, 2004, section 3.3.
    """

    def __init__(self, model):
        self._model, self._point = model, None

    def begin(self, point):
        """Start at a point."""
        self._unit = point.largest**2 or 1.0
        self._damping = point.system.least_damping * self._unit
        self._radius = self._first = length(point.x / point.scale) or length(point.system.r) or 1.0

    def _steps(self, point):
        """Return the steepest descent and the Gauss-Newton step; the latter may be None."""
        if self._point is not point:
            self._point, self._pair = point, (self._steepest(point), self.full(point))
        return self._pair

    def _steepest(self, point):
        xp = namespace(point.x)
        at_low, at_high = self._model.box.held(point.x, point.slope)
        p = xp.where(at_low | at_high, 0 * point.slope, -point.slope)
        Jp, along = point.system.J @ p, float((p * p).sum())
        size = float((Jp * Jp).sum())
        factor = along / size if size > 0 else 1.0
        if self._model.box.exists:
            one = xp.where(p == 0, 1 + 0 * p, p)
            room = xp.where(p < 0, point.low / one, point.high / one)
            factor = min(factor, float(xp.where(p == 0, inf + 0 * p, room).min()))
        return Step(factor * p, factor * Jp, factor * along - 0.5 * factor**2 * size)

    def full(self, point):
        """Return the Gauss-Newton step; a singular one is damped as little as needed."""
        while self._damping <= self._unit:
            step = self._model.minimise(point, self._damping)
            if step is not None:
                return step
            self._damping *= 100
        self._damping /= 100
        return None

    def propose(self, point):
        """Return the `Step` at the end of the path or where it leaves the radius."""
        descent, newton = self._steps(point)
        if newton is not None and length(newton.p) <= self._radius:
            return newton
        size = length(descent.p)
        if newton is None or size >= self._radius:
            return _combined(point, [(min(1.0, self._radius / size) if size else 0.0, descent)])
        along = newton.p - descent.p
        a, b = length(along) ** 2, float((descent.p * along).sum())
        c = self._radius**2 - size**2
        root = (b * b + a * c) ** 0.5
        share = c / (b + root) if b > 0 else (root - b) / a
        return _combined(point, [(1 - share, descent), (share, newton)])

    def reset(self):
        """Propose the full step next."""
        self._radius = inf

    def accepted(self, step, ratio, left):  # noqa: ARG002 - the other strategy needs the share
        """Take the gain ratio of an accepted step."""
        size = length(step.p)
        if ratio > 0.75:
            self._radius = max(self._radius, 3 * size)
        elif ratio < 0.25:
            self._radius = min(self._radius, size) / 2

    def rejected(self, step):
        """Shorten the next step; return whether that is still possible."""
        self._radius = min(self._radius, length(step.p)) / 4
        return self._radius > SMALLEST_RADIUS * self._first


def _combined(point, parts):
    p = sum(share * step.p for share, step in parts)
    Jp = sum(share * step.Jp for share, step in parts)
    return made_step(point, p, Jp)


class Descent:
    """The iteration from one accepted point to the next; `steps` has the protocol of the loop."""

    def __init__(self, model, strategy, point, ftol, xtol, deadline):
        self.model, self.strategy, self.point = model, strategy, point
        self._ftol, self._xtol, self._deadline = ftol, xtol, deadline
        self.first, self._ending = point.norm, ""
        self._unit = point.norm if 0 < point.norm < inf else 1.0
        if isfinite(point.norm):
            strategy.begin(point)

    def steps(self, x):  # noqa: ARG002 - every start continues from the last point
        """Yield the accepted points and their squared norms."""
        while True:
            point = self.point
            slope = namespace(point.x).where(self._held(point), 0 * point.slope, point.slope) / self._unit
            live = yield point.x, kernels_for(slope).dot(slope, slope)
            if live is None:
                raise Breakdown("fun or jac is not finite at the last point", Status.NONFINITE)
            if self._ending:
                raise Breakdown(self._ending, Status.CONVERGED)
            self.point = self._advance(point)

    def _held(self, point):
        at_low, at_high = self.model.box.held(point.x, point.slope)
        return at_low | at_high

    def _advance(self, point):
        """Return the next accepted point.

        Where the model predicts a decrease of less than the rounding error of the cost, the cost cannot tell
        whether a step is good, and the gradient decides. If it does not fall, longer steps are tried, from
        the one without damping on.
        """
        was_reset, can_shorten = False, True
        while can_shorten:
            if time.monotonic() > self._deadline:
                raise Breakdown(SAYS[Status.TIME_LIMIT], Status.TIME_LIMIT)
            step = self.strategy.propose(point)
            if step is not None and step.predicted <= self._cost_error(point, step):
                if was_reset:
                    break
                following = self._polished(point, step)
                if following is None:
                    self._end_at_rounding(point)
                    self.strategy.reset()
                    was_reset = True
            else:
                following = step and self._tried(point, step)
                can_shorten = following or self.strategy.rejected(step)
            if following:
                return following
        raise Breakdown(
            f"no step lowers the cost further, but the norm of the gradient is {point.norm:.1e}: check jac "
            "by newton.check_derivative, or loosen rtol if fun is noisy",
            Status.STAGNATED,
        )

    def _cost_error(self, point, step):
        """Return the rounding error of the cost, or zero for a step that predicts far more."""
        if step.predicted > 1e-6 * point.cost and step.predicted > 0:
            return 0.0
        error = point.rounding
        return 4 * error * (length(point.system.r) + error)

    def _tried(self, point, step):
        """Return the point after a step, or None if the step is rejected."""
        model = self.model
        x = model.moved(point, step)
        if not bool((x != point.x).any()):
            return None
        f = model.function(x)
        decrease = model.loss.decrease(point.f, f)
        ratio = decrease / step.predicted if isfinite(decrease) else -inf
        if not ratio > LEAST_RATIO:
            return None
        following = model.following(x, f)
        if following is None:
            return None
        self.strategy.accepted(
            step, ratio, min(max(following.cost / point.cost, 0.0), 1.0) if point.cost else 0.0
        )
        self._note_end(point, step, decrease, ratio)
        return following

    def _note_end(self, point, step, decrease, ratio):
        """Note that the caller's tolerance for the cost or the step is met."""
        least = self._ftol * point.cost
        if max(decrease, step.predicted) < least and ratio > 0.25:
            self._ending = f"converged: the cost falls by less than ftol = {self._ftol:g} of its value"
        elif ratio > 0.25 and length(step.p) < self._xtol * length(point.x / point.scale):
            self._ending = f"converged: the step is less than xtol = {self._xtol:g} of x"

    def _polished(self, point, step):
        """Return the point of a step if its gradient is smaller, and its cost is the same up to rounding."""
        x = self.model.moved(point, step)
        if not bool((x != point.x).any()):
            return None
        f = self.model.function(x)
        if not self.model.loss.decrease(point.f, f) >= -self._cost_error(point, step):
            return None
        following = self.model.following(x, f)
        return following if following and following.norm <= LEAST_FALL * point.norm else None

    def _end_at_rounding(self, point):
        """Raise if the gradient cannot be told from zero, or no step can lower the cost measurably."""
        if point.norm <= self.model.slope_error(point) + self.model.difference_error(point):
            what = "the gradient is as small as its rounding errors"
        else:
            full = self.strategy.full(point)
            if full is None or full.predicted > self._cost_error(point, full):
                return
            what = "the step without damping lowers the cost by less than its rounding error"
        raise Breakdown(f"converged: {what} (the norm of the gradient is {point.norm:.1e})", Status.CONVERGED)
