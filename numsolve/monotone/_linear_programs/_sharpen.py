"""Make an approximate certificate exact."""

import numpy as np
from scipy.optimize import nnls

from ..._array import namespace
from ..._result import inner_solve
from ...krylov import lsqr

ROUNDS = 8
DENSE = 1 << 14  # entries up to which a least-squares problem is solved densely
SMALL = 1 << 17  # entries up to which a certificate is found by nonnegative least squares


def sharpened(M, v, wrong_part, allowed, room):
    """Change v a little so that the image ``M v`` has no entries that are forbidden.

    The forbidden entries are set to zero by the smallest relative change of v, which is a weighted
    least-squares problem. Entries that become forbidden by that are included in the next round.

    Parameters
    ----------
    M : sparse matrix
        The map.
    v : array
        The approximate ray.
    wrong_part : callable
        ``wrong_part(M v)`` returns the image with zeros where its entries are allowed.
    allowed : callable
        ``allowed(v)`` returns the ray with zeros where its entries are forbidden.
    room : int
        Largest number of products with the map in all rounds, about.

    Returns
    -------
    array
        The ray; `v` itself on a device, or if no change makes the image right.
    """
    if namespace(v) is not np:
        return v
    first, forbidden = v, np.zeros(M.shape[0], bool)
    for _ in range(ROUNDS):
        image = M @ v
        now = wrong_part(image) != 0
        if not now.any():
            return v
        forbidden |= now
        weights = abs(v)
        part = M[np.flatnonzero(forbidden)]
        if part.shape[0] * part.shape[1] <= DENSE:
            z = np.linalg.lstsq(part.toarray() * weights, image[forbidden], rcond=1e-13)[0]
        else:
            with inner_solve():
                z = lsqr(
                    part.multiply(weights).tocsr(),
                    image[forbidden],
                    rtol=1e-13,
                    maxiter=max(room // (2 * ROUNDS), 10),
                ).x
        v = allowed(v - weights * z)
        if not (np.isfinite(v).all() and v.any()):
            break
    return first


def by_nonnegative_least_squares(lp):
    """Return Farkas multipliers of the rows of a small program, or None.

    Multipliers of all finite bounds of rows and variables are sought for which ``A^T y + s = 0`` and the sum
    of multipliers times bounds is 1. If they exist the least residual is 0.
    """
    m, n = lp.shape
    if (n + 1) * 2 * (m + n) > SMALL or not isinstance(lp.c, np.ndarray):
        return None
    A = lp.A.toarray()
    parts = [
        (sign * block[:, np.isfinite(bound)], sign * bound[np.isfinite(bound)])
        for block, bounds in ((A.T, (lp.rl, lp.ru)), (np.eye(n), (lp.l, lp.u)))
        for sign, bound in zip((1.0, -1.0), bounds, strict=True)
    ]
    scale = max((abs(values).max(initial=0.0) for _, values in parts), default=0.0) or 1.0
    system = np.vstack([np.hstack([block for block, _ in parts]), np.hstack([b for _, b in parts]) / scale])
    try:
        z, _ = nnls(system, np.append(np.zeros(n), 1.0))
    except RuntimeError:  # too many iterations
        return None
    y = np.zeros(m)
    lower, upper = np.isfinite(lp.rl), np.isfinite(lp.ru)
    count = lower.sum()
    y[lower] = z[:count]
    y[upper] -= z[count : count + upper.sum()]
    return y
