"""Kohn-Sham atoms: one, or many at once."""

from typing import Any

import numpy as np

from .._array import array_module, library, to_host
from .._result import warn_of_miss, warn_of_misses
from ._solve_atoms import solve_atoms


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
    time_limit=None,
    start=None,
    callback=None,
):
    r"""Solve the Kohn-Sham equations of a spherical atom or ion.

    Energies are in hartree and lengths in bohr. All arithmetic is in float64.

    Parameters
    ----------
    Z : int
        Number of protons, 1 to 118.
    relativistic : bool
        Whether to solve Dirac's equation instead of Schroedinger's, with c = 137.0359895 as in the published
        tables. A functional given by name is then corrected for relativistic exchange, and each shell with
        l > 0 is split in two.
    xc : str, callable or None
        Exchange and correlation: "lda" (Slater and VWN5), "x" (Slater exchange alone), None, or
        ``xc(n) -> (e, v)``. The callable gets an array of densities in electrons per cubic bohr and returns
        the energy per electron and the potential, two arrays of the same shape.
    configuration : str or dict, optional
        For example ``"[Ne] 3s2 3p3.5"`` or ``{(1, 0): 2, ...}`` with keys (n, l). Shells with 0 electrons are
        computed too. Default: the ground states chosen by NIST up to uranium, Madelung's rule beyond. Ions
        lose the electrons of the largest n first, and among these of the largest l.
    charge : float
        Charge of the ion; it need not be a whole number.
    mesh : Mesh, optional
        Default: 16 elements of degree 12 (24 if relativistic) with exponentially growing lengths, up to
        r = 50 bohr. If a state is not accurate on this mesh, up to three larger ones are tried.
    atol : float
        Largest estimated error, in hartree, of the total energy and of the eigenvalue of each occupied shell.
        The tolerance of the self-consistency residual is ``0.03 * atol``.
    maxiter : int
        Largest number of self-consistency iterations on a mesh.
    time_limit : float, optional
        Seconds for the whole call. It is checked after each iteration and before each larger mesh.
    start : AtomResult or array, shape (mesh.size,), optional
        Starting point: a result, or the potential of the electrons at ``mesh.r`` in hartree. Default: the
        Thomas-Fermi potential.
    callback : callable, optional
        ``callback(x, residual_norm)`` after each iteration, where ``x`` is the potential of the electrons,
        shape (mesh.size,). A true return value stops the iteration.

    Returns
    -------
    AtomResult
        ``energy``, ``energies``, ``shells``, ``orbitals``, ``density`` and more.

    Raises
    ------
    ValueError
        Z is not an element, the configuration does not fit Z and the charge, the mesh has too few nodes, or
        another argument is out of range.
    TypeError
        An argument has the wrong type.
    Interrupted
        Ctrl-C was pressed; ``result`` of the exception holds the last potential.

    Warns
    -----
    ConvergenceWarning
        Self-consistency was not reached, or the energies are not accurate to `atol`.

    Notes
    -----
    Each iteration takes one factorisation per shell (see `schroedinger`). Its number of negative pivots must
    equal the number of states below; a shell for which it does not is searched again. Density and Hartree
    potential take ``(degree + 1)**2 * elements`` multiplications. The potential is mixed by Anderson's
    method. The norm of the residual is, to first order, the change of the eigenvalues. Storage is
    ``shells * elements * (degree + 1)`` numbers for the states and 12 potentials for the mixing. The model,
    and the reference energies of the tests, are those of [1]_.

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
    (result,) = solve_atoms(
        [Z],
        relativistic=relativistic,
        xc=xc,
        configurations=[configuration],
        charges=[charge],
        mesh=mesh,
        atol=atol,
        maxiter=maxiter,
        time_limit=time_limit,
        starts=[start],
        callback=callback,
        single=True,
    )
    return warn_of_miss(result, result.name)


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
    time_limit=None,
    callback=None,
):
    """Solve the Kohn-Sham equations of many atoms at once.

    Parameters
    ----------
    Z : sequence of int or array of ints, shape (atoms,)
        Numbers of protons. A CuPy array selects the GPU, with one block of threads per shell.
    relativistic : bool
        As in `atom`, for all atoms.
    xc : str, callable or None
        As in `atom`, for all atoms. A callable gets densities of shape (atoms, degree + 1, elements).
    configuration : sequence, optional
        One entry for each atom, as in `atom`, or None for the default.
    charge : float or sequence of float
        One charge for all atoms, or one for each.
    mesh : Mesh, optional
        As in `atom`, for all atoms.
    atol : float
        As in `atom`.
    maxiter : int
        As in `atom`.
    time_limit : float, optional
        Seconds for the whole call, as in `atom`.
    callback : callable, optional
        ``callback(x, residual_norms)`` after each iteration, where ``x`` is the list of the potentials of the
        atoms and ``residual_norms`` an array of shape (atoms,). On a larger mesh these are only the atoms
        that need it. A true return value stops the iteration.

    Returns
    -------
    list of AtomResult
        One for each atom, each with its own status. The arrays are NumPy's.

    Raises
    ------
    ValueError
        As `atom`; also, `charge` or `configuration` has another length than `Z`.
    TypeError
        As `atom`; also, `Z` is not a sequence.
    Interrupted
        Ctrl-C was pressed; ``result.x`` of the exception is the list of the last potentials.

    Warns
    -----
    ConvergenceWarning
        At least one atom did not converge; the message says how many.

    Notes
    -----
    Each iteration calls each kernel once for all atoms, on as many threads as Numba has. An atom that has
    converged takes no further work. Cost and storage per atom are those of `atom`.

    Examples
    --------
    >>> from numsolve.radial import atoms
    >>> [round(a.energy, 4) for a in atoms([1, 2])]
    [-0.4457, -2.8348]
    """
    numbers = to_host(Z) if library(Z) else Z
    if np.ndim(numbers) != 1:
        raise TypeError(f"Z has shape {np.shape(numbers)}; a sequence of whole numbers is needed")
    numbers = list(numbers.tolist() if isinstance(numbers, np.ndarray) else numbers)
    charges: Any = [charge] * len(numbers) if np.ndim(charge) == 0 else charge
    configurations = [None] * len(numbers) if configuration is None else list(configuration)
    for argument, given in (("charge", charges), ("configuration", configurations)):
        if len(given) != len(numbers):
            raise ValueError(
                f"{argument} has {len(given)} entries for {len(numbers)} atoms; one for each is needed"
            )
    results = solve_atoms(
        numbers,
        relativistic=relativistic,
        xc=xc,
        configurations=configurations,
        charges=charges,
        mesh=mesh,
        atol=atol,
        maxiter=maxiter,
        time_limit=time_limit,
        starts=[None] * len(numbers),
        callback=callback,
        xp=array_module(library(Z) or "numpy"),
    )
    return warn_of_misses(results, "atoms", [result.name for result in results])
