"""The results of atoms: their energies, estimated errors, status and message."""

from dataclasses import replace

import numpy as np

from .._array import to_host
from .._result import Status
from ._errors import ROUNDING_SHARE
from ._result import AtomResult, Shell
from ._scf import energies


def residual_tolerance(atol):
    """Return the tolerance of the self-consistency residual for a tolerance of energies."""
    return 0.03 * atol


def atom_results(solver, found, xc, atol, charges):
    """Return the result of each atom of a solver whose loop returned `found`."""
    solver.states.orient()
    parts, (fine, errors) = energies(solver, found.x, xc), solver.estimate_errors(found.x, xc)
    x, u, results = to_host(found.x), to_host(solver.last_density.u), []
    for b, mesh in enumerate(solver.grid.meshes):
        norms = found.residuals[:, b]
        norms = norms[np.isfinite(norms)]
        error = abs(fine[b].total - parts[b].total) + ROUNDING_SHARE * parts[b].kinetic
        result = AtomResult(
            mesh.flat(x[b]),
            found.status,
            found.message,
            norms,
            Z=int(solver.Z[b]),
            charge=charges[b],
            energy=parts[b].total,
            energies=parts[b],
            error=error + _self_consistency_error(norms, u[b], mesh),
            shells=_shells(solver, b, errors),
            orbitals=solver.orbitals(b),
            mesh=mesh,
            radial_density=u[b],
        )
        results.append(_with_status(result, atol))
    return results


def needs_larger_mesh(result, atol):
    """Tell whether a larger mesh may help.

    So it is for a self-consistent result whose error is above the tolerance and above rounding, if the worst
    state is bound, or is that of a positive ion, which binds infinitely many states.
    """
    if result.success or not result.residuals[-1] <= residual_tolerance(atol):
        return False
    error = max(max(shell.error for shell in result.shells if shell.occupation), result.error)
    return error > 10 * ROUNDING_SHARE * result.energies.kinetic and (np.isfinite(error) or result.charge > 0)


def _shells(solver, b, errors):
    """Return the shells of system b."""
    mine = slice(*solver.offsets[b : b + 2])
    columns = [solver.n, solver.l, solver.occupations, solver.energies, errors]
    if solver.kappa is not None:
        columns.append(solver.kappa)
    return tuple(Shell(*each) for each in zip(*(column[mine].tolist() for column in columns), strict=True))


def _self_consistency_error(norms, u, mesh):
    """Return the error of the total energy due to the last residual.

    The energy is stationary, so the error is of second order: the number of electrons times the square of
    the residual, if the density changes by about as much as the potential (in atomic units).
    """
    return float(np.sum(mesh.weights * u)) * norms[-1] ** 2


def _with_status(result, atol):
    """Return the result with its final status, and a message with the reason and a remedy."""
    consistent = result.residuals[-1] <= residual_tolerance(atol)
    if result.status == Status.STOPPED:
        return result
    if not consistent and result.status in (Status.BREAKDOWN, Status.NONFINITE):
        return result
    if not consistent and result.status == Status.TIME_LIMIT:
        message = (
            f"time limit reached while the potential changes by {result.residuals[-1]:.1e} hartree: raise "
            "time_limit, or pass this result as start"
        )
        return replace(result, message=message)
    message = _failure_message(result, consistent, atol)
    if message is None:
        return replace(result, status=Status.CONVERGED, message="converged")
    return replace(result, status=Status.MAXITER, message=message)


def _failure_message(result, consistent, atol):
    """Return why the result is not accurate and a remedy, or None if it is accurate."""
    worst = max((shell for shell in result.shells if shell.occupation > 0), key=lambda shell: shell.error)
    state = f"{worst.name}, of energy {worst.energy:.10g},"
    if np.isinf(worst.error):
        return f"{state} is not bound: only the wall at r = {result.mesh.rmax:g} holds it"
    if not consistent:
        remedy = "raise maxiter and pass this result as start, or choose another configuration"
        if result.charge < 0:
            remedy = "the ion may not hold its electrons"
        change = f"{result.residuals[-1]:.1e} hartree after {result.nit} iterations"
        return f"the potential still changes by {change}: {remedy}"
    error = max(worst.error, result.error)
    if error <= atol:
        return None
    remedy = "a mesh of more elements, of a higher degree or to a larger radius is needed"
    if error < 10 * ROUNDING_SHARE * result.energies.kinetic:
        remedy = "these are rounding errors, raise atol"
    return f"{state} is uncertain by {worst.error:.1e}, the total energy by {result.error:.1e}: {remedy}"
