"""Competitive gradient methods for smooth games of two players."""

from dataclasses import fields
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from ... import _validate
from ..._result import Result, Status, inner_solve, warn_of_miss
from ...krylov import cg
from .._results import InclusionResult
from .._search import Last, Search
from ._variables import Parts, operator_of

GROWS = "the residual grows without bound: take a smaller step, or alpha larger than half the step"
SAYS = {
    Status.MAXITER: "maxiter reached: raise it, or pass a longer step",
    Status.TIME_LIMIT: "time limit reached: raise it, or pass a longer step",
    Status.NONFINITE: "F is not finite at the starting point: choose another z0",
}


def competitive_gradient(
    F,
    z0,
    *,
    step,
    alpha=None,
    optimistic=False,
    mixed=None,
    args=(),
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> InclusionResult:
    """Find a stationary point of a smooth minimax problem by competitive gradient optimisation.

    With B the matrix of mixed second derivatives, an iteration is
    ``z = z - step M^-1 F(z)``, ``M = [[I, alpha B], [-alpha B^T, I]]``.

    Parameters
    ----------
    F : callable
        ``F(x, y, *args)`` returns the gradient of f in x and minus that in y, for ``min_x max_y f(x, y)``.
    z0 : tuple of two array_like
        Starting values of x and y.
    step : float
        The step, > 0.
    alpha : float, optional
        The strength of the coupling. Default: `step`, which is competitive gradient descent; 0 is gradient
        descent and ascent.
    optimistic : bool
        Whether ``2 F(z) - F(z before)`` takes the place of F(z).
    mixed : callable, optional
        ``mixed(x, y, v)`` returns the product B v, and ``mixed(x, y, v, transposed=True)`` that with the
        transpose. Default: differences of F.
    args, rtol, atol, maxiter, time_limit, callback : as there
        As in `extragradient`, for the norm of F.

    Returns
    -------
    InclusionResult
        The pair with the smallest residual.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `extragradient`.

    Notes
    -----
    An iteration costs one evaluation of F, and a solve with ``I + alpha^2 B B^T`` by conjugate gradients: two
    products with B in each of its iterations. On a bilinear game with step eta it is stable for
    ``eta < 2 alpha``.

    References
    ----------
    F. Schaefer, A. Anandkumar, *Competitive gradient descent*, :doi:`10.48550/arXiv.1905.12103`; A. Vaidya,
    *Competitive gradient optimization*, :doi:`10.48550/arXiv.2205.14232`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import competitive_gradient
    >>> game = competitive_gradient(lambda x, y: (y, -x), ([1.0], [1.0]), step=0.5)
    >>> bool(abs(game.x[0]).max() < 1e-5)
    True
    """
    rtol, atol = _validate.tolerances(rtol, atol)
    maxiter, deadline = _validate.count(maxiter, "maxiter"), _validate.deadline(time_limit)
    step = _validate.positive(step, "step")
    alpha = step if alpha is None else _validate.tolerance(alpha, "alpha")
    if not isinstance(z0, tuple) or len(z0) != 2:
        raise TypeError("z0 has to be a tuple of two arrays, the values of x and y")
    variables = Parts(z0, "z0")
    function = operator_of(F, variables, args)
    function.deadline = deadline
    operator, xp, n = Last(function), variables.xp, variables.sizes[0]
    products = _Mixed(function, mixed, variables, args)

    def direction(z, value):
        """Return ``M^-1 value``."""
        if alpha == 0:
            return value
        g, h = value[:n], value[n:]
        at = products.at(z)
        right = g - alpha * at(h)

        def gram(v):
            return v + alpha**2 * at(at(v, True))

        with inner_solve():
            dx = cg(_operator(gram, n, value.dtype), right, rtol=1e-10, maxiter=200).x
        return xp.concatenate((dx, h + alpha * at(dx, True)))

    def points(z):
        value: Any = operator(z)
        before = value
        while True:
            used = 2 * value - before if optimistic else value
            z = z - step * direction(z, used)
            before, value = value, operator(z)
            yield z, value

    found = Search(operator, points, GROWS).run(
        variables, rtol, atol, maxiter, callback, deadline, (function,), SAYS
    )
    kept = {field.name: getattr(found, field.name) for field in fields(Result)}
    return warn_of_miss(InclusionResult(**kept, average=found.x, step=step, nfev=function.calls))


class _Mixed:
    """Products with the mixed second derivatives B and their transpose."""

    def __init__(self, function, mixed, variables, args):
        self.function, self.mixed, self.variables, self.args = function, mixed, variables, args

    def at(self, z):
        """Return the product at a point: ``product(v, transposed=False)``."""
        variables, xp, n = self.variables, self.variables.xp, self.variables.sizes[0]
        if self.mixed is not None:
            x, y = variables.shown(z)

            def given(v, transposed=False):
                shape = variables.shapes[0 if transposed else 1]
                value = self.mixed(x, y, v.reshape(shape), **({"transposed": True} if transposed else {}))
                return xp.asarray(value).reshape(-1)

            return given

        def differenced(v, transposed=False):
            size = xp.sqrt(v @ v)
            width = (
                np.cbrt(np.finfo(variables.dtype).eps) * (1 + xp.sqrt(z @ z)) / xp.where(size > 0, size, 1)
            )
            zero = xp.zeros(n if not transposed else variables.n - n, variables.dtype)
            d = width * xp.concatenate([v, zero] if transposed else [zero, v])
            change = (self.function(z + d) - self.function(z - d)) / (2 * width)
            return -change[n:] if transposed else change[:n]

        return differenced


def _operator(product, n, dtype) -> Any:
    """Return a function as a square operator."""
    make: Any = LinearOperator
    return make((n, n), matvec=product, dtype=dtype)
