"""When the iteration restarts, and with which weight of the steps."""

from math import exp, inf, isfinite, log, log10

SUFFICIENT, NECESSARY, LONG = 0.2, 0.5, 0.36  # factors of the error, share of all steps
# Least steps between two restarts, at most and as a share of all: any anchor soon gains a factor of five.
SHORTEST, SHARE = 256, 1 / 8
PROPORTIONAL, INTEGRAL, FORGETTING = 0.99, 0.01, 0.3  # of the controller
DISTANCES, BALANCES = (1e-16, 1e12), (1e-8, 1e8)


class Restarts:
    """The rule of restarts and the controller of the weight.

    It restarts when the fixed-point error has fallen to a fifth of that at the last restart, when it has
    fallen to a half and rises, or after 0.36 of all steps, so after the first check too. The weight
    then moves, in logarithms, towards the ratio of the distances that the dual and the primal iterates have
    gone.
    """

    def __init__(self):
        self.first = self.last = inf
        self.summed, self.best_balance, self.best_weight = 0.0, inf, 1.0

    def begin(self, error):
        """Take note of the error at a restart."""
        self.first, self.last = error, inf

    def is_due(self, error, done, total):
        """Tell whether to restart."""
        rises, self.last = error > self.last, error
        if done < min(SHORTEST, SHARE * total):
            return False
        return (
            error <= SUFFICIENT * self.first
            or (error <= NECESSARY * self.first and rises)
            or done >= LONG * total
        )

    def weight(self, weight, primal_distance, dual_distance, balance):
        """Return the weight after a restart.

        `balance` is the ratio of the dual to the primal residual.
        """
        if not (
            DISTANCES[0] < primal_distance < DISTANCES[1]
            and DISTANCES[0] < dual_distance < DISTANCES[1]
            and BALANCES[0] < balance < BALANCES[1]
        ):
            self.summed = 0.0
            return self.best_weight
        error = log(dual_distance / primal_distance / weight)
        self.summed = FORGETTING * self.summed + error
        found = weight * exp(PROPORTIONAL * error + INTEGRAL * self.summed)
        if isfinite(found) and found > 0:
            weight = found
        if abs(log10(balance)) < self.best_balance:
            self.best_balance, self.best_weight = abs(log10(balance)), weight
        return weight
