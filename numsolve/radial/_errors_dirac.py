"""How far off the energies of Dirac's states are: the counterpart of `_errors.py` for two components."""

import numpy as np

from .._array import to_host
from ._errors import Errors, on_coarse, on_refined

ROUNDING = 64 * np.finfo(float).eps  # of a kinetic energy, which the terms of the other sign cancel


def estimate(coarse, V, fine, V_fine):
    """Return the errors of the states `coarse` of potentials V - Z / r.

    States `fine`, on the refined mesh, get the functions of `coarse` and take steps of inverse iteration.
    """
    xp, mesh = fine.home.xp, coarse.home.meshes[0]
    if fine.P is None:
        fine.P, fine.energies = on_refined(coarse.P, mesh.degree), coarse.energies
        fine.spare = xp.empty_like(fine.P)
        live, still = xp.ones(len(V), bool), xp.zeros_like(V_fine)
        for _ in range(4):
            before = fine.energies
            fine.follow(V_fine, still, live)
            if (abs(fine.energies - before) < 1e-9 * (1e-3 + abs(before))).all():
                break
    u, w = (fine.functions() ** 2).sum(axis=1), fine.home.w[fine.system]
    kinetic = abs(coarse.energies - to_host((w * u * _total(fine, V_fine)).sum(axis=(1, 2))))
    inner = abs(fine.energies - coarse.energies)
    power = np.minimum(coarse.rules.power, 1)[to_host(coarse.rule)]  # the smaller, the less it is known
    rounding, scale = ROUNDING * kinetic / power, abs(coarse.energies) + kinetic
    shares = _shares(fine, V_fine)
    shares *= np.maximum(1, inner / np.maximum(shares.sum(axis=1), 1e-300))[:, None]
    return Errors(inner, _beyond(coarse, V), rounding, scale, shares)


def _total(states, V):
    """Return the potentials of states with those of the nuclei, 0 at r = 0."""
    r = states.home.r[states.system]
    nuclear = states.rules.Z[states.rule][:, None, None] / states.home.xp.where(r > 0, r, 1)
    total = V[states.system] - nuclear
    total[:, 0, 0] = 0
    return total


def _shares(fine, V):
    """Return what the elements of the mesh before may add to the errors, shape (states, elements)."""
    xp, degree = fine.home.xp, fine.home.meshes[0].degree
    missed = fine.P - on_refined(on_coarse(fine.P, degree), degree)
    P, Q = (missed * fine.rules.scale[fine.rule][:, None]).swapaxes(0, 1)
    energies = xp.asarray(fine.energies)[:, None, None]
    terms = 2 * fine.c**2 * Q * Q + abs(_total(fine, V) - energies) * P * P
    shares = (fine.home.w[fine.system] * terms).sum(axis=1)
    return to_host(shares[:, 0::2] + shares[:, 1::2])


def _beyond(states, V):
    """Return by how much the wall at the end of the mesh raises energies; see `_errors.truncation`."""
    home, c = states.home, states.c
    rmax = np.array([mesh.rmax for mesh in home.meshes])[states.of]
    f = states.P[:, 0, :, -1] * states.rules.scale[states.rule][:, -1:, -1]
    slope = to_host((f @ home.D[-1]) * 2 / home.h[states.system, -1])
    level = to_host(_total(states, V)[:, -1, -1])
    kappa = states.momentum
    mass = c**2 / (2 * c**2 + states.energies - level)
    decay = np.sqrt(np.maximum((level - states.energies) / mass + kappa * (kappa + 1) / rmax**2, 0))
    bound = level + mass * kappa * (kappa + 1) / rmax**2 > states.energies
    walls = np.array([mesh.wall for mesh in home.meshes])[states.of]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(walls, 0.0, np.where(bound, mass * slope**2 / (2 * decay), np.inf))
