"""The radial Dirac equation for any potential."""

import operator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .. import _validate
from .._array import to_host
from .._result import warn_of_miss
from . import _dense_dirac
from ._elements import element, interpolation
from ._errors_dirac import estimate
from ._mesh import Mesh
from ._orbital import Orbital, name
from ._schroedinger import Problem, RadialStates, searched, spline
from ._states_dirac import LIGHT, SpinorStates

CLOSE = 0.1  # relative change of r V, near r = 0, below which V is taken for Coulomb's


@dataclass(frozen=True, repr=False)
class DiracStates(RadialStates):
    """Eigenvalues and eigenfunctions of the radial Dirac equation; `RadialStates` with two components.

    Attributes
    ----------
    x : array, shape (..., kappas, states, 2, size)
        The functions P and Q at the radii ``mesh.r``, normalised together. For one number kappa the axis
        of kappas is missing, here and below.
    kappa : int or tuple of int
        The quantum numbers kappa.
    functions : array, shape (..., kappas, states, 2, degree + 1, elements)
        P and Q over a power of r, which polynomials approximate, in the inner layout of the mesh.
    powers : numpy.ndarray of floats, shape (..., kappas)
        These powers.
    """

    kappa: Any = 0
    functions: Any = None
    powers: Any = field(default_factory=lambda: np.zeros(0))

    @property
    def orbitals(self) -> Any:
        """The states as `Orbital` objects, in lists nested as `energies`."""
        kappas = np.broadcast_to(np.atleast_1d(self.kappa), np.shape(self.powers) or (1,))
        kappas = kappas if np.ndim(self.powers) else kappas[0]
        return self._spinors(self.energies, to_host(self.functions), kappas, self.powers)

    def _spinors(self, energies, functions, kappa, power):
        if energies.ndim == 1:
            l = _l(int(kappa))
            return [
                Orbital(self.mesh, values, float(e), k + l + 1, l, int(kappa), float(power))
                for k, (e, values) in enumerate(zip(energies, functions, strict=True))
            ]
        return [self._spinors(*parts) for parts in zip(energies, functions, kappa, power, strict=True)]


