"""Problems for learning a relaxation parameter: Laplacians with a random shift, and a heat equation."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from .. import _validate
from ._families import System
from ._pde import poisson


def laplacian_shifted(
    count, side=10, *, interval=(-0.15, 0.45), beta=(0.5, 1.5), rng=None
) -> Iterator[System]:
    r"""Make systems whose matrix is the Laplacian on a square plus a random multiple c of the identity.

    Parameters
    ----------
    count : int
        Number of systems.
    side : int
        Interior grid points along each axis: there are ``side**2`` unknowns.
    interval : (float, float)
        The interval of c. Below :math:`-8 \sin^2(\pi / (2\,\mathtt{side} + 2))` (-0.162 for ten
        points) a matrix is indefinite.
    beta : (float, float)
        Parameters of the beta distribution of c, scaled to the interval. Both (0.5, 1.5) and (2, 6) have
        their mean at a quarter of the interval; the first has the larger variance.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    iterator of System
        A, b and, as feature, the number c. b is standard normal, and drawn again while ``norm(b)**2``
        exceeds its mean.

    Raises
    ------
    TypeError, ValueError
        At the call, if an argument is invalid.

    Notes
    -----
    The family of section 4 of M. Khodak et al., *Learning to relax*, ICLR 2024,
    :doi:`10.48550/arXiv.2310.02246`. SOR converges fastest at
    ``omega_opt(4 * cos(pi / (side + 1)) / (4 + c))``.

    Examples
    --------
    >>> from numsolve.problems import laplacian_shifted
    >>> A, b, c = next(laplacian_shifted(1, rng=0))
    >>> float(A[0, 0]) == 4 + c
    True
    """
    count, side = _validate.count(count, "count"), _validate.count(side, "side", least=2)
    low, high = _validate.span(interval, "interval")
    law = _validate.positive_array(beta, "beta")
    if law.shape != (2,):
        raise ValueError(f"beta has shape {law.shape}; a pair of numbers is needed")
    rng = np.random.default_rng(rng)
    combine = _combinations(side)

    def system():
        c = low + (high - low) * rng.beta(*law)
        b = rng.standard_normal(side**2)
        while b @ b > side**2:
            b = rng.standard_normal(side**2)
        return System(combine(1.0, c), b, c)

    return (system() for _ in range(count))


class TimeStep(NamedTuple):
    """One step of a simulation: a system whose right-hand side depends on the previous solution.

    Attributes
    ----------
    A : scipy.sparse.csr_array, shape (n, n)
        The matrix.
    rhs : callable
        ``rhs(u)`` returns the right-hand side that follows from the previous solution `u`; both have shape
        (n,).
    feature : float
        The parameter of the step.
    """

    A: Any
    rhs: Callable[[Any], Any]
    feature: float


def heat_crank_nicolson(count, side, *, dt=1e-3) -> tuple[Any, Iterator[TimeStep]]:
    r"""Make the time steps of a heat equation whose conductivity is periodic in time.

    Parameters
    ----------
    count : int
        Number of steps.
    side : int
        Cells along each axis of the unit square. The temperature is zero on its sides, so that there are
        ``(side - 1)**2`` unknowns.
    dt : float
        Length of a step; the conductivity has the period 1.

    Returns
    -------
    u : array of float64, shape (n,)
        The initial temperature.
    steps : iterator of TimeStep
        A, rhs and, as feature, the conductivity at the start of the step, between 0 and 10.

    Raises
    ------
    TypeError, ValueError
        At the call, if an argument is invalid.

    Notes
    -----
    Section 4 of M. Khodak et al., *Learning to relax*, ICLR 2024, :doi:`10.48550/arXiv.2310.02246`: the
    Crank-Nicolson method for :math:`u_t = \kappa(t) \Delta u + f` with
    :math:`\kappa(t) = \max(\sin(2\pi t)/10, -10 \sin(2\pi t))`.
    The initial temperature is a smooth bump in the middle of the square. The source f is a bump of height 32,
    whose centre moves on a circle, eight times in a unit of time. Coefficient and source are evaluated in the
    middle of a step. All matrices have the same pattern, so that ``M.update(A)`` can update a preconditioner.

    Examples
    --------
    >>> from numsolve.krylov import cg
    >>> from numsolve.problems import heat_crank_nicolson
    >>> u, steps = heat_crank_nicolson(3, 20)
    >>> for A, rhs, conductivity in steps:
    ...     u = cg(A, rhs(u), u, rtol=1e-8).check().x
    """
    count, side = _validate.count(count, "count"), _validate.count(side, "side", least=2)
    dt = _validate.positive(dt, "dt")
    grid = np.linspace(0, 1, side + 1)[1:-1]
    combine = _combinations(side - 1)

    def step(start):
        time = start + dt / 2
        A = combine(0.5 * dt * conductivity(time) * side**2, 1.0)
        angle = 16 * np.pi * time
        source = 32 * dt * _bump(grid, 0.5 + np.cos(angle) / 4, 0.5 + np.sin(angle) / 4, 0.125)
        return TimeStep(A, lambda u: 2 * u - A @ u + source, conductivity(start))

    return _bump(grid, 0.5, 0.5, 0.25), (step(i * dt) for i in range(count))


def conductivity(time):
    """Return the coefficient of the heat equation: at most 0.1 in the first half of each period, then 10."""
    wave = float(np.sin(2 * np.pi * time))
    return max(0.1 * wave, -10 * wave)


def _combinations(side):
    """Return a function of two numbers a and c, which returns the matrix a L + c I, L the Laplacian."""
    L: Any = poisson((side, side))
    diagonal = np.flatnonzero(L.indices == np.repeat(np.arange(side**2), np.diff(L.indptr)))

    def combine(laplacian, identity):
        data = laplacian * L.data
        data[diagonal] += identity
        return sp.csr_array((data, L.indices, L.indptr), shape=L.shape)

    return combine


def _bump(grid, x, y, radius):
    """Return a smooth bump of height one on the points of a square, row by row."""
    square = ((grid[:, None] - x) ** 2 + (grid - y) ** 2) / radius**2
    inside = square < 1
    return np.where(inside, np.exp(1 - 1 / np.where(inside, 1 - square, 1)), 0).ravel()
