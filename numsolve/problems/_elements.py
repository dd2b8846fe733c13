"""Linear finite elements on triangles, and two problems whose data change the right-hand side only."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.polynomial.chebyshev import chebvander

from .. import _validate


def stiffness(mesh, coefficient=1.0):
    r"""Return the matrix of :math:`\int k \nabla\varphi_i\cdot\nabla\varphi_j`, with one `k` a triangle."""
    corners = mesh.points[mesh.triangles]
    opposite = np.roll(corners, -1, axis=1) - np.roll(corners, -2, axis=1)  # gradients, rotated by 90 degrees
    scale = coefficient / (4 * mesh.areas)
    return _assemble(mesh, scale[:, None, None] * np.einsum("tia,tja->tij", opposite, opposite))


def mass(mesh):
    r"""Return the matrix of :math:`\int \varphi_i \varphi_j`."""
    return _assemble(mesh, mesh.areas[:, None, None] / 12 * (np.ones((3, 3)) + np.eye(3)))


def flux(mesh, edges):
    r"""Return :math:`\int \varphi_i` along `edges`: the load of a unit flux through them."""
    length = np.linalg.norm(np.diff(mesh.points[edges], axis=1)[:, 0], axis=1)
    return np.bincount(edges.ravel(), np.repeat(length / 2, 2), len(mesh.points))


def thermal(mesh, left, right) -> tuple[Any, Any]:
    r"""Return A and b of steady heat conduction in a plate: :math:`\Delta u = 0`, two values on the boundary.

    Parameters
    ----------
    mesh : Mesh
        From `plate_mesh` or another. Its leftmost and its rightmost side must be straight.
    left : float
        Temperature of the left side.
    right : float
        Flux through the right side into the plate, :math:`\partial u/\partial n`; the rest is insulated.

    Returns
    -------
    A : scipy.sparse.csr_array, shape (n, n)
        Symmetric positive definite, float64, the same for all values. The unknowns are the nodes that are
        not on the left side, in the order of ``mesh.points``.
    b : array of float64, shape (n,)
        Linear in the two values.

    Raises
    ------
    TypeError, ValueError
        If one of the values is not a finite number.

    Notes
    -----
    Equation, plate and kind of boundary values are those of the program ``Heat_generate.m`` in the repository
    of H. Wang et al. (see `darcy`), which uses MATLAB's quadratic elements; these are linear.
    """
    values = [_validate.number(left, "left"), _validate.number(right, "right")]
    A, B = thermal_response(mesh)
    return A, B @ values


def poisson_fem(mesh, coefficients) -> tuple[Any, Any]:
    r"""Return A and b of :math:`-\Delta u = f` on the unit square; f and the boundary values are polynomials.

    Parameters
    ----------
    mesh : Mesh
        Of the unit square, as from `square_mesh`.
    coefficients : array of floats, shape (5, degree + 1)
        Chebyshev coefficients, of :math:`T_0, T_1, ...` on [-1, 1]. Row 0: f as a function of x. Rows 1 to
        4: u on the lower, right, upper and left side, as a function of x or y along the side. The value at a
        corner is that of the later one of its two sides.

    Returns
    -------
    A : scipy.sparse.csr_array, shape (n, n)
        Symmetric positive definite, float64, the same for all coefficients. The unknowns are the inner nodes,
        in the order of ``mesh.points``.
    b : array of float64, shape (n,)
        Linear in the coefficients.

    Raises
    ------
    TypeError
        If `coefficients` are complex.
    ValueError
        If `coefficients` are not finite or have another shape.

    Notes
    -----
    As in the program ``possion_generate.m`` of H. Wang et al. (see `darcy`), with two differences: that
    program uses quadratic elements, and evaluates the polynomials of the left and the right side at x, which
    is constant there.
    """
    coefficients = _validate.real_array(coefficients, "coefficients")
    if coefficients.ndim != 2 or len(coefficients) != 5 or coefficients.size == 0:
        raise ValueError(f"coefficients has shape {coefficients.shape}; (5, degree + 1) is needed")
    A, B = poisson_response(mesh, coefficients.shape[1] - 1)
    return A, B @ coefficients.ravel()


def thermal_response(mesh):
    """Return A of `thermal`, and B so that b = B @ (left, right)."""
    K, x = stiffness(mesh), mesh.points[:, 0]
    fixed, right = x == x.min(), x[mesh.boundary] == x.max()
    B = np.stack([-(K @ fixed), flux(mesh, mesh.boundary[right.all(axis=1)])], axis=1)
    return K[~fixed][:, ~fixed], B[~fixed]


def poisson_response(mesh, degree):
    """Return A of `poisson_fem`, and B so that b = B @ coefficients.ravel()."""
    K = stiffness(mesh)
    along_x, along_y = (chebvander(mesh.points[:, axis], degree) for axis in (0, 1))
    sides = ((1, 0.0, along_x), (0, 1.0, along_y), (1, 1.0, along_x), (0, 0.0, along_y))
    owner = np.full(len(mesh.points), -1)
    for side, (axis, value, _) in enumerate(sides):
        owner[mesh.points[:, axis] == value] = side
    lifts = [-(K @ np.where((owner == side)[:, None], sides[side][2], 0)) for side in range(4)]
    inner = owner < 0
    return K[inner][:, inner], np.concatenate([mass(mesh) @ along_x, *lifts], axis=1)[inner]


def _assemble(mesh, local):
    """Return the sum of the 3-by-3 matrices of all triangles, as a sparse matrix of all nodes."""
    rows, cols = np.repeat(mesh.triangles, 3, axis=1), np.tile(mesh.triangles, (1, 3))
    entries = (local.ravel(), (rows.ravel(), cols.ravel()))
    return sp.csr_array(sp.coo_array(entries, shape=2 * (len(mesh.points),)))
