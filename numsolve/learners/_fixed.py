"""A constant omega behind the interface of a learner."""

from .. import _validate
from ._learner import Learner


class FixedOmega(Learner):
    """Always suggest the same omega, as a baseline for learners.

    Parameters
    ----------
    omega : float
        The value returned by `suggest`.

    Raises
    ------
    ValueError
        `omega` is not finite.
    TypeError
        `omega` is not a number.

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
            Ignored.

        Returns
        -------
        float
            The omega.
        """
        return self.omega

    def observe(self, omega, cost, context=None):
        """Do nothing.

        Parameters
        ----------
        omega, cost, context : object
            Ignored.
        """
