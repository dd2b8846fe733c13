"""A preconditioner for a sequence of matrices, which is refreshed when that pays."""

from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Any

from ... import _validate

clock = perf_counter
POLICIES = ("auto", "always", "never")


@dataclass
class _State:
    """A preconditioner, and its measured costs in seconds."""

    M: Any
    price: float  # least measured cost of a refresh
    refreshed: int = 0  # number of refreshes
    systems: int = 0  # systems solved since the last refresh
    least: float = inf  # least iterations of one of these systems
    pace: float = inf  # least measured cost of an iteration
    excess: float = 0.0  # cost of the iterations above the least, since the last refresh
    debt: float = 0.0  # loss of one solve that exceeded the price, less the cost of refreshes since


class Preconditioner:
    """The preconditioner of a sequence: none, an operator for all systems, or one that is refreshed.

    A refresh adapts it to the present matrix. With "auto" it is refreshed once the iterations lost by the old
    one have cost as much as a refresh (ski-rental rule: at most twice the best cost). If a single solve loses
    more than that price, each of the next matrices gets a refresh, until these have cost as much. Then an old
    preconditioner is tried again. The second system always gets a refresh, which gives the price. The first
    set-up does not give it: it may cost more than an update, and it may have loaded compiled code.
    """

    def __init__(self, M, refresh):
        operator = hasattr(M, "shape") and not isinstance(M, type)  # a class makes an operator
        self.M = None if operator else _validate.function(M, "M")
        self.fixed = M if self.M is None else None
        self.given = M is not None
        self.every = refresh if refresh in POLICIES else _validate.count(refresh, "refresh", least=1)
        self.setups = self.updates = 0
        self._states = {}

    def ready(self, A, kind):
        """Return the preconditioner for `A`, and whether it was made or refreshed for this matrix."""
        if self.M is None:
            return self.fixed, True
        state = self._states.get(kind)
        if state is None or self._due(state):
            return self.anew(A, kind), True
        return state.M, False

    def anew(self, A, kind):
        """Return a preconditioner for `A`: the old one updated, if possible, else a new one."""
        if self.M is None:
            return self.fixed
        old = self._states.pop(kind, None)  # after an update that fails, nothing is kept
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
        """Record the cost of a solve; a solve without iterations says nothing about the preconditioner."""
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
        """Return the operator updated to `A`, or None if that is not possible."""
        if not hasattr(M, "update"):
            return None
        try:
            updated = M.update(A)
        except (ValueError, TypeError):  # another pattern, dtype or library
            return None
        self.updates += 1
        return M if updated is None else updated  # a user's operator may change itself

    def _due(self, state):
        if isinstance(self.every, int):
            return state.systems >= self.every
        if self.every == "auto":
            return not state.refreshed or state.debt > 0 or state.excess > state.price
        return self.every == "always"
