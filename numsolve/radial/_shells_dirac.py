"""Shells of relativistic electrons, for the same self-consistency as `_scf.Shells`."""

from typing import Any

import numpy as np

from .._array import to_host
from ..kernels import kernels_for
from ._errors import on_refined, refined
from ._errors_dirac import estimate
from ._orbital import Orbital
from ._scf import energies
from ._shells import ROUGH, Shells
from ._states import systems
from ._states_dirac import SpinorStates


class SpinorShells(Shells):
    """The solver of Dirac's equation for shells of electrons.

    A shell n, l is two, of j = l - 1/2 and l + 1/2, and its electrons are shared out as 2 l : 2 l + 2.

    Parameters
    ----------
    home : Systems
        One mesh a system.
    Z : numpy.ndarray, shape (systems,)
        Charges of the nuclei.
    shells : list of dict
        For each system, electrons by (n, l).
    c : float
        Speed of light.
    sharp : float
        Relative residuals of the first states, which later ones sharpen.
    """

    states: Any
    kappa: Any

    def __init__(self, home, Z, shells, c, *, sharp=ROUGH):
        self.c = c
        super().__init__(home, Z, shells, sharp=sharp)

    def _split(self, n, l, electrons):
        """Return the rows (n, l, kappa, electrons) of a shell."""
        half = electrons / (2 * l + 1)
        lower = [(n, l, l, l * half)] if l else []
        return [*lower, (n, l, -l - 1, (l + 1) * half)]

    def _states(self, system):
        """Return the states of the shells, of those systems."""
        index = self.n - self.l - 1
        # P and Q are, for the density, two functions that hold the same electrons
        self._starts, self._f = 2 * self._starts, self.home.xp.asarray(np.repeat(self.occupations, 2))
        return SpinorStates(self.home, system, self.kappa, index, self.Z, self.c)

    def _potential(self, V):
        """Return the potentials as the states take them: without those of the nuclei."""
        return V

    def _functions(self):
        """Return the functions whose squares, times occupations, are the radial density."""
        return self.states.functions().reshape(-1, *self.home.r.shape[1:])

    def attraction(self):
        """Return the energies of the electrons in the fields of the nuclei, on the host.

        By the quadrature of the states: near a nucleus the integrand is no polynomial.
        """
        states, rules = self.states, self.states.rules
        at_nodes = rules.w[states.rule] * (states.P**2).sum(axis=1)
        first = (rules.first[states.rule, 0][:, None] @ states.P[..., :1])[..., 0]
        inside = (rules.points[states.rule, 1] * (first**2).sum(axis=1)).sum(axis=-1)
        each = self.occupations * to_host(at_nodes[..., 1:].sum(axis=(1, 2)) + inside)
        return -self.Z * np.add.reduceat(each, self.starts[:-1])

    def orbitals(self, b):
        """Return the states of system b."""
        mine = slice(*self.starts[b : b + 2])
        columns = (self.energies, self.n, self.l, self.kappa, self.states.rule)
        columns = (to_host(column)[mine].tolist() for column in columns)
        return [
            Orbital(self.home.meshes[b], values, e, n, l, kappa, float(self.states.rules.power[rule]))
            for values, e, n, l, kappa, rule in zip(to_host(self.states.P[mine]), *columns, strict=True)
        ]

    def assess(self, V, xc):
        """Return energies on the refined mesh and errors of the eigenvalues, as `Shells.assess`."""
        home = self.home
        home_fine = systems([refined(mesh) for mesh in home.meshes], home.xp)
        fine = SpinorShells(home_fine, self.Z, self.shells, self.c)
        V_fine = on_refined(V, home.meshes[0].degree)
        errors = estimate(self.states, V, fine.states, V_fine)
        _, n, hartree = fine.density(home.xp.ones(len(V), bool))
        moved = to_host(fine.states.expected(hartree + xc(n)[1] - V_fine))
        return energies(fine, V_fine, xc), errors.total + np.maximum(abs(moved), self.unsettled(V, xc))


def with_relativistic_exchange(xc, c):
    """Return a functional with the exchange of relativistic electrons."""

    def evaluate(n):
        e, v = xc(n)
        kernels_for(n).relativistic_exchange(n, c, e, v)
        return e, v

    return evaluate
