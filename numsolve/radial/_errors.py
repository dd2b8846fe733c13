"""Estimated errors of eigenvalues: a step on a refined mesh, and the effect of the end of the mesh."""

from functools import cache
from typing import NamedTuple

import numpy as np

from .._array import namespace, to_host
from ._elements import element, interpolation
from ._mesh import Mesh

ROUNDING_SHARE = 64 * np.finfo(float).eps  # rounding error over kinetic energy, which other terms cancel


def refined(mesh):
    """Return the mesh with every element halved."""
    edges = mesh.edges
    return Mesh(np.sort(np.append(edges, 0.5 * (edges[1:] + edges[:-1]))), mesh.degree, mesh.wall)


@cache
def transfer_matrices(degree):
    """Return the matrices that interpolate from an element to its halves, and those from the halves to it."""
    nodes = element(degree).nodes
    halves = [interpolation(nodes, 0.5 * (nodes + side)) for side in (-1, 1)]
    left, right = interpolation(nodes, 2 * nodes + 1), interpolation(nodes, 2 * nodes - 1)
    left[nodes > 0] = right[nodes <= 0] = 0
    return halves, (left, right)


def on_refined(values, degree):
    """Return functions (..., degree + 1, elements) at the nodes of the mesh refined once."""
    xp = namespace(values)
    halves = [xp.asarray(half) @ values for half in transfer_matrices(degree)[0]]
    return xp.stack(halves, axis=-1).reshape((*values.shape[:-1], 2 * values.shape[-1]))


def on_coarse(values, degree):
    """Return functions on a refined mesh at the nodes of the coarse mesh."""
    left, right = (namespace(values).asarray(half) for half in transfer_matrices(degree)[1])
    return left @ values[..., 0::2] + right @ values[..., 1::2]


def potential_on_refined(V, r, degree):
    """Return potentials at the nodes of the mesh refined once; they may be as singular as 1/r at r = 0.

    The product r V is interpolated. Its value at 0 is that of the polynomial through the other nodes.
    """
    xp = namespace(V)
    nodes = element(degree).nodes
    product = r * V
    product[..., 0, 0] = product[..., 1:, 0] @ xp.asarray(interpolation(nodes[1:], nodes[:1])[0])
    fine = on_refined(r, degree)
    fine[..., 0, 0] = 1
    result = on_refined(product, degree) / fine
    result[..., 0, 0] = 0
    return result


def wall_error(slope, level, energy):
    """Return the errors of eigenvalues due to the wall at the end of the mesh.

    Moving the wall out by dR lowers an eigenvalue by ``P'(R)**2 / 2 dR``, and P'(R) decays as ``exp(-k R)``
    with ``k**2 = 2 (level - energy)``. The integral over all dR is ``P'(R)**2 / (4 k)``. If the effective
    potential `level` at the wall is not above the energy, the state is not bound, and the error is infinite.
    """
    decay = np.sqrt(2 * np.maximum(level - energy, 0))
    with np.errstate(divide="ignore"):
        return np.where(decay > 0, slope**2 / (4 * decay), np.inf)


class Errors(NamedTuple):
    """Estimated errors of states and their parts, on the host."""

    mesh: np.ndarray  # (states,), the change by a step on the refined mesh
    wall: np.ndarray  # (states,), due to the wall at the end of the mesh
    rounding: np.ndarray  # (states,)
    scale: np.ndarray  # (states,), |energy| + kinetic energy, the unit of relative errors
    elements: np.ndarray  # (states, elements), shares of the mesh error

    @property
    def total(self):
        """The sum of the three errors, shape (states,)."""
        return self.mesh + self.wall + self.rounding


def estimate(coarse, V, fine, V_fine):
    """Return the errors of the states `coarse` of potentials V, from the states `fine` on the refined mesh.

    If `fine` has no functions, it starts from those of `coarse` and takes steps of inverse iteration.
    """
    grid, mesh = fine.grid, coarse.grid.meshes[0]
    start = on_refined(coarse.P, mesh.degree)
    if fine.P is None:
        fine.P, fine.spare, fine.energies = start.copy(), grid.xp.empty_like(start), coarse.energies
        live, unchanged = grid.xp.ones(len(V), bool), grid.xp.zeros_like(V_fine)
        for _ in range(3):
            before = fine.energies
            fine.follow(V_fine, unchanged, live)
            if (abs(fine.energies - before) < 1e-6 * (1e-3 + abs(before))).all():
                break
    difference = fine.P - on_refined(on_coarse(fine.P, mesh.degree), mesh.degree)
    kinetic = to_host(_kinetic_energies(grid, fine.system, fine.P).sum(axis=-1))
    halves = _kinetic_energies(grid, fine.system, difference) + _potential_energies(fine, V_fine, start)
    elements = abs(to_host(halves[:, 0::2] + halves[:, 1::2] - _potential_energies(coarse, V, coarse.P)))
    last = slice(None), slice(None), -1
    slope = (coarse.grid.D[-1] @ coarse.P[last].T) * (2 / mesh.lengths[-1])
    wall = np.zeros(len(kinetic))
    if not mesh.wall:
        level = V[:, -1, -1][coarse.system] + 0.5 * coarse.l * (coarse.l + 1) / mesh.rmax**2
        wall = wall_error(to_host(slope), to_host(level), coarse.energies)
    rounding = ROUNDING_SHARE * kinetic
    change = np.maximum(abs(fine.energies - coarse.energies), 1e-3 * elements.sum(axis=1))
    return Errors(change, wall, rounding, abs(coarse.energies) + kinetic, elements)


def _kinetic_energies(grid, system, P):
    """Return the kinetic energies of functions P in each element, shape (states, elements)."""
    slopes = (grid.D @ P) / grid.h[system][:, None, :]
    weights = grid.w[system]
    return 2 * (weights * slopes * slopes).sum(axis=1)


def _potential_energies(states, V, P):
    """Return the potential energies of functions P in each element, by quadrature, (states, elements)."""
    grid = states.grid
    level = V[states.system] + (0.5 * states.l * (states.l + 1))[:, None, None] * grid.c[states.system]
    return (grid.w[states.system] * level * P * P).sum(axis=1)
