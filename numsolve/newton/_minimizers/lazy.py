"""Newton's method with cubic or quadratic regularisation and lazy Hessians."""

from math import sqrt

from ... import _validate
from ..._linear.system import length
from .objective import decrease, stuck
from .search import MOST_TRIALS, Search
from .secular import with_cubic

SAFE = 0.25  # the constant of the test of a phase
DEFAULT_LAZY = 10
LEAST = 1e-100  # the smallest M


class Lazy(Search):
    r"""Use each Hessian for a phase of several steps.

    With the Hessian H of the snapshot z and the gradient g at x, a step minimises
    :math:`g^T h + h^T H h / 2 + (M / 6) \|h\|^3`, or, for convex functions, it is
    :math:`-(H + \sqrt{M \|g\|} B)^{-1} g`. A phase from :math:`x_0` to :math:`x_i` is accepted if
    :math:`f(x_0) - f(x_i) \ge (c / \sqrt M) \sum_j \|\nabla f(x_j)\|^{3/2}`. Then M is divided by four,
    otherwise doubled, and the phase is repeated.

    N. Doikov, E. M. Chayti, M. Jaggi, Second-order optimization with lazy Hessians, ICML 2023,
    arXiv:2212.00781.

    Parameters
    ----------
    lazy : int, optional
        Steps with one Hessian. Default: min(n, 10).
    M : float, optional
        A fixed M: 6 m L (cubic) or 3 m L (quadratic) for a Hessian of Lipschitz constant L and m lazy steps.
        All steps are then accepted at which the function is finite.
    M0 : float
        The first M, which is then adapted.
    """

    checks_curvature = False
    is_cubic = True

    def __init__(self, objective, *, lazy=None, M=None, M0=1.0):
        super().__init__(objective)
        self._lazy = None if lazy is None else _validate.count(lazy, "lazy", least=1)
        self._fixed = None if M is None else _validate.positive(M, "M")
        self._M0 = _validate.positive(M0, "M0")

    def walk(self, point):
        start, M = point, self._M0 if self._fixed is None else self._fixed
        steps, unit = self._lazy or min(len(point.x), DEFAULT_LAZY), length(point.x)
        while True:
            points, M = self._phase(point, M, steps)
            point = points[-1]
            unit = unit or length(point.x - start.x)
            self.check_distance(start, point, unit)
            yield from points

    def _phase(self, snapshot, M, steps):
        """Return the points of an accepted phase, and the M of the next one."""
        longest = None
        for _ in range(MOST_TRIALS):
            points, fall, needed = [], 0.0, 0.0
            here = snapshot
            while len(points) < steps:
                step = self._step(snapshot.model, here, M)
                if step is None:
                    break
                longest = step if longest is None else longest
                trial = here.moved(step)
                if not trial.is_finite:
                    break
                fall += decrease(here, trial)
                needed += SAFE * trial.dual * sqrt(trial.dual / M)
                points.append(trial)
                here = trial
                is_last = len(points) == steps or trial.norm <= self.objective.tol
                if self._fixed is None and (is_last or len(points) == 1) and not fall >= needed:
                    break
                if is_last:
                    return points, M if self._fixed is not None else max(M / 4, LEAST)
            if self._fixed is not None and points:
                return points, M
            M *= 2
        raise stuck(snapshot, longest)

    def _step(self, model, here, M):
        """Return the step of the model with the Hessian of the snapshot and the gradient of a point."""
        if self.is_cubic:
            return model.minimised(here.gradient, lambda values, c: with_cubic(values, c, M))
        shift = sqrt(M * here.dual)
        spectrum = model.spectrum
        if spectrum is not None:
            if not spectrum.values[0] + shift > 0:
                return None
            return -spectrum.combined(spectrum.coefficients(here.gradient) / (spectrum.values + shift))
        solve = model.factored(shift)
        return None if solve is None else solve(-here.gradient)


class QuadraticLazy(Lazy):
    """The quadratically regularised method."""

    is_cubic = False


class Cubic(Lazy):
    """The cubic Newton method: a Hessian for each step.

    Y. Nesterov, B. T. Polyak, Cubic regularization of Newton method and its global performance, Math.
    Program. 108 (2006) 177-205, doi:10.1007/s10107-006-0706-8.
    """

    def __init__(self, objective, *, M=None, M0=1.0):
        super().__init__(objective, lazy=1, M=M, M0=M0)
