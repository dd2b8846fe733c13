"""The states of a radial equation on one mesh with their errors, and the search for a mesh."""

from dataclasses import replace
from time import monotonic

import numpy as np

from .. import _validate
from .._array import namespace
from .._result import Status
from . import _dense
from ._errors import Errors, estimate, potential_on_refined, refined
from ._mesh import Mesh, exponential
from ._orbital import name
from ._states import States, systems
from ._states_result import RadialStates

MAX_MESHES = 40  # of a search
MAX_ELEMENTS = 200  # of a mesh that is refined further
MAX_RADIUS = 1e5  # of a mesh that is lengthened further for a state that is not bound


def spline(r, values):
    """Return the cubic spline through samples of a potential, constant beyond the last radius."""
    from scipy.interpolate import CubicSpline

    r, values = _validate.real_array(r, "r of V"), _validate.real_array(values, "values of V")
    if r.ndim != 1 or r.size < 4 or values.shape[-1:] != r.shape or r[0] < 0 or (np.diff(r) <= 0).any():
        raise ValueError(
            f"V has samples of shape {values.shape} at radii of shape {r.shape}; "
            "four or more radii that ascend from 0 or above are needed, and as many values"
        )
    spline = CubicSpline(r, values, axis=-1)
    return lambda radii: spline(np.minimum(radii, r[-1]))


class Problem:
    """Potentials on one mesh, the wanted states, and their errors.

    Parameters
    ----------
    V : callable or array, shape (..., mesh.size)
        The potentials.
    Z : float
        Charge of a nucleus whose potential is added to V.
    momenta : tuple of int
        Angular momenta.
    count : int
        Number of states of each.
    mesh : Mesh
        The elements.
    method : {"fast", "dense"}
        How to find the states.
    """

    def __init__(self, V, Z, momenta, count, mesh, method):
        if count > mesh.size - 2:
            raise ValueError(f"states is {count}, but the mesh has room for {mesh.size - 2} of each l")
        self.mesh, self.momenta, self.count, fine = mesh, momenta, count, refined(mesh)
        V, V_fine, self.batch = _potentials(V, mesh, fine)
        xp, B = namespace(V), len(V)
        self.system = np.repeat(np.arange(B), len(momenta) * count)
        self.l = np.tile(np.repeat(momenta, count), B)
        self.index = np.tile(np.arange(count), B * len(momenta))
        self._solve(systems([mesh] * B, xp), V, systems([fine] * B, xp), V_fine, Z, method)

    def _solve(self, grid, V, grid_fine, V_fine, Z, method):
        """Find the states and estimate their errors."""
        V, V_fine = V - Z * grid.c**0.5, V_fine - Z * grid_fine.c**0.5
        which = self.system, self.l, self.index
        self.states, states_fine = States(grid, *which), States(grid_fine, *which)
        if method == "dense":
            self._dense(self.states, V)
            self._dense(states_fine, V_fine)
        else:
            self.states.solve(V)
            self.states.orient()
        self.errors: Errors = estimate(self.states, V, states_fine, V_fine)

    def _dense(self, states, V):
        if states.grid.xp is not np:
            raise TypeError("V is on the GPU (CuPy), method='dense' runs on the host: use method='fast'")
        found = [
            _dense.states(states.grid.meshes[b], V[b], l, self.count)
            for b in range(len(V))
            for l in self.momenta
        ]
        states.energies = np.concatenate([energies for energies, _ in found])
        states.P = np.concatenate([P for _, P in found])

    def result(self, rtol):
        """Return the states, with a status that compares their errors with the tolerance."""
        shape = (*self.batch, len(self.momenta), self.count)
        relative = self.errors.total / self.errors.scale
        worst = int(np.argmax(np.where(np.isnan(relative), np.inf, relative)))
        status, message = Status.CONVERGED, f"all errors are estimated below {rtol:.1e} of their energies"
        if not relative[worst] <= rtol:
            status, message = Status.MAXITER, self._failure_message(worst)
        energies, errors = self.states.energies.reshape(shape), self.errors.total.reshape(shape)
        return self._make_result(shape, status, message, relative[worst : worst + 1], energies, errors)

    def _make_result(self, shape, status, message, residuals, energies, errors):
        """Return the result with the functions of the states."""
        x = self.mesh.flat(self.states.P).reshape(*shape, self.mesh.size)
        return RadialStates(x, status, message, residuals, energies, errors, self.momenta, self.mesh)

    def _failure_message(self, s):
        """Return why state s is not accurate, and a remedy."""
        state = self._name(s) + ("" if self.batch == () else f" of potential {self.system[s]}")
        energy, rmax = self.states.energies[s], self.mesh.rmax
        if np.isinf(self.errors.wall[s]):
            return f"{state}, of energy {energy:.6g}, is not bound: only the wall at r = {rmax:.6g} holds it"
        start = f"{state}, of energy {energy:.10g}, is uncertain by {self.errors.total[s]:.1e}"
        if self.errors.wall[s] > 0.5 * self.errors.total[s]:
            return (
                f"{start}: the mesh ends at r = {rmax:.6g}, where it has not decayed; a longer mesh is needed"
            )
        if self.errors.mesh[s] > 0.5 * self.errors.total[s]:
            return f"{start}: the mesh is too coarse for it; more elements or a higher degree are needed"
        return f"{start}: these are rounding errors; loosen rtol"

    def _name(self, s):
        """Return the spectroscopic name of state s."""
        return name(int(self.index[s] + self.l[s]) + 1, int(self.l[s]))


