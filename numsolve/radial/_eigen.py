"""The fast path: eigenvalues by counting and by Rayleigh quotients, one factorisation a state and step.

A factorisation of H - shift counts the eigenvalues below the shift (Sylvester), so that brackets close on the
state that was asked for and no other; the same factors serve inverse iteration, whose Rayleigh quotient is
the next shift.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._array import namespace, to_host
from .._result import Breakdown
from ..kernels import kernels_for
from ._elements import element

ROUNDS = 200  # of bisection and Rayleigh quotients; some ten are usual
SHARP = 1e-7  # residual norm at which the error of a Rayleigh quotient, its square, is rounding
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
        self.peers = peers(system, l)

    def solve(self, V):
        """Find every state of the potentials V, shape (systems, degree + 1, elements), from nothing."""
        xp = self.home.xp
        self.P = _rough_start(self.home, self.system)
        self.spare = xp.zeros_like(self.P)
        self._search(V, np.arange(len(self.index)))
        return self.energies

    def follow(self, V, dV, live):
        """Take one step of inverse iteration after V changed by dV; search anew what was lost.

        Shifts are the expected eigenvalues, and a little less: each count must be the state's index.
        """
        xp, home = self.home.xp, self.home
        change = (self.P * self.P * (home.w * dV)[self.system]).sum(axis=(1, 2))
        shift = xp.asarray(self.energies) + change
        shift = shift - ASIDE * (1 + abs(shift))
        kernels = kernels_for(V)
        kernels.radial_solve(
            live,
            self.system,
            self.l,
            shift,
            V,
            home.c,
            home.w,
            home.h,
            home.K,
            self.P,
            self.spare,
            self.found,
        )
        self.P, self.spare = self.spare, self.P
        shift, (count, gain, _), live = to_host(shift), to_host(self.found).T, to_host(live)[self.of]
        index = count - (gain < 0)  # of the state near shift + gain, if none is between
        lost = live & ~((index == self.index) & np.isfinite(gain))
        self.energies = np.where(live & ~lost, shift + gain, self.energies)
        if lost.any():
            self._search(V, np.flatnonzero(lost))
        return self.energies

    def _search(self, V, which):
        """Find the states `which` by bisection and Rayleigh quotients."""
        home, xp = self.home, self.home.xp
        alive, kernels = xp.ones(len(home.meshes), bool), kernels_for(V)
        brackets = _Brackets(
            self._floor(V, which), self._ceiling(V, which), self.index[which], *self._peers(which)
        )
        for _ in range(ROUNDS):
            on = np.flatnonzero(~brackets.done)
            if not on.size:
                self.energies[which] = brackets.energies
                return
            rows = xp.asarray(which[on])
            x, y, found = self.P[rows], xp.empty_like(self.P[rows]), xp.zeros((len(on), 3))
            shift = xp.asarray(brackets.shift[on])
            kernels.radial_solve(
                alive, self.system[rows], self.l[rows], shift, V, home.c, home.w, home.h, home.K, x, y, found
            )
            brackets.update(on, to_host(found).T)
            self.P[rows] = y
        raise Breakdown(
            "the bisection for an eigenvalue does not end: the potential is too rough for doubles"
        )

    def _peers(self, which):
        if len(which) == len(self.index):
            return self.peers
        return peers(self.of[which], self.momentum[which])

    def _levels(self, V, which):
        """Return the effective potentials of the states `which` inside the mesh, on the host."""
        l = self.momentum[which].astype(float)
        V, c = to_host(V)[self.of[which]], to_host(self.home.c)[self.of[which]]
        return V + 0.5 * (l * (l + 1))[:, None, None] * c

    def _floor(self, V, which):
        """Return bounds below all eigenvalues: the kinetic energy is not negative."""
        levels = self._levels(V, which)
        levels[:, 0, 0] = np.inf
        return levels.min(axis=(1, 2))

    def _ceiling(self, V, which):
        """Return guesses above the eigenvalues that are wanted: a box, on the bottom of the outer half."""
        r = to_host(self.home.r)[self.of[which]]
        far = self._levels(V, which)[:, -1, -1]
        return far + 0.5 * ((self.index[which] + 2) * np.pi / r[:, -1, -1]) ** 2


class _Brackets:
    """Intervals that hold the eigenvalues of given indices, and what shift to try next."""

    def __init__(self, low, guess, index, peers, real):
        self.low, self.high, self.index = low, np.full(len(low), np.inf), index
        self.peers, self.real, self.guess, self.energies = peers, real, guess, np.zeros(len(low))
        self.below = np.zeros(len(low))  # the count at `low`
        self.above = np.full(len(low), np.inf)  # the count at `high`
        self.done = np.zeros(len(low), bool)
        self.count = np.full(len(low), -1.0)
        self.shift = low.copy()
        self.shift = self._midpoints()

    def update(self, on, found):
        """Take what the factorisations of the states `on` at their shifts found."""
        count, gain, square = found
        self.count[on] = count
        self._learn()
        quotient = self.shift.copy()
        quotient[on] += gain
        slack = 1e-12 * abs(quotient)
        inside = (self.low - slack <= quotient) & (quotient <= self.high + slack)
        good = (self.below == self.index) & (self.above == self.index + 1) & inside
        sharp = np.zeros(len(good), bool)
        sharp[on] = np.sqrt(abs(square)) <= SHARP * (1e-3 + abs(quotient[on]))
        closed = self.high - self.low <= 1e-15 * (abs(self.low) + abs(self.high))
        now = ~self.done & (good & sharp | closed)
        self.energies = np.where(now, np.where(closed & ~good, self.low, quotient), self.energies)
        self.done |= now
        self.shift = np.where(good, quotient, self._midpoints())

    def _learn(self):
        """Let every state learn from the counts of all states of its system and angular momentum."""
        shift, count = self.shift[self.peers], self.count[self.peers]
        known, wanted = count >= 0, self.index[:, None]
        low = np.where(known & (count <= wanted), shift, -np.inf)
        high = np.where(known & (count > wanted), shift, np.inf)
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


def peers(system, l):
    """Return for each state those of its system and l, padded with itself, and which are no padding."""
    _, group = np.unique(np.stack([system, l]), axis=1, return_inverse=True)
    order, sizes = np.argsort(group, kind="stable"), np.bincount(group)
    places = np.arange(sizes.max(initial=1))
    real = places < sizes[group][:, None]
    first = (np.cumsum(sizes) - sizes)[group][:, None]
    return np.where(real, order[np.minimum(first + places, len(order) - 1)], np.arange(len(l))[:, None]), real


def _rough_start(home, system):
    """Return normalised functions that no state is orthogonal to, but by ill luck."""
    q, E = home.r.shape[1:]
    places = np.arange(E) * (q - 1) + np.arange(q)[:, None]
    x = 0.5 + places * 0.6180339887498949 % 1
    x[0, 0] = x[-1, -1] = 0
    x = home.xp.asarray(x)
    norms = (home.w * x * x).sum(axis=(1, 2)) ** 0.5
    return (x / norms[:, None, None])[system]
