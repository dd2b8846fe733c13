"""Accelerated cyclic dual averaging with extrapolation, and its form with variance reduction."""

from dataclasses import dataclass
from math import isfinite, nan, sqrt
from typing import Any

import numpy as np

from .. import _validate
from .._result import Breakdown, Status, warn_of_miss
from ._composite import OVERFLOW, Composite, Point, dot, largest_curvature, strong_convexity
from ._passes import Samples, Step, passes_for, separable_terms
from ._result import CoordinateResult

SHARE = 0.4  # of a^2 / A, so that the terms of the proof cancel
CHECK = 5  # iterations between two checks of convergence, after the first ones
DOWN, UP = 0.9, 2.0  # factors of L after an iteration that keeps the bound, and after one that does not
RETRIES, MOST_RETRIES = 6, 60  # of an iteration with a larger L, and of the first one
VR_BLOCKS = 8  # number of blocks by default where samples are drawn: each needs products with a sample
DRAWN = 1 << 18  # most samples that are drawn at a time


@dataclass(frozen=True, eq=False, repr=False)
class ACoderResult(CoordinateResult):
    """Result of `a_coder`.

    Attributes
    ----------
    L : float
        The constant that was used last.
    passes : float
        The work in gradients over all samples: products with X and its transpose, each counted half.
    """

    L: float = nan
    passes: float = nan


