"""Optimal control of a Poisson equation: a sparse quadratic problem with linear equality constraints."""

from functools import partial
from math import sqrt
from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import _validate
from ._constrained import ConstrainedProblem
from ._stencil import stencil

WEIGHT = 0.1  # of the control in the objective


def pde_control(side) -> ConstrainedProblem:
    r"""Return the problem to control a Poisson equation such that its solution is near a given function.

    Minimise :math:`\frac12 \lVert w - w_{\mathrm{true}} \rVert^2 + 0.05\,\lVert z \rVert^2` subject to
    :math:`\Delta_h w + z = 0`, where :math:`\Delta_h` is the five-point Laplacian on the square of side 2,
    with zero boundary values.

    Parameters
    ----------
    side : int
        Interior grid points along each axis, N. There are ``2 * N**2`` variables, first the state w and
        then the control z, and ``N**2`` constraints.

    Returns
    -------
    ConstrainedProblem
        The problem, with sparse derivatives in CSR form, its solution and optimum. All variables start at
        one. For ``side=128`` its KKT matrix has 49,152 rows.

    Raises
    ------
    TypeError, ValueError
        If `side` is not a positive integer.

    Notes
    -----
    With grid indices i, j from 1 to N and s = 0.1 / sqrt(15), the target is ``sin(4 + s (i - (N + 1) / 2)) +
    cos(3 + s (j - (N + 1) / 2))``. The source [1]_ has N = 3. The solution is computed by fast sine
    transforms, in O(N^2 log N) operations: w solves ``(I + 0.1 L^2) w = w_true``, where L is the Laplacian.

    References
    ----------
    .. [1] I. Hong, S. Na, M. W. Mahoney, M. Kolar, *Constrained optimization via exact augmented Lagrangian
       and randomized iterative sketching*, ICML 2023, :doi:`10.48550/arXiv.2305.18379`, section 4.

    Examples
    --------
    >>> from numsolve.problems import pde_control
    >>> problem = pde_control(3)
    >>> problem.jac(problem.x0).shape
    (9, 18)
    """
    N = _validate.count(side, "side", least=1)
    n, h = N * N, 2 / (N + 1)
    one = np.full((N, N), 1 / h**2)
    laplacian = stencil(-4 * one, [one, one], [one, one])
    jacobian = sp.csr_array(sp.hstack([laplacian, sp.eye_array(n)], format="csr"))
    weights = np.repeat([1.0, WEIGHT], n)
    hessian, zero = sp.csr_array(sp.diags_array(weights)), sp.csr_array((2 * n, 2 * n))
    s = 0.1 / sqrt(15) * (np.arange(1, N + 1) - (N + 1) / 2)
    target = np.zeros(2 * n)
    target[:n] = (np.sin(4 + s)[:, None] + np.cos(3 + s)).ravel()
    solution = np.concatenate([part.ravel() for part in _solution(target[:n].reshape(N, N), h)])
    return ConstrainedProblem(
        f"control of {N} x {N} points",
        np.ones(2 * n),
        partial(_objective, weights, target),
        partial(_gradient, weights, target),
        partial(_constant, hessian),
        partial(_product, jacobian),
        partial(_constant, jacobian),
        partial(_constant, zero),
        _objective(weights, target, solution),
        solution,
    )


def _solution(target, h) -> Any:
    """Return the optimal state and control on the grid."""
    from scipy.fft import dstn, idstn

    line = -((2 / h * np.sin(np.arange(1, len(target) + 1) * np.pi / (2 * len(target) + 2))) ** 2)
    eigenvalues = line[:, None] + line
    state = dstn(target, type=1) / (1 + WEIGHT * eigenvalues**2)
    return idstn(state, type=1), idstn(-eigenvalues * state, type=1)


def _objective(weights, target, x):
    difference = np.asarray(x).reshape(-1) - target
    return float(0.5 * weights @ difference**2)


def _gradient(weights, target, x):
    return weights * (np.asarray(x).reshape(-1) - target)


def _constant(value: Any, *_point):
    return value


def _product(matrix, x):
    return matrix @ np.asarray(x).reshape(-1)
