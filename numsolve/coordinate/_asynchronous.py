"""Asynchronous proximal gradient steps from reads of any age: simulated delays, or real threads."""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from math import inf, nan
from threading import Condition, Event, Thread
from typing import Any

import numpy as np

from .. import _validate
from .._result import warn_of_miss
from ._composite import Composite
from ._datafits import Quadratic
from ._lipschitz import lipschitz_constant
from ._losses import SquaredLoss
from ._passes import separable_terms
from ._result import CoordinateResult

MOST_CHECKED = 4096  # coefficients of a quadratic of which the contraction is checked
PROVED = (
    "proved: the map is a contraction in the maximum norm, by the factor {factor:.6g}, so the iteration "
    "converges for all bounded delays"
)
MEASURED = (
    "measured: no proof is known for this problem, because the map is not known to be a contraction in the "
    "maximum norm; the violation was computed anew at x"
)


@dataclass(frozen=True, eq=False, repr=False)
class AsynchronousResult(CoordinateResult):
    """Result of `asynchronous`.

    Attributes
    ----------
    step : float
        The step of the proximal gradient map.
    updates : int
        Number of updates of a block.
    largest_delay : int
        The age of the oldest read: the updates between it and the write that it led to.
    guarantee : str
        What is proved of the convergence for this problem, and what is only measured.
    """

    step: float = nan
    updates: int = 0
    largest_delay: int = 0
    guarantee: str = ""


