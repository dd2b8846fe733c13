"""Primal-dual methods for ``f(x) + max_y <A x, y> - g(y)``."""

from dataclasses import fields
from math import sqrt

from ... import _validate
from ..._array import is_sparse
from ..._functions import VectorFunction
from ..._random import scattered
from ..._result import Result, Status, warn_of_miss
from .._proximal import proximal
from .._results import InclusionResult
from .._search import Search
from ._variables import Parts

GROWS = "the residual grows without bound: lipschitz or norm is too small"
SAYS = {
    Status.MAXITER: "maxiter reached: raise it",
    Status.TIME_LIMIT: "time limit reached: raise it",
    Status.NONFINITE: "the gradient is not finite at the starting point: choose another x0",
}
POWER_STEPS = 30  # for the norm of A


def accelerated_primal_dual(
    grad,
    A,
    prox_g,
    x0,
    y0=None,
    *,
    lipschitz,
    convexity=0.0,
    norm=None,
    accelerated=True,
    args=(),
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> InclusionResult:
    """Find a saddle point of ``f(x) + <A x, y> - g(y)`` by the accelerated linearised primal-dual method.

    Parameters
    ----------
    grad : callable
        ``grad(x, *args)`` returns the gradient of f, which is convex with a Lipschitz gradient.
    A : array or sparse matrix, shape (m, n)
        The coupling.
    prox_g : callable
        ``prox_g(v, step)``, the proximal map of g, or the projection onto its set.
    x0 : array_like, shape (n,)
        Starting value of x.
    y0 : array_like, shape (m,), optional
        Starting value of y. Default: 0.
    lipschitz : float
        The Lipschitz constant of the gradient, >= 0.
    convexity : float
        The constant of strong convexity of g. The accelerated method needs it positive.
    norm : float, optional
        The norm of A. Default: estimated by 30 power iterations, plus a hundredth.
    accelerated : bool
        Whether the gradient is read at Nesterov's point. False is the method of Condat and Vu, which takes
        any `convexity`.
    args, rtol, atol, maxiter, time_limit, callback : as there
        As in `extragradient`, for the residual of `Notes`.

    Returns
    -------
    InclusionResult
        `x` is the pair ``(x, y)``; `average` is the last pair of iterates.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `extragradient`.

    Notes
    -----
    The residual is that of the optimality conditions, ``(grad f(x) + A^T y, y - prox_g(y + A x))``. An
    iteration costs one product with A, one with its transpose, a gradient and a proximal point; the
    measure costs as much again. With strong convexity mu the gap of the accelerated method is of the order
    ``(L + |A|^2 / mu) / k^2``: its steps are ``tau = 3 / (mu k)`` for y and
    ``eta = k / (4 L + 12 |A|^2 / mu)`` for x.

    References
    ----------
    Y. Chen, G. Lan, Y. Ouyang, *Optimal primal-dual methods for a class of saddle point problems*,
    :doi:`10.1137/130919362`; L. Condat, *A primal-dual splitting method for convex optimization involving
    Lipschitzian, proximable and linear composite terms*, :doi:`10.1007/s10957-012-0245-9`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import Quadratic, accelerated_primal_dual
    >>> A, b = np.eye(2), np.array([1.0, 2.0])
    >>> found = accelerated_primal_dual(
    ...     lambda x: x - b, A, Quadratic(1.0), np.zeros(2), lipschitz=1.0, convexity=1.0, rtol=1e-4
    ... )
    >>> found.x[0].round(4)
    array([0.5, 1. ])
    """
    rtol, atol = _validate.tolerances(rtol, atol)
    maxiter, deadline = _validate.count(maxiter, "maxiter"), _validate.deadline(time_limit)
    L, mu = _validate.tolerance(lipschitz, "lipschitz"), _validate.tolerance(convexity, "convexity")
    if accelerated and mu == 0:
        raise ValueError("convexity is 0: pass that of g, or accelerated=False")
    m, n = _validate.matrix_shape(A)
    prox = proximal(prox_g, "prox_g")
    start = Parts((x0,), "x0")
    xp = start.xp
    variables = Parts((start.start, xp.zeros(m) if y0 is None else y0), "x0")
    if variables.sizes != [n, m]:
        raise ValueError(f"A has shape {(m, n)}, but x0 and y0 have {variables.sizes} entries")
    A = A if is_sparse(A) else _validate.real(A, "A", xp)
    size = 1.01 * _norm(xp, A, n) if norm is None else _validate.positive(norm, "norm")
    function = VectorFunction(_first_of(grad), variables, args, "grad", n, "x0 has")
    function.deadline = deadline

    def gradient(x):
        return function(xp.concatenate((x, xp.zeros(m, x.dtype))))

    def residual(z):
        x, y = z[:n], z[n:]
        return xp.concatenate((gradient(x) + A.T @ y, y - prox(y + A @ x, 1.0)))

    def points(z):
        x, y = z[:n], z[n:]
        x_before, x_mean, y_mean, t = x, x, y, 0
        while True:
            t += 1
            if accelerated:
                theta, tau = (t - 1) / t, 3 / (mu * t)
                eta, beta = t / (4 * L + 12 * size**2 / mu), (t + 1) / 2
            else:
                theta, beta = 1.0, 1.0
                tau = 1 / max(size, 1e-300)
                eta = 1 / (L + size)
            y = prox(y + tau * (A @ (x + theta * (x - x_before))), tau)
            read = (1 - 1 / beta) * x_mean + x / beta
            x_before, x = x, x - eta * (gradient(read) + A.T @ y)
            x_mean = (1 - 1 / beta) * x_mean + x / beta
            y_mean = (1 - 1 / beta) * y_mean + y / beta
            z = xp.concatenate((x_mean, y_mean))
            yield z, residual(z)

    found = Search(residual, points, GROWS).run(
        variables, rtol, atol, maxiter, callback, deadline, (function,), SAYS
    )
    kept = {field.name: getattr(found, field.name) for field in fields(Result)}
    return warn_of_miss(InclusionResult(**kept, average=found.x, nfev=function.calls))


def _first_of(grad):
    """Return the gradient as a function of the pair; it is called with the first array."""
    if not callable(grad):
        raise TypeError(f"grad is a {type(grad).__name__}; a callable is needed")
    return lambda parts, *more: grad(parts[0], *more)


def _norm(xp, A, n):
    """Estimate the norm of A by power iterations."""
    v = scattered(xp.arange(n, dtype=float)) - 0.3
    found = 0.0
    for _ in range(POWER_STEPS):
        v = v / xp.sqrt(v @ v)
        v = A.T @ (A @ v)
        found = float(v @ v) ** 0.25
        if found == 0:
            break
    return max(found, sqrt(1e-300))
