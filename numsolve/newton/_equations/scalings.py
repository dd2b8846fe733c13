"""Scalings of variables with bounds: how far each one may move, from its distances to the bounds and g.

A scaling maps a point strictly within the bounds and the gradient g of ``norm(F)**2 / 2`` to a positive
vector d. The steps are measured by ``norm(p / sqrt(d))``, and descend along ``-d * g``. Where a bound is not
finite, d is one.

T. F. Coleman, Y. Li, SIAM J. Optim. 6 (1996) 418-445, doi:10.1137/0806023; M. Heinkenschloss, M. Ulbrich,
S. Ulbrich, Math. Program. 86 (1999) 615-635; C. Kanzow, A. Klug, Comput. Optim. Appl. 35 (2006) 177-197;
W. W. Hager, B. A. Mair, H. Zhang, Math. Program. 119 (2009) 1-32.
"""

from collections.abc import Mapping
from functools import partial
from math import inf
from typing import Any

from ... import _validate
from ..._array import namespace

POWER = 2  # exponent of Heinkenschloss, Ulbrich and Ulbrich
MEAN = dict.fromkeys(("coleman-li", "kanzow-klug", "hager-mair-zhang"), 1.0)


def none(x, g, lower, upper):  # noqa: ARG001 - as the others
    """Return ones."""
    return namespace(x).ones_like(x)


def coleman_li(x, g, lower, upper):
    """Return the distance to the bound that -g points to; where g is zero, that to the nearest bound."""
    xp = namespace(x)
    above, below = upper - x, x - lower
    d = xp.where(g < 0, above, xp.where(g > 0, below, xp.minimum(above, below)))
    return xp.where(d < inf, d, 1)


def heinkenschloss_ulbrich_ulbrich(x, g, lower, upper):
    """Return `coleman_li` where the variable is near a bound or g is small next to the distance, else one."""
    xp = namespace(x)
    distance = xp.minimum(upper - x, x - lower)
    near = (abs(g) < distance**POWER) | (distance < abs(g) ** POWER)
    return xp.where(near, coleman_li(x, g, lower, upper), 1)


def kanzow_klug(x, g, lower, upper):
    """Return the smaller distance to a bound, each one increased by g if -g points away from it."""
    xp = namespace(x)
    d = xp.minimum(x - lower + xp.maximum(-g, 0), upper - x + xp.maximum(g, 0))
    return xp.where(d < inf, d, 1)


def hager_mair_zhang(x, g, lower, upper):
    """Return ``1 / (1 + abs(g) / X)``, where X is the distance to the bound that -g points to."""
    xp = namespace(x)
    distance = xp.where(g <= 0, upper - x, x - lower)
    return 1 / (1 + abs(g) / distance)


SCALINGS = {
    "coleman-li": coleman_li,
    "hager-mair-zhang": hager_mair_zhang,
    "kanzow-klug": kanzow_klug,
    "heinkenschloss-ulbrich-ulbrich": heinkenschloss_ulbrich_ulbrich,
    "none": none,
}


def named(scaling: Any):
    """Return a scaling for the caller's argument: a name, "convex", or weights by name."""
    if isinstance(scaling, str):
        _validate.choice(scaling, "scaling", (*SCALINGS, "convex"))
        return partial(combined, _shares(MEAN)) if scaling == "convex" else SCALINGS[scaling]
    if not isinstance(scaling, Mapping):
        raise TypeError(f"scaling is a {type(scaling).__name__}; a name or a dictionary of weights is needed")
    for name in scaling:
        _validate.choice(name, "a key of scaling", SCALINGS)
    weights = {name: _validate.tolerance(weight, f"scaling[{name!r}]") for name, weight in scaling.items()}
    if not sum(weights.values()) > 0:
        raise ValueError("all weights of scaling are zero; a positive one is needed")
    return partial(combined, _shares(weights))


def combined(shares, x, g, lower, upper):
    """Return the convex combination of scalings."""
    return sum(share * SCALINGS[name](x, g, lower, upper) for name, share in shares.items())


def _shares(weights):
    """Return weights whose sum is one."""
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items() if weight > 0}
