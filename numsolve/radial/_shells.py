"""Shells of electrons of Schroedinger's equation, for many systems at once."""

from typing import Any, NamedTuple

import numpy as np

from .._array import to_host
from ..kernels import kernels_for
from ._errors import estimate, on_refined, refined
from ._orbital import Orbital
from ._scf import energies
from ._states import States, systems

FIRST_TOLERANCE = 0.1  # relative residuals of states that are searched: the next iteration improves them


class Density(NamedTuple):
    """The electrons of the states: arrays of shape (systems, degree + 1, elements)."""

    u: Any  # electrons per radius: the integral is their number
    n: Any  # electrons per volume
    hartree: Any  # their electrostatic potential


class Shells:
    """The solver of Schroedinger's equation for shells of electrons.

    The self-consistency loop uses the public methods alone.

    Parameters
    ----------
    grid : Systems
        One mesh per system.
    Z : numpy.ndarray, shape (systems,)
        Charges of the nuclei.
    shells : list of dict
        For each system, electrons by (n, l).
    tolerance : float
        Relative residuals of the first states; the next iterations improve them.
    """

    def __init__(self, grid, Z, shells, *, tolerance=FIRST_TOLERANCE):
        xp = grid.xp
        self.grid, self.Z, self.shells, self.tolerance = grid, Z, shells, tolerance
        self.nuclear = -xp.asarray(Z)[:, None, None] * grid.c**0.5
        rows = [
            [row for (n, l), electrons in each.items() for row in self._rows_of_shell(n, l, electrons)]
            for each in shells
        ]
        sizes = [len(each) for each in rows]
        self.offsets = np.concatenate([[0], np.cumsum(sizes)])  # system b has shells offsets[b : b + 2]
        table = np.array([row for each in rows for row in each]).reshape(-1, 4)
        self.n, self.l, kappa = table[:, :3].astype(int).T
        self.kappa, self.occupations = (kappa if kappa.any() else None), table[:, 3]
        self.last_density = Density(*(xp.zeros_like(grid.r) for _ in Density._fields))
        self._last_potential: Any = None
        self._device_offsets = xp.asarray(self.offsets)
        self._device_occupations = xp.asarray(self.occupations)
        self.states = self._make_states(np.repeat(np.arange(len(shells)), sizes))

    def _rows_of_shell(self, n, l, electrons):
        """Return the rows (n, l, kappa, electrons) of a shell: here one, with kappa = 0."""
        return [(n, l, 0, electrons)]

    def _make_states(self, system):
        """Return the states of the shells; `system` is the system of each."""
        return States(self.grid, system, self.l, self.n - self.l - 1)

    def _potential(self, V):
        """Return the potentials that the states need: with those of the nuclei."""
        return V + self.nuclear

    def _functions(self):
        """Return the functions whose squares, times occupations, add up to the radial density."""
        return self.states.P

    def nuclear_energies(self):
        """Return the energies of the electrons in the fields of the nuclei, on the host."""
        return to_host((self.grid.w * self.last_density.u * self.nuclear).sum(axis=(1, 2)))

    @property
    def energies(self):
        """Eigenvalues of all shells, on the host."""
        return self.states.energies

    def solve(self, V, live):
        """Find the states in the potential V of the electrons plus that of the nuclei."""
        total = self._potential(V)
        if self._last_potential is None:
            self.states.solve(total, tolerance=self.tolerance)
        else:
            self.states.follow(total, V - self._last_potential, live, tolerance=FIRST_TOLERANCE)
        self._last_potential = V

    def update_density(self, live):
        """Compute and return the `Density` of the states; systems that are not `live` keep theirs."""
        grid = self.grid
        kernels_for(grid.r).radial_density(
            live,
            self._device_offsets,
            self._device_occupations,
            grid.r,
            grid.h,
            grid.D,
            grid.J,
            self._functions(),
            *self.last_density,
        )
        return self.last_density

    def orbitals(self, b):
        """Return the states of system b in the last potential."""
        mine = slice(*self.offsets[b : b + 2])
        columns = to_host(self.states.P[mine]), self.energies[mine], self.n[mine], self.l[mine]
        return [
            Orbital(self.grid.meshes[b], P[None], float(e), int(n), int(l))
            for P, e, n, l in zip(*columns, strict=True)
        ]

    def estimate_errors(self, V, xc):
        """Return the energies of each system on the refined mesh, and estimated errors of the eigenvalues.

        The states take a step of inverse iteration on the refined mesh in the same potential. The potential
        of their density differs from V, which changes the eigenvalues too; that part of the error is at least
        the residual of V.
        """
        grid = self.grid
        fine = Shells(systems([refined(mesh) for mesh in grid.meshes], grid.xp), self.Z, self.shells)
        V_fine = on_refined(V, grid.meshes[0].degree)
        errors = estimate(self.states, V + self.nuclear, fine.states, V_fine + fine.nuclear)
        return self._with_density_error(fine, V, V_fine, errors, xc)

    def _with_density_error(self, fine, V, V_fine, errors, xc):
        """Return energies on the refined mesh, and errors that include those of the potential."""
        _, n, hartree = fine.update_density(self.grid.xp.ones(len(V), bool))
        changes = to_host(fine.states.first_order_changes(hartree + xc(n)[1] - V_fine))
        changes = np.maximum(abs(changes), self._potential_residuals(V, xc))
        return energies(fine, V_fine, xc), errors.total + changes

    def _potential_residuals(self, V, xc):
        """Return for each state the residual norm of the potential of its system."""
        u, n, hartree = self.last_density
        w, f = self.grid.w * u, hartree + xc(n)[1] - V
        norms = to_host((w * f * f).sum(axis=(1, 2)) / w.sum(axis=(1, 2))) ** 0.5
        return norms[self.states.system_on_host]
