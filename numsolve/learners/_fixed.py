"""The learner that does not learn."""

from .. import _validate
from ._learner import Learner


class FixedOmega(Learner):
    """Always suggest the same omega: what learners are compared with.

    Parameters
    ----------
    omega : float
        The one.

    Examples
    --------
    >>> from numsolve.learners import FixedOmega
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
