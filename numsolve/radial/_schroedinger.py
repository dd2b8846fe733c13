"""The radial Schroedinger equation for any potential."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .. import _validate
from .._array import namespace, to_host
from .._result import Result, Status, warn_of_miss
from . import _dense
from ._errors import Errors, estimate, potential_on_refined, refined
from ._mesh import Mesh, exponential
from ._orbital import Orbital, name
from ._states import States, systems

TRIES = 40  # of meshes, where one is looked for
MOST = 200  # elements of such a mesh
LONGEST = 1e5  # such a mesh, if a state is not bound on it


@dataclass(frozen=True, repr=False)
class RadialStates(Result):
    """Eigenvalues and eigenfunctions of a radial equation.

    Attributes
    ----------
    x : array, shape (..., angular momenta, states, size)
        The functions P at the radii ``mesh.r``, normalised. For one number l the axis of angular momenta
        is missing, here and below.
    status : Status
        ``MAXITER`` if an estimated error is above the tolerance.
    message : str
        Names the worst state and its error.
    residuals : numpy.ndarray of floats, shape (meshes,)
        The largest relative error on each mesh that was tried.
    energies : numpy.ndarray of floats, shape (..., angular momenta, states)
        Eigenvalues in hartree.
    errors : numpy.ndarray of floats, same shape
        Estimates of the errors of `energies`: of the mesh, of its end, of rounding.
    l : int or tuple of int
        The angular momenta.
    mesh : Mesh
        Where the functions live.
    orbitals : list
        The states as `Orbital` objects, ordered as `energies`.
    """

    energies: Any = field(default_factory=lambda: np.zeros(0))
    errors: Any = field(default_factory=lambda: np.zeros(0))
    l: Any = 0
    mesh: Any = None

    @property
    def orbitals(self) -> Any:
        """The states as `Orbital` objects, in lists nested as `energies`."""
        return self._nested(self.energies, self.mesh.local(to_host(self.x)), self.l)

    def _nested(self, energies, P, l):
        if energies.ndim == 1:
            pairs = enumerate(zip(energies, P, strict=True))
            return [Orbital(self.mesh, p[None], float(e), k + l + 1, l) for k, (e, p) in pairs]
        momenta = l if energies.ndim == 2 and np.ndim(l) else [l] * len(energies)
        return [self._nested(*parts) for parts in zip(energies, P, momenta, strict=True)]

    def plot(self, ax=None, **style):
        """Draw the functions P of the first potential on `ax` (a new figure if None) and return the axes."""
        import matplotlib.pyplot as plt

        if ax is None:
            ax = plt.subplots(figsize=(6, 4), layout="constrained")[1]
        orbitals = self.orbitals
        for _ in range(self.energies.ndim - np.ndim(self.l) - 1):
            orbitals = orbitals[0]
        orbitals = [o for row in orbitals for o in row] if np.ndim(self.l) else orbitals
        r = np.concatenate([[0], np.geomspace(self.mesh.r[1] * 0.1, self.mesh.rmax, 800)])
        for orbital in orbitals:
            ax.plot(r, orbital(r), **{"label": f"{orbital.name}  {orbital.energy:.6g}", **style})
        ax.axhline(0, color="0.7", lw=0.8, zorder=0)
        ax.set(xlabel="r (bohr)", ylabel="P(r)", xlim=(0, _visible(orbitals, self.mesh)))
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        return ax


def _visible(orbitals, mesh):
    """Return the radius beyond which no orbital is seen."""
    r = np.linspace(0, mesh.rmax, 2000)
    seen = [r[abs(o(r)) > 3e-3 * abs(o(r)).max()].max(initial=r[1]) for o in orbitals]
    return 1.05 * max(seen)


def schroedinger(V, *, l, states, mesh=None, Z=0.0, rtol=1e-10, method="fast"):
    r"""Solve the radial Schroedinger equation.

    .. math:: -\tfrac12 P'' + \Big(V(r) - \frac Zr + \frac{l(l+1)}{2r^2}\Big) P = E P,\quad P(0) = P(r_m) = 0

    Parameters
    ----------
    V : callable, pair or array, shape (..., mesh.size)
        ``V(r)`` for an array of radii > 0, in hartree; or ``(r, values)`` at radii of your own, joined by a
        cubic spline and constant beyond the last; or values at ``mesh.r`` (of which that at r = 0 is
        not used). Axes in front make a batch. On a GPU if CuPy's.
    l : int or sequence of int
        Angular momenta.
    states : int
        How many states of each, from the lowest.
    mesh : Mesh, optional
        Elements; without it one is found on which all states meet `rtol`. Values of V need it.
    Z : float
        Charge of a nucleus whose potential is added to V, which may then be smooth, for a spline above all.
    rtol : float
        Relative error of the eigenvalues above which the result is no success.
    method : {"fast", "dense"}
        "dense" solves the matrix eigenproblem with `scipy.linalg.eigh`: transparent and slow, on the host.

    Returns
    -------
    RadialStates
        ``energies``, ``errors``, ``orbitals`` and the functions ``x``.

    Raises
    ------
    ValueError, TypeError
        V is not finite or does not fit the mesh; l or `states` is no number that can be; no mesh for values.

    Warns
    -----
    ConvergenceWarning
        A state is not accurate to `rtol`: the mesh is too coarse or too short for it, or it is not bound.

    Notes
    -----
    Gauss-Lobatto quadrature makes V and the overlap diagonal; the inner nodes of each element are eliminated
    by LDL^T, where the signs of the pivots count the eigenvalues below a shift. Brackets close on each state
    by these counts, and Rayleigh quotients finish: about 8 factorisations a state, each of
    ``elements * (degree + 1)**3 / 6`` multiplications and ``elements * (degree + 1)**2`` numbers. The finite
    elements are those of [1]_, their quadrature and the solution are not. A step of inverse iteration on the
    mesh refined once, and the slope at the wall, give the error estimates.

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
    momenta = _momenta(l)
    count = _validate.count(states, "states", least=1)
    rtol, Z = _validate.tolerance(rtol, "rtol"), _validate.number(Z, "Z")
    _validate.choice(method, "method", ("fast", "dense"))
    if isinstance(V, tuple):
        V = spline(*V)
    if mesh is not None:
        if not isinstance(mesh, Mesh):
            raise TypeError(f"mesh is a {type(mesh).__name__}; a numsolve.radial.Mesh is needed")
        result = Problem(V, Z, momenta, count, mesh, method).result(rtol)
    elif callable(V):
        result = searched(lambda mesh: Problem(V, Z, momenta, count, mesh, method), rtol)
    else:
        raise ValueError("mesh is None, but V is an array: the mesh of its radii is needed")
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


