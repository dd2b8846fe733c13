"""Minimisers of a quadratic in its eigenvectors, within a ball or with a cubic term: one secular equation."""

from math import sqrt

import numpy as np

ACCURACY = 1e-11  # relative accuracy of the length of the step
MOST_STEPS = 200


def in_ball(values, c, radius):
    """Minimise ``c @ y + y @ (values * y) / 2`` over ``norm(y) <= radius``.

    J. J. Moré, D. C. Sorensen, Computing a trust region step, SIAM J. Sci. Stat. Comput. 4 (1983) 553-572,
    doi:10.1137/0904038.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Eigenvalues in ascending order.
    c : numpy.ndarray, shape (n,)
        Coefficients of the gradient.
    radius : float
        The radius.

    Returns
    -------
    numpy.ndarray
        The global minimiser, also where the quadratic is not convex.
    """
    return _minimiser(values, c, lambda _: (radius, 0.0), np.linalg.norm(c) / radius)


def with_cubic(values, c, M):
    """Minimise ``c @ y + y @ (values * y) / 2 + M / 6 * norm(y)**3``; arguments as of `in_ball`.

    Y. Nesterov, B. T. Polyak, Cubic regularization of Newton method and its global performance, Math.
    Program. 108 (2006) 177-205, section 5, doi:10.1007/s10107-006-0706-8.
    """
    return _minimiser(values, c, lambda shift: (2 * shift / M, 2 / M), sqrt(M * np.linalg.norm(c) / 2))


def _minimiser(values, c, length_at, above):
    """Return ``-c / (values + shift)``, whose norm is ``length_at(shift)``, for the smallest possible shift.

    `length_at` returns the norm and its derivative; `above` plus the smallest shift is too large a shift.
    Newton's method is applied to the difference of inverse norms, with a bracket.
    """
    least = max(0.0, -float(values[0]))
    shifted = values + least  # the shift is `least` plus what Newton's method finds, without cancellation
    tiny = np.finfo(values.dtype).eps * max(abs(values[0]), abs(values[-1]))
    easy, size_c = shifted > tiny, np.linalg.norm(c)
    if size_c == 0 and least == 0:
        return np.zeros_like(c)
    if np.linalg.norm(c[~easy]) <= np.finfo(values.dtype).eps * size_c:
        y = np.where(easy, -c / np.where(easy, shifted, 1), 0)
        missing = length_at(least)[0] ** 2 - y @ y
        if missing >= 0:  # inside, or the hard case: any length along the first eigenvector
            if least > tiny:
                y[0] = sqrt(missing)
            return y
    low, high = 0.0, above * (1 + 1e-12)
    more = high if least > 0 or not easy[0] else 0.0
    for _ in range(MOST_STEPS):
        d = shifted + more
        with np.errstate(all="ignore"):
            y = -c / d
            size = np.linalg.norm(y)
            wanted, slope = length_at(least + more)
            error = 1 / size - 1 / wanted if wanted > 0 else -np.inf
            if abs(size - wanted) <= ACCURACY * wanted or high - low <= 2 * np.finfo(float).eps * high:
                break
            low, high = (more, high) if error < 0 else (low, more)
            slope = (y @ (y / d)) / size**3 + (slope / wanted**2 if wanted > 0 else np.inf)
            more = more - error / slope
        if not low < more < high:
            more = sqrt(low * high) if low > 0 else 1e-3 * high
    return y
