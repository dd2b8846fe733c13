"""The fast method for Dirac's equation: one component is eliminated, and the states of the other are counted.

The equations of a radial state, with E without the rest energy, are

    c (P' + kappa P / r) = (2 c**2 + E - V) Q,      c (Q' - kappa Q / r) = (V - E) P.

Where V is below 2 c**2 + E, the first gives Q, and the second says that P makes the form

    a(E; P) = integral of c**2 / (2 c**2 + E - V) (P' + kappa P / r)**2 + (V - E) P**2

stationary with the value 0. The form falls as E grows: it has as many negative directions as there are bound
states below E (Dolbeault, Esteban and Sere), and on finite elements at most as many. So no state is spurious,
energies converge from above, and states are found by counting as those of Schroedinger's equation, at similar
cost. Newton's step for E, ``a(E; P)`` over the integral of P**2 + Q**2, is the Rayleigh quotient of Dirac's
operator less E.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .._array import to_host
from ..kernels import kernels_for
from ._elements import element, gauss_jacobi, interpolation
from ._states import States

SPEED_OF_LIGHT = 137.0359895  # of the reference tables (CODATA 1986); CODATA 2022 has 137.035999177


@dataclass
class Rules:
    """What states of one system and kappa share: arguments of the kernel `dirac_solve`, explained there."""

    power: Any  # s of P = r**s f
    lift: Any
    Z: Any
    w: Any
    points: Any
    first: Any
    scale: Any  # r**s at the nodes


def rules(grid, system, kappa, Z, c):
    """Return the rules for pairs of a system and a kappa; Z are the charges of the nuclei, (systems,)."""
    xp, q = grid.xp, grid.r.shape[1]
    parts = [_rule(grid.meshes[b], int(k), float(Z[b]), c) for b, k in zip(system, kappa, strict=True)]
    power, lift, w, points, first = (np.array(part) for part in zip(*parts, strict=True))
    r = np.array([grid.meshes[b].local_r for b in system]).reshape(len(parts), q, -1)
    scale = r ** power[:, None, None]
    arrays = (power, lift, np.asarray(Z, float)[system], w, points, first, scale)
    return Rules(power, *(xp.asarray(a) for a in arrays[1:]))


def exponent(kappa, Z, c):
    """Return s and ``s + kappa``, where P is r**s times what polynomials approximate.

    At a nucleus P behaves as r**alpha, ``alpha**2 = kappa**2 - (Z / c)**2``. The factor has the fractional
    part of alpha and at most one whole power; the other powers belong to the polynomials.
    """
    alpha = np.sqrt(kappa**2 - (Z / c) ** 2)
    whole = max(0, int(alpha) - 1)
    lift = alpha + kappa if kappa > 0 else -((Z / c) ** 2) / (alpha - kappa)
    return alpha - whole, lift - whole


def _rule(mesh, kappa, Z, c):
    """Return power, lift, weights, and points and matrices of the first element of a mesh."""
    s, lift = exponent(kappa, Z, c)
    with np.errstate(divide="ignore"):
        w = mesh.weights * mesh.local_r ** (2 * s - 1)
    w[:, 0] = 0
    power = 2 * s - 1 if Z > 0 else 0.0
    x, weights, B, slope, potential = _first_element(mesh.degree, power)
    half = 0.5 * mesh.lengths[0]
    r = half * (1 + x)
    points = np.array([r, weights * half ** (power + 1) * r ** (2 * s - 1 - power)])
    return s, lift, w, points, np.array([B, slope + lift * B, potential])


@lru_cache(maxsize=512)
def _first_element(degree, power):
    """Return Gauss-Jacobi points and weights, and three matrices from values at nodes to values there.

    They give the function, (1 + x) times its derivative, and a potential whose value at r = 0 is not used.
    """
    nodes, _, D, *_ = element(degree)
    x, weights = gauss_jacobi(len(nodes), power)
    B = interpolation(nodes, x)
    potential = np.pad(interpolation(nodes[1:], x), ((0, 0), (1, 0)))
    return x, weights, B, (1 + x)[:, None] * (B @ D), potential


class SpinorStates(States):
    """States of Dirac's equation in potentials V - Z / r.

    The functions `P` are here f and g of P = r**s f and Q = r**s g, shape (states, 2, degree + 1, elements).

    Parameters
    ----------
    grid : Systems
        The meshes.
    system, kappa, index : numpy.ndarray of ints, shape (states,)
        The system of each state, its kappa, and how many states of the same system and kappa lie below it.
    Z : numpy.ndarray, shape (systems,)
        Charges of the nuclei.
    c : float
        Speed of light.
    """

    def __init__(self, grid, system, kappa, index, Z, c):
        super().__init__(grid, system, kappa, index)
        self.c = c
        first = np.unique(self.group, return_index=True)[1]
        self.rules = rules(grid, system[first], kappa[first], Z, c)
        self.rule = grid.xp.asarray(self.group)

    @property
    def shape(self):
        """Shape of the functions of one state."""
        return (2, *self.grid.r.shape[1:])

    def functions(self):
        """Return P and Q at the nodes, shape (states, 2, degree + 1, elements)."""
        return self.P * self.rules.scale[self.rule][:, None]

    def inverse_iteration(self, live, rows, shift, V, x, y, found):
        """Take a step of inverse iteration for the states `rows`, by the kernel `dirac_solve`."""
        rules, grid = self.rules, self.grid
        which = live, self.system[rows], self.rule[rows], rules.lift, rules.Z, shift, self.c
        where = grid.r, grid.h, rules.w, grid.D, rules.points, rules.first
        kernels_for(V).dirac_solve(*which, V, *where, x, y, found)

    def first_order_changes(self, dV):
        """Return the changes of the energies, to first order, if V changes by dV."""
        u = (self.functions() ** 2).sum(axis=1)
        return (u * (self.grid.w * dV)[self.system]).sum(axis=(1, 2))

    def orient(self):
        """Make P positive near r = 0."""
        signs = self.grid.xp.where(self.P[:, 0, 1, 0] < 0, -1.0, 1.0)
        self.P = self.P * signs[:, None, None, None]

    def initial_functions(self, rows):
        """Return functions to start inverse iteration with."""
        P, scale = super().initial_functions(rows), self.rules.scale[self.rule[rows]]
        f = P / self.grid.xp.where(scale > 0, scale, 1)
        return self.grid.xp.stack([f, 0 * f], axis=1)

    def bounds(self, V, which):
        """Return lower bounds of the energies, and guesses above them.

        No state lies below the minimum of V, nor below the gap above the continuum of negative energy.
        """
        rule, system = to_host(self.rule)[which], self.system_on_host[which]
        r, Z = to_host(self.grid.r)[system], to_host(self.rules.Z)[rule]
        levels = to_host(V)[system] - Z[:, None, None] / np.where(r > 0, r, 1)
        levels[:, 0, 0] = levels[:, 1, 0]
        gap, depth = 2 * self.c**2 - levels.max(axis=(1, 2)), -levels.min(axis=(1, 2))
        depth = np.where(Z > 0, gap, np.minimum(gap, depth + 1e-9 * abs(depth)))
        k, rmax = self.momentum_on_host[which].astype(float), r[:, -1, -1]
        box = 0.5 * (k * (k + 1) + ((self.index[which] + 2) * np.pi) ** 2) / rmax**2
        return (1e-9 - 1) * depth, levels[:, -1, -1] + box
