"""A preconditioner for a sequence of matrices: made once, and anew when it has become stale."""

from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Any

from ... import _validate

clock = perf_counter
POLICIES = ("auto", "always", "never")


@dataclass
class _State:
    """A preconditioner, and what is known of its cost, in seconds."""

    M: Any
    price: float  # of making it fit another matrix, the least that was measured
    refreshed: int = 0  # how often it was made to fit another matrix
    systems: int = 0  # solved since
    least: float = inf  # iterations of one of these
    pace: float = inf  # of an iteration, the least that was measured
    excess: float = 0.0  # what iterations above the least have cost, since the last refresh
    debt: float = 0.0  # what one solve has lost beyond the price, less what refreshes have cost since


class Preconditioner:
    """What `M` of a sequence is: nothing, an operator for all systems, or one that follows the matrices.

    With "auto" it is made to fit the matrix at hand once the iterations that the old one lost have cost as
    much as that does (ski-rental rule: at most twice the best cost). If a single solve loses more than the
    price, each of the next matrices gets a refresh, until these have cost as much; then an old one is tried
    again. The second system always gets a refresh, for it tells the price. The first set-up does not: it may
    cost more than an update, and it may have loaded compiled code.
    """

    def __init__(self, M, refresh):
        operator = hasattr(M, "shape") and not isinstance(M, type)  # a class makes one
        self.M = None if operator else _validate.function(M, "M")
        self.fixed = M if self.M is None else None
        self.given = M is not None
        self.every = refresh if refresh in POLICIES else _validate.count(refresh, "refresh", least=1)
        self.setups = self.updates = 0
        self._states = {}

    def ready(self, A, kind):
        """Return what to precondition `A` with, and whether it was made for just this matrix."""
        if self.M is None:
            return self.fixed, True
        state = self._states.get(kind)
        if state is None or self._due(state):
            return self.anew(A, kind), True
        return state.M, False

    def anew(self, A, kind):
        """Return a preconditioner that fits `A`: updated if it can be, else made."""
        if self.M is None:
            return self.fixed
        old = self._states.pop(kind, None)  # an update that fails leaves nothing behind
        begin = clock()
        M = None if old is None else self._updated(old.M, A)
        if M is None:
            self.setups += 1
            M = self.M(A)
        price = clock() - begin
        state = self._states[kind] = _State(M, price)
        if old is not None:
            state.pace, state.refreshed, state.debt = old.pace, old.refreshed + 1, old.debt - price
            if old.refreshed:  # the first price was that of a set-up
                state.price = min(price, old.price)
        return M

    def observe(self, kind, seconds, iterations, failed=False):
        """Take down what a solve has cost; without iterations it tells nothing of the preconditioner."""
        state = self._states.get(kind)
        if state is None:
            return
        state.systems += 1
        if not iterations:
            return
        if failed:
            state.debt = seconds if state.systems > 1 else 0.0
            return
        state.least = min(state.least, iterations)
        state.pace = min(state.pace, seconds / iterations)
        loss = (iterations - state.least) * state.pace
        state.excess += loss
        if loss > state.price:
            state.debt = loss

    def _updated(self, M, A):
        """Return the operator updated to `A`, or None where that cannot be."""
        if not hasattr(M, "update"):
            return None
        try:
            M.update(A)
        except (ValueError, TypeError):  # another pattern, dtype or library
            return None
        self.updates += 1
        return M

    def _due(self, state):
        if isinstance(self.every, int):
            return state.systems >= self.every
        if self.every == "auto":
            return not state.refreshed or state.debt > 0 or state.excess > state.price
        return self.every == "always"