def asynchronous(
    datafit,
    penalty,
    x0=None,
    *,
    blocks=None,
    delay: Any = 0,
    threads=None,
    step=None,
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> AsynchronousResult:
    r"""Minimise a convex datafit plus penalty by block updates from stale reads; the step knows no delay.

    Parameters
    ----------
    datafit : Datafit
        The smooth convex function.
    penalty : Penalty
        A convex penalty of single coefficients, or of groups that no block cuts.
    x0 : array, shape (n,), optional
        Starting point. Default: zeros.
    blocks : int, optional
        Number of blocks of consecutive coefficients. Default: the number of threads, or 8 without.
    delay : int or sequence of ints
        Age of the reads, in updates: update k reads the point of ``delay`` updates before, or of ``delay[k]``
        for a sequence, which is repeated. For simulations, which are deterministic.
    threads : int, optional
        Number of threads that update blocks at the same time, in place of a simulation. Each has blocks of
        its own. More threads than blocks are not started.
    step : float, optional
        Step of the proximal gradient. Default: one over the Lipschitz constant of the gradient.
    rtol, atol : float
        Stop once the largest KKT violation is at most ``max(rtol * v, atol)``, where v is the larger of the
        violations at zero and at `x0`.
    maxiter : int
        Largest number of iterations; in each, every block is updated at least once.
    time_limit : float, optional
        Seconds after which to stop. Default: no limit.
    callback : callable, optional
        ``callback(x, violation)`` after each iteration; true stops.

    Returns
    -------
    AsynchronousResult
        ``x``, ``objective``, ``residuals`` (the violations), ``status``, ``message``, ``nit``, ``step``,
        ``updates``, ``largest_delay``, ``guarantee``.

    Raises
    ------
    TypeError
        An argument has a wrong type, or no Lipschitz constant is known and `step` is not given.
    ValueError
        A shape does not fit, a number is out of range, or two arguments exclude each other.

    Warns
    -----
    ConvergenceWarning
        The tolerance was not met; ``result.message`` says why and what to try. `x` is the best iterate.

    Notes
    -----
    With the map ``T(x) = prox(x - step * gradient(x))``, an update reads the whole point, computes block i of
    T of what it read, and writes it, ``x_i = T_i(read)`` [1]_. The old value of the block is replaced, not
    incremented: ``x_i -= step * gradient_i(read)`` diverges for long delays.

    If T is a contraction in the maximum norm, such iterations converge for all bounded delays [2]_. For
    quadratic functions of at most 4096 coefficients and the penalties of this module that is checked by the
    row sums of ``I - step * H`` with the Hessian H; ``guarantee`` says whether it holds. Otherwise
    convergence is only measured: we saw it on general positive definite matrices and on regressions at each
    delay that we tried, slower the longer the delay, but have no proof.

    An update costs a product with X and one with the columns of its block. Threads read and write under
    a lock, so that no read is torn; their products run at the same time where NumPy and SciPy release the
    global lock of Python. What they find depends on their timing, but the violation that decides is computed
    anew from a copy of x. The simulation stores one point for each update of its largest delay.

    References
    ----------
    .. [1] X. Wu, C. Liu, S. Magnússon, M. Johansson, *Delay-agnostic asynchronous coordinate update
       algorithm*, ICML 2023, arXiv:2305.08535.
    .. [2] D. P. Bertsekas, *Distributed asynchronous computation of fixed points*, Math. Program. 27, 1983,
       :doi:`10.1007/BF02591967`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve import coordinate
    >>> fit = coordinate.Quadratic(np.array([[2.0, -1.0], [-1.0, 2.0]]), np.array([1.0, 0.0]))
    >>> found = coordinate.asynchronous(fit, coordinate.NoPenalty(), blocks=2, delay=50).check()
    >>> found.x.round(4)
    array([0.6667, 0.3333])
    """
    problem = Composite(datafit, penalty, x0)
    if not penalty.is_convex:
        raise ValueError("the penalty is not convex: use cyclic_gradient")
    if threads is not None and datafit.library != "numpy":
        raise TypeError("threads work on NumPy arrays: leave threads out for CuPy arrays")
    threads = None if threads is None else _validate.count(threads, "threads", 1)
    count = (threads or 8) if blocks is None else _validate.count(blocks, "blocks", 1)
    delays = _delays(delay)
    if threads is not None and delays != [0]:
        raise ValueError("delay and threads are both given: delays are simulated without threads")
    step = _default_step(problem) if step is None else _validate.positive(step, "step")
    update = Update(problem, step, min(count, max(problem.n, 1)))
    method: Any = Simulated(update, delays) if threads is None else Threaded(update, threads)
    fields = problem.solve(
        method.walk, rtol=rtol, atol=atol, maxiter=maxiter, time_limit=time_limit, callback=callback
    )
    found = AsynchronousResult(
        **fields,
        step=step,
        updates=method.updates,
        largest_delay=method.largest_delay,
        guarantee=_guarantee(problem, step),
    )
    return warn_of_miss(found)


def _delays(delay):
    """Return the delays as a list."""
    if np.ndim(delay) == 0:
        return [_validate.count(delay, "delay")]
    found = [_validate.count(each, "delay") for each in delay]
    if not found:
        raise ValueError("delay is empty; at least one number is needed")
    return found


def _default_step(problem):
    largest = lipschitz_constant(problem.datafit)
    if largest == inf:
        raise ValueError("the loss has no bound of its second derivative: pass step")
    return 1 / largest if largest > 0 else 1.0


def _guarantee(problem, step):
    """Return what is proved of the convergence."""
    factor = _contraction(problem, step)
    return PROVED.format(factor=factor) if factor < 1 else MEASURED


def _contraction(problem, step):
    """Return a factor by which the map contracts in the maximum norm; infinite if none is known."""
    datafit, n = problem.datafit, problem.n
    is_quadratic = type(datafit) is Quadratic or isinstance(getattr(datafit, "loss", None), SquaredLoss)
    terms = separable_terms(problem.penalty, n, problem.xp, problem.dtype)
    if not is_quadratic or terms is None or not 0 < n <= MOST_CHECKED:
        return inf
    H = datafit.block_hessian(slice(0, n))
    diagonal = H.reshape(-1)[:: n + 1]
    rows = abs(1 - step * diagonal) + step * (abs(H).sum(axis=1) - abs(diagonal))
    return float((rows / (1 + step * terms[1])).max())


class Update:
    """The map ``T(x) = prox(x - step * gradient(x))``, a block at a time."""

    def __init__(self, problem, step, count):
        self.problem, self._step = problem, step
        ends = [problem.n * k // count for k in range(count + 1)]
        self.blocks = [slice(first, end) for first, end in pairwise(ends)]

    def __call__(self, read, block):
        """Return the block of T(read)."""
        datafit = self.problem.datafit
        g = datafit.block_gradient(datafit.state(read), read, block)
        return self.problem.penalty.prox(read[block] - self._step * g, self._step, block)


class Simulated:
    """Updates in turn, each from the point of some updates before."""

    def __init__(self, update, delays):
        self._update, self._delays = update, delays
        self.updates = self.largest_delay = 0

    def walk(self, start):
        """Yield a point after each cycle over the blocks."""
        history = deque([start.x], maxlen=max(self._delays) + 1)
        while True:
            for block in self._update.blocks:
                delay = min(self._delays[self.updates % len(self._delays)], len(history) - 1)
                x = history[-1].copy()
                x[block] = self._update(history[-1 - delay], block)
                history.append(x)
                self.updates += 1
                self.largest_delay = max(self.largest_delay, delay)
            yield self._update.problem.at(history[-1])


class Threaded:
    """Updates by threads, each of which has blocks of its own."""

    def __init__(self, update, threads):
        self._update = update
        self._parts = [update.blocks[first::threads] for first in range(min(threads, len(update.blocks)))]
        self._changed, self._failure = Condition(), None
        self.updates = self.largest_delay = 0

    def walk(self, start):
        """Yield a copy of the point each time that every block was updated since the last one."""
        x, sweeps, stop = start.x.copy(), [0] * len(self._parts), Event()
        workers = [
            Thread(target=self._work, args=(x, sweeps, k, stop), daemon=True) for k in range(len(self._parts))
        ]
        for worker in workers:
            worker.start()
        try:
            done = 0
            while True:
                with self._changed:
                    while self._failure is None and min(sweeps) == done:
                        self._changed.wait()
                    copy, done = x.copy(), min(sweeps)
                if self._failure is not None:
                    raise self._failure
                yield self._update.problem.at(copy)
        finally:
            stop.set()
            for worker in workers:
                worker.join()

    def _work(self, x, sweeps, number, stop):
        """Update the blocks of one thread until the run ends."""
        try:
            with np.errstate(all="ignore"):
                while not stop.is_set():
                    for block in self._parts[number]:
                        self._write(x, block)
                    with self._changed:
                        sweeps[number] += 1
                        self._changed.notify_all()
        except BaseException as error:  # raised again where the caller waits
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _write(self, x, block):
        with self._changed:
            read, begun = x.copy(), self.updates
        found = self._update(read, block)
        with self._changed:
            x[block] = found
            self.largest_delay = max(self.largest_delay, self.updates - begun)
            self.updates += 1
