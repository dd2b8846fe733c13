"""Conjugate gradients for a quadratic model, truncated at a sphere or at negative curvature."""

from math import inf, sqrt
from typing import Any, NamedTuple

from ..._array import namespace
from ..._linear.system import length


class Truncated(NamedTuple):
    """A step of `truncated_cg`.

    Attributes
    ----------
    step : array
        The step.
    predicted : float
        Decrease of the model.
    size : float
        Norm of the step, in the norm of the preconditioner's inverse.
    is_curved : bool
        Whether a direction of negative curvature was found.
    """

    step: Any
    predicted: float
    size: float
    is_curved: bool


def truncated_cg(product, g, *, radius=inf, rtol=1e-3, maxiter=None, M=None):
    """Minimise ``g @ h + h @ H @ h / 2`` approximately over a ball.

    T. Steihaug, The conjugate gradient method and trust regions in large scale optimization, SIAM J. Numer.
    Anal. 20 (1983) 626-637, doi:10.1137/0720042. With a preconditioner the ball is that of its inverse:
    A. R. Conn, N. I. M. Gould, P. L. Toint, Trust-region methods, 2000, algorithm 7.5.1,
    doi:10.1137/1.9780898719857.

    Parameters
    ----------
    product : callable
        ``product(v)`` returns ``H @ v``.
    g : array, shape (n,)
        The gradient.
    radius : float
        The radius. Without it, a direction of negative curvature ends the iteration, and is not followed.
    rtol : float
        Residual at which to stop, relative to the norm of `g`.
    maxiter : int, optional
        Most products. Default: ``2 * n``.
    M : Operator, optional
        Approximation of the inverse of H.

    Returns
    -------
    Truncated
        The step.
    """
    r, h = g.copy(), namespace(g).zeros_like(g)
    z = r if M is None else M @ r
    p = -z
    rz, goal = dot(r, z), rtol * length(g)
    hh, hp, pp = 0.0, 0.0, rz  # inner products of step and direction in the norm of the ball
    is_curved = False
    for _ in range(2 * len(g) if maxiter is None else maxiter):
        q = product(p)
        curvature = dot(p, q)
        is_curved = not curvature > 0
        if is_curved and radius == inf:
            break
        alpha = rz / curvature if not is_curved else inf
        if is_curved or hh + 2 * alpha * hp + alpha * alpha * pp >= radius * radius:
            alpha = _to_sphere(hh, hp, pp, radius)
            h, r, hh = h + alpha * p, r + alpha * q, radius * radius
            break
        h, r = h + alpha * p, r + alpha * q
        hh += 2 * alpha * hp + alpha * alpha * pp
        if length(r) <= goal:
            break
        z = r if M is None else M @ r
        rz, old = dot(r, z), rz
        beta = rz / old
        p = beta * p - z
        hp, pp = beta * (hp + alpha * pp), rz + beta * beta * pp
    return Truncated(h, -(dot(g, h) + dot(r, h)) / 2, sqrt(max(hh, 0.0)), is_curved)


def _to_sphere(hh, hp, pp, radius):
    """Return the positive root of ``hh + 2 t hp + t**2 pp = radius * radius``."""
    room = max(radius * radius - hh, 0.0)
    root = sqrt(hp * hp + pp * room)
    return room / (hp + root) if hp > 0 else (root - hp) / pp


def dot(x, y):
    """Return the inner product of two real vectors as a float of the host."""
    return float(namespace(x).vdot(x, y))
