"""Approximate Hessians of functions with a known structure."""

from collections.abc import Callable
from typing import Any

from ..._array import is_sparse


def gauss_newton(jac: Callable[..., Any], weights: Callable[..., Any] | None = None) -> Callable[..., Any]:
    r"""Return the Gauss-Newton approximation of the Hessian of a function of residuals.

    For :math:`f(x) = \sum_i \varphi_i(r_i(x))` it is :math:`J^T W J`, with the Jacobian J of the residuals
    and the diagonal matrix W of :math:`\varphi_i''(r_i)`. It is positive semidefinite for convex
    :math:`\varphi_i`, and exact for linear residuals.

    Parameters
    ----------
    jac : callable
        ``jac(x, *args)`` returns the Jacobian of the residuals, a dense or sparse array of shape (m, n).
    weights : callable, optional
        ``weights(x, *args)`` returns the diagonal of W. Default: ones, for ``f = norm(r)**2 / 2``.

    Returns
    -------
    callable
        ``hess(x, *args)``, the argument `hess` of `minimize`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.newton import gauss_newton, minimize
    >>> A, b = np.array([[2.0, 1.0], [1.0, 3.0], [1.0, 1.0]]), np.ones(3)
    >>> hess = gauss_newton(lambda x: A)
    >>> found = minimize(
    ...     lambda x: (A @ x - b) @ (A @ x - b) / 2,
    ...     np.zeros(2),
    ...     grad=lambda x: A.T @ (A @ x - b),
    ...     hess=hess,
    ...     method="gradient-normalized",
    ... )
    >>> bool(np.allclose(A.T @ A @ found.x, A.T @ b))
    True
    """
    return _Gram(jac, weights)


def fisher(gradients: Callable[..., Any], scale: float | None = None) -> Callable[..., Any]:
    r"""Return the empirical Fisher matrix of a mean of terms, as an approximation of the Hessian.

    For :math:`f = \frac{1}{m} \sum_i f_i` it is :math:`\frac{1}{m} \sum_i \nabla f_i \nabla f_i^T`. For
    negative log-likelihoods its expectation is the Hessian's, at the true parameters.

    Parameters
    ----------
    gradients : callable
        ``gradients(x, *args)`` returns the gradients of the m terms, a dense or sparse array of shape (m, n).
    scale : float, optional
        The factor of the sum. Default: 1 / m.

    Returns
    -------
    callable
        ``hess(x, *args)``, the argument `hess` of `minimize`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.newton import fisher
    >>> fisher(lambda x: np.array([[1.0, 0.0], [1.0, 2.0]]))(np.zeros(2))
    array([[1., 1.],
           [1., 2.]])
    """
    return _Gram(gradients, None, "mean" if scale is None else float(scale))


class _Gram:
    """A function that returns ``scale * J.T @ diag(weights) @ J``."""

    def __init__(self, rows, weights, scale: Any = 1.0):
        self._rows, self._weights, self._scale = rows, weights, scale

    def __call__(self, x, *args):
        J = self._rows(x, *args)
        if not is_sparse(J):
            J = J.reshape(J.shape[0], -1)
        left = J.T
        if self._weights is not None:
            w = self._weights(x, *args).reshape(1, -1)
            left = left.multiply(w) if is_sparse(J) else left * w
        scale = 1 / J.shape[0] if self._scale == "mean" else self._scale
        return (left @ J) * scale
