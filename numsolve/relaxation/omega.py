"""Learners of omega, or of whatever number a solver depends on: none knows what it tunes.

A learner has ``suggest(context=None)``, which returns an omega, and ``observe(omega, cost, context=None)``;
that is all a solver needs. ``state()`` and ``from_state`` hand it on to another run.
"""

import numpy as np

from .. import _validate
from ._chebcb import ChebCB
from ._estimate import EstimatedOmega
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
    found = 1 + (values / (1 + np.sqrt(1 - values**2))) ** 2
    return found if found.ndim else float(found)


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
