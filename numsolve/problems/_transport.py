"""Transport problems: masses of rows and columns, and a cost."""

import numpy as np

from .. import _validate
from ..transport import Grid, PointCloud


def assignment(n, *, rng=None):
    """Return a random assignment problem: uniform masses and independent uniform costs.

    Parameters
    ----------
    n : int
        Rows and columns.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    a, b : numpy.ndarray, shape (n,)
        ``1 / n`` each.
    cost : numpy.ndarray, shape (n, n)
        Uniform in [0, 1).

    Examples
    --------
    >>> from numsolve.problems import assignment
    >>> a, b, cost = assignment(50, rng=0)
    """
    n = _validate.count(n, "n", least=1)
    uniform = np.full(n, 1 / n)
    return uniform, uniform.copy(), np.random.default_rng(rng).random((n, n))


def point_clouds(n, m=None, *, dimension=2, rng=None):
    """Return two clouds of points, uniform in a cube and in a smaller one that overlaps it.

    Parameters
    ----------
    n, m : int
        Numbers of points; `m` is `n` unless given.
    dimension : int
        Of the space.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    a, b : numpy.ndarray, shapes (n,) and (m,)
        Uniform masses.
    cost : PointCloud
        The squared distances.

    Examples
    --------
    >>> from numsolve.problems import point_clouds
    >>> a, b, cost = point_clouds(50, 40, rng=0)
    """
    n = _validate.count(n, "n", least=1)
    m = n if m is None else _validate.count(m, "m", least=1)
    dimension = _validate.count(dimension, "dimension", least=1)
    rng = np.random.default_rng(rng)
    x, y = rng.random((n, dimension)), 0.4 + 0.5 * rng.random((m, dimension))
    return np.full(n, 1 / n), np.full(m, 1 / m), PointCloud(x, y)


def image_pair(side, *, metric="sqeuclidean", floor=0.01, rng=None):
    """Return two images of some random spots each, as masses on a grid.

    Parameters
    ----------
    side : int
        Pixels a side.
    metric : {"sqeuclidean", "cityblock"}
        Of the cost between pixels, whose largest value is one.
    floor : float
        The share of the mass that is spread evenly, so that no pixel is empty.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    a, b : numpy.ndarray, shape (side**2,)
        Masses of sum one.
    cost : Grid
        On the unit square, scaled.

    Examples
    --------
    >>> from numsolve.problems import image_pair
    >>> a, b, cost = image_pair(16, rng=0)
    """
    side = _validate.count(side, "side", least=2)
    rng = np.random.default_rng(rng)
    scale = 0.5**0.5 if metric == "sqeuclidean" else 0.5
    t = np.linspace(0, scale, side)
    X, Y = np.meshgrid(t / scale, t / scale, indexing="ij")

    def image():
        spots = 0
        for _ in range(5):
            x, y, width = *rng.uniform(0.15, 0.85, 2), rng.uniform(0.04, 0.12)
            spots = spots + rng.random() * np.exp(-((X - x) ** 2 + (Y - y) ** 2) / (2 * width**2))
        return ((1 - floor) * spots / np.sum(spots) + floor / side**2).ravel()

    return image(), image(), Grid([t, t], metric=metric)


def line_pair(n, *, metric="sqeuclidean"):
    """Return two densities on the line: exponential, and a mixture of two normal ones.

    Parameters
    ----------
    n : int
        Points, evenly spaced from 0 to 5.
    metric : {"sqeuclidean", "cityblock"}
        Of the cost, whose largest value is one.

    Returns
    -------
    a, b : numpy.ndarray, shape (n,)
        Masses of sum one, in proportion to Exp(1) and to 0.2 N(1, 0.2) + 0.8 N(3, 0.5), which are standard
        deviations.
    cost : numpy.ndarray, shape (n, n)
        Squared or absolute differences over their largest.

    Notes
    -----
    A test problem of Tang and Qiu, *Safe and sparse Newton method for entropic-regularized optimal
    transport*, NeurIPS 2024. `wasserstein_1d` knows the exact answer.

    Examples
    --------
    >>> from numsolve.problems import line_pair
    >>> a, b, cost = line_pair(100)
    """
    n = _validate.count(n, "n", least=2)
    t = np.linspace(0, 5, n)
    power = {"sqeuclidean": 2, "cityblock": 1}[
        _validate.choice(metric, "metric", ("sqeuclidean", "cityblock"))
    ]

    def normal(mean, width):
        return np.exp(-((t - mean) ** 2) / (2 * width**2)) / width

    a, b = np.exp(-t), 0.2 * normal(1, 0.2) + 0.8 * normal(3, 0.5)
    return a / a.sum(), b / b.sum(), (abs(t[:, None] - t) / 5) ** power