def spline(r, values):
    """Return the potential of samples as a callable."""
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
    """Potentials on one mesh, the states that are wanted, and how accurate they are."""

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

    def _solve(self, home, V, home_fine, V_fine, Z, method):
        """Find the states and estimate their errors."""
        V, V_fine = V - Z * home.c**0.5, V_fine - Z * home_fine.c**0.5
        which = self.system, self.l, self.index
        self.states, states_fine = States(home, *which), States(home_fine, *which)
        if method == "dense":
            self._dense(self.states, V)
            self._dense(states_fine, V_fine)
        else:
            self.states.solve(V)
            self.states.orient()
        self.errors: Errors = estimate(self.states, V, states_fine, V_fine)

    def _dense(self, states, V):
        if states.home.xp is not np:
            raise TypeError("V is on the GPU (CuPy), method='dense' runs on the host: use method='fast'")
        found = [
            _dense.states(states.home.meshes[b], V[b], l, self.count)
            for b in range(len(V))
            for l in self.momenta
        ]
        states.energies = np.concatenate([energies for energies, _ in found])
        states.P = np.concatenate([P for _, P in found])

    def result(self, rtol):
        """Return what was found, judged by the tolerance."""
        shape = (*self.batch, len(self.momenta), self.count)
        relative = self.errors.total / self.errors.scale
        worst = int(np.argmax(np.where(np.isnan(relative), np.inf, relative)))
        status, message = Status.CONVERGED, f"all errors are estimated below {rtol:.1e} of their energies"
        if not relative[worst] <= rtol:
            status, message = Status.MAXITER, self._complaint(worst)
        found = (
            relative[worst : worst + 1],
            self.states.energies.reshape(shape),
            self.errors.total.reshape(shape),
        )
        return self._packed(shape, status, message, *found)

    def _packed(self, shape, status, message, residuals, energies, errors):
        """Return the result."""
        x = self.mesh.flat(self.states.P).reshape(*shape, self.mesh.size)
        return RadialStates(x, status, message, residuals, energies, errors, self.momenta, self.mesh)

    def _complaint(self, s):
        """Say what is wrong with state s, and what would help."""
        which = self._name(s) + ("" if self.batch == () else f" of potential {self.system[s]}")
        energy, rmax = self.states.energies[s], self.mesh.rmax
        if np.isinf(self.errors.end[s]):
            return f"{which}, of energy {energy:.6g}, is not bound: only the wall at r = {rmax:.6g} holds it"
        off = f"{which}, of energy {energy:.10g}, is uncertain by {self.errors.total[s]:.1e}"
        if self.errors.end[s] > 0.5 * self.errors.total[s]:
            return (
                f"{off}: the mesh ends at r = {rmax:.6g}, where it has not decayed; a longer mesh is needed"
            )
        if self.errors.inner[s] > 0.5 * self.errors.total[s]:
            return f"{off}: the mesh is too coarse for it; more elements or a higher degree are needed"
        return f"{off}: these are rounding errors; loosen rtol"

    def _name(self, s):
        """Return the spectroscopic name of state s."""
        return name(int(self.index[s] + self.l[s]) + 1, int(self.l[s]))


