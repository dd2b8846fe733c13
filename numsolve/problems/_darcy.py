"""Darcy flow and the Helmholtz equation in a random medium."""

from typing import Any

import numpy as np

from .. import _validate
from ._stencil import conductances, stencil


def darcy(coefficient, *, matrix="finite-volume") -> tuple[Any, Any]:
    r"""Return A and b of the flow :math:`-\nabla\cdot(k\nabla u) = 1` on a square grid, times h^2.

    Parameters
    ----------
    coefficient : array of floats, shape (s + 2, s + 2)
        Positive coefficient `k`, cell by cell; u vanishes in the outermost cells.
    matrix : {"finite-volume", "corrected", "published"}
        Which matrix; see Notes. Only the first discretises the equation.

    Returns
    -------
    A : scipy.sparse.csr_array, shape (s * s, s * s)
        At most five entries a row, float64; the unknowns are the inner cells in the order of
        ``coefficient[1:-1, 1:-1].ravel()``.
    b : array of float64, shape (s * s,)
        h^2 everywhere, with h = 1 / (s - 1) as published: the inner cells' centres span the unit square.

    Raises
    ------
    TypeError
        If `coefficient` is complex.
    ValueError
        If `coefficient` is not positive, finite, square and at least 4 by 4, or `matrix` is not one of the
        three names.

    Notes
    -----
    "finite-volume" is conservative: the coefficient of a face is the harmonic mean of its two cells, and the
    diagonal entry is the sum over the four faces. The matrix is symmetric positive definite, and of second
    order where `k` is smooth.

    "corrected" has 4 k on the diagonal, and for each neighbour minus the coefficient *of the neighbour*: it
    is L diag(k), with the Laplacian L of `poisson`. It is similar to a positive definite matrix, but
    discretises :math:`-\Delta(k u) = 1`.

    "published" is what the programs of the paper on subspace recycling by H. Wang et al. (ICLR 2024,
    arXiv:2401.09516; repository wanghong1700/NO-DataGen-SKR) assemble: "corrected", but the entry for the
    northern neighbour is read two places too early, ``k[:-2, 1:-1].ravel()[row - 2]``. This error makes the
    smallest eigenvalues negative (one to five of them, in each of twelve fields of 80 by 80 inner cells),
    and restarted GMRES stagnates.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.problems import darcy, gaussian_field
    >>> A, b = darcy(np.exp(gaussian_field((82, 82), rng=0)))
    >>> A.shape
    (6400, 6400)
    """
    k = _validate.positive_array(coefficient, "coefficient")
    if k.ndim != 2 or k.shape[0] != k.shape[1] or len(k) < 4:
        raise ValueError(f"coefficient has shape {k.shape}; (s + 2, s + 2) with s >= 2 is needed")
    side = len(k) - 2
    return MATRICES[_validate.choice(matrix, "matrix", MATRICES)](k), np.full(side**2, 1 / (side - 1) ** 2)


def helmholtz(coefficient, wavenumber, *, matrix="finite-volume") -> tuple[Any, Any]:
    r"""Return A and b of :math:`-\nabla\cdot(k\nabla u) - \omega^2 u = 1` on a square grid, times h^2.

    Parameters
    ----------
    coefficient : array of floats, shape (s + 2, s + 2)
        As for `darcy`.
    wavenumber : float
        The number :math:`\omega`; :math:`h^2\omega^2` is subtracted from the diagonal of `darcy`'s matrix.
    matrix : {"finite-volume", "corrected", "published"}
        As for `darcy`.

    Returns
    -------
    A : scipy.sparse.csr_array, shape (s * s, s * s)
        float64; symmetric if `matrix` is "finite-volume", and then positive definite for small wavenumbers
        only.
    b : array of float64, shape (s * s,)
        h^2 everywhere, h = 1 / (s - 1).

    Raises
    ------
    ValueError
        As for `darcy`, and if `wavenumber` is not finite.

    Notes
    -----
    The paper of H. Wang et al. (see `darcy`) draws wavenumbers from (0, 1): they change a diagonal of about 4
    by less than 5e-4 on 50 by 50 cells, and by less on finer grids. For k = 1 the smallest eigenvalue of the
    differential operator is near 20, so that the matrix is indefinite for wavenumbers above about 4.4.
    """
    wavenumber = _validate.number(wavenumber, "wavenumber")
    A, b = darcy(coefficient, matrix=matrix)
    A.setdiag(A.diagonal() - b * wavenumber**2)
    return A, b


def _finite_volume(k):
    """Return the matrix of harmonic face coefficients."""
    faces = [conductances(k, axis) for axis in (0, 1)]
    diagonal = sum(low + high for low, high in faces)
    return stencil(diagonal, [-low for low, _ in faces], [-high for _, high in faces])


def _corrected(k, north_shift=0):
    """Return the matrix L diag(k), with northern entries that are read `north_shift` places too early."""
    north = np.roll(k[:-2, 1:-1].ravel(), north_shift).reshape(
        k[1:-1, 1:-1].shape
    )  # wrapped ones are dropped
    return stencil(4 * k[1:-1, 1:-1], [-north, -k[1:-1, :-2]], [-k[2:, 1:-1], -k[1:-1, 2:]])


def _published(k):
    """Return the matrix of the repository."""
    return _corrected(k, north_shift=2)


MATRICES = {"finite-volume": _finite_volume, "corrected": _corrected, "published": _published}
