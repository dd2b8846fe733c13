"""Cyclic proximal block coordinate descent for smooth functions that need not be convex."""

from dataclasses import dataclass
from math import inf, isfinite, nan, sqrt
from typing import Any

import numpy as np

from .. import _validate
from .._result import Breakdown, Status, warn_of_miss
from ._composite import HALVINGS, OVERFLOW, ROUNDING, Composite, dot, largest_curvature
from ._lipschitz import lipschitz_constant
from ._passes import Samples, Step, passes_for
from ._result import CoordinateResult

REFRESH = 32  # cycles after which the state is computed anew
VR_SHARE = 0.25  # of 1 / L: the step with variance reduction


@dataclass(frozen=True, eq=False, repr=False)
class CyclicGradientResult(CoordinateResult):
    """Result of `cyclic_gradient`.

    Attributes
    ----------
    step : float
        The step that was used last.
    passes : float
        The work in gradients over all samples: products with X and its transpose, each counted half.
    """

    step: float = nan
    passes: float = nan


def cyclic_gradient(
    datafit,
    penalty,
    x0=None,
    *,
    block_size=1,
    variance_reduction=False,
    step=None,
    batch=None,
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
    rng=None,
) -> CyclicGradientResult:
    r"""Find a stationary point of a smooth function plus a penalty by cyclic proximal gradient steps.

    Parameters
    ----------
    datafit : Datafit
        The smooth function; it need not be convex. For a loss of your own, derive a class from `Loss`.
    penalty : Penalty
        A penalty of single coefficients, or of blocks that `block_size` does not cut.
    x0 : array, shape (n,), optional
        Starting point. Default: zeros.
    block_size : int
        Number of coefficients that move at a time.
    variance_reduction : bool
        Whether most cycles take their gradients from a few samples.
    step : float, optional
        Step of all coefficients. Default: see the notes.
    batch : int, optional
        Samples of a cycle that does not take all, with variance reduction. Default: the root of their number.
    rtol, atol : float
        Stop once the largest KKT violation is at most ``max(rtol * v, atol)``, where v is the larger of the
        violations at zero and at `x0`.
    maxiter : int
        Largest number of cycles, with variance reduction of cycles over all samples.
    time_limit : float, optional
        Seconds after which to stop. Default: no limit.
    callback : callable, optional
        ``callback(x, violation)`` after each cycle that `maxiter` counts; true stops.
    rng : numpy.random.Generator or int, optional
        Draws the samples, with variance reduction.

    Returns
    -------
    CyclicGradientResult
        ``x``, ``objective``, ``residuals`` (the violations), ``status``, ``message``, ``nit``, ``step``,
        ``passes``.

    Raises
    ------
    TypeError
        An argument has a wrong type, or there are no samples to draw.
    ValueError
        A shape does not fit, a number is out of range, or `step` has to be given.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try. `x` is the best iterate.

    Notes
    -----
    A cycle (P-CCD [1]_) takes for one block after the other a proximal gradient step, from the gradient at
    the point that the blocks before have changed. It costs one gradient, and half a one to measure the
    violation; it stores 7 vectors of n numbers. The cycle is a kernel for linear models with the losses of
    this module, for `Quadratic`, and for `NoPenalty`, `ElasticNet` and `Box`.

    The default step is one over the largest second derivative in one coefficient (for blocks, times the
    largest block), and at most half of that for a penalty that is not convex. Each cycle then decreases the
    objective by at least ``|change|^2 / (2 step)`` (a quarter for such penalties). That is checked, and the
    step is halved and the cycle taken again where it fails, as for losses whose second derivative has no
    bound. A given step is kept.

    With variance reduction (VR-CCD), each cycle takes all samples with the probability
    ``p = batch / (samples + batch)``, and else as many as `batch`. From these it takes the change of the
    gradients since the cycle before, along the ways of both, and adds it to its estimate. The samples of a
    cycle are drawn once. The default step is one over four times the Lipschitz constant of the gradient: with
    longer ones the estimates lose their accuracy. Such a cycle costs ``2.5 batch / samples`` gradients.

    References
    ----------
    .. [1] X. Cai, C. Song, S. J. Wright, J. Diakonikolas, *Cyclic block coordinate descent with variance
       reduction for composite nonconvex optimization*, ICML 2023, arXiv:2212.05088.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve import coordinate
    >>> X, y = np.eye(3), np.array([3.0, 0.2, 2.0])
    >>> coordinate.cyclic_gradient(coordinate.Huber(X, y), coordinate.L1(0.1)).check().x.round(4)
    array([2.7, 0. , 1.7])
    """
    problem = Composite(datafit, penalty, x0)
    width = _validate.count(block_size, "block_size", 1)
    step = None if step is None else _validate.positive(step, "step")
    limits = {"rtol": rtol, "atol": atol, "maxiter": maxiter, "time_limit": time_limit, "callback": callback}
    if variance_reduction:
        samples = Samples(datafit)
        default = max(1, round(sqrt(samples.count)))
        batch = _validate.count(default if batch is None else batch, "batch", 1)
        method: Any = VarianceReduced(problem, samples, width, batch, step, np.random.default_rng(rng))
    else:
        if batch is not None:
            raise ValueError("batch is given, but variance_reduction is not: pass variance_reduction=True")
        method = Cyclic(problem, width, step)
    fields = problem.solve(method.walk, **limits)
    found = CyclicGradientResult(**fields, step=method.step or nan, passes=problem.passes)
    return warn_of_miss(found)


