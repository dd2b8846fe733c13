"""The trust-region step by factorisations of ``H + shift * B``, for matrices without eigenvectors."""

from math import inf, sqrt

from .truncated_cg import Truncated, dot

NEAR = 0.1  # relative distance of a step's norm to the radius that suffices
MOST_FACTORISATIONS = 20
FIRST_SHIFT = 1e-6  # relative to the size of the matrix, where it is not positive definite
GROWTH = 100.0


def shifted_step(model, g, radius):
    """Minimise ``g @ h + h @ H @ h / 2`` approximately over ``norm(h) <= radius``.

    Newton's method finds the shift for which ``-inv(H + shift * B) @ g`` has a norm near the radius.

    J. J. Moré, D. C. Sorensen, Computing a trust region step, SIAM J. Sci. Stat. Comput. 4 (1983) 553-572,
    doi:10.1137/0904038.

    Returns
    -------
    Truncated or None
        The step; None if no factorisation gave one, or if it is far inside the ball although H is not
        positive definite: conjugate gradients then follow the negative curvature.
    """
    metric, found = model.metric, None
    shift, low, high = 0.0, 0.0, inf
    for _ in range(MOST_FACTORISATIONS):
        solve = model.factored(shift)
        if solve is None:
            low = shift
            shift = _between(low, high, max(GROWTH * shift, FIRST_SHIFT * model.magnitude()))
            continue
        h = -solve(g)
        size = metric.norm(h)
        if size <= (1 + NEAR) * radius:
            predicted = -(dot(g, h) + dot(h, model.product(h)) / 2)
            if found is None or predicted > found.predicted:
                found = Truncated(h, predicted, size, shift > 0)
            if shift == 0 or size >= (1 - NEAR) * radius:
                return found
            high = shift
        else:
            low = shift
        Bh = metric.apply(h)
        slope = dot(Bh, solve(Bh))
        shift = _between(low, high, shift + (size / radius - 1) * size * (size / slope) if slope > 0 else inf)
        if high < inf and high - low <= 1e-10 * high:
            break
    is_far_inside = found is None or (found.is_curved and found.size < radius / 2)
    return None if is_far_inside else found


def _between(low, high, shift):
    """Return the shift if it is inside of the bracket, else a point inside."""
    if low < shift < high:
        return shift
    if high == inf:
        return GROWTH * low
    return sqrt(low * high) if low > 0 else 1e-3 * high
