"""Tsallis-INF: a bandit with optimal regret for random costs and for adversarial costs."""

from typing import Any, ClassVar

import numpy as np

from .. import _validate
from ._learner import Bandit, Contextual, arithmetic


class TsallisINF(Bandit):
    r"""Learn the best fixed omega of a grid from the cost of each solve.

    Parameters
    ----------
    grid : array of floats, shape (d,), optional
        The omegas to choose from. Default: 1 to 1.95 in steps of 0.05.
    rng : int or numpy.random.Generator, optional
        Seed or generator. Each suggestion draws one number from it.

    Raises
    ------
    ValueError
        `grid` is empty, not finite, or holds a number twice.
    TypeError
        `grid` is complex.

    Notes
    -----
    Follow-the-regularised-leader with Tsallis entropy and importance weights [1]_, applied to
    omega in [2]_: after t solves the total cost exceeds that of the best omega of the grid by
    :math:`O(\sqrt{d t})`, for any sequence of systems. The probabilities are
    :math:`4 / (\eta (k_i / s - x))^2`. Here :math:`\eta = 2/\sqrt t`; :math:`k_i` is the sum of the costs of
    omega i less 1, each divided by the probability of its draw; s is the mean of the costs less 1; and x
    makes the sum of the probabilities 1. About 4 microseconds a solve; storage: d numbers.

    Several threads may share a learner. Costs of the same omega are matched with its suggestions in the
    order of the suggestions.

    References
    ----------
    .. [1] J. Zimmert, Y. Seldin, *Tsallis-INF: an optimal algorithm for stochastic and adversarial bandits*,
       J. Mach. Learn. Res. 22, 2021, :doi:`10.48550/arXiv.1807.07623`.
    .. [2] M. Khodak, E. Chow, M.-F. Balcan, A. Talwalkar, *Learning to relax: setting solver parameters
       across a sequence of linear system instances*, ICLR 2024, :doi:`10.48550/arXiv.2310.02246`.

    Examples
    --------
    >>> from numsolve.learners import TsallisINF
    >>> learner = TsallisINF(rng=0)
    >>> for _ in range(300):
    ...     omega = learner.suggest()
    ...     learner.observe(omega, 10 + 50 * abs(omega - 1.6))
    >>> sum(abs(learner.suggest() - 1.6) < 0.11 for _ in range(100)) > 50
    True
    """

    _learned: ClassVar[tuple[str, ...]] = ("losses", "rounds", "totals", "scales")

    def __init__(self, grid=None, *, rng=None):
        super().__init__(grid, rng)
        self._start(1)

    def _start(self, bins):
        """Make the state of `bins` independent learners."""
        self._losses: Any = np.zeros((bins, len(self.grid)))
        self._rounds, self._totals, self._scales = np.zeros(bins), np.zeros(bins), np.ones(bins)
        self._probabilities = np.empty(len(self.grid))

    def _bin(self, context):  # noqa: ARG002 - others have several
        """Return the number of the bin of a context."""
        return 0

    def _choose(self, context, u):
        at = self._bin(context)
        eta = 2 / (self._rounds[at] + 1) ** 0.5
        arithmetic().tsallis_probabilities(self._losses[at], self._scales[at], eta, self._probabilities)
        arm = arithmetic().draw(self._probabilities, u)
        return arm, float(self._probabilities[arm])

    def _learn(self, arm, context, cost, probability):
        at = self._bin(context)
        self._losses[at, arm] += (cost - 1) / probability
        self._rounds[at] += 1
        self._totals[at] += cost - 1
        if self._totals[at] > 0:  # else all costs were 1 so far, and the scale stays 1
            self._scales[at] = self._totals[at] / self._rounds[at]


class TsallisINFCB(TsallisINF, Contextual):
    """Learn the best omega of a grid for each of several bins of a context.

    Parameters
    ----------
    grid : array of floats, shape (d,), or None
        The omegas to choose from. None: 1 to 1.95 in steps of 0.05.
    interval : (float, float)
        Range of the context; a value outside is replaced by the nearest end.
    bins : int
        Number of equal parts of the interval. Each has a `TsallisINF` of its own.
    rng : int or numpy.random.Generator, optional
        Seed or generator. Each suggestion draws one number from it.

    Raises
    ------
    ValueError
        `grid` is empty, not finite, or holds a number twice; `interval` is not an interval; `bins` is less
        than 1.
    TypeError
        `grid` is complex, `interval` is not a pair of numbers, or `bins` is not a whole number.

    Notes
    -----
    Section 4 of [1]_. Bins do not learn from each other: together they need `bins` times as many solves as
    `TsallisINF`. Use it where the best omega varies much with the context. About 6 microseconds a solve;
    storage: d numbers a bin.

    References
    ----------
    .. [1] M. Khodak, E. Chow, M.-F. Balcan, A. Talwalkar, *Learning to relax: setting solver parameters
       across a sequence of linear system instances*, ICLR 2024, :doi:`10.48550/arXiv.2310.02246`.

    Examples
    --------
    >>> from numsolve.learners import TsallisINFCB
    >>> learner = TsallisINFCB(None, (0.0, 1.0), bins=4, rng=0)
    >>> omega = learner.suggest(0.3)
    >>> learner.observe(omega, 25, 0.3)
    """

    def __init__(self, grid, interval, *, bins=5, rng=None):
        bins = _validate.count(bins, "bins", least=1)
        Contextual.__init__(self, grid, interval, rng, bins=bins)
        self._start(bins)

    def _bin(self, context):
        low, high = self.interval
        bins = len(self._losses)
        return min(int((context - low) / (high - low) * bins), bins - 1)
