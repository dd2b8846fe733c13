"""The fast path: eigenvalues by counting and by Rayleigh quotients, one factorisation a state and step.

A factorisation of H - shift counts the eigenvalues below the shift (Sylvester), so that brackets close on the
state that was asked for and no other; the same factors serve inverse iteration, whose Rayleigh quotient is
the next shift.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._array import namespace, to_host
from .._random import scattered
from .._result import Breakdown
from ..kernels import kernels_for
from ._elements import element

ROUNDS = 200  # of bisection and Rayleigh quotients; some ten are usual
SHARP = 1e-9  # residual norm at which the error of a Rayleigh quotient, its square, is rounding
ASIDE = 1e-7  # how far below the expected eigenvalue a warm start shifts, for an unambiguous count


@dataclass
class Systems:
    """Meshes of one degree and number of elements, as the kernels take them: one system each."""

    meshes: Any
    r: Any
    c: Any  # inverse squares of the radii, 0 at 0
    w: Any
    h: Any
    K: Any
    D: Any
    J: Any

    @property
    def xp(self):
        """The library of the arrays."""
        return namespace(self.r)


def systems(meshes, xp: Any = np):
    """Return the arrays of meshes that have one degree and one number of elements."""
    reference = element(meshes[0].degree)
    r = np.array([mesh.local_r for mesh in meshes])
    inverse = np.divide(1.0, r, where=r > 0, out=np.zeros_like(r))
    w, h = np.array([mesh.weights for mesh in meshes]), np.array([mesh.lengths for mesh in meshes])
    arrays = (r, inverse**2, w, h, reference.stiffness, reference.D, reference.integration)
    return Systems(meshes, *(xp.asarray(a) for a in arrays))


class States:
    """States of many systems: which they are, and their last energies and functions.

    Parameters
    ----------
    home : Systems
        The meshes.
    system, l, index : numpy.ndarray of ints, shape (states,)
        The system of each state, its angular momentum, and how many states of the same
        system and l lie below it.
    """

    def __init__(self, home, system, l, index):
        xp = home.xp
        self.home, self.index = home, index
        self.of, self.momentum = system, l
        self.system, self.l = xp.asarray(system), xp.asarray(l.astype(float))
        self.energies = np.zeros(len(index))
        self.P: Any = None
        self.spare: Any = None
        self.found: Any = xp.zeros((len(index), 3))
        self.group = np.unique(np.stack([system, l]), axis=1, return_inverse=True)[1]

    def solve(self, V, *, sharp=SHARP):
        """Find every state of the potentials V, shape (systems, degree + 1, elements), from nothing."""
        self.P = self.home.xp.zeros((len(self.index), *self.shape))
        self.spare = self.home.xp.zeros_like(self.P)
        everything = np.ones(len(self.index), bool)
        self._search(V, everything, None, None, sharp)

    def follow(self, V, dV, live, *, sharp=SHARP):
        """Take one step of inverse iteration after V changed by dV; search anew what was lost.

        Shifts are the expected eigenvalues, and a little less: each count must be the state's index.
        """
        shift = self.home.xp.asarray(self.energies) + self.expected(dV)
        shift = shift - ASIDE * (1 + abs(shift))
        self.invert(live, slice(None), shift, V, self.P, self.spare, self.found)
        self.P, self.spare = self.spare, self.P
        shift, (count, gain, _), live = to_host(shift), to_host(self.found).T, to_host(live)[self.of]
        index = count - (gain < 0)  # of the state near shift + gain, if none is between
        lost = live & ~((index == self.index) & np.isfinite(gain))
        self.energies = np.where(live & ~lost, shift + gain, self.energies)
        if lost.any():
            self._search(V, lost, shift, count, sharp)

    def orient(self):
        """Make functions positive at the end of the first element: where they begin, if the mesh is fine."""
        signs = self.home.xp.where(self.P[:, -1, 0] < 0, -1.0, 1.0)
        self.P = self.P * signs[:, None, None]

    def _search(self, V, lost, shift, count, sharp):
        """Find the states `lost` by bisection and Rayleigh quotients; counts at shifts may be known."""
        home, xp = self.home, self.home.xp
        alive = xp.ones(len(home.meshes), bool)
        hit = np.zeros(self.group.max(initial=0) + 1, bool)
        hit[self.group[lost]] = True
        which = np.flatnonzero(hit[self.group])  # all that can tell something of what was lost
        again = xp.asarray(np.flatnonzero(lost))
        self.P[again] = self.rough(again)
        low, guess = self.bounds(V, which)
        brackets = _Brackets(low, guess, self.index[which], self.group[which], lost[which], sharp)
        if count is not None:
            brackets.learn(shift[which], count[which])
        for _ in range(ROUNDS):
            on = brackets.aim()
            if not on.size:
                self.energies[lost] = brackets.energies[lost[which]]
                return
            rows = xp.asarray(which[on])
            x, y, found = self.P[rows], xp.empty_like(self.P[rows]), xp.zeros((len(on), 3))
            self.invert(alive, rows, xp.asarray(brackets.shift[on]), V, x, y, found)
            self.P[rows] = y
            brackets.update(on, to_host(found).T)
        raise Breakdown(
            "the bisection for an eigenvalue does not end: the potential is too rough for doubles"
        )

    @property
    def shape(self):
        """Shape of the functions of one state."""
        return self.home.r.shape[1:]

    def invert(self, live, rows, shift, V, x, y, found):
        """Take a step of inverse iteration for the states `rows`: `radial_solve`."""
        home, which = self.home, (live, self.system[rows], self.l[rows], shift)
        kernels_for(V).radial_solve(*which, V, home.c, home.w, home.h, home.K, x, y, found)

    def expected(self, dV):
        """Return by how much energies change with the potential, to first order."""
        return (self.P * self.P * (self.home.w * dV)[self.system]).sum(axis=(1, 2))

    def rough(self, rows):
        """Return functions to start with."""
        return _rough_start(self.home, self.system[rows])

    def bounds(self, V, which):
        """Return bounds below the eigenvalues, and guesses above them.

        The kinetic energy is at least that of a potential 1 / (8 r^2), by Hardy's inequality. A guess is the
        level of a box on the bottom of the outermost radius.
        """
        l, system = self.momentum[which].astype(float), self.of[which]
        c, r = to_host(self.home.c), to_host(self.home.r)[system, -1, -1]
        levels = to_host(V)[system] + 0.5 * ((l + 0.5) ** 2)[:, None, None] * c[system]
        levels[:, 0, 0] = np.inf
        return levels.min(axis=(1, 2)), levels[:, -1, -1] + 0.5 * ((self.index[which] + 2) * np.pi / r) ** 2


class _Brackets:
    """Intervals that hold the eigenvalues of given indices, and what shift to try next."""

    def __init__(self, low, guess, index, group, lost, sharp):
        self.low, self.high, self.guess, self.index = low, np.full(len(low), np.inf), guess, index
        self.below, self.above = np.zeros(len(low)), np.full(len(low), np.inf)  # the counts at both ends
        self.peers, self.real = _peers(group)
        self.left, self.sharp, self.tiny = lost.copy(), sharp, 1e-16 * abs(low)
        self.energies, self.shift, self.quotient = low.copy(), low.copy(), np.full(len(low), np.nan)

    def aim(self):
        """Set the next shifts, Rayleigh quotients that are good or midpoints; return what is left to do."""
        self.shift = np.where(np.isnan(self.quotient), self._midpoints(), self.quotient)
        return np.flatnonzero(self.left)

    def update(self, on, found):
        """Take what the factorisations of the states `on` at their shifts found."""
        count, quotient, residual = np.full((3, len(self.low)), -1.0)
        count[on], quotient[on], residual[on] = found[0], self.shift[on] + found[1], abs(found[2]) ** 0.5
        self.learn(self.shift, count)
        slack = 1e-12 * abs(quotient)
        alone = (self.below == self.index) & (self.above == self.index + 1)
        good = alone & (self.low - slack <= quotient) & (quotient <= self.high + slack)
        gap = 1e-15 * (abs(self.low) + abs(self.high)) + self.tiny
        closed = np.isfinite(self.high) & (self.high - self.low <= gap)
        ends = self.left & (closed | good & (residual <= self.sharp * (1e-3 + abs(quotient))))
        self.energies = np.where(ends, np.where(good, quotient, self.low), self.energies)
        self.left &= ~ends
        self.quotient = np.where(good, quotient, np.nan)

    def learn(self, shift, count):
        """Let every state learn from the counts of all of its group; a count below 0 is not known."""
        shift, count = shift[self.peers], count[self.peers]
        under = count <= self.index[:, None]
        low = np.where(under & (count >= 0), shift, -np.inf)
        high = np.where(under, np.inf, shift)
        rows = np.arange(len(low))
        best, least = low.argmax(axis=1), high.argmin(axis=1)
        better, less = low[rows, best] > self.low, high[rows, least] < self.high
        self.low = np.where(better, low[rows, best], self.low)
        self.below = np.where(better, count[rows, best], self.below)
        self.high = np.where(less, high[rows, least], self.high)
        self.above = np.where(less, count[rows, least], self.above)

    def _midpoints(self):
        """Return shifts that divide the brackets, evenly among those that share one.

        Even in arsinh, which is linear near zero and logarithmic far from it.
        """
        unbounded = np.isinf(self.high)
        self.guess = np.where(unbounded, np.maximum(self.guess, self.low + 1 + abs(self.low)), self.guess)
        a, b = np.arcsinh(self.low), np.arcsinh(np.where(unbounded, self.guess, self.high))
        low, high, index = self.low[self.peers], self.high[self.peers], self.index[self.peers]
        share = self.real & (low == self.low[:, None]) & (high == self.high[:, None])
        rank, size = (share & (index < self.index[:, None])).sum(axis=1), share.sum(axis=1)
        parts = np.where(unbounded, size, size + 1)  # without an upper bound, the last one looks for it
        return np.sinh(a + (rank + 1) / parts * (b - a))


def _peers(group):
    """Return for each state those of its group, padded with itself, and which are no padding."""
    _, group = np.unique(group, return_inverse=True)
    order, sizes = np.argsort(group, kind="stable"), np.bincount(group)
    places = np.arange(sizes.max(initial=1))
    real = places < sizes[group][:, None]
    first = (np.cumsum(sizes) - sizes)[group][:, None]
    return np.where(
        real, order[np.minimum(first + places, len(order) - 1)], np.arange(len(group))[:, None]
    ), real


def _rough_start(home, system):
    """Return normalised functions that no state is orthogonal to, but by ill luck."""
    q, E = home.r.shape[1:]
    places = np.arange(E) * (q - 1) + np.arange(q)[:, None]
    x = 0.5 + scattered(places)
    x[0, 0] = x[-1, -1] = 0
    x = home.xp.asarray(x)
    norms = (home.w * x * x).sum(axis=(1, 2)) ** 0.5
    return (x / norms[:, None, None])[system]
