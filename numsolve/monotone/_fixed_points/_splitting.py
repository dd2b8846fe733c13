"""Splittings: sums of two functions, minimised by the proximal map of each, as fixed points."""

from dataclasses import replace

from ... import _validate
from ..._array import is_sparse, namespace
from ..._result import FunctionError, Interrupted
from .._proximal import proximal
from .._results import FixedPointResult
from ._solve import anderson, halpern, picard

METHODS = {"picard": picard, "halpern": halpern, "anderson": anderson}


def douglas_rachford(
    prox_f,
    prox_g,
    z0,
    *,
    step=1.0,
    relaxation=1.0,
    method="picard",
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> FixedPointResult:
    """Minimise ``f(x) + g(x)`` by the splitting of Douglas and Rachford.

    Parameters
    ----------
    prox_f, prox_g : callable
        ``prox(z, step)`` returns the proximal point of z; a set of this module projects.
    z0 : array_like
        Starting point of the governing sequence.
    step : float
        The step of the proximal maps, > 0.
    relaxation : float
        Factor in (0, 2) of the step of "picard"; 1 for the other methods.
    method : {"picard", "halpern", "anderson"}
        The method for the fixed point.
    rtol, atol, maxiter, time_limit, callback : as there
        As in `picard`, for the residual ``prox_g(2 x - z) - x`` with ``x = prox_f(z)``. The callback is
        called with z.

    Returns
    -------
    FixedPointResult
        `x` is ``prox_f(z)`` at the fixed point z.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `picard`.

    Notes
    -----
    An iteration costs one proximal point of each function. If the sets of f and g have no common point,
    `displacement` tends to the smallest distance between them, up to its sign.

    References
    ----------
    P. L. Lions, B. Mercier, *Splitting algorithms for the sum of two nonlinear operators*,
    :doi:`10.1137/0716071`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import Affine, Nonnegative, douglas_rachford
    >>> plane = Affine(np.array([[1.0, 2.0, 3.0]]), np.array([6.0]))
    >>> x = douglas_rachford(plane, Nonnegative(), np.array([-5.0, 0.0, 1.0]), rtol=1e-10).x
    >>> round(float(x @ [1, 2, 3]), 6), bool((x > -1e-6).all())
    (6.0, True)
    """
    prox_f, prox_g = proximal(prox_f, "prox_f"), proximal(prox_g, "prox_g")
    step = _validate.positive(step, "step")
    _validate.choice(method, "method", METHODS)
    options = {"relaxation": relaxation} if method == "picard" else {}
    if method != "picard" and relaxation != 1:
        raise ValueError(f"relaxation is {relaxation}; {method} takes 1 only: use picard")

    def T(z):
        x = prox_f(z, step)
        return z + prox_g(2 * x - z, step) - x

    def shown(result):
        return replace(result, x=prox_f(result.x, step))  # it was evaluated at this point before

    try:
        found = METHODS[method](
            T,
            z0,
            **options,
            rtol=rtol,
            atol=atol,
            maxiter=maxiter,
            time_limit=time_limit,
            callback=callback,
        )
    except Interrupted as error:
        raise Interrupted(shown(error.result)) from None
    except FunctionError as error:
        raise FunctionError("a proximal map raised an exception", shown(error.result)) from error.__cause__
    return shown(found)


def admm(
    argmin_x,
    argmin_z,
    z0,
    *,
    A=None,
    B=None,
    c=0.0,
    rho=1.0,
    method="picard",
    rtol=1e-6,
    atol=0.0,
    maxiter=10_000,
    time_limit=None,
    callback=None,
) -> FixedPointResult:
    """Minimise ``f(x) + g(z)`` subject to ``A x + B z = c`` by alternating directions and multipliers.

    Parameters
    ----------
    argmin_x : callable
        ``argmin_x(v, rho)`` returns the x with the smallest ``f(x) + rho / 2 |A x - v|^2``. With A the
        identity it is the proximal map for the step ``1 / rho``.
    argmin_z : callable
        ``argmin_z(v, rho)`` returns the z with the smallest ``g(z) + rho / 2 |B z - v|^2``.
    z0 : array_like
        Starting value of z, a vector.
    A, B : matrices, optional
        Default: the identity for A, minus the identity for B, so that ``x = z + c``.
    c : float or array
        The right-hand side.
    rho : float
        The penalty, > 0.
    method, rtol, atol, maxiter, time_limit, callback : as there
        As in `douglas_rachford`, for the change of z and of the scaled multiplier in one iteration.

    Returns
    -------
    FixedPointResult
        `x` is the variable z, followed by the scaled multiplier.

    Raises
    ------
    TypeError, ValueError, FunctionError, Interrupted : as there
        As in `picard`.

    Notes
    -----
    An iteration costs one call of each function, and products with A and B.

    References
    ----------
    S. Boyd et al., *Distributed optimization and statistical learning via the alternating direction method of
    multipliers*, :doi:`10.1561/2200000016`.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.monotone import L1, admm
    >>> b, soft = np.array([3.0, -0.5, 1.0]), L1(1.0)
    >>> near_b = lambda v, rho: (b + rho * v) / (1 + rho)
    >>> found = admm(near_b, lambda v, rho: soft(-v, 1 / rho), np.zeros(3), rtol=1e-10)
    >>> found.x[:3].round(6) + 0.0
    array([2., 0., 0.])
    """
    xp = namespace(z0)
    z0 = _validate.real_array(z0, "z0", xp).reshape(-1)
    rho = _validate.positive(rho, "rho")
    _validate.choice(method, "method", METHODS)
    for name, matrix in (("A", A), ("B", B)):
        if matrix is not None and not (is_sparse(matrix) or hasattr(matrix, "shape")):
            raise TypeError(f"{name} is a {type(matrix).__name__}; a matrix is needed")

    def image(z):
        return -z if B is None else B @ z

    n, m = len(z0), len(image(z0))

    def T(state):
        z, u = state[:n], state[n:]
        x = argmin_x(c - image(z) - u, rho)
        Ax = x if A is None else A @ x
        z = argmin_z(c - Ax - u, rho)
        return xp.concatenate((z, u + Ax + image(z) - c))

    return METHODS[method](
        T,
        xp.concatenate((z0, xp.zeros(m))),
        rtol=rtol,
        atol=atol,
        maxiter=maxiter,
        time_limit=time_limit,
        callback=callback,
    )
