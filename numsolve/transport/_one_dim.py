"""Exact transport on the line."""

from typing import Any

import numpy as np

from .. import _validate


def wasserstein_1d(x, y, a=None, b=None, *, p=1):
    r"""Return the exact Wasserstein distance of two distributions on the line.

    Parameters
    ----------
    x, y : array, shapes (n,) and (m,)
        Points of NumPy, in any order.
    a, b : array, shapes (n,) and (m,), optional
        Their masses, of the same sum. Default: all equal, of sum one.
    p : float
        The cost is ``abs(x - y)**p``; at least 1.

    Returns
    -------
    float
        :math:`W_p = (\min_P \sum P_{ij} |x_i - y_j|^p)^{1/p}`.

    Raises
    ------
    ValueError
        Shapes do not fit, a mass is negative, the sums differ, or ``p < 1``.

    Notes
    -----
    The plan is that of the sorted points, whatever the p [1]_: two sorts and one pass. Not of the entropic
    problem: nothing is smoothed.

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
    (x, a), (y, b) = _sorted(x, a, "x", "a"), _sorted(y, b, "y", "b")
    if abs(a[-1] - b[-1]) > 1e-9 * max(a[-1], b[-1]):
        raise ValueError(f"a sums to {a[-1]:.10g}, b to {b[-1]:.10g}; the same mass is needed")
    b = b * (a[-1] / b[-1])
    levels = np.sort(np.concatenate([a, b]))
    mass = np.diff(levels, prepend=0)
    middle = levels - mass / 2
    i = np.minimum(np.searchsorted(a, middle), len(x) - 1)
    j = np.minimum(np.searchsorted(b, middle), len(y) - 1)
    return float((mass @ abs(x[i] - y[j]) ** p) ** (1 / p))


def _sorted(x, mass, name, mass_name) -> Any:
    """Return the points in order and their cumulative masses."""
    _validate.same_library(**{name: x, mass_name: mass})
    x = _validate.real_array(x, name)
    if x.ndim != 1 or not x.size:
        raise ValueError(f"{name} has shape {x.shape}; a vector of at least one point is needed")
    mass = np.full(len(x), 1 / len(x)) if mass is None else _validate.real_array(mass, mass_name)
    if mass.shape != x.shape:
        raise ValueError(f"{mass_name} has shape {mass.shape}, but {name} needs {x.shape}")
    if (mass < 0).any() or not mass.sum() > 0:
        raise ValueError(f"{mass_name} has negative entries or no mass; masses >= 0 are needed")
    order = np.argsort(x, kind="stable")
    return x[order], np.cumsum(mass[order])
