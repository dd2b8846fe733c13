"""How far off eigenvalues are: a step on a refined mesh, and what the end of the mesh does to a state."""

from functools import cache
from typing import NamedTuple

import numpy as np

from .._array import namespace, to_host
from ._elements import element, interpolation
from ._mesh import Mesh


def refined(mesh):
    """Return the mesh with every element halved."""
    edges = mesh.edges
    return Mesh(np.sort(np.append(edges, 0.5 * (edges[1:] + edges[:-1]))), mesh.degree, mesh.wall)


@cache
def transfers(degree):
    """Return the matrices from an element to its halves, and those from the halves to it."""
    nodes = element(degree).nodes
    halves = [interpolation(nodes, 0.5 * (nodes + side)) for side in (-1, 1)]
    left, right = interpolation(nodes, 2 * nodes + 1), interpolation(nodes, 2 * nodes - 1)
    left[nodes > 0] = right[nodes <= 0] = 0
    return halves, (left, right)


def on_refined(values, degree):
    """Return functions (..., degree + 1, elements) at the nodes of the mesh refined once."""
    xp = namespace(values)
    halves = [xp.asarray(half) @ values for half in transfers(degree)[0]]
    return xp.stack(halves, axis=-1).reshape((*values.shape[:-1], 2 * values.shape[-1]))


def on_coarse(values, degree):
    """Return functions on a refined mesh at the nodes of the mesh before."""
    left, right = (namespace(values).asarray(half) for half in transfers(degree)[1])
    return left @ values[..., 0::2] + right @ values[..., 1::2]


def potential_on_refined(V, r, degree):
    """Return potentials, perhaps as singular as 1/r at 0, at the nodes of the mesh refined once.

    It is r V that is interpolated; its value at 0 is that of the polynomial through the other nodes.
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


def truncation(slope, level, energy):
    """Return by how much the wall at the end of the mesh raises eigenvalues.

    Moving the wall out by dR lowers an eigenvalue by ``P'(R)**2 / 2 dR``, and P'(R) decays as ``exp(-k R)``
    with ``k**2 = 2 (level - energy)``: the sum over all that lies beyond is ``P'(R)**2 / (4 k)``. Where the
    effective potential `level` at the wall is not above the energy, nothing but the wall binds: infinite.
    """
    decay = np.sqrt(2 * np.maximum(level - energy, 0))
    with np.errstate(divide="ignore"):
        return np.where(decay > 0, slope**2 / (4 * decay), np.inf)


class Errors(NamedTuple):
    """Estimated errors of states, on the host, and what they consist of."""

    inner: np.ndarray  # (states,), what a step on the refined mesh changed
    end: np.ndarray  # (states,), of the wall
    rounding: np.ndarray  # (states,)
    scale: np.ndarray  # (states,), to compare errors with: energy and kinetic energy
    elements: np.ndarray  # (states, elements), shares of the inner error

    @property
    def total(self):
        """The sum of all, shape (states,)."""
        return self.inner + self.end + self.rounding


def estimate(coarse, V, fine, V_fine):
    """Return the errors of the states `coarse` of the potentials V, found with states on the refined mesh.

    States `fine` without functions get those of `coarse` and take steps of inverse iteration.
    """
    home, mesh = fine.home, coarse.home.meshes[0]
    start = on_refined(coarse.P, mesh.degree)
    if fine.P is None:
        fine.P, fine.spare, fine.energies = start.copy(), home.xp.empty_like(start), coarse.energies
        live, still = home.xp.ones(len(V), bool), home.xp.zeros_like(V_fine)
        for _ in range(3):
            before = fine.energies
            fine.follow(V_fine, still, live)
            if (abs(fine.energies - before) < 1e-6 * (1e-3 + abs(before))).all():
                break
    missed = fine.P - on_refined(on_coarse(fine.P, mesh.degree), mesh.degree)
    kinetic = to_host(_kinetic(home, fine.system, fine.P).sum(axis=-1))
    share = _kinetic(home, fine.system, missed) + _potential(fine, V_fine, start)
    elements = abs(to_host(share[:, 0::2] + share[:, 1::2] - _potential(coarse, V, coarse.P)))
    last = slice(None), slice(None), -1
    slope = (coarse.home.D[-1] @ coarse.P[last].T) * (2 / mesh.lengths[-1])
    end = np.zeros(len(kinetic))
    if not mesh.wall:
        level = V[:, -1, -1][coarse.system] + 0.5 * coarse.l * (coarse.l + 1) / mesh.rmax**2
        end = truncation(to_host(slope), to_host(level), coarse.energies)
    rounding = 64 * np.finfo(float).eps * kinetic
    inner = np.maximum(abs(fine.energies - coarse.energies), 1e-3 * elements.sum(axis=1))
    return Errors(inner, end, rounding, abs(coarse.energies) + kinetic, elements)


def _kinetic(home, system, P):
    """Return the kinetic energies of functions in each element, shape (states, elements)."""
    slopes = (home.D @ P) / home.h[system][:, None, :]
    weights = home.w[system]
    return 2 * (weights * slopes * slopes).sum(axis=1)


def _potential(states, V, P):
    """Return the potential energies of functions P in each element, by quadrature, (states, elements)."""
    home = states.home
    level = V[states.system] + (0.5 * states.l * (states.l + 1))[:, None, None] * home.c[states.system]
    return (home.w[states.system] * level * P * P).sum(axis=1)
