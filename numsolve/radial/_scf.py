"""Self-consistency: the potential whose electrons make that potential, for many systems at once."""

from typing import NamedTuple

import numpy as np

from .._array import to_host
from .._iterate import iterate
from .._result import Breakdown
from ..kernels import kernels_for

MIXING, DEPTH = 0.6, 6  # the share of the residual, and how many differences Anderson's mixing keeps


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

    bands = np.add.reduceat(solver.occupations * solver.energies, solver.starts[:-1])
    attraction = solver.attraction()
    kinetic = bands - integral(V) - attraction
    parts = kinetic, 0.5 * integral(hartree), attraction, integral(xc(n)[0])
    return [Energies(float(sum(each)), *map(float, each)) for each in zip(*parts, strict=True)]