def dirac(V, *, kappa, states, mesh=None, Z=0.0, c=LIGHT, rtol=1e-10, method="fast"):
    r"""Solve the radial Dirac equation.

    .. math::

       c \Big(P' + \frac\kappa r P\Big) = (2 c^2 + E - U) Q,\quad
       c \Big(\frac\kappa r Q - Q'\Big) = (E - U) P,\quad U = V(r) - \frac Zr,\quad P(r_m) = 0

    Energies E do not count that of rest, :math:`c^2`.

    Parameters
    ----------
    V : callable, array of shape (..., mesh.size), or pair (r, values)
        As in `schroedinger`: ``V(r)`` for an array of radii > 0; or values at ``mesh.r`` (of which that at r
        = 0 is not used), on a GPU if CuPy's; or samples, that a cubic spline joins. Axes in front make a
        batch.
    kappa : int or sequence of int
        Quantum numbers, none 0: l for j = l - 1/2, -l - 1 for j = l + 1/2.
    states : int
        How many states of each, from the lowest in the gap.
    mesh : Mesh, optional
        Elements; without it one is found on which all states meet `rtol`. Values of V need it.
    Z : float
        Charge of a point nucleus whose potential is added to V. If V itself behaves as Coulomb's at r = 0,
        that is found out and treated as a nucleus.
    c : float
        Speed of light in atomic units. Default: 137.0359895, that of the published tables (CODATA 1986);
        CODATA 2022 has 137.035999177.
    rtol : float
        Relative error of the eigenvalues above which the result is no success.
    method : {"fast", "dense"}
        "dense" solves the matrix eigenproblem of the squared operator with `scipy.linalg.eigh`: slow, on the
        host.

    Returns
    -------
    DiracStates
        ``energies``, ``errors``, ``orbitals`` and the functions ``x``.

    Raises
    ------
    ValueError, TypeError
        V is not finite or does not fit the mesh; a kappa is 0; the charge of the nucleus is no less than
        ``c |kappa|``, or negative; V is so deep or so high that states leave the gap between the continua.

    Warns
    -----
    ConvergenceWarning
        A state is not accurate to `rtol`: the mesh is too coarse or too short for it, or it is not bound.

    Notes
    ----- The fast method eliminates Q. What is left of P is a form that falls with the energy E, and that
    has as many negative directions as there are states in the gap below E [1]_, on finite elements no less:
    so no state is spurious, each is found by its count, and energies converge from above. A factorisation
    takes ``2 elements (degree + 1)**3 / 3`` multiplications, four times that of `schroedinger`, and as much
    storage. Its Rayleigh quotients are those of the linear operator. The dense method squares the operator
    [2]_, another way to have nothing spurious, on twice as many unknowns. In both, P is a power of r times
    polynomials, with the power that a nucleus asks for, and the first element has Gauss-Jacobi quadrature
    for it.

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
    kappas, count = _kappas(kappa), _validate.count(states, "states", least=1)
    rtol, c = _validate.tolerance(rtol, "rtol"), _validate.positive(c, "c")
    Z = _validate.number(Z, "Z")
    _validate.choice(method, "method", ("fast", "dense"))
    if isinstance(V, tuple):
        V = spline(*V)

    def problem_on(mesh):
        return SpinorProblem(V, Z, kappas, count, mesh, method, c)

    if mesh is not None:
        if not isinstance(mesh, Mesh):
            raise TypeError(f"mesh is a {type(mesh).__name__}; a numsolve.radial.Mesh is needed")
        result = problem_on(mesh).result(rtol)
    elif callable(V):
        result = searched(problem_on, rtol, _reach(V, c))
    else:
        raise ValueError("mesh is None, but V is an array: the mesh of its radii is needed")
    if np.ndim(kappa) == 0:
        result = _of_one(result)
    return warn_of_miss(result)


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


def _l(kappa):
    """Return the angular momentum of P."""
    return kappa if kappa > 0 else -kappa - 1


def _of_one(result):
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


class SpinorProblem(Problem):
    """Potentials on one mesh, Dirac's states that are wanted, and how accurate they are."""

    def __init__(self, V, Z, kappas, count, mesh, method, c):
        self.given, self.kappas, self.c = V, kappas, c
        super().__init__(V, Z, [_l(kappa) for kappa in kappas], count, mesh, method)

    def _solve(self, home, V, home_fine, V_fine, Z, method):
        """Find the states and estimate their errors."""
        charge = Z + _singular(self.given, home, V)
        self._check(charge)
        V, V_fine = (v + _nuclei(charge - Z, h) for v, h in ((V, home), (V_fine, home_fine)))
        self.kappa = np.tile(np.repeat(self.kappas, self.count), len(V))
        which = self.system, self.kappa, self.index, charge, self.c
        self.states, fine = SpinorStates(home, *which), SpinorStates(home_fine, *which)
        if method == "dense":
            self._dense(self.states, V)
            self._dense(fine, V_fine)
        else:
            self._inside_the_gap(V)
            self.states.solve(V)
            self.states.orient()
        self.errors = estimate(self.states, V, fine, V_fine)

    def _check(self, charge):
        """Raise for nuclei that Dirac's equation does not take."""
        least = self.c * min(abs(kappa) for kappa in self.kappas)
        if (charge < 0).any():
            raise ValueError(f"Z is {charge.min():g}; a nucleus that attracts, or none, is needed")
        if (charge >= least).any():
            raise ValueError(
                f"Z is {charge.max():g}; less than c |kappa| = {least:g} is needed: nuclei have a size"
            )

    def _inside_the_gap(self, V):
        """Raise if states lie below the gap, where no bound states are."""
        states, xp = self.states, self.states.home.xp
        everything = np.arange(len(states.index))
        shift, found = states.bounds(V, everything)[0], xp.zeros_like(states.found)
        alive, x = xp.ones(len(V), bool), states.rough(xp.asarray(everything))
        states.invert(alive, slice(None), xp.asarray(shift), V, x, xp.empty_like(x), found)
        below = to_host(found)[:, 0]
        if below.any():
            s = int(np.argmax(below))
            raise ValueError(
                f"V leaves no gap for {int(below[s])} states of kappa = {self.kappa[s]}: it is as deep or as "
                f"high as 2 c**2 = {2 * self.c**2:.6g}, where electrons and positrons mix"
            )

    def _dense(self, states, V):
        if states.home.xp is not np:
            raise TypeError("V is on the GPU (CuPy), method='dense' runs on the host: use method='fast'")
        _dense_dirac.solve(states, V)

    def _packed(self, shape, status, message, residuals, energies, errors):
        """Return the result."""
        states, mesh = self.states, self.mesh
        x = mesh.flat(states.functions()).reshape(*shape, 2, mesh.size)
        functions = _without_gaps(states.P, states, mesh).reshape(*shape, *states.shape)
        powers = states.rules.power[to_host(states.rule)].reshape(shape)[..., 0]
        found = DiracStates(x, status, message, residuals, energies, errors, self.momenta, mesh)
        return replace(found, kappa=self.kappas, functions=functions, powers=powers)

    def _name(self, s):
        """Return the spectroscopic name of state s."""
        l = int(self.l[s])
        return name(int(self.index[s]) + l + 1, l, int(self.kappa[s]))


