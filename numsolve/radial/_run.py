"""From checked arguments to self-consistent atoms, each with the status that it deserves."""

from dataclasses import replace
from typing import Any

import numpy as np

from .. import _validate
from .._array import to_host
from .._result import Interrupted, Status
from ._mesh import Mesh, exponential
from ._occupations import SYMBOLS
from ._occupations import configuration as configured
from ._orbital import name
from ._result import AtomResult, Shell
from ._scf import converge, energies
from ._shells import ROUGH, Shells
from ._shells_dirac import SpinorShells, with_relativistic_exchange
from ._states import SHARP, systems
from ._states_dirac import LIGHT
from ._thomas_fermi import screening
from ._xc import functional

SHARE = 0.03  # of the tolerance that is left to self-consistency
SIZES = 4  # of default meshes, of which the first is nearly always enough
ROUNDING = 64 * np.finfo(float).eps  # of a kinetic energy, which the terms of the other sign cancel


def default_mesh(Z, size=0, *, relativistic=False):
    """Return the mesh that `atom` takes for Z protons: the inner shells want elements of size 1/Z.

    Larger sizes are for states that are hardly bound. With relativity the density and its exchange are
    singular at the nucleus: the first elements are tiny.
    """
    longer = 1.6**size
    if relativistic:
        ratio = 1e5 * 10 ** (Z / 36)
        return exponential(50.0 * longer, 24 + 6 * size, ratio=ratio * longer, degree=12)
    return exponential(50.0 * longer, 16 + 6 * size, ratio=(100.0 + 10.0 * Z) * longer, degree=12)


def run(
    numbers,
    *,
    relativistic,
    xc,
    configurations,
    charges,
    mesh,
    atol,
    maxiter,
    starts,
    callback,
    alone=False,
    xp: Any = np,
):
    """Check the input, iterate, and return a result for each atom."""
    numbers = [_proton_number(Z) for Z in numbers]
    charges = [_validate.number(q, "charge") for q in charges]
    shells = [configured(*each) for each in zip(configurations, numbers, charges, strict=True)]
    evaluate = functional(xc)
    atol, maxiter = _validate.tolerance(atol, "atol"), _validate.count(maxiter, "maxiter")
    _validate.function(callback, "callback")
    if mesh is not None and not isinstance(mesh, Mesh):
        raise TypeError(f"mesh is a {type(mesh).__name__}; a numsolve.radial.Mesh is needed")
    if not numbers:
        return []
    for Z, electrons in zip(numbers, shells, strict=True):
        if not sum(electrons.values()) > 0:
            raise ValueError(f"charge leaves no electron to the nucleus of Z = {Z}; some are needed")
    if relativistic and isinstance(xc, str):
        evaluate = with_relativistic_exchange(evaluate, LIGHT)
    atoms = list(zip(numbers, charges, shells, strict=True))
    for size in range(SIZES if mesh is None else 1):
        left = [b for b, start in enumerate(starts) if size == 0 or _cramped(start, atol)]
        if not left:
            break
        solver, V = _set_up([atoms[b] for b in left], [starts[b] for b in left], mesh, size, relativistic, xp)
        meshes = solver.home.meshes
        try:
            show = _shown(callback, meshes, alone)
            found = converge(solver, V, evaluate, tol=SHARE * atol, maxiter=maxiter, callback=show)
        except Interrupted as caught:
            potentials = _flat(meshes, caught.result.x)
            raise Interrupted(replace(caught.result, x=potentials[0] if alone else potentials)) from None
        results = _results(solver, found, evaluate, atol, [charges[b] for b in left])
        starts = list(starts)
        for b, result in zip(left, results, strict=True):
            before = starts[b].residuals if size else []
            starts[b] = replace(result, residuals=np.append(before, result.residuals))
    return starts


def _set_up(atoms, starts, mesh, size, relativistic, xp):
    """Return the solver of atoms on their meshes, and the potentials to start from."""
    numbers, charges, shells = zip(*atoms, strict=True)
    meshes = [mesh or default_mesh(Z, size, relativistic=relativistic) for Z in numbers]
    _room(meshes[0], shells)
    sharp = ROUGH if all(start is None for start in starts) else SHARP
    home, nuclei = systems(meshes, xp), np.array(numbers, float)
    if relativistic:
        solver = SpinorShells(home, nuclei, shells, LIGHT, sharp=sharp)
    else:
        solver = Shells(home, nuclei, shells, sharp=sharp)
    V = np.array([_start(*each) for each in zip(starts, numbers, charges, meshes, strict=True)])
    return solver, xp.asarray(V)


