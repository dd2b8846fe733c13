"""Estimated errors of the energies of Dirac's equation: `_errors.py` for two components."""

import numpy as np

from .._array import to_host
from ._errors import ROUNDING_SHARE, Errors, on_coarse, on_refined


def estimate(coarse, V, fine, V_fine):
    """Return the errors of the states `coarse` of potentials V - Z / r.

    If the states `fine` on the refined mesh have no functions, they start from those of `coarse` and take
    steps of inverse iteration.
    """
    xp, mesh = fine.grid.xp, coarse.grid.meshes[0]
    if fine.P is None:
        fine.P, fine.energies = on_refined(coarse.P, mesh.degree), coarse.energies
        fine.spare = xp.empty_like(fine.P)
        live, unchanged = xp.ones(len(V), bool), xp.zeros_like(V_fine)
        for _ in range(4):
            before = fine.energies
            fine.follow(V_fine, unchanged, live)
            if (abs(fine.energies - before) < 1e-9 * (1e-3 + abs(before))).all():
                break
    u, w = (fine.functions() ** 2).sum(axis=1), fine.grid.w[fine.system]
    kinetic = abs(coarse.energies - to_host((w * u * _total_potential(fine, V_fine)).sum(axis=(1, 2))))
    change = abs(fine.energies - coarse.energies)
    power = np.minimum(coarse.rules.power, 1)[to_host(coarse.rule)]  # a small power amplifies rounding errors
    rounding, scale = ROUNDING_SHARE * kinetic / power, abs(coarse.energies) + kinetic
    shares = _element_shares(fine, V_fine)
    shares *= np.maximum(1, change / np.maximum(shares.sum(axis=1), 1e-300))[:, None]
    return Errors(change, _wall_error(coarse, V), rounding, scale, shares)


def _total_potential(states, V):
    """Return the potentials of states including those of the nuclei, 0 at r = 0."""
    r = states.grid.r[states.system]
    nuclear = states.rules.Z[states.rule][:, None, None] / states.grid.xp.where(r > 0, r, 1)
    total = V[states.system] - nuclear
    total[:, 0, 0] = 0
    return total


def _element_shares(fine, V):
    """Return bounds of what each element of the coarse mesh adds to the errors, shape (states, elements)."""
    xp, degree = fine.grid.xp, fine.grid.meshes[0].degree
    difference = fine.P - on_refined(on_coarse(fine.P, degree), degree)
    P, Q = (difference * fine.rules.scale[fine.rule][:, None]).swapaxes(0, 1)
    energies = xp.asarray(fine.energies)[:, None, None]
    terms = 2 * fine.c**2 * Q * Q + abs(_total_potential(fine, V) - energies) * P * P
    shares = (fine.grid.w[fine.system] * terms).sum(axis=1)
    return to_host(shares[:, 0::2] + shares[:, 1::2])


def _wall_error(states, V):
    """Return the errors due to the wall at the end of the mesh; see `_errors.wall_error`."""
    grid, c = states.grid, states.c
    rmax = np.array([mesh.rmax for mesh in grid.meshes])[states.system_on_host]
    f = states.P[:, 0, :, -1] * states.rules.scale[states.rule][:, -1:, -1]
    slope = to_host((f @ grid.D[-1]) * 2 / grid.h[states.system, -1])
    level = to_host(_total_potential(states, V)[:, -1, -1])
    kappa = states.momentum_on_host
    mass = c**2 / (2 * c**2 + states.energies - level)
    decay = np.sqrt(np.maximum((level - states.energies) / mass + kappa * (kappa + 1) / rmax**2, 0))
    bound = level + mass * kappa * (kappa + 1) / rmax**2 > states.energies
    walls = np.array([mesh.wall for mesh in grid.meshes])[states.system_on_host]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(walls, 0.0, np.where(bound, mass * slope**2 / (2 * decay), np.inf))
