"""Rules of over-relaxation: omega is given or found during the solve, and corrected where it is too large.

A rule has `omega`, that of the next iterations, and `chosen`, the value it has settled on; they differ while
the rule takes iterations with omega 1. `watches` tells whether the rule needs errors and duals.
"""

from math import exp, inf

import numpy as np

from ..learners._young import omega_opt, radius_from_rate

WINDOW = 10  # iterations of the shortest window
PROBE_STEPS = 3  # iterations with omega 1 before the omega of an earlier solution is used
EARLY_LIMIT = 1.8  # largest omega while the error is above EARLY_ERROR: rates are unreliable then
EARLY_ERROR = 0.1  # relative to the mass
SAFETY = 1.03  # factor on the distance of omega from 2: too large an omega costs more than too small a one
DISTANCE_FACTOR = 2  # largest change of that distance in one window
REST_AFTER = 8  # windows of at least so many times WINDOW iterations are followed by WINDOW with omega 1


class Rule:
    """Base of the rules: a window of iterations in which the dual fell is undone.

    Over-relaxation raises a quadratic dual in each step, but not always far from the solution. The windows
    after a failure are careful ones, and their number doubles with each failure.
    """

    def __init__(self, omega):
        self.omega = self.chosen = omega
        self.careful_windows, self.next_careful, self.first_look = 0, 1, WINDOW

    def failed(self, duals, noise):
        """Tell whether the dual fell in a window by more than its rounding errors, `noise`."""
        if self.omega <= 1 or duals[-1] >= duals[0] - noise:
            return False
        self.careful_windows, self.next_careful = self.next_careful, 2 * self.next_careful
        return True


class Adaptive(Rule):
    r"""Omega from the observed rates of convergence, chosen anew after each window of iterations.

    Near the solution Sinkhorn's iteration is Gauss-Seidel for a matrix of two blocks. A rate :math:`\lambda`
    at an omega below the optimum gives :math:`\beta = (\lambda + \omega - 1) / (\omega \sqrt\lambda)` by
    Young's relation, and :math:`\beta` gives the optimum. Above the optimum the rate is :math:`\omega - 1`.
    Windows are long enough for the transients of a change of omega to decay. After a failure omega is reduced
    towards 1 and is not raised for some windows. Nothing is learned from windows in which neither the dual
    nor the error changes by more than rounding.

    Over-relaxed potentials overshoot. Their errors measure how fast they move, not how far they are from the
    solution: they can be :math:`4/(2-\omega)` times those of Sinkhorn's iteration at the same distance, and
    no omega reduces them where convergence is slower than linear. A long window is therefore followed by ten
    iterations with omega 1. They are undone unless they end the solve, because they lose the speed.

    For the same reason the omega of an earlier solution would delay a solve that starts close to its end. It
    is used after three iterations, unless these predict that ten more would meet the tolerance.

    Parameters
    ----------
    mass : float
        The mass.
    start : float
        The omega of an earlier solution; 1 for none.
    tol : float
        Tolerance of the error.
    """

    watches = True

    def __init__(self, mass, start=1.0, tol=0.0):
        super().__init__(max(start, 1.0))
        self.mass, self.tol, self.probing = mass, tol, start > 1
        if self.probing:
            self.omega, self.first_look = 1.0, PROBE_STEPS

    def judge_window(self, errors, duals, noise):
        """Judge a window by its errors and duals so far.

        Returns
        -------
        bool or None
            True if the window ends here, false if it is to be undone, None if it goes on.
        """
        if self.probing:
            self.probing = len(errors) <= PROBE_STEPS and self._ends_soon(errors)
            self.omega = 1.0 if self.probing else self.chosen
            return None if self.probing else True
        if self.omega != self.chosen:
            self.omega = self.chosen
            return False
        if self.failed(duals, noise):
            self._set(2 - DISTANCE_FACTOR * (2 - self.omega))
            return False
        length = max(WINDOW, int(4 / (2 - self.omega)))
        if len(errors) < length:
            return None
        late = errors[len(errors) // 2 :]
        moving = duals[-1] - duals[0] > noise / 4
        if 0 < min(late) <= max(late) < inf and (moving or late[-1] < 0.5 * late[0]):
            times = np.arange(len(late)) - (len(late) - 1) / 2
            slope = times @ np.log(late) / (times @ times)  # by least squares
            self._learn(exp(slope), errors[-1])
        if length >= REST_AFTER * WINDOW:
            self.omega = 1.0
        return True

    def _ends_soon(self, errors):
        """Tell whether ten more iterations at the rate of these errors would meet the tolerance."""
        last, steps = errors[-1], len(errors) - 1
        return 0 < last < errors[0] and last * (last / errors[0]) ** (WINDOW / steps) <= self.tol

    def _learn(self, rate, error):
        omega, distance = self.omega, 2 - self.omega
        if omega > 1 and rate <= omega - 1 + 0.05 * distance:
            self._set(2 - DISTANCE_FACTOR * distance)
        elif self.careful_windows:
            self.careful_windows -= 1
        else:
            beta = min(radius_from_rate(rate, omega), 1 - 1e-10)
            best = 2 - SAFETY * (2 - omega_opt(beta))
            most = EARLY_LIMIT if error > EARLY_ERROR * self.mass else 2.0
            self._set(max(omega, min(best, 2 - distance / DISTANCE_FACTOR, most)))

    def _set(self, omega):
        self.omega = self.chosen = max(omega, 1.0)


class Constant(Rule):
    """A fixed omega; after a failure it is 1 for some windows."""

    def __init__(self, omega):
        super().__init__(omega)
        self.watches = omega > 1

    def judge_window(self, _errors, duals, noise):
        """Return false if the window is to be undone, otherwise true."""
        if self.failed(duals, noise):
            self.omega = 1.0
            return False
        if self.omega != self.chosen:
            self.careful_windows -= 1
            if self.careful_windows == 0:
                self.omega = self.chosen
        return True
