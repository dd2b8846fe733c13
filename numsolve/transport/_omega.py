"""Over-relaxation that finds its omega during the solve."""

from math import isfinite, sqrt

from ..relaxation import omega_opt

LENGTH = 10  # iterations of the shortest window
EARLY = 1.8  # the largest omega until the error is LOCAL times the mass: rates mean little before
LOCAL = 0.1
MARGIN = 1.03  # how much further from 2 than estimated: above the optimum iterations lose more than below
BACK = 1.5  # how much further from 2 where the rate tells only that the optimum is not higher


class Adaptive:
    r"""Omega from the rates seen, a window of iterations at a time; at first 1, or that of a solution nearby.

    Sinkhorn's iteration is, near the solution, that of Gauss and Seidel for a matrix of two blocks. A rate
    :math:`\lambda` at an omega below the optimum belongs by Young's relation to :math:`\beta = (\lambda +
    \omega - 1) / (\omega \sqrt\lambda)`, and that to the optimum. A window in which the dual fell is undone,
    and omega led back towards 1: far from the solution over-relaxation need not converge. Where neither dual
    nor error move there are only rounding errors, which tell nothing.
    """

    learns = True

    def __init__(self, mass, start=1.0):
        self.mass = mass
        self.growth = 4  # by how much a window may bring omega nearer to 2
        self._set(start)

    def see(self, errors, duals, rounding):
        """Take the errors and duals of a window so far; return true at its end, false if it is to be undone.

        Over-relaxation raises the dual of a quadratic in each step: where that falls omega is too large.
        """
        if self.omega > 1 and not duals[-1] >= duals[0] - rounding * abs(duals[0]):
            self.growth = 2
            self._set(2 - 2 * (2 - self.omega))
            return False
        if len(errors) < self.length:
            return None
        middle = len(errors) // 2
        moving = duals[-1] - duals[0] > rounding / 4 * (abs(duals[0]) + self.mass)
        if errors[middle] > 0 and isfinite(errors[-1]) and (moving or errors[-1] < 0.5 * errors[middle]):
            self._learn((errors[-1] / errors[middle]) ** (1 / (len(errors) - 1 - middle)), errors[-1])
        return True

    def _learn(self, rate, error):
        omega = self.omega
        if omega > 1 and rate <= omega - 1 + 0.05 * (2 - omega):
            self._set(2 - BACK * (2 - omega))
            return
        beta = min((rate + omega - 1) / (omega * sqrt(rate)), 1 - 1e-10) if rate > 0 else 0.0
        best = 2 - MARGIN * (2 - omega_opt(beta))
        most = EARLY if error > LOCAL * self.mass else 2.0
        self._set(max(omega, min(best, 2 - (2 - omega) / self.growth, most)))

    def _set(self, omega):
        self.omega = max(omega, 1.0)
        self.length = max(LENGTH, int(4 / (2 - self.omega)))


class Constant:
    """One omega for all iterations."""

    learns = False

    def __init__(self, omega):
        self.omega = omega
