"""The states of Dirac's equation on one mesh, with their errors."""

from dataclasses import replace

import numpy as np

from .._array import to_host
from . import _dense_dirac
from ._elements import element, interpolation
from ._errors_dirac import estimate
from ._orbital import name
from ._problem import Problem
from ._states_dirac import SpinorStates
from ._states_result_dirac import DiracStates, orbital_momentum

COULOMB_TOLERANCE = 0.1  # relative change of r V near r = 0 below which V is taken as a Coulomb potential


class SpinorProblem(Problem):
    """Potentials on one mesh, the wanted states of Dirac's equation, and their errors.

    Parameters
    ----------
    V : callable or array, shape (..., mesh.size)
        The potentials.
    Z : float
        Charge of a nucleus whose potential is added to V.
    kappas : tuple of int
        Relativistic quantum numbers.
    count : int
        Number of states of each.
    mesh : Mesh
        The elements.
    method : {"fast", "dense"}
        How to find the states.
    c : float
        Speed of light.
    """

    def __init__(self, V, Z, kappas, count, mesh, method, c):
        self.given, self.kappas, self.c = V, kappas, c
        super().__init__(V, Z, [orbital_momentum(kappa) for kappa in kappas], count, mesh, method)

    def _solve(self, grid, V, grid_fine, V_fine, Z, method):
        """Find the states and estimate their errors."""
        charge = Z + _charges_within(self.given, grid, V)
        self._check_charges(charge)
        V, V_fine = (v + _coulomb_potential(charge - Z, h) for v, h in ((V, grid), (V_fine, grid_fine)))
        self.kappa = np.tile(np.repeat(self.kappas, self.count), len(V))
        which = self.system, self.kappa, self.index, charge, self.c
        self.states, fine = SpinorStates(grid, *which), SpinorStates(grid_fine, *which)
        if method == "dense":
            self._dense(self.states, V)
            self._dense(fine, V_fine)
        else:
            self._check_gap(V)
            self.states.solve(V)
            self.states.orient()
        self.errors = estimate(self.states, V, fine, V_fine)

    def _check_charges(self, charge):
        """Raise for nuclei for which Dirac's equation has no solution."""
        least = self.c * min(abs(kappa) for kappa in self.kappas)
        if (charge < 0).any():
            raise ValueError(f"Z, with the charge found in V, is {charge.min():g}; a number >= 0 is needed")
        if (charge >= least).any():
            raise ValueError(
                f"Z, with the charge found in V, is {charge.max():g}; for a point nucleus less than "
                f"c |kappa| = {least:g} is needed"
            )

    def _check_gap(self, V):
        """Raise if states lie below the gap between the continua, where no state is bound."""
        states, xp = self.states, self.states.grid.xp
        every = np.arange(len(states.index))
        shift, found = states.bounds(V, every)[0], xp.zeros_like(states.found)
        live, x = xp.ones(len(V), bool), states.initial_functions(xp.asarray(every))
        states.inverse_iteration(live, slice(None), xp.asarray(shift), V, x, xp.empty_like(x), found)
        below = to_host(found)[:, 0]
        if below.any():
            s = int(np.argmax(below))
            raise ValueError(
                f"V leaves no gap for {int(below[s])} states of kappa = {self.kappa[s]}: its depth or height "
                f"is at least 2 c**2 = {2 * self.c**2:.6g}, where electrons and positrons mix"
            )

    def _dense(self, states, V):
        if states.grid.xp is not np:
            raise TypeError("V is on the GPU (CuPy), method='dense' runs on the host: use method='fast'")
        _dense_dirac.solve(states, V)

    def _make_result(self, shape, status, message, residuals, energies, errors):
        """Return the result with the functions of the states."""
        states, mesh = self.states, self.mesh
        x = mesh.flat(states.functions()).reshape(*shape, 2, mesh.size)
        functions = _with_values_at_nucleus(states.P, states, mesh).reshape(*shape, *states.shape)
        powers = states.rules.power[to_host(states.rule)].reshape(shape)[..., 0]
        found = DiracStates(x, status, message, residuals, energies, errors, self.momenta, mesh)
        return replace(found, kappa=self.kappas, functions=functions, powers=powers)

    def _name(self, s):
        """Return the spectroscopic name of state s."""
        l = int(self.l[s])
        return name(int(self.index[s]) + l + 1, l, int(self.kappa[s]))


def _charges_within(V, grid, values):
    """Return the charges of nuclei whose potential is part of V, shape (systems,); 0 where there is none."""
    mesh = grid.meshes[0]
    if callable(V):
        r = mesh.lengths[0] * 1e-8 * np.array([1.0, 0.1])
        with np.errstate(all="ignore"):
            found = np.asarray(V(r))
        near, nearer = np.moveaxis(np.broadcast_to(r * found, (*found.shape[:-1], 2)), -1, 0)
        return np.where(abs(near - nearer) <= COULOMB_TOLERANCE * abs(nearer), -nearer, 0).reshape(-1)
    product = to_host(values)[..., 0] * mesh.local_r[:, 0]
    nodes = element(mesh.degree).nodes
    found = product[:, 1:] @ interpolation(nodes[1:], nodes[:1])[0]
    return np.where(abs(found - product[:, 1]) <= COULOMB_TOLERANCE * abs(found), -found, 0)


def _coulomb_potential(charge, grid):
    """Return the potential charge / r at the nodes, 0 at r = 0, shape (systems, degree + 1, elements)."""
    return grid.xp.asarray(charge)[:, None, None] * grid.c**0.5


def _with_values_at_nucleus(functions, states, mesh):
    """Return functions with Q at r = 0, which is 0/0 without a nucleus, extrapolated from the other nodes."""
    nodes = element(mesh.degree).nodes
    row = states.grid.xp.asarray(interpolation(nodes[1:], nodes[:1])[0])
    without_nucleus = states.rules.Z[states.rule] == 0
    functions = functions.copy()
    functions[without_nucleus, 1, 0, 0] = functions[without_nucleus, 1, 1:, 0] @ row
    return functions
