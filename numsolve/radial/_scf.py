"""Self-consistency: the potential whose electrons make that potential, for many systems at once."""

from typing import Any, NamedTuple

import numpy as np

from .._array import to_host
from .._iterate import iterate
from .._result import Breakdown
from ..kernels import kernels_for
from ._eigen import States

MIXING, DEPTH = 0.5, 8  # the share of the residual, and how many differences Anderson's mixing keeps


class Density(NamedTuple):
    """What a solver makes of its states: arrays of shape (systems, degree + 1, elements)."""

    u: Any  # electrons per radius: the integral is their number
    n: Any  # electrons per volume
    hartree: Any  # their electrostatic potential


class Shells:
    """The solver of Schroedinger's equation for shells of electrons.

    What `converge` asks of a solver are ``home.w`` (weights of quadrature), `solve` and `density`; a solver of another
    equation with the same three serves as well.

    Parameters
    ----------
    home : Systems
        One mesh a system.
    Z : numpy.ndarray, shape (systems,)
        Charges of the nuclei.
    shells : list of dict
        For each system, electrons by (n, l).
    """

    def __init__(self, home, Z, shells):
        xp = home.xp
        self.arguments = Z, shells
        self.home, self.nuclear = home, -xp.asarray(Z)[:, None, None] * home.c**0.5
        sizes = [len(each) for each in shells]
        self.starts_host = np.concatenate([[0], np.cumsum(sizes)])
        self.starts = xp.asarray(self.starts_host)
        keys = np.array([key for each in shells for key in each]).reshape(-1, 2)
        self.n, self.l = keys[:, 0], keys[:, 1]
        self.occupations = np.array([electrons for each in shells for electrons in each.values()])
        self.f = xp.asarray(self.occupations)
        self.states = States(home, np.repeat(np.arange(len(shells)), sizes), self.l, self.n - self.l - 1)
        self.last: Any = None
        self.made = Density(*(xp.zeros_like(home.r) for _ in Density._fields))

    @property
    def energies(self):
        """Eigenvalues of all shells, on the host."""
        return self.states.energies

    def solve(self, V, live):
        """Find the states in the potential V of the electrons, beside that of the nuclei."""
        total = V + self.nuclear
        if self.last is None:
            self.states.solve(total)
        else:
            self.states.follow(total, V - self.last, live)
        self.last = V

    def density(self, live):
        """Return the `Density` of the states; that of systems not `live` stays what it was."""
        home = self.home
        kernels_for(home.r).radial_density(
            live, self.starts, self.f, home.r, home.h, home.D, home.J, self.states.P, *self.made
        )
        return self.made


def converge(solver, V, xc, *, tol, maxiter, callback=None):
    """Iterate to a self-consistent potential of the electrons.

    Parameters
    ----------
    solver : Shells
        Or anything like it.
    V : array, shape (systems, degree + 1, elements)
        Where to start.
    xc : callable
        ``xc(n)`` returns energy per electron and potential.
    tol : float
        For the residual, what the electrons of V make of it less V: its root mean square over the electrons.
    maxiter : int
        Largest number of iterations.
    callback : callable, optional
        ``callback(V, residual norms)``; true stops.

    Returns
    -------
    Result
        ``x`` is the potential, with the shape of V; `solver` is in the state that belongs to it.
    """
    goals = np.full(len(V), float(tol))
    return iterate(lambda V: steps(solver, V, xc), V, tol=goals, maxiter=maxiter, callback=callback)


def steps(solver, V, xc):
    """Yield potentials and the squares of their residuals: Anderson's mixing of the last differences."""
    home, kernels = solver.home, kernels_for(V)
    xp = home.xp
    live = xp.ones(len(V), bool)
    dF, dV = xp.zeros((len(V), DEPTH, *V.shape[1:])), xp.zeros((len(V), DEPTH, *V.shape[1:]))
    step = 0
    while True:
        solver.solve(V, live)
        u, n, hartree = solver.density(live)
        f = hartree + xc(n)[1] - V
        new, norms = xp.empty_like(V), xp.zeros(len(V))
        kernels.anderson(live, step, MIXING, home.w, u, f, V, dF, dV, new, norms)
        live = yield V, norms * norms
        if live is None:
            raise Breakdown("the potential is not finite: what xc returns is not, or mixing ran away")
        V, step = xp.where(live[:, None, None], new, V), step + 1


class Energies(NamedTuple):
    """The total energy of a system and its parts, in hartree."""

    total: float
    kinetic: float
    hartree: float
    nuclear: float
    xc: float


def energies(solver, V, xc):
    """Return the `Energies` of each system, for the states that the solver found in V.

    The kinetic energy is the sum of the eigenvalues less the potential energy in V; the total is then
    off by the square of what V is off.
    """
    home, (u, n, hartree) = solver.home, solver.made
    w = home.w * u

    def integral(f):
        return to_host((w * f).sum(axis=(1, 2)))

    bands = np.add.reduceat(solver.occupations * solver.energies, solver.starts_host[:-1])
    kinetic = bands - integral(V + solver.nuclear)
    parts = kinetic, 0.5 * integral(hartree), integral(solver.nuclear), integral(xc(n)[0])
    return [Energies(float(sum(each)), *map(float, each)) for each in zip(*parts, strict=True)]
