"""Learners of omega, or of whatever number a solver depends on: none knows what it tunes.

A learner has ``suggest(context=None)``, which returns an omega, and ``observe(omega, cost, context=None)``;
that is all a solver needs. ``state()`` and ``from_state`` hand it on to another run.
"""

from math import sqrt
from typing import Any, ClassVar

import numpy as np

from .. import _validate
from ._chebcb import ChebCB
from ._learner import Learner
from ._tsallis import TsallisINF, TsallisINFCB

__all__ = ["ChebCB", "EstimatedOmega", "FixedOmega", "TsallisINF", "TsallisINFCB", "omega_opt"]


def omega_opt(beta):
    r"""Return the omega at which SOR converges fastest, by Young's formula.

    Parameters
    ----------
    beta : float or array of floats
        Spectral radius of the Jacobi iteration, :math:`\rho(I - D^{-1} A)`, at least 0 and less than 1.

    Returns
    -------
    float or array
        :math:`1 + (\beta / (1 + \sqrt{1 - \beta^2}))^2`.

    Raises
    ------
    ValueError
        An entry of `beta` is not in [0, 1).

    Notes
    -----
    For matrices that are consistently ordered, such as those of five- and seven-point stencils,
    with a Jacobi iteration whose eigenvalues are real [1]_.

    References
    ----------
    .. [1] D. M. Young, *Iterative Solution of Large Linear Systems*, Academic Press, 1971,
       :doi:`10.1016/C2013-0-11733-3`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.relaxation import omega_opt
    >>> round(omega_opt(np.cos(np.pi / 11)), 4)
    1.5604
    """
    values = _validate.real_array(beta, "beta")
    if bad := int((~((values >= 0) & (values < 1))).sum()):
        raise ValueError(f"beta has {bad} entries outside [0, 1): the Jacobi iteration must converge")
    found = _young(values, np.sqrt)
    return found if found.ndim else float(found)


def _young(beta, root) -> Any:
    """Return the best omega; `root` is the square root that suits a number or an array."""
    return 1 + (beta / (1 + root(1 - beta * beta))) ** 2


class FixedOmega(Learner):
    """Always suggest the same omega: what learners are compared with.

    Parameters
    ----------
    omega : float
        The one.

    Examples
    --------
    >>> from numsolve.relaxation import FixedOmega
    >>> FixedOmega(1.5).suggest()
    1.5
    """

    def __init__(self, omega):
        self.omega = _validate.number(omega, "omega")
        super().__init__(omega=self.omega)

    def suggest(self, context=None):  # noqa: ARG002 - the protocol
        """Return the omega.

        Parameters
        ----------
        context : object, optional
            Of no consequence.

        Returns
        -------
        float
            The omega.
        """
        return self.omega

    def observe(self, omega, cost, context=None):
        """Learn nothing.

        Parameters
        ----------
        omega, cost, context : object
            Of no consequence.
        """


class EstimatedOmega(Learner):
    r"""Find Young's omega for SOR from the sweeps that each solve took.

    Parameters
    ----------
    rtol : float
        The tolerance the solves have, between 0 and 1: what k sweeps reduced the residual by, from a zero
        start.
    start : float
        The first omega, at least 1 and less than 2; 1 is Gauss-Seidel.

    Raises
    ------
    ValueError
        A number is out of its range.

    Notes
    -----
    After k sweeps the rate is about :math:`\lambda = \mathtt{rtol}^{1/k}`. Below the optimum it
    belongs to a spectral radius :math:`\beta = (\lambda + \omega - 1) / (\omega \sqrt\lambda)` of the Jacobi
    iteration [1]_, and that to an omega. What is suggested stays 3 % further from 2 than the mean of those.
    At or above the optimum the rate is little more than :math:`\omega - 1` and tells only that the optimum is
    not higher: the 3 % lead back below. A few solves suffice where a learner on a grid needs hundreds, but
    only for SOR, and matrices for which `omega_opt` is right. The mean is over the last five solves or so: it
    follows a drift.

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
    1.54
    """

    _learned: ClassVar[tuple[str, ...]] = ("mean", "count")

    def __init__(self, rtol, start=1.0):
        self.rtol, self.start = _validate.positive(rtol, "rtol"), _validate.number(start, "start")
        if self.rtol >= 1:
            raise ValueError(f"rtol is {rtol!r}; a number between 0 and 1 is needed")
        if not 1 <= self.start < 2:
            raise ValueError(f"start is {start!r}; a number >= 1 and < 2 is needed")
        super().__init__(rtol=self.rtol, start=self.start)
        self._mean, self._count = 0.0, 0

    def suggest(self, context: Any = None):  # noqa: ARG002 - the protocol
        """Choose an omega for the next solve.

        Parameters
        ----------
        context : object, optional
            Of no consequence.

        Returns
        -------
        float
            At least 1 and less than 2.
        """
        with self._lock:
            return max(2 - MARGIN * (2 - self._mean), 1.0) if self._count else self.start

    def observe(self, omega, cost, context: Any = None):  # noqa: ARG002 - the protocol
        """Learn how many sweeps a solve took.

        Parameters
        ----------
        omega : float
            The omega it had, suggested or not, at least 1 and less than 2; one below tells nothing.
        cost : float
            Sweeps. NaN or infinite is a failure, which tells nothing.
        context : object, optional
            Of no consequence.
        """
        if not (1 <= omega < 2 and 1 <= cost < np.inf):
            return
        rate = self.rtol ** (1 / cost)
        beta = min((rate + omega - 1) / (omega * sqrt(rate)), 1 - 1e-12)
        with self._lock:
            self._count = min(self._count + 1, MEMORY)
            self._mean += (_young(beta, sqrt) - self._mean) / self._count


MARGIN, MEMORY = 1.03, 5