class Cyclic:
    """P-CCD; `step` is the one in use."""

    def __init__(self, problem, width, step):
        self._problem, self._width = problem, width
        self._passes, self._is_fixed, self.step = passes_for(problem, width), step is not None, step
        self._share = 0.5 if problem.penalty.is_convex else 0.25  # of the decrease that is certain

    def walk(self, start):
        """Yield the points after the first one."""
        if self.step is None:
            largest = min(self._width, max(self._problem.n, 1)) * largest_curvature(self._problem, start)
            self.step = self._limited(2 * self._share / largest)
        now, cycles = start, 0
        while True:
            cycles += 1
            for _ in range(HALVINGS):
                new = self._cycle(now, refreshed=cycles % REFRESH == 0)
                if self._is_fixed or self._decreases(now, new):
                    break
                self.step /= 2
            else:
                raise Breakdown(OVERFLOW, Status.NONFINITE)
            now = new
            yield now

    def _limited(self, step):
        """Return the step, or the longest one for which the proximal problem is convex."""
        curvature = self._problem.penalty.curvature
        return min(step, 0.5 / curvature if curvature > 0 else inf)

    def _cycle(self, now, refreshed):
        """Return the point after a cycle."""
        x, z = now.x.copy(), now.z.copy()
        zero = self._problem.xp.zeros_like(x)
        self._passes.sweep(Step(1.0, self.step, self.step), z, x, now.x, zero, now.x, zero.copy())
        self._problem.passes += 1
        return self._problem.at(x, None if refreshed else z)

    def _decreases(self, now, new):
        d = new.x - now.x
        eps = float(np.finfo(d.dtype).eps)
        least = self._share * dot(d, d) / self.step
        return new.value <= now.value - least + ROUNDING * eps * (abs(now.value) + abs(new.value))


class VarianceReduced:
    """VR-CCD; `step` is the one in use."""

    def __init__(self, problem, samples, width, batch, step, rng):
        self._problem, self._samples, self._batch, self._rng = problem, samples, batch, rng
        self._passes = passes_for(problem, width)
        self.step = self._default() if step is None else step

    def _default(self):
        largest = lipschitz_constant(self._problem.datafit)
        if not isfinite(largest):
            raise ValueError("the loss has no bound of its second derivative: pass step")
        curvature = self._problem.penalty.curvature
        step = VR_SHARE / largest if largest > 0 else 1.0
        return min(step, 0.5 / curvature if curvature > 0 else inf)

    def walk(self, start):
        """Yield the points from which a cycle takes all samples."""
        problem, rng, xp = self._problem, self._rng, self._problem.xp
        probability = self._batch / (self._samples.count + self._batch)
        step = Step(1.0, self.step, self.step)
        point = start
        while True:
            x, before, zero = point.x.copy(), point.x, xp.zeros_like(point.x)
            estimate = self._passes.sweep(step, point.z.copy(), x, before, zero, before, zero.copy())[0]
            problem.passes += 1
            while rng.random() >= probability:
                passes, z = self._drawn(before)
                extra = estimate - passes.replay(z, before.copy(), x)
                before, x = x, x.copy()
                estimate = extra + passes.sweep(step, z, x, before, extra, before, zero.copy())[0]
                problem.passes += 2.5 * self._batch / self._samples.count
            point = problem.at(x)
            yield point

    def _drawn(self, x):
        """Return the passes of some samples, and their state at `x`."""
        rows = self._rng.integers(0, self._samples.count, self._batch)
        datafit = self._samples.batch(self._problem.xp.asarray(rows))
        return self._passes.of_samples(datafit), datafit.state(x)
