"""Discretised partial differential equations on the unit square and cube."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import _validate
from ._stencil import both_sides, conductances, stencil


def poisson(shape) -> Any:
    """Return the matrix of second differences for minus the Laplacian, times h^2, with Dirichlet boundaries.

    Parameters
    ----------
    shape : tuple of int
        Interior grid points along each axis; any number of axes.

    Returns
    -------
    scipy.sparse.csr_array, shape (n, n)
        Symmetric positive definite, float64: ``2 * len(shape)`` on the diagonal and -1 for each neighbour.

    Raises
    ------
    TypeError, ValueError
        If `shape` holds anything but positive integers.

    Examples
    --------
    >>> from numsolve.problems import poisson
    >>> poisson((3,)).toarray()
    array([[ 2., -1.,  0.],
           [-1.,  2., -1.],
           [ 0., -1.,  2.]])
    """
    import pyamg

    shape = tuple(_validate.count(m, "shape", least=1) for m in shape)
    return sp.csr_array(pyamg.gallery.poisson(shape, format="csr"))


def diffusion(coefficient) -> Any:
    r"""Return the finite-volume matrix of :math:`-\nabla\cdot(k\nabla u)` on a square grid, times h^2.

    Parameters
    ----------
    coefficient : array of floats, shape (m, m)
        Positive coefficient `k` in each cell; the coefficient of a face is the harmonic mean of its cells.

    Returns
    -------
    scipy.sparse.csr_array, shape (m * m, m * m)
        Symmetric positive definite, float64. u is zero on the outer faces of the grid.

    Raises
    ------
    ValueError
        If `coefficient` is not positive or has not two axes.
    """
    k = np.asarray(coefficient, float)
    if k.ndim != 2 or not (k > 0).all():
        raise ValueError("coefficient must be a positive array with two axes")
    number = np.arange(k.size).reshape(k.shape)
    rows, cols, faces = [], [], []
    diagonal = np.zeros(k.shape)
    for one, two in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        face = 2 / (1 / k[one] + 1 / k[two])
        rows += [number[one].ravel(), number[two].ravel()]
        cols += [number[two].ravel(), number[one].ravel()]
        faces += [-face.ravel(), -face.ravel()]
        diagonal[one] += face
        diagonal[two] += face
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        diagonal[edge] += 2 * k[edge]
    rows.append(number.ravel())
    cols.append(number.ravel())
    faces.append(diagonal.ravel())
    data, index = np.concatenate(faces), (np.concatenate(rows), np.concatenate(cols))
    return sp.csr_array(sp.coo_array((data, index), shape=(k.size, k.size)))


def convection_diffusion(shape, wind, *, coefficient=1.0, scheme="upwind") -> Any:
    r"""Return the matrix of :math:`\nabla\cdot(w u - k\nabla u)` on the unit square or cube, times h^2.

    Parameters
    ----------
    shape : tuple of int
        Interior grid points along each axis.
    wind : tuple of float, or of arrays
        Velocity `w` along each axis: a number, or values on the faces across that axis, one face more than
        points.
    coefficient : float or array of floats, shape (m + 2, ...)
        Positive coefficient `k` at all points, those on the boundary included. The coefficient of a face is
        the harmonic mean of its two points.
    scheme : {"upwind", "central"}
        The value that is convected through a face: that of the upstream point (first order), or the mean of
        both points (second order).

    Returns
    -------
    scipy.sparse.csr_array, shape (n, n)
        Nonsymmetric, float64; an M-matrix if `scheme` is "upwind". h is the spacing along the first axis.

    Raises
    ------
    TypeError
        If `wind` or `coefficient` is complex.
    ValueError
        If `shape`, `wind` and `coefficient` do not fit together, `coefficient` is not positive, or `scheme`
        is not one of the two names.
    """
    shape = tuple(_validate.count(m, "shape", least=1) for m in shape)
    if len(wind) != len(shape):
        raise ValueError(
            f"wind has {len(wind)} components; {len(shape)} are needed, one an axis of shape {shape}"
        )
    central = _validate.choice(scheme, "scheme", ("upwind", "central")) == "central"
    k = _validate.positive_array(coefficient, "coefficient")
    k = _on_grid(k, tuple(m + 2 for m in shape), "coefficient")
    diagonal, lower, upper, h = np.zeros(shape), [], [], 1 / (shape[0] + 1)
    for axis, (m, w) in enumerate(zip(shape, wind, strict=True)):
        ratio = h * (m + 1)
        before, after = (ratio**2 * face for face in conductances(k, axis))
        faces = tuple(count + (a == axis) for a, count in enumerate(shape))
        w = h * ratio * _on_grid(_validate.real_array(w, "wind"), faces, f"wind[{axis}]")
        spread = 0.5 * abs(w) if not central else 0.0  # central differences plus this are upwind ones
        # The flow through a face is `forward` times the value before it plus `backward` times that after it.
        forward, backward = both_sides(0.5 * w + spread, axis), both_sides(0.5 * w - spread, axis)
        diagonal += before + after + forward[1] - backward[0]
        lower.append(-before - forward[0])
        upper.append(-after + backward[1])
    return stencil(diagonal, lower, upper)


def _on_grid(values, shape, name):
    """Return `values`, a number or an array of this shape, as an array of this shape."""
    if values.shape not in ((), shape):
        raise ValueError(f"{name} has shape {values.shape}; a number or shape {shape} is needed")
    return np.broadcast_to(values, shape)
