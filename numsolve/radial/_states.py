"""The fast method: eigenvalues by counting and by Rayleigh quotients.

A factorisation of H - shift counts the eigenvalues below the shift (Sylvester's law of inertia), so that the
bracket of a state closes on the eigenvalue of the right index. The same factors serve inverse iteration,
whose Rayleigh quotient is the next shift.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._array import namespace, to_host
from .._random import scattered
from .._result import Breakdown
from ..kernels import kernels_for
from ._brackets import Brackets
from ._elements import element

MAX_SEARCH_STEPS = 200  # of bisection and Rayleigh quotients; about ten are usual
STATE_TOLERANCE = 1e-9  # residual norm at which the error of a Rayleigh quotient, its square, is rounding
SHIFT_MARGIN = 1e-7  # how far below the expected eigenvalue a warm start shifts, for an unambiguous count


@dataclass
class Systems:
    """Arrays of meshes of one degree and one number of elements, one mesh per system, for the kernels."""

    meshes: Any
    r: Any  # (systems, degree + 1, elements), radii of the nodes
    c: Any  # (systems, degree + 1, elements), inverse squares of the radii, 0 at r = 0
    w: Any  # (systems, degree + 1, elements), weights of quadrature
    h: Any  # (systems, elements), lengths of the elements
    K: Any  # (degree + 1, degree + 1), stiffness of the reference element
    D: Any  # (degree + 1, degree + 1), differentiation on the reference element
    J: Any  # (degree + 1, degree + 1), integration on the reference element

    @property
    def xp(self):
        """The library of the arrays."""
        return namespace(self.r)


def systems(meshes, xp: Any = np):
    """Return the `Systems` of meshes that have one degree and one number of elements."""
    reference = element(meshes[0].degree)
    r = np.array([mesh.local_r for mesh in meshes])
    inverse = np.divide(1.0, r, where=r > 0, out=np.zeros_like(r))
    w, h = np.array([mesh.weights for mesh in meshes]), np.array([mesh.lengths for mesh in meshes])
    arrays = (r, inverse**2, w, h, reference.stiffness, reference.D, reference.integration)
    return Systems(meshes, *(xp.asarray(a) for a in arrays))


class States:
    """States of many systems, with their last energies and functions.

    Parameters
    ----------
    grid : Systems
        The meshes.
    system, l, index : numpy.ndarray of ints, shape (states,)
        The system of each state, its angular momentum, and how many states of the same
        system and l lie below it.
    """

    def __init__(self, grid, system, l, index):
        xp = grid.xp
        self.grid, self.index = grid, index
        self.system_on_host, self.momentum_on_host = system, l
        self.system, self.l = xp.asarray(system), xp.asarray(l.astype(float))
        self.energies = np.zeros(len(index))
        self.P: Any = None
        self.spare: Any = None  # an array of the shape of P, for the next functions
        self.found: Any = xp.zeros((len(index), 3))
        self.group = np.unique(np.stack([system, l]), axis=1, return_inverse=True)[1]

    def solve(self, V, *, tolerance=STATE_TOLERANCE):
        """Find every state of the potentials V, shape (systems, degree + 1, elements), without a guess."""
        self.P = self.grid.xp.zeros((len(self.index), *self.shape))
        self.spare = self.grid.xp.zeros_like(self.P)
        self._search(V, np.ones(len(self.index), bool), None, None, tolerance)

    def follow(self, V, dV, live, *, tolerance=STATE_TOLERANCE):
        """Take one step of inverse iteration after V changed by dV; search the states that were lost.

        A state is lost if it has another index than before. The shifts are slightly below the expected
        eigenvalues, so that the count at the shift must be the index.
        """
        shift = self.grid.xp.asarray(self.energies) + self.first_order_changes(dV)
        shift = shift - SHIFT_MARGIN * (1 + abs(shift))
        self.inverse_iteration(live, slice(None), shift, V, self.P, self.spare, self.found)
        self.P, self.spare = self.spare, self.P
        shift, (count, gain, _) = to_host(shift), to_host(self.found).T
        live = to_host(live)[self.system_on_host]
        index = count - (gain < 0)  # of the state at shift + gain, unless another one lies between
        lost = live & ~((index == self.index) & np.isfinite(gain))
        self.energies = np.where(live & ~lost, shift + gain, self.energies)
        if lost.any():
            self._search(V, lost, shift, count, tolerance)

    def orient(self):
        """Make functions positive at the end of the first element, which is before their first zero."""
        signs = self.grid.xp.where(self.P[:, -1, 0] < 0, -1.0, 1.0)
        self.P = self.P * signs[:, None, None]

    def _search(self, V, lost, shift, count, tolerance):
        """Find the states `lost` by bisection and Rayleigh quotients.

        `shift` and `count`, if not None, are the counts of each state that are known already.
        """
        xp = self.grid.xp
        live = xp.ones(len(self.grid.meshes), bool)
        group_has_lost = np.zeros(self.group.max(initial=0) + 1, bool)
        group_has_lost[self.group[lost]] = True
        which = np.flatnonzero(group_has_lost[self.group])  # counts of a group help all of its states
        rows = xp.asarray(np.flatnonzero(lost))
        self.P[rows] = self.initial_functions(rows)
        low, guess = self.bounds(V, which)
        brackets = Brackets(low, guess, self.index[which], self.group[which], lost[which], tolerance)
        if count is not None:
            brackets.narrow(shift[which], count[which])
        for _ in range(MAX_SEARCH_STEPS):
            unfinished = brackets.choose_shifts()
            if not unfinished.size:
                self.energies[lost] = brackets.energies[lost[which]]
                return
            rows = xp.asarray(which[unfinished])
            x, y, found = self.P[rows], xp.empty_like(self.P[rows]), xp.zeros((len(unfinished), 3))
            self.inverse_iteration(live, rows, xp.asarray(brackets.shift[unfinished]), V, x, y, found)
            self.P[rows] = y
            brackets.update(unfinished, *to_host(found).T)
        raise Breakdown(
            "the bisection for an eigenvalue does not end: V varies too much for double precision"
        )

    @property
    def shape(self):
        """Shape of the functions of one state."""
        return self.grid.r.shape[1:]

    def inverse_iteration(self, live, rows, shift, V, x, y, found):
        """Take a step of inverse iteration for the states `rows`, by the kernel `radial_solve`."""
        grid, which = self.grid, (live, self.system[rows], self.l[rows], shift)
        kernels_for(V).radial_solve(*which, V, grid.c, grid.w, grid.h, grid.K, x, y, found)

    def first_order_changes(self, dV):
        """Return the changes of the energies, to first order, if V changes by dV."""
        return (self.P * self.P * (self.grid.w * dV)[self.system]).sum(axis=(1, 2))

    def initial_functions(self, rows):
        """Return functions to start inverse iteration with."""
        return _initial_functions(self.grid, self.system[rows])

    def bounds(self, V, which):
        """Return lower bounds of the eigenvalues, and guesses above them.

        The kinetic energy is at least that of a potential 1 / (8 r^2), by Hardy's inequality. A guess is the
        level of a box of the length of the mesh, above the potential at the largest radius.
        """
        l, system = self.momentum_on_host[which].astype(float), self.system_on_host[which]
        c, r = to_host(self.grid.c), to_host(self.grid.r)[system, -1, -1]
        levels = to_host(V)[system] + 0.5 * ((l + 0.5) ** 2)[:, None, None] * c[system]
        levels[:, 0, 0] = np.inf
        return levels.min(axis=(1, 2)), levels[:, -1, -1] + 0.5 * ((self.index[which] + 2) * np.pi / r) ** 2


def _initial_functions(grid, system):
    """Return normalised functions with irregular values, in practice not orthogonal to any state."""
    q, E = grid.r.shape[1:]
    places = np.arange(E) * (q - 1) + np.arange(q)[:, None]
    x = 0.5 + scattered(places)
    x[0, 0] = x[-1, -1] = 0
    x = grid.xp.asarray(x)
    norms = (grid.w * x * x).sum(axis=(1, 2)) ** 0.5
    return (x / norms[:, None, None])[system]
