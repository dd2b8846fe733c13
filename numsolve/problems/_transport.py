"""Transport problems: the masses of rows and of columns, and the cost."""

import numpy as np

from .. import _validate
from ..transport import Grid, PointCloud


def assignment(n, *, rng=None):
    """Return a random assignment problem: uniform masses and independent uniform costs.

    Parameters
    ----------
    n : int
        Number of rows and of columns.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    a, b : numpy.ndarray of float64, shape (n,)
        Masses; all are ``1 / n``.
    cost : numpy.ndarray of float64, shape (n, n)
        Costs, uniform in [0, 1).

    Raises
    ------
    TypeError, ValueError
        If `n` is not a positive integer.

    Examples
    --------
    >>> from numsolve.problems import assignment
    >>> a, b, cost = assignment(50, rng=0)
    """
    n = _validate.count(n, "n", least=1)
    uniform = np.full(n, 1 / n)
    return uniform, uniform.copy(), np.random.default_rng(rng).random((n, n))


def point_clouds(n, m=None, *, dimension=2, rng=None):
    """Return two clouds of points: one uniform in the unit cube, one in a smaller cube inside it.

    Parameters
    ----------
    n, m : int
        Numbers of points of the two clouds; `m` defaults to `n`.
    dimension : int
        Dimension of the space.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    a, b : numpy.ndarray of float64, shapes (n,) and (m,)
        Masses; all are ``1 / n`` and ``1 / m``.
    cost : PointCloud
        The squared distances, shape (n, m).

    Raises
    ------
    TypeError, ValueError
        If `n`, `m` or `dimension` is not a positive integer.

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
    """Return two images of five random spots each, as masses on a grid.

    Parameters
    ----------
    side : int
        Pixels along each side.
    metric : {"sqeuclidean", "cityblock"}
        Metric of the cost between pixels; its largest value is one.
    floor : float
        Share of the mass that is distributed evenly, so that no pixel is empty.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    a, b : numpy.ndarray of float64, shape (side**2,)
        Masses whose sum is one, row by row of the image.
    cost : Grid
        The scaled distances on the unit square, shape (side**2, side**2).

    Raises
    ------
    TypeError, ValueError
        If `side` is not an integer of at least 2, or `metric` is not one of the two names.

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
        Number of points, evenly spaced from 0 to 5.
    metric : {"sqeuclidean", "cityblock"}
        Metric of the cost; its largest value is one.

    Returns
    -------
    a, b : numpy.ndarray of float64, shape (n,)
        Masses whose sum is one, proportional to the densities of Exp(1) and of 0.2 N(1, 0.2) + 0.8 N(3, 0.5),
        where the second number is the standard deviation.
    cost : numpy.ndarray of float64, shape (n, n)
        Squared or absolute differences, divided by the largest.

    Raises
    ------
    TypeError, ValueError
        If `n` is not an integer of at least 2, or `metric` is not one of the two names.

    Notes
    -----
    A test problem of Tang and Qiu, *Safe and sparse Newton method for entropic-regularized optimal
    transport*, NeurIPS 2024. `wasserstein_1d` returns its exact optimal cost.

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
