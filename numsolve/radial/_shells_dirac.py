"""Shells of electrons of Dirac's equation, with the public methods of `_shells.Shells`."""

from typing import Any

import numpy as np

from .._array import to_host
from ..kernels import kernels_for
from ._errors import on_refined, refined
from ._errors_dirac import estimate
from ._orbital import Orbital
from ._shells import FIRST_TOLERANCE, Shells
from ._states import systems
from ._states_dirac import SpinorStates


class SpinorShells(Shells):
    """The solver of Dirac's equation for shells of electrons.

    A shell (n, l) is split in two, j = l - 1/2 and j = l + 1/2, which share its electrons as 2 l : 2 l + 2.

    Parameters
    ----------
    grid : Systems
        One mesh per system.
    Z : numpy.ndarray, shape (systems,)
        Charges of the nuclei.
    shells : list of dict
        For each system, electrons by (n, l).
    c : float
        Speed of light.
    tolerance : float
        Relative residuals of the first states; the next iterations improve them.
    """

    states: Any
    kappa: Any

    def __init__(self, grid, Z, shells, c, *, tolerance=FIRST_TOLERANCE):
        self.c = c
        super().__init__(grid, Z, shells, tolerance=tolerance)

    def _rows_of_shell(self, n, l, electrons):
        """Return the rows (n, l, kappa, electrons) of a shell."""
        half = electrons / (2 * l + 1)
        lower = [(n, l, l, l * half)] if l else []
        return [*lower, (n, l, -l - 1, (l + 1) * half)]

    def _make_states(self, system):
        """Return the states of the shells; `system` is the system of each."""
        # The density sums over P and Q as over two functions with the occupation of the shell.
        self._device_offsets = 2 * self._device_offsets
        self._device_occupations = self.grid.xp.asarray(np.repeat(self.occupations, 2))
        return SpinorStates(self.grid, system, self.kappa, self.n - self.l - 1, self.Z, self.c)

    def _potential(self, V):
        """Return the potentials that the states need: without those of the nuclei."""
        return V

    def _functions(self):
        """Return the functions whose squares, times occupations, add up to the radial density."""
        return self.states.functions().reshape(-1, *self.grid.r.shape[1:])

    def nuclear_energies(self):
        """Return the energies of the electrons in the fields of the nuclei, on the host.

        The quadrature is that of the states, since the integrand is not a polynomial near a nucleus.
        """
        states, rules = self.states, self.states.rules
        at_nodes = rules.w[states.rule] * (states.P**2).sum(axis=1)
        first = (rules.first[states.rule, 0][:, None] @ states.P[..., :1])[..., 0]
        inside = (rules.points[states.rule, 1] * (first**2).sum(axis=1)).sum(axis=-1)
        each = self.occupations * to_host(at_nodes[..., 1:].sum(axis=(1, 2)) + inside)
        return -self.Z * np.add.reduceat(each, self.offsets[:-1])

    def orbitals(self, b):
        """Return the states of system b in the last potential."""
        mine = slice(*self.offsets[b : b + 2])
        columns = (self.energies, self.n, self.l, self.kappa, self.states.rule)
        columns = (to_host(column)[mine].tolist() for column in columns)
        return [
            Orbital(self.grid.meshes[b], values, e, n, l, kappa, float(self.states.rules.power[rule]))
            for values, e, n, l, kappa, rule in zip(to_host(self.states.P[mine]), *columns, strict=True)
        ]

    def estimate_errors(self, V, xc):
        """Return energies on the refined mesh and errors of the eigenvalues, as `Shells.estimate_errors`."""
        grid = self.grid
        grid_fine = systems([refined(mesh) for mesh in grid.meshes], grid.xp)
        fine = SpinorShells(grid_fine, self.Z, self.shells, self.c)
        V_fine = on_refined(V, grid.meshes[0].degree)
        return self._with_density_error(fine, V, V_fine, estimate(self.states, V, fine.states, V_fine), xc)


def with_relativistic_exchange(xc, c):
    """Return a functional corrected for relativistic exchange."""

    def evaluate(n):
        e, v = xc(n)
        kernels_for(n).relativistic_exchange(n, c, e, v)
        return e, v

    return evaluate
