"""The radial Schroedinger equation for any potential."""

from dataclasses import replace

import numpy as np

from .. import _validate
from .._result import warn_of_miss
from ._problem import Problem, solve_on_mesh, spline


def schroedinger(V, *, l, states, mesh=None, Z=0.0, rtol=1e-10, time_limit=None, method="fast"):
    r"""Solve the radial Schroedinger equation.

    .. math:: -\tfrac12 P'' + \Big(V(r) - \frac Zr + \frac{l(l+1)}{2r^2}\Big) P = E P,\quad P(0) = P(r_m) = 0

    Energies are in hartree and lengths in bohr. All arithmetic is in float64.

    Parameters
    ----------
    V : callable, pair or array, shape (..., mesh.size)
        The potential in hartree. A callable ``V(r)`` gets an array of radii > 0, shape (k,), and returns
        values of shape (..., k). A pair ``(r, values)`` has samples, shapes (k,) and (..., k), which a cubic
        spline joins; it is constant beyond the last radius. An array has values at ``mesh.r``, of which that
        at r = 0 is not used; a CuPy array selects the GPU. Axes in front make a batch.
    l : int or sequence of int
        Angular momenta, each at least 0.
    states : int
        Number of states of each angular momentum, from the lowest.
    mesh : Mesh, optional
        The elements. By default a mesh is searched on which all states meet `rtol`. An array V needs a mesh.
    Z : float
        Charge of a nucleus whose potential is added to V. The rest may then be smooth, as a spline needs it.
    rtol : float
        Largest estimated error of an eigenvalue relative to ``abs(energy) + kinetic energy`` with which the
        result is called converged.
    time_limit : float, optional
        Seconds for the search for a mesh, checked after each mesh. Without effect if `mesh` is given.
    method : {"fast", "dense"}
        "dense" solves the matrix eigenproblem with `scipy.linalg.eigh`: simpler and slower, on the host.

    Returns
    -------
    RadialStates
        ``energies``, ``errors``, ``orbitals`` and the functions ``x``.

    Raises
    ------
    ValueError
        V is not finite or does not fit the mesh, an array V comes without a mesh, the mesh has too few nodes,
        or another argument is out of range.
    TypeError
        An argument has the wrong type, V is complex, or V is a CuPy array and the method is "dense".

    Warns
    -----
    ConvergenceWarning
        A state is not accurate to `rtol`: the mesh is too coarse or too short for it, or it is not bound.

    Notes
    -----
    Gauss-Lobatto quadrature makes the matrices of V and of the overlap diagonal. The inner nodes of each
    element are eliminated by LDL^T, and the signs of the pivots count the eigenvalues below a shift. Brackets
    close on each state by these counts, and Rayleigh quotients finish: about 8 factorisations per state, each
    of ``elements * (degree + 1)**3 / 6`` multiplications, with storage for
    ``elements * (degree + 1)**2`` numbers. The finite elements are those of [1]_; quadrature and solution
    differ. Error estimates come from a step of inverse iteration on the mesh with all elements halved, and
    from the slope of P at the end of the mesh.

    References
    ----------
    .. [1] O. Certik, J. E. Pask, I. Fernando, R. Goswami, N. Sukumar, L. A. Collins, G. Manzini, J. Vackar,
       *High-order finite element method for atomic structure calculations*, Comput. Phys. Commun. 297, 2024.
       doi:10.1016/j.cpc.2023.109051

    Examples
    --------
    >>> from numsolve.radial import schroedinger
    >>> schroedinger(lambda r: -1 / r, l=0, states=3).energies.round(10)
    array([-0.5       , -0.125     , -0.05555556])
    """
    deadline = _validate.deadline(time_limit)
    momenta = _momenta(l)
    count = _validate.count(states, "states", least=1)
    rtol, Z = _validate.tolerance(rtol, "rtol"), _validate.number(Z, "Z")
    _validate.choice(method, "method", ("fast", "dense"))
    if isinstance(V, tuple):
        V = spline(*V)

    def problem_on(mesh):
        return Problem(V, Z, momenta, count, mesh, method)

    result = solve_on_mesh(problem_on, V, mesh, rtol, deadline)
    if np.ndim(l) == 0:
        first = (..., 0, slice(None))
        energies, errors = result.energies[first], result.errors[first]
        result = replace(result, x=result.x[..., 0, :, :], energies=energies, errors=errors, l=momenta[0])
    return warn_of_miss(result)


def _momenta(l):
    """Return the angular momenta as a tuple."""
    given = (l,) if np.ndim(l) == 0 else tuple(l)
    if not given:
        raise ValueError("l is empty; one or more angular momenta are needed")
    return tuple(_validate.count(value, "l") for value in given)
