"""Nonlinear partial differential equations: Bratu's problem and the flow in a lid-driven cavity."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import _validate
from ._pde import poisson


@dataclass(frozen=True)
class Equations:
    """A nonlinear system F(x) = 0.

    Attributes
    ----------
    fun : callable
        ``fun(x)`` returns F(x), shape (n,); `x` may have any shape.
    jac : callable
        ``jac(x)`` returns the Jacobian, a sparse array of shape (n, n).
    x0 : numpy.ndarray, shape (n,)
        The usual starting point.
    shape : tuple of int
        The shape of the grid function that `x` stores row by row.
    """

    fun: Callable[[Any], Any]
    jac: Callable[[Any], Any]
    x0: np.ndarray
    shape: tuple[int, ...]


def bratu(n, lam=6.0) -> Equations:
    r"""Return Bratu's problem :math:`-\Delta u = \lambda e^u` on the unit square, with u = 0 on the boundary.

    Parameters
    ----------
    n : int
        Interior grid points along each axis.
    lam : float
        The parameter :math:`\lambda`. There are two solutions below the turning point, near 6.808, and
        none above it.

    Returns
    -------
    Equations
        ``fun`` returns :math:`A u / h^2 - \lambda e^u` with the five-point matrix A, ``jac`` its Jacobian,
        which is symmetric. ``x0`` is zero.

    Raises
    ------
    TypeError, ValueError
        `n` is not a positive integer, or `lam` is not finite.

    Examples
    --------
    >>> from numsolve import newton, problems
    >>> problem = problems.bratu(15)
    >>> result = newton.root(problem.fun, problem.x0, jac=problem.jac, linear_solver="direct").check()
    >>> round(float(result.x.max()), 2)
    0.8
    """
    n, lam = _validate.count(n, "n", least=1), _validate.number(lam, "lam")
    A = sp.csr_array(poisson((n, n)) * (n + 1.0) ** 2)
    diagonal = _places_of_diagonal(A)

    def fun(u):
        u = np.ravel(u)
        return A @ u - lam * np.exp(u)

    def jac(u):
        J = A.astype(np.result_type(A.dtype, u))
        J.data[diagonal] -= lam * np.exp(np.ravel(u))
        return J

    return Equations(fun, jac, np.zeros(n * n), (n, n))


def driven_cavity(n, reynolds=100.0) -> Equations:
    r"""Return the steady flow in a square cavity whose lid moves, as an equation for the streamfunction.

    .. math:: \Delta^2 \psi = \mathrm{Re} \left(\psi_y \Delta\psi_x - \psi_x \Delta\psi_y\right)

    Here :math:`\psi = 0` on all walls, the normal derivative of :math:`\psi` is 1 at the lid, y = 1, and 0 at
    the other walls.

    Parameters
    ----------
    n : int
        Interior grid points along each axis, at least 3.
    reynolds : float
        Reynolds number, of the lid's speed and the side of the cavity.

    Returns
    -------
    Equations
        ``fun`` is the equation in central differences, times :math:`h^4`, with the 13-point biharmonic
        operator; values outside the cavity follow from the normal derivatives. ``jac`` is its Jacobian, which
        is nonsymmetric. ``x0`` is zero. The axes of the grid are x and y.

    Raises
    ------
    TypeError, ValueError
        `n` is not an integer of at least 3, or `reynolds` is not finite.

    Notes
    -----
    The condition number grows as :math:`h^{-4}`: Krylov methods need a preconditioner.

    Examples
    --------
    >>> from numsolve import newton, problems
    >>> problem = problems.driven_cavity(15, reynolds=10.0)
    >>> result = newton.root(problem.fun, problem.x0, jac=problem.jac, linear_solver="direct").check()
    >>> bool(-0.11 < result.x.min() < -0.09)
    True
    """
    n, reynolds = _validate.count(n, "n", least=3), _validate.number(reynolds, "reynolds")
    h = 1 / (n + 1)
    extended, source = _extension(n, 2 * h)
    # On the grid with two further lines at each side; the differences are at interior points.
    inner = [_shift(n, i) for i in range(-2, 3)]

    def at(i, j):
        return sp.kron(inner[i + 2], inner[j + 2], format="csr")

    def laplacian(i, j):
        return at(i + 1, j) + at(i - 1, j) + at(i, j + 1) + at(i, j - 1) - 4 * at(i, j)

    around = laplacian(1, 0), laplacian(-1, 0), laplacian(0, 1), laplacian(0, -1)
    operators = (
        sum(around) - 4 * laplacian(0, 0),
        (at(1, 0) - at(-1, 0)) / 2,
        (at(0, 1) - at(0, -1)) / 2,
        (around[0] - around[1]) / 2,
        (around[2] - around[3]) / 2,
    )
    (B, b), *first = [(sp.csr_array(D @ extended), D @ source) for D in operators]

    def fun(psi):
        psi = np.ravel(psi)
        x, y, lx, ly = (D @ psi + d for D, d in first)
        return B @ psi + b - reynolds * (y * lx - x * ly)

    def jac(psi):
        psi = np.ravel(psi)
        x, y, lx, ly = (sp.diags_array(D @ psi + d) for D, d in first)
        X, Y, LX, LY = (D for D, _ in first)
        return sp.csr_array(B - reynolds * (y @ LX + lx @ Y - x @ LY - ly @ X))

    return Equations(fun, jac, np.zeros(n * n), (n, n))


def _places_of_diagonal(A):
    """Return where the diagonal entries of a CSR matrix are stored."""
    rows = np.repeat(np.arange(A.shape[0]), np.diff(A.indptr))
    return np.flatnonzero(rows == A.indices)


def _shift(n, step):
    """Return the matrix that takes the values `step` lines away from n interior lines, of n + 4 lines."""
    return sp.eye_array(n, n + 4, k=2 + step, format="csr")


def _extension(n, lift):
    """Return the map from interior values to those with two further lines at each side, and its constant.

    The nearer line is the wall, where the values are zero. The line outside it mirrors the first interior
    line, plus `lift` outside the lid.
    """
    E = sp.lil_array((n + 4, n))
    E[np.arange(2, n + 2), np.arange(n)] = 1
    E[0, 0] = E[n + 3, n - 1] = 1
    E = sp.csr_array(E)
    along_x = np.zeros(n + 4)
    along_x[2 : n + 2] = 1
    outside = np.zeros(n + 4)
    outside[n + 3] = lift
    return sp.kron(E, E, format="csr"), np.kron(along_x, outside)
