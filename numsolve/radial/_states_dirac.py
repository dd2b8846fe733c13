"""The fast path of Dirac's equation: one component is eliminated, and what is left is counted.

The equations of a radial state, with E without the energy of rest, are

    c (P' + kappa P / r) = (2 c**2 + E - V) Q,      c (Q' - kappa Q / r) = (V - E) P.

Where V is below 2 c**2 + E, the first gives Q, and the second says that P makes the form

    a(E; P) = integral of c**2 / (2 c**2 + E - V) (P' + kappa P / r)**2 + (V - E) P**2

stationary with the value 0. The form falls as E grows: it has as many negative directions as there are bound
states below E (Dolbeault, Esteban and Sere), on finite elements no less. So there is nothing spurious,
energies come from above, and the state asked for is found by counting, as Schroedinger's are, at nearly
their cost. Newton's step for E, ``a(E; P)`` over the integral of P**2 + Q**2, is the Rayleigh quotient of
Dirac's operator less E.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .._array import to_host
from ..kernels import kernels_for
from ._elements import element, gauss_jacobi, interpolation
from ._states import States

LIGHT = 137.0359895  # c of the reference tables, which CODATA 1986 recommended; that of 2022 is 137.035999177


@dataclass
class Rules:
    """What states of one system and kappa share, as `dirac_solve` takes it; see there."""

    power: Any  # s of P = r**s f
    lift: Any
    Z: Any
    w: Any
    points: Any
    first: Any
    scale: Any  # r**s at the nodes


def rules(home, system, kappa, Z, c):
    """Return the rules for pairs of a system and a kappa, with nuclei of charges Z (systems,)."""
    xp, q = home.xp, home.r.shape[1]
    parts = [_rule(home.meshes[b], int(k), float(Z[b]), c) for b, k in zip(system, kappa, strict=True)]
    power, lift, w, points, first = (np.array(part) for part in zip(*parts, strict=True))
    r = np.array([home.meshes[b].local_r for b in system]).reshape(len(parts), q, -1)
    scale = r ** power[:, None, None]
    arrays = (power, lift, np.asarray(Z, float)[system], w, points, first, scale)
    return Rules(power, *(xp.asarray(a) for a in arrays[1:]))


def exponent(kappa, Z, c):
    """Return s and ``s + kappa``, where P is r**s times what polynomials approximate.

    At a nucleus P behaves as r**alpha, ``alpha**2 = kappa**2 - (Z / c)**2``; whole powers beyond the first
    are left to the polynomials.
    """
    alpha = np.sqrt(kappa**2 - (Z / c) ** 2)
    whole = max(0, int(alpha) - 1)
    lift = alpha + kappa if kappa > 0 else -((Z / c) ** 2) / (alpha - kappa)
    return alpha - whole, lift - whole


def _rule(mesh, kappa, Z, c):
    """Return power, lift, weights, and points and matrices of the first element."""
    s, lift = exponent(kappa, Z, c)
    with np.errstate(divide="ignore"):
        w = mesh.weights * mesh.local_r ** (2 * s - 1)
    w[:, 0] = 0
    power = 2 * s - 1 if Z > 0 else 0.0
    x, weights, B, slope, potential = _first(mesh.degree, power)
    half = 0.5 * mesh.lengths[0]
    r = half * (1 + x)
    points = np.array([r, weights * half ** (power + 1) * r ** (2 * s - 1 - power)])
    return s, lift, w, points, np.array([B, slope + lift * B, potential])


@lru_cache(maxsize=512)
def _first(degree, power):
    """Return points and weights of Gauss and Jacobi, and what takes values at nodes there.

    To those of the function, of (1 + x) times its derivative, and of a potential, not known at r = 0.
    """
    nodes, _, D, *_ = element(degree)
    x, weights = gauss_jacobi(len(nodes), power)
    B = interpolation(nodes, x)
    potential = np.pad(interpolation(nodes[1:], x), ((0, 0), (1, 0)))
    return x, weights, B, (1 + x)[:, None] * (B @ D), potential


class SpinorStates(States):
    """States of Dirac's equation in potentials V - Z / r; functions are f and g, shape (states, 2, ...).

    Parameters
    ----------
    home : Systems
        The meshes.
    system, kappa, index : numpy.ndarray of ints, shape (states,)
        The system of each state, its kappa, and how many states of the same system and kappa lie below it.
    Z : numpy.ndarray, shape (systems,)
        Charges of the nuclei.
    c : float
        Speed of light.
    """

    def __init__(self, home, system, kappa, index, Z, c):
        super().__init__(home, system, kappa, index)
        self.c = c
        first = np.unique(self.group, return_index=True)[1]
        self.rules = rules(home, system[first], kappa[first], Z, c)
        self.rule = home.xp.asarray(self.group)

    @property
    def shape(self):
        """Shape of the functions of one state."""
        return (2, *self.home.r.shape[1:])

    def functions(self):
        """Return P and Q at the nodes, shape (states, 2, degree + 1, elements)."""
        return self.P * self.rules.scale[self.rule][:, None]

    def invert(self, live, rows, shift, V, x, y, found):
        """Take a step of inverse iteration for the states `rows`."""
        rules, home = self.rules, self.home
        which = live, self.system[rows], self.rule[rows], rules.lift, rules.Z, shift, self.c
        where = home.r, home.h, rules.w, home.D, rules.points, rules.first
        kernels_for(V).dirac_solve(*which, V, *where, x, y, found)

    def expected(self, dV):
        """Return by how much energies change with the potential, to first order."""
        u = (self.functions() ** 2).sum(axis=1)
        return (u * (self.home.w * dV)[self.system]).sum(axis=(1, 2))

    def orient(self):
        """Make P positive where it begins."""
        signs = self.home.xp.where(self.P[:, 0, 1, 0] < 0, -1.0, 1.0)
        self.P = self.P * signs[:, None, None, None]

    def rough(self, rows):
        """Return functions to start with."""
        P, scale = super().rough(rows), self.rules.scale[self.rule[rows]]
        f = P / self.home.xp.where(scale > 0, scale, 1)
        return self.home.xp.stack([f, 0 * f], axis=1)

    def bounds(self, V, which):
        """Return bounds below the energies, and guesses above them.

        No state lies below V, nor outside of the gap above the continuum of negative energy.
        """
        rule, of = to_host(self.rule)[which], self.of[which]
        r, Z = to_host(self.home.r)[of], to_host(self.rules.Z)[rule]
        levels = to_host(V)[of] - Z[:, None, None] / np.where(r > 0, r, 1)
        levels[:, 0, 0] = levels[:, 1, 0]
        gap, depth = 2 * self.c**2 - levels.max(axis=(1, 2)), -levels.min(axis=(1, 2))
        depth = np.where(Z > 0, gap, np.minimum(gap, depth + 1e-9 * abs(depth)))
        k, rmax = self.momentum[which].astype(float), r[:, -1, -1]
        box = 0.5 * (k * (k + 1) + ((self.index[which] + 2) * np.pi) ** 2) / rmax**2
        return (1e-9 - 1) * depth, levels[:, -1, -1] + box