def _potentials(V, mesh, fine):
    """Return V at the nodes of both meshes, (systems, degree + 1, elements), and the shape of the batch."""
    if callable(V):
        values, values_fine = (_called(V, m) for m in (mesh, fine))
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


def _called(V, mesh):
    """Return the values of a callable at the radii of a mesh, 0 at r = 0."""
    r = mesh.r[1:]
    values = _validate.real_array(V(r.copy()), "V(r)")
    if values.shape[-1:] not in ((r.size,), ()):
        raise ValueError(f"V(r) has shape {values.shape} for {r.size} radii; (..., {r.size}) is needed")
    values = np.broadcast_to(values, (*values.shape[:-1], r.size))
    return np.concatenate([np.zeros((*values.shape[:-1], 1)), values], axis=-1)


def searched(problem_on, rtol, longest=np.inf):
    """Lengthen and refine a mesh until the errors meet the tolerance."""
    edges, best, history = exponential(min(10.0, longest), 8, ratio=20.0).edges, None, []
    for _ in range(TRIES):
        problem = problem_on(Mesh(edges, 14))
        result = problem.result(rtol)
        history.append(float(result.residuals[0]))
        if best is None or history[-1] <= min(history):
            best = result
        if result.success or len(edges) > MOST or (edges[-1] > LONGEST and np.isinf(history[-1])):
            break
        errors = problem.errors
        wanted = 0.25 * rtol * errors.scale
        largest = errors.elements.max(axis=1, keepdims=True)
        coarse = (errors.elements > np.maximum(wanted[:, None] / len(edges), 0.03 * largest)).any(axis=0)
        middles = 0.5 * (edges[1:] + edges[:-1])[coarse]
        if (errors.end > wanted).any():
            last = edges[-1] - edges[-2]
            longer = edges[-1] + last * (1.3 ** np.arange(1, 4)).cumsum()
            middles = np.append(middles, np.minimum(longer, longest))
        edges, before = np.unique(np.append(edges, middles)), edges
        if len(edges) == len(before):
            break
    assert best is not None
    return replace(best, residuals=np.array(history))
