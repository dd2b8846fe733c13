"""The accelerated second-order method with inexact Hessians."""

from math import sqrt

from ... import _validate
from ..._linear.system import length
from ..._result import Breakdown, Status
from .objective import stuck
from .search import MOST_TRIALS
from .secular import with_cubic


class Accelerated:
    r"""The accelerated cubic Newton method with inexact Hessians, by estimating sequences.

    With :math:`\alpha_t = 3 / (t + 3)`, the model at :math:`v = (1 - \alpha) x + \alpha y` is
    :math:`g^T h + h^T H h / 2 + (\delta / 2) \|h\|^2 + (M / 6) \|h\|^3`, where :math:`\delta` bounds the
    error of H. M is doubled until the gradient at the new point differs from that of the model by at most
    :math:`(M / 4) \|h\|^2 + \delta \|h\|`, which holds for M at least 2 L. The function need not fall.

    A. Agafonov, D. Kamzolov, A. Gasnikov, A. Kavis, K. Antonakopoulos, V. Cevher, M. Takáč, Advancing the
    lower bounds: an accelerated, stochastic, second-order method with optimal adaptation to inexactness, ICLR
    2024, arXiv:2309.01570. The constants of the estimating sequence are derived here; the paper's may differ.

    Parameters
    ----------
    M : float, optional
        A fixed M.
    M0 : float
        The first M, which then grows.
    delta : float
        Bound of the error of the Hessians in the 2-norm.
    """

    checks_curvature = False

    def __init__(self, objective, *, M=None, M0=1.0, delta=0.0):
        self._objective, self._is_fixed = objective, M is not None
        self._M = _validate.positive(M0 if M is None else M, "M0" if M is None else "M")
        self._delta = _validate.tolerance(delta, "delta")

    def walk(self, point):
        """Yield the points from `point` on."""
        metric = self._objective.metric
        start, y, s, A, t = point.x, point.x, 0 * point.x, 1.0, 0
        while True:
            alpha = 3 / (t + 3)
            A = A * (1 - alpha) if t else 1.0
            middle = self._objective.at((1 - alpha) * point.x + alpha * y)
            if not middle.is_finite:
                raise Breakdown(
                    "fun or grad is not finite between two iterates: use method='trust-region'",
                    Status.NONFINITE,
                )
            point = self._step(middle)
            s = s + (alpha / A) * point.gradient
            following = 3 / (t + 4)
            square = 2 * self._delta * alpha**2 / A
            cubic = 8 * self._M / 3 * following**3 / (A * (1 - following))
            direction = metric.back(metric.into(s))  # inv(B) @ s
            y = start - direction / _divisor(square, cubic, metric.dual(s))
            t += 1
            yield point

    def _step(self, middle):
        """Return the minimiser of the model at a point, with an M that is large enough."""
        metric, delta, h = self._objective.metric, self._delta, None
        for _ in range(MOST_TRIALS):
            M = self._M
            h = middle.model.minimised(
                middle.gradient, lambda values, c, M=M: with_cubic(values + delta, c, M)
            )
            trial, size = middle.moved(h), metric.norm(h)
            if not length(h) > 0:
                return middle
            if trial.is_finite:
                error = metric.dual(trial.gradient + (M * size / 2 + delta) * metric.apply(h))
                noise = 100 * middle.noise / size
                if self._is_fixed or error <= M / 4 * size**2 + delta * size + noise:
                    return trial
            self._M *= 2
        raise stuck(middle, h)


def _divisor(square, cubic, size):
    """Return ``square + cubic * r / 2``, where r times this is `size`."""
    if cubic == 0:
        return square or 1.0
    r = 2 * size / (square + sqrt(square**2 + 2 * cubic * size)) if size > 0 else 0.0
    return (square + cubic * r / 2) or 1.0
