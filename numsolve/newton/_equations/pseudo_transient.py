"""Pseudo-transient continuation: implicit Euler steps of x' = -F(x) that grow as the norm of F falls.

C. T. Kelley, D. E. Keyes, Convergence analysis of pseudo-transient continuation, SIAM J. Numer. Anal. 35
(1998) 508-523, doi:10.1137/S0036142996304796; step lengths by switched evolution relaxation (SER).
"""

from math import inf

from ..._array import read_sum
from ..._linear.system import length
from ..._result import Status
from ...kernels import kernels_for
from .linear_steps import shifted

MOST_FORCING = 0.1  # relative tolerance of the inner solves
LARGEST_RISE = 10.0  # factor of the norm in a step above which the step is repeated, shorter
RISEN = 0.5  # largest factor of the pseudo-time step after a step in which the norm rose
SHORTEN, TRIALS = 0.1, 10  # for a step that is repeated
PATIENCE = 100  # steps without a new least norm


def steps(equations, point):
    """Yield the points of pseudo-transient continuation; the norm of F may rise.

    A step solves ``(J + I / delta) s = -F``. The sign of the pseudo-time is that for which the first step
    reduces the norm of F.
    """
    delta = _first_step(equations, point)
    least, idle = point.norm, 0
    while idle < PATIENCE:
        J = equations.linearised(point)
        trial, delta = _stepped(equations, point, J, delta)
        delta *= min(point.norm / trial.norm, RISEN if trial.norm >= point.norm else inf) if trial.norm else 1
        point, idle = trial, idle + 1
        if point.norm < least:
            least, idle = point.norm, 0
        yield point
    raise equations.failure(
        point,
        equations.J,
        f"pseudo-transient continuation has made no progress in {PATIENCE} steps",
    )


def _first_step(equations, point):
    """Return a pseudo-time step of the size of an explicit one, with the sign of ``F^H J F``."""
    q = equations.linearised(point) @ point.f
    equations.raise_failure()
    size, along = length(q), read_sum(kernels_for(q).dot(q, point.f))
    if not 0 < size < inf:
        return (length(point.x) or 1.0) / point.norm
    return (-1 if along < 0 else 1) * point.norm / size


def _stepped(equations, point, J, delta):
    """Return the next point and the pseudo-time step that led to it."""
    for _ in range(TRIALS):
        s = equations.step(shifted(J, 1 / delta), point, MOST_FORCING).s
        trial = equations.at(point.x + s)
        if trial.norm <= LARGEST_RISE * point.norm:
            return trial, delta
        delta *= SHORTEN
    raise equations.failure(
        point, J, "norm(F) rises in pseudo-time, however short the step", Status.BREAKDOWN
    )
