"""Exact transport on the line."""

from typing import Any

import numpy as np

from .. import _validate
from ._masses import check_same_totals, checked_masses


def wasserstein_1d(x, y, a=None, b=None, *, p=1):
    r"""Return the exact Wasserstein distance of two distributions on the line.

    Parameters
    ----------
    x, y : array, shapes (n,) and (m,)
        Points on the line, in any order.
    a, b : array, shapes (n,) and (m,), optional
        Their masses, not negative and of the same sum up to rounding in their dtype. Default: all equal, of
        sum one.
    p : float
        Exponent of the cost ``abs(x - y)**p``, at least 1.

    Returns
    -------
    float
        :math:`W_p = (\min_P \sum P_{ij} |x_i - y_j|^p)^{1/p}`, for masses of sum one in units of the points.

    Raises
    ------
    ValueError
        Shapes do not fit, a mass is negative, the sums differ, or ``p < 1``.
    TypeError
        A dtype is not real, or NumPy and CuPy arrays are mixed.

    Notes
    -----
    The optimal plan pairs the sorted points in order, for any p [1]_. The cost is that of two sorts and one
    pass. There is no entropy.

    References
    ----------
    .. [1] F. Santambrogio, *Optimal Transport for Applied Mathematicians*, Birkhäuser, 2015, section 2.2,
       :doi:`10.1007/978-3-319-20828-2`.

    Examples
    --------
    >>> from numsolve.transport import wasserstein_1d
    >>> wasserstein_1d([0.0, 1.0], [5.0, 6.0])
    5.0
    """
    p = _validate.number(p, "p")
    if p < 1:
        raise ValueError(f"p is {p!r}; a number >= 1 is needed")
    _, xp = _validate.same_library(x=x, y=y, a=a, b=b)
    x, y = _points(x, "x", xp), _points(y, "y", xp)
    a, b = _masses_of(x, a, "a", "x", xp), _masses_of(y, b, "b", "y", xp)
    dtypes = np.dtype(a.dtype), np.dtype(b.dtype)
    (x, a), (y, b) = _sorted(x, a, xp), _sorted(y, b, xp)
    totals = float(a[-1]), float(b[-1])
    check_same_totals(np.array(totals[:1]), np.array(totals[1:]), len(a) + len(b), dtypes)
    b = b * (totals[0] / totals[1])
    levels = xp.concatenate((xp.zeros(1), xp.sort(xp.concatenate((a, b)))))
    mass, middle = xp.diff(levels), (levels[1:] + levels[:-1]) / 2
    i = xp.minimum(xp.searchsorted(a, middle), len(x) - 1)
    j = xp.minimum(xp.searchsorted(b, middle), len(y) - 1)
    return float(mass @ abs(x[i] - y[j]) ** p) ** (1 / p)


def _points(x, name, xp) -> Any:
    """Return points on the line as a vector of float64."""
    x = _validate.real_array(x, name, xp)
    if x.ndim != 1 or not x.size:
        raise ValueError(f"{name} has shape {x.shape}; a vector of at least one point is needed")
    return x


def _masses_of(x, mass, name, points, xp) -> Any:
    """Return the masses of points, by default all equal."""
    if mass is None:
        return xp.ones(len(x)) / len(x)
    mass = checked_masses(mass, name, len(x), xp, needing=f"{points} needs")
    if mass.ndim != 1:
        raise ValueError(f"{name} has shape {mass.shape}, but {points} needs {x.shape}")
    return mass


def _sorted(x, mass, xp) -> Any:
    """Return the points in order and their cumulative masses, in double precision."""
    order = xp.argsort(x)
    return x[order], xp.cumsum(mass.astype(float)[order])
