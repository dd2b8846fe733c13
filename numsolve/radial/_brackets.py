"""Brackets that close on eigenvalues of given indices, by counts of the eigenvalues below shifts."""

import numpy as np


class Brackets:
    """Intervals that hold the eigenvalues of given indices, and the shifts to try next.

    Parameters
    ----------
    low, guess : numpy.ndarray, shape (states,)
        Lower bounds of the eigenvalues, and guesses above them.
    index, group : numpy.ndarray of ints, shape (states,)
        The index of each eigenvalue within its group; counts are those of the group.
    wanted : numpy.ndarray of bool, shape (states,)
        Which eigenvalues are wanted; the others share their counts.
    tolerance : float
        Relative residual norm at which a Rayleigh quotient is accepted.
    """

    def __init__(self, low, guess, index, group, wanted, tolerance):
        self.low, self.high, self.guess, self.index = low, np.full(len(low), np.inf), guess, index
        self.low_count, self.high_count = np.zeros(len(low)), np.full(len(low), np.inf)
        self.peers, self.is_peer = _peers(group)
        self.unfinished, self.tolerance, self.least_gap = wanted.copy(), tolerance, 1e-16 * abs(low)
        self.energies, self.shift, self.quotient = low.copy(), low.copy(), np.full(len(low), np.nan)

    def choose_shifts(self):
        """Choose the next shifts, trusted Rayleigh quotients or midpoints; return the unfinished states."""
        self.shift = np.where(np.isnan(self.quotient), self._midpoints(), self.quotient)
        return np.flatnonzero(self.unfinished)

    def update(self, states, counts, gains, squares):
        """Use what the factorisations of `states` found at their shifts.

        The number of eigenvalues below, the Rayleigh quotients less the shifts, and the squared residuals.
        """
        count, quotient, residual = np.full((3, len(self.low)), -1.0)
        count[states], quotient[states] = counts, self.shift[states] + gains
        residual[states] = abs(squares) ** 0.5
        self.narrow(self.shift, count)
        slack = 1e-12 * abs(quotient)
        isolated = (self.low_count == self.index) & (self.high_count == self.index + 1)
        trusted = isolated & (self.low - slack <= quotient) & (quotient <= self.high + slack)
        gap = 1e-15 * (abs(self.low) + abs(self.high)) + self.least_gap
        closed = np.isfinite(self.high) & (self.high - self.low <= gap)
        accurate = residual <= self.tolerance * (1e-3 + abs(quotient))
        finished = self.unfinished & (closed | trusted & accurate)
        self.energies = np.where(finished, np.where(trusted, quotient, self.low), self.energies)
        self.unfinished &= ~finished
        self.quotient = np.where(trusted, quotient, np.nan)

    def narrow(self, shift, count):
        """Narrow each bracket by the counts of all states of its group; a count below 0 is unknown."""
        shift, count = shift[self.peers], count[self.peers]
        is_below = count <= self.index[:, None]
        low = np.where(is_below & (count >= 0), shift, -np.inf)
        high = np.where(is_below, np.inf, shift)
        rows = np.arange(len(low))
        largest, smallest = low.argmax(axis=1), high.argmin(axis=1)
        raised, lowered = low[rows, largest] > self.low, high[rows, smallest] < self.high
        self.low = np.where(raised, low[rows, largest], self.low)
        self.low_count = np.where(raised, count[rows, largest], self.low_count)
        self.high = np.where(lowered, high[rows, smallest], self.high)
        self.high_count = np.where(lowered, count[rows, smallest], self.high_count)

    def _midpoints(self):
        """Return shifts that divide the brackets, evenly among the states that share one.

        Even in arsinh, which is linear near zero and logarithmic far from it.
        """
        unbounded = np.isinf(self.high)
        self.guess = np.where(unbounded, np.maximum(self.guess, self.low + 1 + abs(self.low)), self.guess)
        a, b = np.arcsinh(self.low), np.arcsinh(np.where(unbounded, self.guess, self.high))
        low, high, index = self.low[self.peers], self.high[self.peers], self.index[self.peers]
        share = self.is_peer & (low == self.low[:, None]) & (high == self.high[:, None])
        rank, size = (share & (index < self.index[:, None])).sum(axis=1), share.sum(axis=1)
        parts = np.where(unbounded, size, size + 1)  # without an upper bound, the last state looks for one
        return np.sinh(a + (rank + 1) / parts * (b - a))


def _peers(group):
    """Return the states of each state's group, padded with the state itself, and which are not padding."""
    _, group = np.unique(group, return_inverse=True)
    order, sizes = np.argsort(group, kind="stable"), np.bincount(group)
    places = np.arange(sizes.max(initial=1))
    is_peer = places < sizes[group][:, None]
    first = (np.cumsum(sizes) - sizes)[group][:, None]
    states = order[np.minimum(first + places, len(order) - 1)]
    return np.where(is_peer, states, np.arange(len(group))[:, None]), is_peer
