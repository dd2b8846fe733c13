"""What methods share that try a step, accept or reject it, and adapt one number to the outcome."""

from math import isfinite

import numpy as np

from ..._linear.system import length
from .objective import stuck, unbounded

MOST_TRIALS = 200
FAR = 1e20  # a distance from the start, in units of its norm and of the first step, that nothing real has


class Search:
    """A method that tries steps from a point until it accepts one.

    A subclass says how a step depends on a parameter, such as a radius or a regularisation:

    - ``first(point)`` returns the parameter to start with;
    - ``step(point, parameter)`` returns a step, or None if its matrix is not positive definite;
    - ``judge(point, trial, step, parameter)`` returns whether to accept, and the next parameter;
    - ``harder(parameter)`` returns the parameter after a step that could not be evaluated.

    A failed factorisation and a value that is not finite are rejections.
    """

    needs_definite = ""  # what to do if no parameter makes the matrix definite

    def __init__(self, objective):
        self.objective = objective

    def walk(self, point):
        """Yield the points that are accepted, from `point` on."""
        start, parameter, unit = point, self.first(point), length(point.x)
        while True:
            point, parameter = self.advance(point, parameter)
            unit = unit or length(point.x - start.x)
            self.check_distance(start, point, unit)
            yield point

    def check_distance(self, start, point, unit):
        """Raise `Breakdown` if the points move away without end."""
        if length(point.x - start.x) > FAR * unit and point.value < start.value:
            raise unbounded(point.value)

    def advance(self, point, parameter):
        """Return the next point, and the parameter for its step."""
        longest = None
        for _ in range(MOST_TRIALS):
            step = self.step(point, parameter)
            if step is None:
                parameter = self.harder(parameter)
                continue
            longest = step if longest is None else longest
            if not length(step) > np.finfo(step.dtype).eps * length(point.x) / 4:
                break
            trial = point.moved(step)
            if not isfinite(trial.value):
                parameter = self.harder(parameter)
                continue
            accepted, following = self.judge(point, trial, step, parameter)
            if accepted and isfinite(trial.norm):
                return trial, following
            parameter = self.harder(parameter) if accepted else following
        raise stuck(point, longest)

    def first(self, point):  # noqa: ARG002 - the protocol
        """Return the parameter to start with."""
        return 1.0

    def step(self, point, parameter):
        """Return a step, or None."""
        raise NotImplementedError

    def judge(self, point, trial, step, parameter):
        """Return whether to accept a step, and the next parameter."""
        raise NotImplementedError

    def harder(self, parameter):
        """Return the parameter after a step that could not be evaluated."""
        raise NotImplementedError
