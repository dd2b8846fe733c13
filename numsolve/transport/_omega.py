"""Over-relaxation: the omega of a solve, found on the way or given, and what is done where it is too large.

A rule has the `omega` of the next iterations, the `chosen` one, which is the same but for stretches of
Sinkhorn's own iteration, and says by `learns` whether it wants to see errors and duals.
"""

from math import exp, inf

import numpy as np

from ..learners._young import omega_opt, radius_from_rate

LENGTH = 10  # iterations of the shortest window
PROBE = 3  # iterations of Sinkhorn's own before the omega of a solution nearby is taken up
EARLY = 1.8  # the largest omega until the error is LOCAL times the mass: rates mean little before
LOCAL = 0.1
MARGIN = 1.03  # how much further from 2 than estimated: above the optimum iterations lose more than below
STEP = 2  # by how much a window may bring omega nearer to 2, or take it back
REST = 8  # windows so many times the shortest are followed by a rest


class Rule:
    """What both have in common: over-relaxation raises the dual of a quadratic in each step.

    Far from the solution it need not. A window in which the dual fell is undone, and the next few are taken
    with care, twice as many after each failure.
    """

    def __init__(self, omega):
        self.omega = self.chosen = omega
        self.careful, self.caution, self.first_look = 0, 1, LENGTH

    def failed(self, duals, noise):
        """Tell whether the dual fell in a window, by more than rounding errors."""
        if self.omega <= 1 or duals[-1] >= duals[0] - noise:
            return False
        self.careful, self.caution = self.caution, 2 * self.caution
        return True


class Adaptive(Rule):
    r"""Omega from the rates seen, a window of iterations at a time; at first 1, or that of a solution nearby.

    Sinkhorn's iteration is, near the solution, that of Gauss and Seidel for a matrix of two blocks. A rate
    :math:`\lambda` at an omega below the optimum belongs by Young's relation to :math:`\beta = (\lambda +
    \omega - 1) / (\omega \sqrt\lambda)`, and that to the optimum. Above it the rate is :math:`\omega - 1`.
    A window lasts until what its beginning stirred up is gone. After a failure omega is led back towards 1,
    and for a while not raised. Where neither dual nor error move there are only rounding errors.

    Over-relaxed potentials swing past those wanted, and the errors tell how fast they move, not how far there
    is to go: they can be :math:`4/(2-\omega)` times those of Sinkhorn's iteration at the same distance, and
    where convergence is slower than linear no omega lessens them. So a long window is followed by a rest, ten
    iterations with omega 1. Unless they end the solve they are undone, for the speed is worth more.

    For the same reason a solve that begins near its end would be held up by the omega of the one before: that
    is taken up after three iterations, if these do not promise to meet the tolerance `tol` in the next ten.
    """

    learns = True

    def __init__(self, mass, start=1.0, tol=0.0):
        super().__init__(max(start, 1.0))
        self.mass, self.tol, self.probing = mass, tol, start > 1
        if self.probing:
            self.omega, self.first_look = 1.0, PROBE

    def see(self, errors, duals, noise):
        """Take errors and duals of a window so far; return true at its end, false if it is to be undone."""
        if self.probing:
            self.probing = len(errors) <= PROBE and self._near(errors)
            self.omega = 1.0 if self.probing else self.chosen
            return None if self.probing else True
        if self.omega != self.chosen:
            self.omega = self.chosen
            return False
        if self.failed(duals, noise):
            self._set(2 - STEP * (2 - self.omega))
            return False
        length = max(LENGTH, int(4 / (2 - self.omega)))
        if len(errors) < length:
            return None
        late = errors[len(errors) // 2 :]
        moving = duals[-1] - duals[0] > noise / 4
        if 0 < min(late) <= max(late) < inf and (moving or late[-1] < 0.5 * late[0]):
            times = np.arange(len(late)) - (len(late) - 1) / 2
            slope = times @ np.log(late) / (times @ times)  # by least squares
            self._learn(exp(slope), errors[-1])
        if length >= REST * LENGTH:
            self.omega = 1.0
        return True

    def _near(self, errors):
        """Tell whether ten more iterations at the rate of these errors would do."""
        last, steps = errors[-1], len(errors) - 1
        return 0 < last < errors[0] and last * (last / errors[0]) ** (LENGTH / steps) <= self.tol

    def _learn(self, rate, error):
        omega, distance = self.omega, 2 - self.omega
        if omega > 1 and rate <= omega - 1 + 0.05 * distance:
            self._set(2 - STEP * distance)
        elif self.careful:
            self.careful -= 1
        else:
            beta = min(radius_from_rate(rate, omega), 1 - 1e-10)
            best = 2 - MARGIN * (2 - omega_opt(beta))
            most = EARLY if error > LOCAL * self.mass else 2.0
            self._set(max(omega, min(best, 2 - distance / STEP, most)))

    def _set(self, omega):
        self.omega = self.chosen = max(omega, 1.0)


class Constant(Rule):
    """One omega for all iterations, but after a failure 1 for a while."""

    def __init__(self, omega):
        super().__init__(omega)
        self.learns = omega > 1

    def see(self, _errors, duals, noise):
        """Return false if the window is to be undone, else true."""
        if self.failed(duals, noise):
            self.omega = 1.0
            return False
        if self.omega != self.chosen:
            self.careful -= 1
            if self.careful == 0:
                self.omega = self.chosen
        return True
