"""Exact transport on the line."""

from typing import Any

from .. import _validate


def wasserstein_1d(x, y, a=None, b=None, *, p=1):
    r"""Return the exact Wasserstein distance of two distributions on the line.

    Parameters
    ----------
    x, y : array, shapes (n,) and (m,)
        Points, in any order.
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
    TypeError
        A dtype is not real, or NumPy and CuPy arrays are mixed.

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
    _, xp = _validate.same_library(x=x, y=y, a=a, b=b)
    (x, a), (y, b) = _sorted(x, a, "x", "a", xp), _sorted(y, b, "y", "b", xp)
    sums = float(a[-1]), float(b[-1])
    if abs(sums[0] - sums[1]) > 1e-9 * max(sums):
        raise ValueError(f"a sums to {sums[0]:.10g}, b to {sums[1]:.10g}; the same mass is needed")
    b = b * (sums[0] / sums[1])
    levels = xp.concatenate((xp.zeros(1), xp.sort(xp.concatenate((a, b)))))
    mass, middle = xp.diff(levels), (levels[1:] + levels[:-1]) / 2
    i = xp.minimum(xp.searchsorted(a, middle), len(x) - 1)
    j = xp.minimum(xp.searchsorted(b, middle), len(y) - 1)
    return float(mass @ abs(x[i] - y[j]) ** p) ** (1 / p)


def _sorted(x, mass, name, mass_name, xp) -> Any:
    """Return the points in order and their cumulative masses."""
    x = _validate.real_array(x, name, xp)
    if x.ndim != 1 or not x.size:
        raise ValueError(f"{name} has shape {x.shape}; a vector of at least one point is needed")
    mass = xp.ones(len(x)) / len(x) if mass is None else _validate.real_array(mass, mass_name, xp)
    if mass.shape != x.shape:
        raise ValueError(f"{mass_name} has shape {mass.shape}, but {name} needs {x.shape}")
    if bool((mass < 0).any()) or not float(mass.sum()) > 0:
        raise ValueError(f"{mass_name} has negative entries or no mass; masses >= 0 are needed")
    order = xp.argsort(x)
    return x[order], xp.cumsum(mass[order])
