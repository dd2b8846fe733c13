"""The radial Dirac equation for any potential."""

import operator
from dataclasses import replace

import numpy as np

from .. import _validate
from .._result import warn_of_miss
from ._problem import solve_on_mesh, spline
from ._problem_dirac import SpinorProblem
from ._states_dirac import SPEED_OF_LIGHT


def dirac(
    V, *, kappa, states, mesh=None, Z=0.0, c=SPEED_OF_LIGHT, rtol=1e-10, time_limit=None, method="fast"
):
    r"""Solve the radial Dirac equation.

    .. math::

       c \Big(P' + \frac\kappa r P\Big) = (2 c^2 + E - U) Q,\quad
       c \Big(\frac\kappa r Q - Q'\Big) = (E - U) P,\quad U = V(r) - \frac Zr,\quad P(r_m) = 0

    Energies E are in hartree and do not include the rest energy :math:`c^2`; lengths are in bohr. All
    arithmetic is in float64.

    Parameters
    ----------
    V : callable, pair or array, shape (..., mesh.size)
        The potential in hartree. A callable ``V(r)`` gets an array of radii > 0, shape (k,), and returns
        values of shape (..., k). A pair ``(r, values)`` has samples, shapes (k,) and (..., k), which a cubic
        spline joins; it is constant beyond the last radius. An array has values at ``mesh.r``, of which that
        at r = 0 is not used; a CuPy array selects the GPU. Axes in front make a batch.
    kappa : int or sequence of int
        Quantum numbers, none of them 0: l for j = l - 1/2, -l - 1 for j = l + 1/2.
    states : int
        Number of states of each kappa, from the lowest in the gap.
    mesh : Mesh, optional
        The elements. By default a mesh is searched on which all states meet `rtol`. An array V needs a mesh.
    Z : float
        Charge of a point nucleus whose potential is added to V. If V itself behaves as a Coulomb potential at
        r = 0, this is detected and treated as a nucleus.
    c : float
        Speed of light in atomic units. Default: 137.0359895, that of the published tables (CODATA 1986);
        CODATA 2022 has 137.035999177.
    rtol : float
        Largest estimated error of an eigenvalue relative to ``abs(energy) + kinetic energy`` with which the
        result is called converged.
    time_limit : float, optional
        Seconds for the search for a mesh, checked after each mesh. Without effect if `mesh` is given.
    method : {"fast", "dense"}
        "dense" solves the matrix eigenproblem of the squared operator with `scipy.linalg.eigh`: slower, on
        the host.

    Returns
    -------
    DiracStates
        ``energies``, ``errors``, ``orbitals`` and the functions ``x``.

    Raises
    ------
    ValueError
        V is not finite or does not fit the mesh, an array V comes without a mesh, a kappa is 0, the charge of
        the nucleus is negative or at least ``c |kappa|``, V is so deep or so high that states leave the gap
        between the continua, or another argument is out of range.
    TypeError
        An argument has the wrong type, V is complex, or V is a CuPy array and the method is "dense".

    Warns
    -----
    ConvergenceWarning
        A state is not accurate to `rtol`: the mesh is too coarse or too short for it, or it is not bound.

    Notes
    -----
    The fast method eliminates Q. The remaining quadratic form of P decreases with the energy E, and has as
    many negative directions as there are states in the gap below E [1]_, on finite elements at most as many.
    So no state is spurious, each is found by its count, and energies converge from above. A factorisation
    takes ``2 * elements * (degree + 1)**3 / 3`` multiplications, four times as many as in `schroedinger`,
    with the same storage. The energies are Rayleigh quotients of the linear operator. The dense method
    squares the operator [2]_, which has no spurious states either, with twice as many unknowns. In both
    methods P is a power of r times polynomials, with the power given by the nucleus, and the first element
    has Gauss-Jacobi quadrature for it.

    References
    ----------
    .. [1] J. Dolbeault, M. J. Esteban, E. Sere, *On the eigenvalues of operators with gaps. Application to
       Dirac operators*, J. Funct. Anal. 174, 208, 2000. doi:10.1006/jfan.1999.3542
    .. [2] O. Certik, J. E. Pask, I. Fernando, R. Goswami, N. Sukumar, L. A. Collins, G. Manzini, J. Vackar,
       *High-order finite element method for atomic structure calculations*, Comput. Phys. Commun. 297, 2024.
       doi:10.1016/j.cpc.2023.109051

    Examples
    --------
    >>> from numsolve.radial import dirac
    >>> dirac(lambda r: 0 * r, Z=92, kappa=-1, states=2).energies.round(6)
    array([-4861.198023, -1257.39589 ])
    """
    deadline = _validate.deadline(time_limit)
    kappas, count = _kappas(kappa), _validate.count(states, "states", least=1)
    rtol, c = _validate.tolerance(rtol, "rtol"), _validate.positive(c, "c")
    Z = _validate.number(Z, "Z")
    _validate.choice(method, "method", ("fast", "dense"))
    if isinstance(V, tuple):
        V = spline(*V)

    def problem_on(mesh):
        return SpinorProblem(V, Z, kappas, count, mesh, method, c)

    longest = _end_of_gap(V, c) if mesh is None and callable(V) else np.inf
    result = solve_on_mesh(problem_on, V, mesh, rtol, deadline, longest)
    return warn_of_miss(_without_axis_of_kappas(result) if np.ndim(kappa) == 0 else result)


def _kappas(kappa):
    """Return the quantum numbers as a tuple."""
    given = (kappa,) if np.ndim(kappa) == 0 else tuple(kappa)
    if not given:
        raise ValueError("kappa is empty; one or more whole numbers are needed")
    for value in given:
        try:
            whole = operator.index(value)
        except TypeError:
            raise TypeError(f"kappa is {value!r}; whole numbers are needed") from None
        if whole == 0:
            raise ValueError("kappa is 0; l (for j = l - 1/2, l > 0) or -l - 1 (for j = l + 1/2) is needed")
    return tuple(map(operator.index, given))


def _without_axis_of_kappas(result):
    """Return the result without the axis of kappas."""
    row, wide = (..., 0, slice(None)), (..., 0, slice(None), slice(None), slice(None))
    return replace(
        result,
        x=result.x[wide],
        energies=result.energies[row],
        errors=result.errors[row],
        l=result.l[0],
        kappa=result.kappa[0],
        functions=result.functions[(*wide, slice(None))],
        powers=result.powers[..., 0],
    )


def _end_of_gap(V, c):
    """Return the radius beyond which V is at least 0.95 times 2 c**2, so that bound states decay before."""
    r = np.geomspace(1e-6, 1e5, 1101)
    with np.errstate(all="ignore"):
        values = np.asarray(V(r))
    if values.shape[-1:] != r.shape or values.dtype.kind not in "fiu":
        return np.inf  # a constant, or an invalid V, which is reported later
    inside = np.flatnonzero(values.reshape(-1, r.size).max(axis=0) < 1.9 * c**2)
    return float(r[inside[-1] + 1]) if inside.size and inside[-1] + 1 < r.size else np.inf
