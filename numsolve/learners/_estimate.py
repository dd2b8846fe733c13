"""Young's omega, estimated from the number of sweeps that solves by SOR took."""

from math import inf
from typing import Any, ClassVar

import numpy as np

from .. import _validate
from ._learner import Learner, arithmetic, clipped_context
from ._young import gap_for_omega, omega_for_gap, radius_from_rate

# The suggested distance from 2 is this many times the estimated one: more than the transient of a solve adds.
DISTANCE_MARGIN = 1.03
RIDGE = 1e-4  # weight on the terms that vary with the context, so that the first solves fit a constant
# A gap 1 - beta^2 above this share of the highest that a rate can show: omega is far above the optimum.
SATURATED_GAP = 0.998
FORGETTING_FACTORS = 0.8, 0.95  # by which each solve reduces the weight of earlier ones; with a context: 0.95


class EstimatedOmega(Learner):
    r"""Estimate Young's omega for SOR from the sweeps that each solve took.

    Parameters
    ----------
    rtol : float
        Tolerance of the solves, between 0 and 1: the factor by which k sweeps from a zero start reduced the
        residual.
    interval : (float, float), optional
        Range of the context; a value outside is replaced by the nearest end. Default: there is no context.
    start : float
        The first omega, at least 1 and less than 2; 1 is Gauss-Seidel. A solve below the optimum gives more
        information.

    Raises
    ------
    ValueError
        A number is out of its range, or `interval` is not an interval.
    TypeError
        An argument is not a number, or `interval` not a pair of numbers.

    Notes
    -----
    After k sweeps the rate is about :math:`\lambda = \mathtt{rtol}^{1/k}`. Below the optimum it belongs to a
    spectral radius :math:`\beta = (\lambda + \omega - 1) / (\omega \sqrt\lambda)` of the Jacobi iteration
    [1]_, and the radius belongs to an omega. The learner fits :math:`1 - \beta^2`, which varies smoothly with
    the matrix: by a constant over about the last five solves, or by a parabola in the context over about the
    last twenty. The suggestion is 3 % further from 2 than Young's omega of the fit. At or above the optimum
    the rate is little more than :math:`\omega - 1`, which shows only that the optimum is no higher. The 3 %
    then lower omega step by step; with a context, such a rate counts as that of an omega well below.

    A few solves suffice where a learner on a grid needs hundreds, but only for SOR, and for matrices to which
    `omega_opt` applies. About 10 microseconds a solve; storage: 13 numbers.

    References
    ----------
    .. [1] D. M. Young, *Iterative Solution of Large Linear Systems*, Academic Press, 1971,
       :doi:`10.1016/C2013-0-11733-3`.

    Examples
    --------
    >>> from numsolve.learners import EstimatedOmega
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
        self._gram, self._right = np.zeros((terms, terms)), np.zeros(terms)
        self._features, self._free = np.empty(terms), np.ones(terms, bool)
        self._least = 1.0
        self._ridge = np.diag(RIDGE * (np.arange(terms) > 0))

    def suggest(self, context: Any = None):
        """Choose an omega for the next solve.

        Parameters
        ----------
        context : float, optional
            A number that describes the system. Needed if there is an `interval`, ignored otherwise.

        Returns
        -------
        float
            At least 1 and less than 2.

        Raises
        ------
        ValueError
            `context` is not finite, or an array of more than one number.
        TypeError
            There is an `interval`, and `context` is missing or not a number.
        """
        with self._lock:
            features = self._features_of(context)
            solves = self._gram[0, 0]
            if solves == 0:
                return self.start
            fit = arithmetic().minimiser(self._gram + solves * self._ridge, -self._right, self._free)
            gap = min(max(float(features @ fit), 0.5 * self._least), 1.0)  # a parabola may become negative
            return max(2 - DISTANCE_MARGIN * (2 - omega_for_gap(gap)), 1.0)

    def observe(self, omega, cost, context: Any = None):
        """Learn from the number of sweeps that a solve took.

        Parameters
        ----------
        omega : float
            The omega of the solve, suggested or not. The solve is ignored unless it is at least 1 and less
            than 2.
        cost : float
            Number of sweeps. The solve is ignored if it is less than 1, NaN or infinite (a failure).
        context : float, optional
            The context of the solve, as for `suggest`.

        Raises
        ------
        ValueError
            `context` is not finite, or an array of more than one number.
        TypeError
            There is an `interval`, and `context` is missing or not a number.
        """
        if not (1 <= omega < 2 and 1 <= cost < inf):
            return
        rate = max(self.rtol ** (1 / cost), omega - 1)  # no faster rate is possible at this omega
        gap = max(1 - radius_from_rate(rate, omega) ** 2, 1e-12)
        highest = gap_for_omega(omega)  # reached at the rate omega - 1
        contextual = self.interval is not None
        if contextual and gap > SATURATED_GAP * highest:  # without a context it may have been an easy system
            gap = min(2 * highest, 1.0)
        kept = FORGETTING_FACTORS[contextual]
        with self._lock:
            features = self._features_of(context)
            self._gram = kept * self._gram + np.outer(features, features)
            self._right = kept * self._right + gap * features
            self._least = min(self._least, gap)

    def _features_of(self, context):
        """Return the Chebyshev polynomials of the context, or a constant."""
        y = 0.0
        if self.interval is not None:
            low, high = self.interval
            y = 2 * (clipped_context(context, self.interval, "EstimatedOmega") - low) / (high - low) - 1
        arithmetic().chebyshev_features(y, self._features)
        return self._features
