"""Young's omega, estimated from the sweeps that solves by SOR took."""

from math import inf, sqrt
from typing import Any, ClassVar

import numpy as np

from .. import _validate
from ._learner import Learner, arithmetic, placed

MARGIN = 1.03  # times as far from 2 as estimated: more than the transient of a solve adds to its rate
RIDGE = 1e-4  # of the terms that vary with the context, so that the first few solves decide on a constant
ABOVE = 0.998  # of the highest 1 - beta^2 that a rate can tell: then omega is far above the optimum
KEPT = 0.8, 0.95  # of the weight of earlier solves, without a context and with one


class EstimatedOmega(Learner):
    r"""Find Young's omega for SOR from the sweeps that each solve took.

    Parameters
    ----------
    rtol : float
        Tolerance of the solves, between 0 and 1: what k sweeps reduced the residual by, from a zero start.
    interval : (float, float), optional
        Where contexts lie; those outside count as its nearest end. Default: there is no context.
    start : float
        The first omega, at least 1 and less than 2; 1 is Gauss-Seidel. Below the optimum more is learned.

    Raises
    ------
    ValueError
        A number is out of its range.

    Notes
    -----
    After k sweeps the rate is about :math:`\lambda = \mathtt{rtol}^{1/k}`. Below the optimum it belongs to a
    spectral radius :math:`\beta = (\lambda + \omega - 1) / (\omega \sqrt\lambda)` of the Jacobi iteration
    [1]_, and that to an omega. What is fitted is :math:`1 - \beta^2`, smooth in whatever the matrix depends
    on: by a constant over the last five solves or so, or by a parabola in the context over the last twenty.
    What is suggested is 3 % further from 2 than Young's omega of the fit. At or above the optimum the rate is
    little more than :math:`\omega - 1`, which says that the optimum is no higher; the 3 % lead back, and with
    a context a rate that hardly differs counts as that of an omega well below.

    A few solves suffice where a learner on a grid needs hundreds, but only for SOR, and matrices for which
    `omega_opt` is right. About 10 microseconds a solve; storage: 13 numbers.

    References
    ----------
    .. [1] D. M. Young, *Iterative Solution of Large Linear Systems*, Academic Press, 1971,
       :doi:`10.1016/C2013-0-11733-3`.

    Examples
    --------
    >>> from numsolve.relaxation import EstimatedOmega
    >>> learner = EstimatedOmega(rtol=1e-8)
    >>> learner.observe(learner.suggest(), 223)  # sweeps of Gauss-Seidel on a 10 by 10 grid
    >>> round(learner.suggest(), 2)
    1.55
    """

    _learned: ClassVar[tuple[str, ...]] = ("gram", "right", "least")

    def __init__(self, rtol, interval=None, *, start=1.0):
        self.rtol, self.start = _validate.positive(rtol, "rtol"), _validate.number(start, "start")
        if self.rtol >= 1:
            raise ValueError(f"rtol is {rtol!r}; a number between 0 and 1 is needed")
        if not 1 <= self.start < 2:
            raise ValueError(f"start is {start!r}; a number >= 1 and < 2 is needed")
        self.interval = None if interval is None else _validate.span(interval, "interval")
        super().__init__(rtol=self.rtol, interval=interval and list(self.interval or ()), start=self.start)
        terms = 1 if interval is None else 3
        self._gram, self._right, self._f = np.zeros((terms, terms)), np.zeros(terms), np.empty(terms)
        self._least = 1.0
        self._ridge, self._all = np.diag(RIDGE * (np.arange(terms) > 0)), np.ones(terms, bool)

    def suggest(self, context: Any = None):
        """Choose an omega for the next solve.

        Parameters
        ----------
        context : float, optional
            What is known of the system, if there is an interval.

        Returns
        -------
        float
            At least 1 and less than 2.
        """
        with self._lock:
            f = self._features(context)
            solves = self._gram[0, 0]
            if solves == 0:
                return self.start
            fit = arithmetic().minimiser(self._gram + solves * self._ridge, -self._right, self._all)
            y = min(max(float(f @ fit), 0.5 * self._least), 1.0)  # a parabola may become negative
            return max(2 - MARGIN * (2 - 2 / (1 + sqrt(y))), 1.0)

    def observe(self, omega, cost, context: Any = None):
        """Learn how many sweeps a solve took.

        Parameters
        ----------
        omega : float
            The omega it had, suggested or not, at least 1 and less than 2; another tells nothing.
        cost : float
            Sweeps. NaN or infinite is a failure, which tells nothing.
        context : float, optional
            As it was given to `suggest`.
        """
        if not (1 <= omega < 2 and 1 <= cost < inf):
            return
        rate = max(self.rtol ** (1 / cost), omega - 1)  # luck alone is faster
        y = max(1 - (rate + omega - 1) ** 2 / (omega**2 * rate), 1e-12)
        highest = ((2 - omega) / omega) ** 2  # its value where the rate is omega - 1
        contextual = self.interval is not None
        if contextual and y > ABOVE * highest:  # without one, it may have been an easy system
            y = min(2 * highest, 1.0)
        kept = KEPT[contextual]
        with self._lock:
            f = self._features(context)
            self._gram = kept * self._gram + np.outer(f, f)
            self._right = kept * self._right + y * f
            self._least = min(self._least, y)

    def _features(self, context):
        y = 0.0
        if self.interval is not None:
            low, high = self.interval
            y = 2 * (placed(context, self.interval, "EstimatedOmega") - low) / (high - low) - 1
        arithmetic().features(y, self._f)
        return self._f
