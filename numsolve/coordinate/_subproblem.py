"""Penalised least squares on a working set: sweeps, and Newton steps on the support."""

from math import inf, isfinite
from time import monotonic

SWEEPS = 20  # between two looks at the gap
LATER = 10  # the same, once there was a Newton step
BURSTS = 40  # of sweeps, at most: then the caller looks at the whole problem
STEPS = 1000  # Newton steps in a row, at most
WORK, MORE = 5e8, 4  # operations for the linear systems of steps in a row; factor if they were too few
STILL = 1e-3  # sweeps end when one decreases the objective by less than this fraction of the goal


def minimise(block, terms, w, rr, goal, deadline=inf):
    """Minimise over the coefficients of a block until the gap on the block is at most `goal`.

    Sweeps find the signs of the coefficients. Once the signs are right, a Newton step on the support finds
    the minimum: it solves the linear system of the coefficients that are not zero.

    Parameters
    ----------
    block : Block
        The features of the working set, with the correlations for `w`.
    terms : Terms
        Their penalty.
    w : array, shape (k,)
        The coefficients to start from; overwritten.
    rr : float
        The sum of ``h_i r_i^2`` of the residuals.
    goal : float
        The gap to reach.
    deadline : float
        Time of ``time.monotonic()`` at which to stop.

    Returns
    -------
    w : array, shape (k,)
        The coefficients.
    gap : float
        The gap that was reached.
    """
    gap, work = inf, WORK
    for burst in range(BURSTS):
        before, correlations = w.copy(), block.c.copy()
        sweeps = LATER if burst else SWEEPS
        block.sweep(terms.positive, sweeps, STILL * goal, terms.l1, terms.l2, w)
        rr -= float((w - before) @ (correlations + block.c))
        gap = terms.dual_point(rr, block.c, w).gap
        if gap <= goal or not isfinite(gap):
            break
        if monotonic() > deadline:
            break
        w, change, ended = newton_steps(block, terms, w, work, deadline)
        rr, work = rr + change, work if ended else MORE * work
    return w, gap


def newton_steps(block, terms, w, work, deadline):
    """Return the coefficients after Newton steps on the support, and the change of ``rr``.

    Return also whether the last step was a full one. The linear systems take about `work` operations at most.

    Coefficients that would change their sign become zero, if that decreases the objective. Else a step ends
    where the first one becomes zero, and another step without it follows.
    """
    change, is_full = 0.0, True
    for _ in range(STEPS):
        part, direction = _direction(block, terms, w)
        if direction is None:
            break
        old, own = w[part], terms.of(part)
        ahead, length, stops = _crossing(block.xp, own, old, direction)
        step, before, correlations = ahead - old, block.save(), block.c[part]
        block.move(part, step)
        gain = float(step @ (correlations + block.c[part]))
        is_full = length == 1 or float(own.value(ahead) - own.value(old)) < gain / 2
        if not is_full:
            block.restore(before)
            ahead = block.xp.where(stops, 0, old + length * direction)
            step = ahead - old
            block.move(part, step)
            gain = float(step @ (correlations + block.c[part]))
        w = w.copy()
        w[part], change = ahead, change - gain
        work -= len(part) ** 3
        if is_full or work < 0 or monotonic() > deadline:
            break
    return w, change, is_full


def _direction(block, terms, w):
    """Return the support, and the way from its coefficients to the minimum for their signs, or None."""
    inside = (w != 0) | ((terms.l1 == 0) & (not terms.positive))
    part = block.xp.nonzero(inside & (block.squares + terms.l2 > 0))[0]
    if not len(part):
        return part, None
    own, old = terms.of(part), w[part]
    rest = block.c[part] - own.l1 * block.xp.sign(old) - own.l2 * old
    return part, block.direction(part, rest, own.l2)


def _crossing(xp, own, old, direction):
    """Return the coefficients at the end of a way, with zeros for those that have changed their sign.

    Return also the part of the way, at most 1, after which the first one is zero, and which ones are.
    """
    end = old + direction
    crossing = ((own.l1 > 0) | own.positive) & (end * xp.sign(old) < 0)
    lengths = xp.where(crossing, -old / xp.where(crossing, direction, 1), 1)
    length = float(lengths.min())
    return xp.where(crossing, 0, end), length, crossing & (lengths <= length)
