"""Kohn-Sham atoms: one, or many at once."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from .. import _validate
from .._array import array_module, library, to_host
from .._result import ConvergenceWarning, Interrupted, Status
from ._eigen import SHARP, systems
from ._mesh import Mesh, exponential
from ._occupations import SYMBOLS
from ._occupations import configuration as configured
from ._orbital import name
from ._result import AtomResult, Shell
from ._scf import ROUGH, Shells, converge, energies
from ._spinor_shells import SpinorShells, with_relativistic_exchange
from ._spinors import LIGHT
from ._thomas_fermi import screening
from ._xc import functional

SHARE = 0.1  # of the tolerance that is left to self-consistency
ROUNDING = 64 * np.finfo(float).eps  # of a kinetic energy, which the terms of the other sign cancel


def atom(
    Z,
    *,
    relativistic=False,
    xc="lda",
    configuration=None,
    charge=0.0,
    mesh=None,
    atol=1e-8,
    maxiter=100,
    start=None,
    callback=None,
):
    r"""Solve the Kohn-Sham equations of a spherical atom or ion.

    Parameters
    ----------
    Z : int
        Number of protons.
    relativistic : bool
        Whether electrons obey Dirac's equation.
    xc : str, callable or None
        Exchange and correlation: "lda" (Slater and VWN5), "x" (Slater alone), None, or
        ``xc(n) -> (e, v)`` for an array of densities, with the energy per electron and the potential.
    configuration : str or dict, optional
        As ``"[Ne] 3s2 3p3.5"`` or ``{(1, 0): 2, ...}``, shells without electrons included if their
        states are wanted. Default: that of NIST up to uranium, Madelung's rule beyond; ions lose
        electrons of the largest n, and there of the largest l.
    charge : float
        Charge of the ion; fractions too.
    mesh : Mesh, optional
        Default: 16 elements of degree 12 to r = 50 bohr, in exponential steps.
    atol : float
        Hartree: estimated errors of the total energy and of eigenvalues of occupied shells above it are
        no success. A tenth of it is the tolerance of self-consistency.
    maxiter : int
        Largest number of iterations.
    start : AtomResult or array, shape (mesh.size,), optional
        Where to start, instead of Thomas and Fermi's atom: a result, or the potential of the electrons
        at ``mesh.r``.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration, ``x`` the potential of the electrons; true stops.

    Returns
    -------
    AtomResult
        ``energy``, ``energies``, ``shells``, ``orbitals``, ``density`` and more.

    Raises
    ------
    ValueError, TypeError
        Z, the configuration, the mesh or another argument cannot be; the message says which and why.

    Warns
    -----
    ConvergenceWarning
        Self-consistency was not reached, or a shell is not accurate to `atol`.

    Notes
    -----
    Each iteration takes one factorisation a shell (see `schroedinger`), whose count of negative pivots must
    be the number of states below; a shell that is lost is searched anew. Density and Hartree potential take
    ``(degree + 1)**2 * elements`` multiplications. The potential is mixed by Anderson's method, in the norm
    that is the change of eigenvalues to first order. The model, and the reference energies of the tests,
    are those of [1]_.

    References
    ----------
    .. [1] O. Certik, J. E. Pask, J. Vackar, *dftatom: A robust and general Schroedinger and Dirac solver for
       atomic structure calculations*, Comput. Phys. Commun. 184, 1777, 2013. doi:10.1016/j.cpc.2013.02.014

    Examples
    --------
    >>> from numsolve.radial import atom
    >>> round(atom(2).check().energy, 6)
    -2.834836
    """
    if np.ndim(Z):
        raise TypeError(f"Z has shape {np.shape(Z)}; one whole number is needed: use atoms for many")
    result = _run(
        [Z],
        relativistic=relativistic,
        xc=xc,
        configurations=[configuration],
        charges=[charge],
        mesh=mesh,
        atol=atol,
        maxiter=maxiter,
        starts=[start],
        callback=_of_one(callback),
    )[0]
    return _announced([result])[0]


def atoms(
    Z,
    *,
    relativistic=False,
    xc="lda",
    configuration=None,
    charge=0.0,
    mesh=None,
    atol=1e-8,
    maxiter=100,
    callback=None,
):
    """Solve the Kohn-Sham equations of many atoms at once.

    Parameters
    ----------
    Z : sequence of int
        Numbers of protons. If CuPy's array, on a GPU, with one block of threads a shell.
    relativistic, xc, mesh, atol, maxiter
        As in `atom`.
    configuration : sequence, optional
        One for each atom, as in `atom`, or None for its default.
    charge : float or sequence of float
        Of all, or of each.
    callback : callable, optional
        ``callback(x, residual_norms)`` with the potentials of all.

    Returns
    -------
    list of AtomResult
        One for each atom, each with its own status.

    Raises
    ------
    ValueError, TypeError
        As `atom`; sequences differ in length.

    Warns
    -----
    ConvergenceWarning
        At least one is no success; the message tells how many.

    Notes
    -----
    An iteration is one call of each kernel for all atoms, on as many threads as Numba has. An atom that has
    converged rests.

    Examples
    --------
    >>> from numsolve.radial import atoms
    >>> [round(a.energy, 4) for a in atoms([1, 2])]
    [-0.4457, -2.8348]
    """
    numbers = to_host(Z) if library(Z) else Z
    numbers = list(numbers.tolist() if isinstance(numbers, np.ndarray) else numbers)
    charges = [charge] * len(numbers) if np.ndim(charge) == 0 else list(charge)
    configurations = [None] * len(numbers) if configuration is None else list(configuration)
    for argument, given in (("charge", charges), ("configuration", configurations)):
        if len(given) != len(numbers):
            raise ValueError(
                f"{argument} has {len(given)} entries for {len(numbers)} atoms; one each is needed"
            )
    results = _run(
        numbers,
        relativistic=relativistic,
        xc=xc,
        configurations=configurations,
        charges=charges,
        mesh=mesh,
        atol=atol,
        maxiter=maxiter,
        starts=[None] * len(numbers),
        callback=callback,
        xp=array_module(library(Z) or "numpy"),
    )
    return _announced(results)


def default_mesh(Z, relativistic=False):
    """Return the mesh that `atom` takes for Z protons: the inner shells want elements of size 1/Z.

    With relativity the density is singular at the nucleus, with powers of r that depend on Z.
    """
    if relativistic:
        return exponential(50.0, 24, ratio=2e6, degree=12)
    return exponential(50.0, 16, ratio=100.0 + 10.0 * Z, degree=12)


def _run(
    numbers, *, relativistic, xc, configurations, charges, mesh, atol, maxiter, starts, callback, xp: Any = np
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
    meshes = [mesh or default_mesh(Z, relativistic) for Z in numbers]
    _room(meshes[0], shells)
    home, nuclei = systems(meshes, xp), np.array(numbers, float)
    sharp = ROUGH if all(start is None for start in starts) else SHARP
    if relativistic:
        solver = SpinorShells(home, nuclei, shells, LIGHT, sharp=sharp)
        evaluate = with_relativistic_exchange(evaluate, LIGHT) if isinstance(xc, str) else evaluate
    else:
        solver = Shells(home, nuclei, shells, sharp=sharp)
    V = xp.asarray(np.array([_start(*each) for each in zip(starts, numbers, charges, meshes, strict=True)]))
    try:
        found = converge(solver, V, evaluate, tol=SHARE * atol, maxiter=maxiter, callback=callback)
    except Interrupted as caught:
        raise Interrupted(replace(caught.result, x=_flat(meshes, caught.result.x))) from None
    return _results(solver, found, evaluate, atol, charges)


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


def _of_one(callback):
    """Return the callback of a batch of one for that of an atom."""
    if not callable(callback):
        return callback

    def call(x, norms):
        return callback(x[0], float(norms[0]))

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
    if result.status not in (Status.CONVERGED, Status.MAXITER, Status.STAGNATED):
        return result
    last = result.residuals[-1]
    worst = max((shell for shell in result.shells if shell.occupation > 0), key=lambda shell: shell.error)
    state = f"{worst.name}, of energy {worst.energy:.10g},"
    if np.isinf(worst.error):
        message = f"{state} is not bound: only the wall at r = {result.mesh.rmax:g} holds it"
        return replace(result, status=Status.MAXITER, message=message)
    if not last <= SHARE * atol:
        message = (
            f"the potential still changes by {last:.1e} hartree after {result.nit} iterations: "
            "raise maxiter and pass this result as start, or choose another configuration"
        )
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


def _announced(results):
    """Return the results; warn the caller of the caller of those that are no success."""
    missed = [r for r in results if r.status not in (Status.CONVERGED, Status.STOPPED)]
    if missed:
        first = f"{missed[0].name}: {missed[0].message}"
        many = f"{len(missed)} of {len(results)} atoms, first " if len(results) > 1 else ""
        warnings.warn(many + first, ConvergenceWarning, stacklevel=3)
    return results


def _flat(meshes, V):
    """Return potentials as vectors at the radii of the meshes."""
    return [mesh.flat(v) for mesh, v in zip(meshes, to_host(V), strict=True)]
