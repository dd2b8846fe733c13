"""Families: sequences of related systems, each with its parameters; a system is made when it is requested."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._random import standard_normal
from ._darcy import MATRICES, darcy, helmholtz
from ._elements import poisson_response, thermal_response
from ._fields import complex_field, gaussian_field
from ._pde import convection_diffusion


class System(NamedTuple):
    """One system of a family.

    Attributes
    ----------
    A : scipy.sparse.csr_array of float64, shape (n, n)
        The matrix.
    b : array of float64, shape (n,)
        The right-hand side.
    feature : array or float
        The parameters of the system within its family. Systems with similar features are similar.
    """

    A: Any
    b: Any
    feature: Any


def darcy_systems(count, side, *, matrix="finite-volume", alpha=2.5, tau=7.0, rng=None) -> Iterator[System]:
    """Make systems of Darcy flow, each with its own random coefficient.

    Parameters
    ----------
    count : int
        Number of systems.
    side : int
        Inner cells along each axis: there are ``side**2`` unknowns.
    matrix : {"finite-volume", "corrected", "published"}
        As for `darcy`.
    alpha, tau : float
        Parameters of the coefficient's logarithm, a `gaussian_field`.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    iterator of System
        A, b and, as feature, the coefficient of shape ``(side + 2, side + 2)``.

    Raises
    ------
    TypeError, ValueError
        At the call, if an argument is invalid.

    Examples
    --------
    >>> from numsolve.problems import darcy_systems
    >>> for A, b, feature in darcy_systems(2, side=80, rng=0):
    ...     print(A.shape, feature.shape)
    (6400, 6400) (82, 82)
    (6400, 6400) (82, 82)
    """
    fields, _ = _coefficients(count, side, matrix, alpha, tau, rng)
    return (System(*darcy(k, matrix=matrix), k) for k in fields)


def helmholtz_systems(
    count, side, *, wavenumbers=(0.0, 1.0), matrix="finite-volume", alpha=2.5, tau=7.0, rng=None
) -> Iterator[System]:
    """Make systems of the Helmholtz equation, each with its own random coefficient and wavenumber.

    Parameters
    ----------
    count : int
        Number of systems.
    side : int
        Inner cells along each axis: there are ``side**2`` unknowns.
    wavenumbers : (float, float)
        The interval from which wavenumbers are drawn uniformly. The default is the published one, whose
        wavenumbers hardly change the matrix of `darcy`: see `helmholtz`.
    matrix : {"finite-volume", "corrected", "published"}
        As for `darcy`.
    alpha, tau : float
        Parameters of the coefficient's logarithm, a `gaussian_field`.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    iterator of System
        A, b and, as feature, the coefficient row by row, then the wavenumber: ``(side + 2)**2 + 1`` numbers.

    Raises
    ------
    TypeError, ValueError
        At the call, if an argument is invalid.
    """
    interval = _validate.real_array(wavenumbers, "wavenumbers")
    if interval.shape != (2,):
        raise ValueError(f"wavenumbers has shape {interval.shape}; a pair of numbers is needed")
    fields, rng = _coefficients(count, side, matrix, alpha, tau, rng)
    return (
        System(*helmholtz(k, w := rng.uniform(*interval), matrix=matrix), np.append(k, w)) for k in fields
    )


def thermal_systems(count, mesh, *, rng=None) -> Iterator[System]:
    """Make systems of steady heat conduction in a plate, with one matrix and random values on two sides.

    Parameters
    ----------
    count : int
        Number of systems.
    mesh : Mesh
        As for `thermal`; for example ``plate_mesh(0.02, rng=0)``.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    iterator of System
        A, which is the same object each time, b and, as feature, an array of two numbers: the temperature of
        the left side, uniform in (0, 100), and the flux through the right side, uniform in (-100, 0).

    Raises
    ------
    TypeError, ValueError
        At the call, if `count` is invalid.
    """
    A, B = thermal_response(mesh)
    rng, count = np.random.default_rng(rng), _validate.count(count, "count")
    values = (100 * rng.uniform((0, -1), (1, 0)) for _ in range(count))
    return (System(A, B @ v, v) for v in values)


def poisson_systems(count, mesh, *, degree=5, rng=None) -> Iterator[System]:
    """Make Poisson equations on the unit square: one matrix, random polynomials for f and on the boundary.

    Parameters
    ----------
    count : int
        Number of systems.
    mesh : Mesh
        As for `poisson_fem`; for example ``square_mesh(0.01, rng=0)``.
    degree : int
        Degree of the polynomials.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    iterator of System
        A, which is the same object each time, b and, as feature, the Chebyshev coefficients of shape
        ``(5, degree + 1)`` that `poisson_fem` takes, uniform in (-1, 1).

    Raises
    ------
    TypeError, ValueError
        At the call, if `count` or `degree` is invalid.
    """
    degree, count = _validate.count(degree, "degree"), _validate.count(count, "count")
    A, B = poisson_response(mesh, degree)
    rng = np.random.default_rng(rng)
    values = (rng.uniform(-1, 1, (5, degree + 1)) for _ in range(count))
    return (System(A, B @ v.ravel(), v) for v in values)


def convection_diffusion_systems(
    count, shape, *, drift=0.02, wind=10.0, contrast=3.0, scheme="upwind", rng=None
) -> Iterator[System]:
    r"""Make convection-diffusion systems whose coefficient, wind and source change slowly from step to step.

    Parameters
    ----------
    count : int
        Number of steps.
    shape : tuple of int
        Interior grid points along each axis.
    drift : float
        Angle between one step and the next, in radians; the sequence is periodic with the period 2 pi.
    wind : float
        Speed of the wind, as the root mean square over one period. The wind is the same at all points and
        rotates. A strong wind makes the systems easier, so that recycling gains less.
    contrast : float
        Factor of the Gaussian field in the coefficient's logarithm.
    scheme : {"upwind", "central"}
        As for `convection_diffusion`.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    iterator of System
        A, b and, as feature, cosine and sine of the step's angle; the system depends on nothing else.

    Raises
    ------
    TypeError, ValueError
        At the call, if an argument is invalid.

    Notes
    -----
    Each quantity that changes is :math:`\mathrm{Re}(e^{-i\theta} z)`, where z is complex normal: a field (see
    `gaussian_field`) or a vector. At every angle :math:`\theta` it has the same distribution, and its
    correlation with that of the first step is :math:`\cos\theta`. The coefficient is the exponential of
    such a field, the wind is such a vector scaled to `wind`, and the source is such a field.
    """
    shape = tuple(_validate.count(m, "shape", least=1) for m in shape)
    count, drift = _validate.count(count, "count"), _validate.number(drift, "drift")
    wind, contrast = _validate.number(wind, "wind"), _validate.number(contrast, "contrast")
    _validate.choice(scheme, "scheme", ("upwind", "central"))
    rng = np.random.default_rng(rng)
    medium = complex_field(tuple(m + 2 for m in shape), rng=rng)
    source = complex_field(shape, rng=rng) / (shape[0] + 1) ** 2
    heading = standard_normal(rng, len(shape), dtype=complex)
    heading *= wind * np.sqrt(2) / np.linalg.norm(heading)

    def system(angle):
        turn = np.exp(-1j * angle)
        k = np.exp(contrast * (turn * medium).real)
        A = convection_diffusion(shape, tuple((turn * heading).real), coefficient=k, scheme=scheme)
        return System(A, (turn * source).real.ravel(), np.array([turn.real, -turn.imag]))

    return (system(drift * step) for step in range(count))


def _coefficients(count, side, matrix, alpha, tau, rng):
    """Check the arguments; return an iterator of coefficients, and the generator that draws them."""
    count, side = _validate.count(count, "count"), _validate.count(side, "side", least=2)
    _validate.choice(matrix, "matrix", MATRICES)
    alpha, tau = _validate.positive(alpha, "alpha"), _validate.positive(tau, "tau")
    rng = np.random.default_rng(rng)
    shape = (side + 2, side + 2)
    return (np.exp(gaussian_field(shape, alpha=alpha, tau=tau, rng=rng)) for _ in range(count)), rng