def _cramped(result, atol):
    """Tell whether a larger mesh may help: self-consistent, not accurate, and bound or held by an ion."""
    if result.success or not result.residuals[-1] <= SHARE * atol:
        return False
    off = max(max(shell.error for shell in result.shells if shell.occupation), result.error)
    return off > 10 * ROUNDING * result.energies.kinetic and (np.isfinite(off) or result.charge > 0)


def _proton_number(Z):
    """Return Z if there is an element of that number."""
    Z = _validate.count(Z, "Z", least=1)
    if Z > len(SYMBOLS):
        raise ValueError(f"Z is {Z}; a number from 1 to {len(SYMBOLS)} is needed")
    return Z


def _room(mesh, shells):
    """Raise if the mesh has fewer states than a shell needs below it."""
    n, l = max((key for each in shells for key in each), key=lambda key: key[0] - key[1])
    if n - l > mesh.size - 2:
        raise ValueError(f"mesh has room for {mesh.size - 2} states of each l, too few for {name(n, l)}")


def _shown(callback, meshes, alone):
    """Return the callback of the loop for that of the user, who sees vectors at the radii of the meshes."""
    if callback is None:
        return None

    def call(x, norms):
        potentials = _flat(meshes, x)
        return callback(potentials[0], float(norms[0])) if alone else callback(potentials, norms)

    return call


def _start(start, Z, charge, mesh):
    """Return the potential of the electrons to start from, in the inner layout of the mesh."""
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


def _results(solver, found, xc, atol, charges):
    """Return the result of each atom: what was found, and how accurate it is."""
    solver.states.orient()
    parts, (fine, errors) = energies(solver, found.x, xc), solver.assess(found.x, xc)
    x, u, results = to_host(found.x), to_host(solver.made.u), []
    for b, mesh in enumerate(solver.home.meshes):
        mine = slice(*solver.starts[b : b + 2])
        kappa = solver.kappa[mine].tolist() if solver.kappa is not None else [None] * (mine.stop - mine.start)
        columns = (solver.n, solver.l, solver.occupations, solver.energies, errors)
        columns = (column[mine].tolist() for column in columns)
        norms = found.residuals[:, b]
        result = AtomResult(
            mesh.flat(x[b]),
            found.status,
            found.message,
            norms[np.isfinite(norms)],
            Z=int(solver.Z[b]),
            charge=charges[b],
            energy=parts[b].total,
            energies=parts[b],
            error=abs(fine[b].total - parts[b].total)
            + ROUNDING * parts[b].kinetic
            + _unconverged(norms, u[b], mesh),
            shells=tuple(Shell(*each) for each in zip(*columns, kappa, strict=True)),
            orbitals=solver.orbitals(b),
            mesh=mesh,
            radial_density=u[b],
        )
        results.append(_judged(result, atol))
    return results


def _unconverged(norms, u, mesh):
    """Return what a total energy is off while the potential changes: second order, for a response of one."""
    return float(np.sum(mesh.weights * u)) * norms[np.isfinite(norms)][-1] ** 2


def _judged(result, atol):
    """Return the result with the status that it deserves, and a message that says why."""
    last = result.residuals[-1]
    broken = result.status in (Status.BREAKDOWN, Status.NONFINITE) and not last <= SHARE * atol
    if broken or result.status in (Status.STOPPED, Status.TIME_LIMIT):
        return result
    worst = max((shell for shell in result.shells if shell.occupation > 0), key=lambda shell: shell.error)
    state = f"{worst.name}, of energy {worst.energy:.10g},"
    if np.isinf(worst.error):
        message = f"{state} is not bound: only the wall at r = {result.mesh.rmax:g} holds it"
        return replace(result, status=Status.MAXITER, message=message)
    if not last <= SHARE * atol:
        remedy = "raise maxiter and pass this result as start, or choose another configuration"
        if result.charge < 0:
            remedy = "the ion may not hold its electrons"
        message = f"the potential still changes by {last:.1e} hartree after {result.nit} iterations: {remedy}"
        return replace(result, status=Status.MAXITER, message=message)
    off = max(worst.error, result.error)
    if not off <= atol:
        remedy = "a mesh of more elements, of a higher degree or to a larger radius is needed"
        if off < 10 * ROUNDING * result.energies.kinetic:
            remedy = "these are rounding errors, raise atol"
        message = (
            f"{state} is uncertain by {worst.error:.1e}, the total energy by {result.error:.1e}: {remedy}"
        )
        return replace(result, status=Status.MAXITER, message=message)
    return replace(result, status=Status.CONVERGED, message="converged")


def _flat(meshes, V):
    """Return potentials as vectors at the radii of the meshes."""
    return [mesh.flat(v) for mesh, v in zip(meshes, to_host(V), strict=True)]