def _potentials(V, mesh, fine):
    """Return V at the nodes of both meshes, (systems, degree + 1, elements), and the shape of the batch."""
    if callable(V):
        values, values_fine = (_sampled(V, m) for m in (mesh, fine))
        batch = values.shape[:-1]
        local, local_fine = mesh.local(values), fine.local(values_fine)
    else:
        xp = _validate.same_library(V=V)[1]
        values = _validate.as_array(V, "V", xp)
        if values.dtype.kind == "c":
            raise TypeError(f"V has dtype {values.dtype}; real numbers are needed")
        values = xp.array(values, dtype=float)
        if values.shape[-1:] != (mesh.size,):
            raise ValueError(
                f"V has shape {values.shape}, but the mesh needs (..., {mesh.size}): values at mesh.r"
            )
        values[..., 0] = 0
        _validate.finite(values, "V")
        batch, local = values.shape[:-1], mesh.local(values)
        local_fine = potential_on_refined(local, xp.asarray(mesh.local_r), mesh.degree)
    return local.reshape(-1, *local.shape[-2:]), local_fine.reshape(-1, *local_fine.shape[-2:]), batch


def _sampled(V, mesh):
    """Return the values of a callable at the radii of a mesh, 0 at r = 0."""
    r = mesh.r[1:]
    values = _validate.real_array(V(r.copy()), "V(r)")
    if values.shape[-1:] not in ((r.size,), ()):
        raise ValueError(f"V(r) has shape {values.shape} for {r.size} radii; (..., {r.size}) is needed")
    values = np.broadcast_to(values, (*values.shape[:-1], r.size))
    return np.concatenate([np.zeros((*values.shape[:-1], 1)), values], axis=-1)


def solve_on_mesh(problem_on, V, mesh, rtol, deadline, longest=np.inf):
    """Return the result of ``problem_on(mesh)``; if `mesh` is None, on a mesh that is searched."""
    if mesh is None:
        if not callable(V):
            raise ValueError("mesh is None, but V is an array: the mesh of its radii is needed")
        return search_mesh(problem_on, rtol, deadline, longest)
    if not isinstance(mesh, Mesh):
        raise TypeError(f"mesh is a {type(mesh).__name__}; a numsolve.radial.Mesh is needed")
    return problem_on(mesh).result(rtol)


def search_mesh(problem_on, rtol, deadline, longest=np.inf):
    """Lengthen and refine a mesh until the errors meet the tolerance; return the result of the best mesh."""
    edges, best, history = exponential(min(10.0, longest), 8, ratio=20.0).edges, None, []
    out_of_time = False
    for _ in range(MAX_MESHES):
        problem = problem_on(Mesh(edges, 14))
        result = problem.result(rtol)
        history.append(float(result.residuals[0]))
        if best is None or history[-1] <= min(history):
            best = result
        is_unbound = edges[-1] > MAX_RADIUS and np.isinf(history[-1])
        if result.success or len(edges) > MAX_ELEMENTS or is_unbound:
            break
        out_of_time = monotonic() > deadline
        finer = _improved_edges(edges, problem.errors, rtol, longest)
        if out_of_time or len(finer) == len(edges):
            break
        edges = finer
    assert best is not None
    if out_of_time:
        message = f"time limit reached in the search for a mesh: {best.message}"
        best = replace(best, status=Status.TIME_LIMIT, message=message)
    return replace(best, residuals=np.array(history))


def _improved_edges(edges, errors, rtol, longest):
    """Return the edges of a mesh with the elements halved that cause errors, and longer if needed."""
    wanted = 0.25 * rtol * errors.scale
    largest = errors.elements.max(axis=1, keepdims=True)
    coarse = (errors.elements > np.maximum(wanted[:, None] / len(edges), 0.03 * largest)).any(axis=0)
    added = 0.5 * (edges[1:] + edges[:-1])[coarse]
    if (errors.wall > wanted).any():
        last = edges[-1] - edges[-2]
        longer = edges[-1] + last * (1.3 ** np.arange(1, 4)).cumsum()
        added = np.append(added, np.minimum(longer, longest))
    return np.unique(np.append(edges, added))