def a_coder(
    datafit,
    penalty,
    x0=None,
    *,
    block_size=None,
    variance_reduction=False,
    L=None,
    gamma=None,
    epoch=None,
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
    rng=None,
) -> ACoderResult:
    r"""Minimise a convex datafit plus penalty by accelerated cyclic coordinate dual averaging (A-CODER).

    Parameters
    ----------
    datafit : Datafit
        The smooth convex function, for example `Logistic`.
    penalty : Penalty
        A convex penalty of single coefficients, or of blocks that `block_size` does not cut.
    x0 : array, shape (n,), optional
        Starting point. Default: zeros.
    block_size : int, optional
        Number of coefficients that move at a time. Default: 1, with variance reduction an eighth of all.
    variance_reduction : bool
        Whether the gradients of an epoch are those of single samples, corrected by a full one.
    L : float, optional
        The constant of the step ``a^2 / A = 0.4 (1 + A gamma) / L``, which is then kept. Default: found, see
        the notes.
    gamma : float, optional
        A number such that ``penalty - gamma |x|^2 / 2`` is convex. Default: known for `ElasticNet`, else 0.
    epoch : int, optional
        Steps between full gradients, with variance reduction. Default: the number of samples.
    rtol, atol : float
        Stop once the largest KKT violation is at most ``max(rtol * v, atol)``, where v is the larger of the
        violations at zero and at `x0`.
    maxiter : int
        Largest number of iterations, with variance reduction of epochs.
    time_limit : float, optional
        Seconds after which to stop. Default: no limit.
    callback : callable, optional
        ``callback(x, violation)`` after each iteration or epoch; true stops.
    rng : numpy.random.Generator or int, optional
        Draws the samples, with variance reduction.

    Returns
    -------
    ACoderResult
        ``x``, ``objective``, ``residuals`` (the violations), ``status``, ``message``, ``nit``, ``L``,
        ``passes``.

    Raises
    ------
    TypeError
        An argument has a wrong type, or there are no samples to draw.
    ValueError
        A shape does not fit, a number is out of range, or the penalty is not convex.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try. `x` is the best iterate.

    Notes
    -----
    An iteration takes the gradient at an extrapolated point, and then one pass over the blocks from the last
    to the first. Each block gets its gradient at the partly updated point, corrected by what the gradient of
    the iteration before missed in the same way [1]_. An iteration costs two gradients; it stores 12 vectors
    of n numbers. The pass is a kernel for linear models with the losses of this module, for `Quadratic`, and
    for `NoPenalty`, `ElasticNet` and `Box`.

    The points y of the method are averages, in which a coefficient that tends to zero is never zero. So the
    points that are checked and returned are those after a further proximal gradient step, whose objective is
    not larger. That costs 1.5 gradients, at each of the first five iterations and then at every fifth; in
    between, `callback` and `residuals` repeat the last ones.

    By default, L is found. It starts as the largest second derivative in one coefficient. It is multiplied
    by 0.9 after each iteration, and doubled, and the iteration taken again, unless the bound of the proof
    holds, ``F(y) - F(x*) <= |x* - x0|^2 / (2 A)``: for the extrapolated point x_k, the new point y_k, the
    result v_k of the proximal map and the error ``e_k = gradient(x_k) - p_k`` of the gradients of the pass,
    the sum of

    - ``A_k (f(y_k) - f(x_k) - gradient(x_k) @ (y_k - x_k)) - a_(k-1) e_(k-1) @ (v_k - v_(k-1))
      - (1 + A_(k-1) gamma) |v_k - v_(k-1)|^2 / 2``

    over all iterations, plus ``a_k^2 |e_k|^2 / (2 (1 + A_k gamma))``, must not be positive. All of these are
    known after the pass, so the bound is checked and no Lipschitz constant is needed. About one iteration of
    seven is taken twice. If no larger L keeps the bound, the method starts again from y. A given L is kept
    without a check, as in the paper: the method may diverge if it is too small.

    With variance reduction, block and sample are drawn for each step: a step costs three products with a
    sample for each block, so few blocks are best. The published count, ``1 + 4 epoch / samples`` gradients
    per epoch, leaves the number of blocks out; `passes` does not. There L is doubled, and the method starts
    again from the best point, if the objective after an epoch is larger than at the start. The first gradient
    is weighted like the others, by its step ``1 / (4 L)``; the authors' program gives it the weight 1.

    References
    ----------
    .. [1] C. Y. Lin, C. Song, J. Diakonikolas, *Accelerated cyclic coordinate dual averaging with
       extrapolation for composite convex optimization*, ICML 2023, arXiv:2303.16279.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve import coordinate
    >>> X, y = np.eye(3), np.array([3.0, 0.2, 2.0])
    >>> coordinate.a_coder(coordinate.LeastSquares(X, y), coordinate.L1(0.1)).check().x.round(4)
    array([2.7, 0. , 1.7])
    """
    problem = Composite(datafit, penalty, x0)
    if not penalty.is_convex:
        raise ValueError("the penalty is not convex: use cyclic_gradient")
    convexity = strong_convexity(penalty) if gamma is None else _validate.tolerance(gamma, "gamma")
    L = None if L is None else _validate.positive(L, "L")
    limits = {"rtol": rtol, "atol": atol, "maxiter": maxiter, "time_limit": time_limit, "callback": callback}
    if variance_reduction:
        samples = Samples(datafit)
        default = -(-problem.n // VR_BLOCKS) or 1
        width = _validate.count(default if block_size is None else block_size, "block_size", 1)
        epoch = _validate.count(samples.count if epoch is None else epoch, "epoch", 1)
        method: Any = VarianceReduced(
            problem, samples, width, epoch, L, convexity, np.random.default_rng(rng)
        )
    else:
        if epoch is not None:
            raise ValueError("epoch is given, but variance_reduction is not: pass variance_reduction=True")
        width = _validate.count(1 if block_size is None else block_size, "block_size", 1)
        method = Accelerated(problem, width, L, convexity)
    fields = problem.solve(method.walk, **limits)
    return warn_of_miss(ACoderResult(**fields, L=method.L or nan, passes=problem.passes))


@dataclass(frozen=True, eq=False)
class State:
    """What an iteration leaves: sums and last terms of the weights, points, and the terms of the proof."""

    a: float
    A: float
    y: Any
    z: Any  # the state of the datafit at y
    v: Any
    zeta: Any
    missed: Any  # the gradient at the extrapolated point minus that of the pass
    excess: float = 0.0  # what the iterations so far add to A times the gap, beyond |x* - x0|^2 / 2
    bound: float = 0.0  # the same with the most that the last extrapolation may add
    rounding: float = 0.0  # of the bound


class Accelerated:
    """A-CODER; `L` is the constant in use."""

    def __init__(self, problem, width, L, gamma):
        self._problem, self._gamma = problem, gamma
        self._passes, self._is_fixed, self.L = passes_for(problem, width), L is not None, L

    def walk(self, start):
        """Yield a point after each iteration, a new one at the checks."""
        point, step = start, 0.0
        for k, state in enumerate(self.states(start), 1):
            if k <= CHECK or k % CHECK == 0:
                step = step or 1 / self.L
                y = self._problem.at(state.y, state.z)
                point, step = self._problem.proximal_step(y, step)
            yield point

    def states(self, start):
        """Yield the states after the iterations; if no larger L can keep the bound, start again."""
        if self.L is None:
            self.L = largest_curvature(self._problem, start)
        while True:
            for state in self._run(start):
                yield state
            start = self._problem.at(state.y)

    def _run(self, start):
        """Yield states as long as the bound of the proof can be kept."""
        xp, x = self._problem.xp, start.x
        now = State(0.0, 0.0, x, start.z, x, xp.zeros_like(x), xp.zeros_like(x))
        while True:
            for _ in range(RETRIES if now.A else MOST_RETRIES):
                new = self._iteration(now, base=x)
                if self._is_fixed:
                    break
                if new.bound <= new.rounding:
                    self.L *= DOWN
                    break
                self.L *= UP
            else:
                if now.A:
                    return
                raise Breakdown(OVERFLOW, Status.NONFINITE)
            now = new
            yield now

    def _iteration(self, now, base):
        """Return the state after an iteration with the constant L."""
        problem, gamma = self._problem, self._gamma
        strong = 1 + now.A * gamma
        r = SHARE * strong / self.L
        a = (r + sqrt(r * r + 4 * r * now.A)) / 2
        A = now.A + a
        step, zeta = Step(a / A, a, A, backward=True), now.zeta.copy()
        x = problem.at((1 - step.theta) * now.y + step.theta * now.v)
        z, y = x.z.copy(), x.x.copy()
        p, v = self._passes.sweep(step, z, y, base, now.a / a * now.missed, now.y, zeta)
        problem.passes += 1
        d, missed = v - now.v, x.gradient - p
        rise, rounding = problem.rise(x, y, z)
        excess = now.excess + A * rise - now.a * dot(now.missed, d) - strong / 2 * dot(d, d)
        bound = excess + a * a * dot(missed, missed) / (2 + 2 * A * gamma)
        return State(a, A, y, z, v, zeta, missed, excess, bound, A * rounding)


class VarianceReduced:
    """VR-A-CODER; `L` is the constant in use."""

    def __init__(self, problem, samples, width, epoch, L, gamma, rng):
        self._problem, self._samples, self._width, self._epoch = problem, samples, width, epoch
        self._gamma, self._rng, self._is_fixed, self.L = gamma, rng, L is not None, L
        self._terms = separable_terms(problem.penalty, problem.n, problem.xp, problem.dtype)
        if self._terms is None:
            name = type(problem.penalty).__name__
            raise TypeError(
                f"variance_reduction does not take the penalty {name}: leave it out, or use NoPenalty, "
                "ElasticNet or Box"
            )

    def walk(self, start: Point):
        """Yield a point after each epoch."""
        problem = self._problem
        if self.L is None:
            self.L = largest_curvature(problem, start)
        worst, doublings, step = start.value, 0, 0.0
        while True:
            for center in self.centers(start):
                if not self._is_fixed and not center.value <= worst + abs(worst) * 1e-10:
                    break
                point, step = problem.proximal_step(center, step or 1 / self.L)
                yield point
            self.L, doublings, start = 2 * self.L, doublings + 1, problem.best
            if doublings == MOST_RETRIES or not isfinite(self.L):
                raise Breakdown(OVERFLOW, Status.NONFINITE)

    def centers(self, start):
        """Yield the centers."""
        problem, base, K = self._problem, start.x, self._epoch
        a = A = 1 / (4 * self.L)
        v = problem.penalty.prox(base - a * start.gradient, a)
        zeta = K * a * start.gradient
        points = problem.xp.zeros((5, problem.n), problem.dtype)
        points[0], points[1] = base, v
        at = problem.at(v)
        v = v.copy()
        while True:
            a_last, a, before = a, sqrt(K * A * (1 + A * self._gamma) / (8 * self.L)), A
            A += a
            total = problem.xp.zeros_like(base)
            self._steps(at, base, zeta, v, points, total, a, a_last / a, before)
            at = problem.at(total / K)
            yield at

    def _steps(self, at, base, zeta, v, points, total, a, ratio, before):
        """Take the steps of an epoch with the center `at`, in place."""
        problem, samples, K = self._problem, self._samples, self._epoch
        kernel, loss = samples.kernel()
        datafit, blocks = problem.datafit, -(-problem.n // self._width)
        delta, chunk = float(getattr(datafit.loss, "delta", 0.0)), max(1, DRAWN // max(blocks, 1))
        arrays = datafit.y, samples.count * datafit.weights, at.z, base, at.gradient, self._terms, at.x
        for first in range(0, K, chunk):
            rows = self._rng.integers(0, samples.count, (min(chunk, K - first), blocks))
            rows = problem.xp.asarray(rows.astype(samples.index))
            numbers = first, K, self._width, loss, delta, a, ratio, before
            kernel(*numbers, rows, *samples.matrix, *arrays, zeta, v, points, total)
        problem.passes += (1.5 * blocks + 0.5) * K / samples.count
