"""Shells of electrons of Schroedinger's equation, for many systems at once."""

from typing import Any, NamedTuple

import numpy as np

from .._array import to_host
from ..kernels import kernels_for
from ._errors import estimate, on_refined, refined
from ._orbital import Orbital
from ._scf import energies
from ._states import States, systems

ROUGH = 0.1  # relative residuals of states that are searched: the next iteration sharpens them


class Density(NamedTuple):
    """What a solver makes of its states: arrays of shape (systems, degree + 1, elements)."""

    u: Any  # electrons per radius: the integral is their number
    n: Any  # electrons per volume
    hartree: Any  # their electrostatic potential


class Shells:
    """The solver of Schroedinger's equation for shells of electrons.

    Self-consistency asks of a solver what is public here; one of another equation serves as well.

    Parameters
    ----------
    home : Systems
        One mesh a system.
    Z : numpy.ndarray, shape (systems,)
        Charges of the nuclei.
    shells : list of dict
        For each system, electrons by (n, l).
    sharp : float
        Relative residuals of the first states, which later ones sharpen.
    """

    def __init__(self, home, Z, shells, *, sharp=ROUGH):
        xp = home.xp
        self.home, self.Z, self.shells, self.sharp = home, Z, shells, sharp
        self.nuclear = -xp.asarray(Z)[:, None, None] * home.c**0.5
        rows = [
            [row for (n, l), electrons in each.items() for row in self._split(n, l, electrons)]
            for each in shells
        ]
        sizes = [len(each) for each in rows]
        self.starts = np.concatenate([[0], np.cumsum(sizes)])  # of shells: those of system b end at b + 1
        table = np.array([row for each in rows for row in each]).reshape(-1, 4)
        self.n, self.l, kappa = table[:, :3].astype(int).T
        self.kappa, self.occupations = (kappa if kappa.any() else None), table[:, 3]
        self.made = Density(*(xp.zeros_like(home.r) for _ in Density._fields))
        self._last: Any = None
        self._starts, self._f = xp.asarray(self.starts), xp.asarray(self.occupations)
        self.states = self._states(np.repeat(np.arange(len(shells)), sizes))

    def _split(self, n, l, electrons):
        """Return the rows (n, l, kappa, electrons) of a shell; here one, and no kappa."""
        return [(n, l, 0, electrons)]

    def _states(self, system):
        """Return the states of the shells, of those systems."""
        return States(self.home, system, self.l, self.n - self.l - 1)

    def _potential(self, V):
        """Return the potentials as the states take them, with those of the nuclei."""
        return V + self.nuclear

    def _functions(self):
        """Return the functions whose squares, times occupations, are the radial density."""
        return self.states.P

    def attraction(self):
        """Return the energies of the electrons in the fields of the nuclei, on the host."""
        return to_host((self.home.w * self.made.u * self.nuclear).sum(axis=(1, 2)))

    @property
    def energies(self):
        """Eigenvalues of all shells, on the host."""
        return self.states.energies

    def solve(self, V, live):
        """Find the states in the potential V of the electrons, beside that of the nuclei."""
        total = self._potential(V)
        if self._last is None:
            self.states.solve(total, sharp=self.sharp)
        else:
            self.states.follow(total, V - self._last, live, sharp=ROUGH)
        self._last = V

    def density(self, live):
        """Return the `Density` of the states; that of systems not `live` stays what it was."""
        home = self.home
        kernels_for(home.r).radial_density(
            live, self._starts, self._f, home.r, home.h, home.D, home.J, self._functions(), *self.made
        )
        return self.made

    def orbitals(self, b):
        """Return the states of system b, as `solve` left them."""
        mine = slice(*self.starts[b : b + 2])
        columns = to_host(self.states.P[mine]), self.energies[mine], self.n[mine], self.l[mine]
        return [
            Orbital(self.home.meshes[b], P[None], float(e), int(n), int(l))
            for P, e, n, l in zip(*columns, strict=True)
        ]

    def assess(self, V, xc):
        """Return the energies of each system on the refined mesh, and estimated errors of the eigenvalues.

        The states take a step on the refined mesh in the same potential. Their density makes another
        potential, whose difference changes the eigenvalues too: by no less than the residual of V.
        """
        home = self.home
        fine = Shells(systems([refined(mesh) for mesh in home.meshes], home.xp), self.Z, self.shells)
        V_fine = on_refined(V, home.meshes[0].degree)
        errors = estimate(self.states, V + self.nuclear, fine.states, V_fine + fine.nuclear)
        _, n, hartree = fine.density(home.xp.ones(len(V), bool))
        states, change = fine.states, fine.home.w * (hartree + xc(n)[1] - V_fine)
        moved = to_host((states.P**2 * change[states.system]).sum(axis=(1, 2)))
        return energies(fine, V_fine, xc), errors.total + np.maximum(abs(moved), self.unsettled(V, xc))

    def unsettled(self, V, xc):
        """Return for each state the root mean square of what the potential still changes."""
        w, f = self.home.w * self.made.u, self.made.hartree + xc(self.made.n)[1] - V
        norms = to_host((w * f * f).sum(axis=(1, 2)) / w.sum(axis=(1, 2))) ** 0.5
        return norms[self.states.of]
