"""From the caller's arguments to self-consistent atoms: checks, meshes, iteration."""

from dataclasses import replace
from time import monotonic
from typing import Any

import numpy as np

from .. import _validate
from .._array import to_host
from .._result import Interrupted, Status
from ._atom_results import atom_results, needs_larger_mesh, residual_tolerance
from ._mesh import Mesh, exponential
from ._occupations import SYMBOLS
from ._occupations import configuration as checked_configuration
from ._orbital import name
from ._result import AtomResult
from ._scf import converge
from ._shells import FIRST_TOLERANCE, Shells
from ._shells_dirac import SpinorShells, with_relativistic_exchange
from ._states import STATE_TOLERANCE, systems
from ._states_dirac import SPEED_OF_LIGHT
from ._thomas_fermi import screening
from ._xc import functional

MESH_SIZES = 4  # number of default meshes that are tried; the first is nearly always enough


def default_mesh(Z, size=0, *, relativistic=False):
    """Return the default mesh of `atom` for Z protons.

    The inner shells need elements of length about 1/Z. Sizes above 0 are longer, for weakly bound states.
    With relativity the density and its exchange potential are singular at the nucleus, so that the first
    elements are tiny.
    """
    stretch = 1.6**size
    if relativistic:
        ratio = 1e5 * 10 ** (Z / 36)
        return exponential(50.0 * stretch, 24 + 6 * size, ratio=ratio * stretch, degree=12)
    return exponential(50.0 * stretch, 16 + 6 * size, ratio=(100.0 + 10.0 * Z) * stretch, degree=12)


def solve_atoms(
    numbers,
    *,
    relativistic,
    xc,
    configurations,
    charges,
    mesh,
    atol,
    maxiter,
    time_limit,
    starts,
    callback,
    single=False,
    xp: Any = np,
):
    """Check the input, iterate, and return a result for each atom.

    With `single`, the callback and `Interrupted` get the potential of the only atom in place of a list.
    """
    deadline = _validate.deadline(time_limit)
    atoms = _checked_atoms(numbers, charges, configurations)
    evaluate = functional(xc)
    atol, maxiter = _validate.tolerance(atol, "atol"), _validate.count(maxiter, "maxiter")
    _validate.function(callback, "callback")
    if mesh is not None and not isinstance(mesh, Mesh):
        raise TypeError(f"mesh is a {type(mesh).__name__}; a numsolve.radial.Mesh is needed")
    if relativistic and isinstance(xc, str):
        evaluate = with_relativistic_exchange(evaluate, SPEED_OF_LIGHT)
    limits = {"tol": residual_tolerance(atol), "maxiter": maxiter, "deadline": deadline}
    results = list(starts)
    for size in range(MESH_SIZES if mesh is None else 1):
        unfinished = [b for b in range(len(atoms)) if size == 0 or needs_larger_mesh(results[b], atol)]
        if not unfinished:
            break
        if size > 0 and monotonic() > deadline:
            for b in unfinished:
                message = f"time limit reached before a larger mesh was tried: {results[b].message}"
                results[b] = replace(results[b], status=Status.TIME_LIMIT, message=message)
            break
        chosen = [atoms[b] for b in unfinished]
        solver, V = _prepare(chosen, [results[b] for b in unfinished], mesh, size, relativistic, xp)
        found = _converge(solver, V, evaluate, limits, callback, single)
        for b, result in zip(
            unfinished,
            atom_results(solver, found, evaluate, atol, [charge for _, charge, _ in chosen]),
            strict=True,
        ):
            before = results[b].residuals if size else []
            results[b] = replace(result, residuals=np.append(before, result.residuals))
    return results


def _checked_atoms(numbers, charges, configurations):
    """Return (Z, charge, electrons by (n, l)) of each atom."""
    numbers = [_proton_number(Z) for Z in numbers]
    charges = [_validate.number(charge, "charge") for charge in charges]
    shells = [checked_configuration(*each) for each in zip(configurations, numbers, charges, strict=True)]
    for Z, electrons in zip(numbers, shells, strict=True):
        if not sum(electrons.values()) > 0:
            raise ValueError(f"charge leaves no electron to the nucleus of Z = {Z}; some are needed")
    return list(zip(numbers, charges, shells, strict=True))


def _proton_number(Z):
    """Return Z if there is an element of that number."""
    Z = _validate.count(Z, "Z", least=1)
    if Z > len(SYMBOLS):
        raise ValueError(f"Z is {Z}; a number from 1 to {len(SYMBOLS)} is needed")
    return Z


def _prepare(atoms, starts, mesh, size, relativistic, xp):
    """Return the solver of atoms on their meshes, and the potentials to start from."""
    numbers, charges, shells = zip(*atoms, strict=True)
    meshes = [mesh or default_mesh(Z, size, relativistic=relativistic) for Z in numbers]
    _check_mesh_size(meshes[0], shells)
    tolerance = FIRST_TOLERANCE if all(start is None for start in starts) else STATE_TOLERANCE
    grid, nuclei = systems(meshes, xp), np.array(numbers, float)
    if relativistic:
        solver = SpinorShells(grid, nuclei, shells, SPEED_OF_LIGHT, tolerance=tolerance)
    else:
        solver = Shells(grid, nuclei, shells, tolerance=tolerance)
    V = [_starting_potential(*each) for each in zip(starts, numbers, charges, meshes, strict=True)]
    return solver, xp.asarray(np.array(V))


def _check_mesh_size(mesh, shells):
    """Raise if the mesh has too few nodes for a state with as many others below it."""
    n, l = max((key for each in shells for key in each), key=lambda key: key[0] - key[1])
    if n - l > mesh.size - 2:
        raise ValueError(f"mesh has room for {mesh.size - 2} states of each l, too few for {name(n, l)}")


def _starting_potential(start, Z, charge, mesh):
    """Return the potential of the electrons to start from, shape (degree + 1, elements)."""
    if start is None:
        return screening(Z, charge, mesh.local_r)
    if isinstance(start, AtomResult):
        return start.potential(mesh.local_r)
    values = _validate.real_array(start, "start")
    if values.shape != (mesh.size,):
        raise ValueError(
            f"start has shape {values.shape}, but the mesh needs ({mesh.size},): values at mesh.r"
        )
    return mesh.local(values)


def _converge(solver, V, xc, limits, callback, single):
    """Iterate on one mesh; the caller sees potentials as vectors at the radii of the meshes."""
    meshes = solver.grid.meshes

    def show(x, norms):
        potentials = _at_radii(meshes, x)
        return callback(potentials[0], float(norms[0])) if single else callback(potentials, norms)

    try:
        return converge(solver, V, xc, callback=None if callback is None else show, **limits)
    except Interrupted as caught:
        potentials = _at_radii(meshes, caught.result.x)
        raise Interrupted(replace(caught.result, x=potentials[0] if single else potentials)) from None


def _at_radii(meshes, V):
    """Return potentials as vectors at the radii of the meshes."""
    return [mesh.flat(v) for mesh, v in zip(meshes, to_host(V), strict=True)]
