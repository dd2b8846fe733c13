"""ChebCB: a contextual bandit that learns the cost of each omega as a polynomial of the context."""

from typing import Any, ClassVar

import numpy as np

from .. import _validate
from ._learner import Contextual, arithmetic


class ChebCB(Contextual):
    r"""Learn the best omega of a grid as a function of a context.

    Parameters
    ----------
    grid : array of floats, shape (d,), or None
        The omegas to choose from. None: 1 to 1.95 in steps of 0.05.
    interval : (float, float)
        Range of the context; a value outside is replaced by the nearest end.
    degree : int
        Number of Chebyshev polynomials whose sum models the cost of an omega as a function of the context.
    rng : int or numpy.random.Generator, optional
        Seed or generator. Each suggestion draws one number from it.

    Raises
    ------
    ValueError
        `grid` is empty, not finite, or holds a number twice; `interval` is not an interval; `degree` is less
        than 1.
    TypeError
        `grid` is complex, `interval` is not a pair of numbers, or `degree` is not a whole number.

    Notes
    -----
    Section 4 of [1]_: regression with sampling by inverse gaps, :math:`p_i = 1 / (d + \eta (q_i -
    \min q))` with the predicted costs q; an omega not tried yet has the predicted cost zero. The fits are
    least squares in a box that follows from the range of the costs. About 7 microseconds a solve; storage:
    ``degree**2 + 3 * degree + 3`` numbers an omega, from which a fit is computed whatever the number of
    solves.

    It is the best of the learners where one cheap number distinguishes the systems: a shift, a time step, a
    coefficient.

    References
    ----------
    .. [1] M. Khodak, E. Chow, M.-F. Balcan, A. Talwalkar, *Learning to relax: setting solver parameters
       across a sequence of linear system instances*, ICLR 2024, :doi:`10.48550/arXiv.2310.02246`.

    Examples
    --------
    >>> from numsolve.learners import ChebCB
    >>> learner = ChebCB(None, (0.0, 1.0), rng=0)
    >>> omega = learner.suggest(0.3)
    >>> learner.observe(omega, 25, 0.3)
    """

    _learned: ClassVar[tuple[str, ...]] = ("shared", "sums", "gram", "right", "theta")

    def __init__(self, grid, interval, *, degree=6, rng=None):
        m = _validate.count(degree, "degree", least=1)
        super().__init__(grid, interval, rng, degree=m)
        d = len(self.grid)
        self._shared: Any = np.zeros(8)  # what the arms share; the arithmetic names the entries
        self._sums, self._gram, self._right = np.zeros((d, 3)), np.zeros((d, m, m)), np.zeros((d, 2, m))
        self._theta = np.zeros((d, m))
        self._features, self._probabilities = np.empty(m), np.empty(d)

    def _scaled(self, context):
        """Map a context to [-1, 1]."""
        low, high = self.interval
        return 2 * (context - low) / (high - low) - 1

    def _choose(self, context, u):
        eta, y = self._shared[-1], self._scaled(context)
        return arithmetic().cheb_draw(self._theta, eta, y, u, self._features, self._probabilities)

    def _learn(self, arm, context, cost, prediction):
        arithmetic().cheb_learn(
            *(arm, self._scaled(context), prediction, cost, self._features),
            *(self._shared, self._sums, self._gram, self._right, self._theta),
        )
