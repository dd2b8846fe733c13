"""Kohn-Sham atoms: one, or many at once."""

from typing import Any

import numpy as np

from .._array import array_module, library, to_host
from .._result import warn_of_miss, warn_of_misses
from ._run import run


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
        Whether electrons obey Dirac's equation, with c = 137.0359895 as in the published tables; a functional
        that has a name gets the exchange of relativistic electrons. Each shell with l > 0 is then two.
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
        Default: 16 elements of degree 12 to r = 50 bohr, in exponential steps (24 with relativity); where a
        state is not accurate on them, up to three larger ones are tried.
    atol : float
        Hartree: estimated errors of the total energy and of eigenvalues of occupied shells above it are
        no success. Three hundredths of it are the tolerance of self-consistency.
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
    result = run(
        [Z],
        relativistic=relativistic,
        xc=xc,
        configurations=[configuration],
        charges=[charge],
        mesh=mesh,
        atol=atol,
        maxiter=maxiter,
        starts=[start],
        callback=callback,
        alone=True,
    )[0]
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
    callback=None,
):
    """Solve the Kohn-Sham equations of many atoms at once.

    Parameters
    ----------
    Z : sequence of int
        Numbers of protons. If CuPy's array, on a GPU, with one block of threads a shell.
    relativistic : bool
        As in `atom`, for all.
    xc : str, callable or None
        As in `atom`, for all.
    configuration : sequence, optional
        One for each atom, as in `atom`, or None for its default.
    charge : float or sequence of float
        Of all, or of each.
    mesh : Mesh, optional
        As in `atom`, for all.
    atol : float
        As in `atom`.
    maxiter : int
        As in `atom`.
    callback : callable, optional
        ``callback(x, residual_norms)`` with a list of the potentials of all.

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
    if np.ndim(numbers) != 1:
        raise TypeError(f"Z has shape {np.shape(numbers)}; a sequence of whole numbers is needed")
    numbers = list(numbers.tolist() if isinstance(numbers, np.ndarray) else numbers)
    charges: Any = [charge] * len(numbers) if np.ndim(charge) == 0 else charge
    configurations = [None] * len(numbers) if configuration is None else list(configuration)
    for argument, given in (("charge", charges), ("configuration", configurations)):
        if len(given) != len(numbers):
            raise ValueError(
                f"{argument} has {len(given)} entries for {len(numbers)} atoms; one each is needed"
            )
    results = run(
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
    return warn_of_misses(results, "atoms", [result.name for result in results])
