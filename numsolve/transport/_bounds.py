"""Certified bounds of the cost without entropy."""

from .._array import is_sparse, namespace, to_host


def bounds(result):
    """Return a lower and an upper bound; see `TransportResult.bounds`."""
    plan, xp = result.plan, namespace(result.f)
    form = plan._form
    if result.penalised:
        raise ValueError("bounds are those of exact marginals: tau_a and tau_b must be None")
    if is_sparse(form.cost):
        raise ValueError("bounds need every edge: the cost is sparse, and rounding may need forbidden ones")
    a, b = result.a, result.b
    lower = _lower(result, form, a, b)
    sums = plan @ xp.ones(len(b), a.dtype)
    down = xp.where(sums > a, a / xp.where(sums > 0, sums, 1), 1)
    columns = plan.T @ down
    across = xp.where(columns > b, b / xp.where(columns > 0, columns, 1), 1)
    linear, kept, moved, rows = 0.0, [], 0, b - columns * across
    for first, P, cost in plan.blocks():
        P = P * down[first : first + len(P), None] * across
        linear += float((P * cost).sum())
        missing = a[first : first + len(P)] - P.sum(axis=1)
        moved = moved + missing @ cost
        kept.append(missing.sum())
    total = float(sum(kept))
    upper = linear + (float(moved @ rows) / total if total > 0 else 0.0)
    return lower, upper


def _lower(result, form, a, b):
    """Return the dual value of the c-transforms of g; where that is -inf, it binds nothing."""
    f, g = form.least(1.0, result.g[None].astype(form.dtype))
    return float(to_host(a @ f[0].astype(a.dtype) + b @ g[0].astype(b.dtype)))
