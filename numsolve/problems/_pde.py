"""Discretised partial differential equations on the unit square and cube."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import _validate


def poisson(shape) -> Any:
    """Return the second-difference Laplacian with Dirichlet boundaries, times -h^2.

    Parameters
    ----------
    shape : tuple of int
        Interior grid points along each axis; one, two, three axes or more.

    Returns
    -------
    scipy.sparse.csr_array, shape (n, n)
        Symmetric positive definite; ``2 * len(shape)`` on the diagonal and -1 for each neighbour.

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
        Positive coefficient `k` in each cell; faces take the harmonic mean.

    Returns
    -------
    scipy.sparse.csr_array, shape (m * m, m * m)
        Symmetric positive definite, Dirichlet boundaries half a cell outside.
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


def convection_diffusion(shape, wind) -> Any:
    r"""Return the upwind matrix of :math:`-\Delta u + w\cdot\nabla u` on the unit square or cube, times h^2.

    Parameters
    ----------
    shape : tuple of int
        Interior grid points along each axis.
    wind : tuple of float
        Constant velocity `w` along each axis.

    Returns
    -------
    scipy.sparse.csr_array, shape (n, n)
        Nonsymmetric M-matrix.
    """
    total = None
    for axis, (m, w) in enumerate(zip(shape, wind, strict=True)):
        h = 1 / (m + 1)
        down, up = max(w, 0) * h, max(-w, 0) * h
        line = sp.diags_array([-1 - down, 2 + down + up, -1 - up], offsets=[-1, 0, 1], shape=(m, m))  # pyright: ignore
        before, after = int(np.prod(shape[:axis])), int(np.prod(shape[axis + 1 :]))
        term = sp.kron(sp.kron(sp.eye_array(before), line), sp.eye_array(after))
        total = term if total is None else total + term
    return sp.csr_array(total)