def _reach(V, c):
    """Return the radius beyond which V all but closes the gap for good: no state that is bound gets there."""
    r = np.geomspace(1e-6, 1e5, 1101)
    with np.errstate(all="ignore"):
        values = np.asarray(V(r))
    if values.shape[-1:] != r.shape or values.dtype.kind not in "fiu":
        return np.inf  # a constant, or no potential, which is found out later
    inside = np.flatnonzero(values.reshape(-1, r.size).max(axis=0) < 1.9 * c**2)
    return float(r[inside[-1] + 1]) if inside.size and inside[-1] + 1 < r.size else np.inf


def _singular(V, home, values):
    """Return the charges of nuclei whose potential is part of V, shape (systems,), or zeros."""
    mesh = home.meshes[0]
    if callable(V):
        r = mesh.lengths[0] * 1e-8 * np.array([1.0, 0.1])
        with np.errstate(all="ignore"):
            found = np.asarray(V(r))
        near, nearer = np.moveaxis(np.broadcast_to(r * found, (*found.shape[:-1], 2)), -1, 0)
        return np.where(abs(near - nearer) <= CLOSE * abs(nearer), -nearer, 0).reshape(-1)
    product = to_host(values)[..., 0] * mesh.local_r[:, 0]
    nodes = element(mesh.degree).nodes
    found = product[:, 1:] @ interpolation(nodes[1:], nodes[:1])[0]
    return np.where(abs(found - product[:, 1]) <= CLOSE * abs(found), -found, 0)


def _nuclei(charge, home):
    """Return the potential that repels as so many charges at r = 0, shape (systems, degree + 1, elements)."""
    return home.xp.asarray(charge)[:, None, None] * home.c**0.5


def _without_gaps(functions, states, mesh):
    """Return functions whose Q at r = 0, which is 0/0 without a nucleus, follows from the other nodes."""
    nodes = element(mesh.degree).nodes
    row = states.home.xp.asarray(interpolation(nodes[1:], nodes[:1])[0])
    bare = states.rules.Z[states.rule] == 0
    functions = functions.copy()
    functions[bare, 1, 0, 0] = functions[bare, 1, 1:, 0] @ row
    return functions
