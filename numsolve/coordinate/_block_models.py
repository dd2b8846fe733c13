"""The quadratic model of a block, ``g d + d H d / 2`` plus the penalty, and its minimisers."""

from typing import Any

import numpy as np

from .._result import Breakdown
from ..kernels import kernels_for

SWEEPS = 200  # of coordinate descent in a block, at most
STEPS = 400  # of the proximal gradient method, at most
CHECK_EVERY = 20


def generalized_inverse_step(H, g, xp) -> Any:
    """Return ``-H^+ g``, the minimiser without a penalty.

    Raises
    ------
    Breakdown
        On the host: the model is unbounded below.
    """
    values, vectors = xp.linalg.eigh(H)
    eps = float(np.finfo(H.dtype).eps)
    cut = abs(values).max() * (eps * 16 * len(g))
    parts = vectors.T @ g
    if xp is np:
        outside = values <= cut
        if outside.any() and (
            values[0] < -16 * cut or np.linalg.norm(parts[outside]) > eps**0.25 * np.linalg.norm(g)
        ):
            raise Breakdown(
                "the objective is unbounded below: the Hessian of a block is not positive definite, "
                "add a penalty or more curvature"
            )
    kept = values > cut
    return -(vectors @ xp.where(kept, parts / xp.where(kept, values, 1), 0))


def minimize_model(H, g, x, penalty, block, L) -> Any:
    """Return the change that minimises the model with a penalty.

    The method is coordinate descent for penalties of the form of the elastic net, with or without x >= 0;
    accelerated proximal gradients for others. The model at the change is at most that at zero.

    Parameters
    ----------
    H, g : arrays, shapes (b, b) and (b,)
        Hessian and gradient.
    x : array, shape (b,)
        The coefficients before the step.
    penalty : Penalty
        The penalty.
    block : array of int, shape (b,)
        The block.
    L : float or array of one number
        An upper bound of the largest eigenvalue of H.
    """
    terms = penalty.quadratic_terms(x, block)
    if terms is not None:
        positive, l1, l2 = terms
        end, eps = x.copy(), float(np.finfo(x.dtype).eps)
        tol = _smallest(x, g, L, eps) if isinstance(x, np.ndarray) else 0.0
        kernels_for(x).gram_sweeps(positive, SWEEPS, tol, H, l1, l2, -g, end)
        return end - x
    first = last = ahead = penalty.prox(x - g / L, 1 / L, block)
    momentum, on_host = 1.0, isinstance(x, np.ndarray)
    for k in range(1, STEPS if on_host else CHECK_EVERY):
        before = last
        last = penalty.prox(ahead - (g + H @ (ahead - x)) / L, 1 / L, block)
        if not on_host:  # plain steps, which need no comparison
            ahead = last
            continue
        step = last - before
        if (ahead - last) @ step > 0:  # the momentum points uphill
            ahead, momentum = last, 1.0
            continue
        grown = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead, momentum = last + ((momentum - 1) / grown) * step, grown
        if k % CHECK_EVERY == 0 and _is_small(step, last, x):
            break
    if on_host and not _model(last, x, H, g, penalty, block) <= _model(first, x, H, g, penalty, block):
        last = first
    return last - x


def _smallest(x, g, L, eps):
    """Return the decrease of the model that counts as rounding."""
    L = float(np.max(L))
    return eps * eps * (L * float(x @ x) + float(g @ g) / L)


def _is_small(step, last, x):
    """Tell whether the last step changed nothing but rounding."""
    eps = float(np.finfo(x.dtype).eps)
    return abs(step).max() <= 4 * eps * max(abs(last).max(), abs(last - x).max())


def _model(u, x, H, g, penalty, block):
    """Return the model with the penalty at coefficients u."""
    d = u - x
    return float(d @ (g + H @ d / 2)) + penalty.value(u, block)
