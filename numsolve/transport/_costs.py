"""Costs that are never stored: distances of points, and grids whose cost is a sum over the axes."""

from typing import Any

import numpy as np

from .. import _validate
from .._array import library, namespace

METRICS = ("sqeuclidean", "euclidean", "cityblock")


class PointCloud:
    """The cost between two clouds of points, computed where it is needed and not stored.

    Parameters
    ----------
    x : array, shape (n, d), or (k, n, d) for k problems
        Points of the rows, in NumPy or CuPy.
    y : array, shape (m, d), or (k, m, d), optional
        Points of the columns. Default: `x`.
    metric : {"sqeuclidean", "euclidean", "cityblock"}
        The squared distance, the distance, or the sum of the absolute differences of the coordinates.

    Attributes
    ----------
    x, y : array
        The points; with an axis of k problems for both or none.
    metric : str
        The metric.

    Raises
    ------
    ValueError
        Shapes do not fit, a coordinate is not finite, or the metric is unknown.
    TypeError
        A dtype is not real, or NumPy and CuPy arrays are mixed.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.transport import PointCloud
    >>> PointCloud(np.zeros((4, 2)), np.ones((3, 2))).shape
    (4, 3)
    """

    def __init__(self, x, y=None, metric="sqeuclidean"):
        y = x if y is None else y
        _, xp = _validate.same_library(x=x, y=y)
        self.metric = _validate.choice(metric, "metric", METRICS)
        self.x, self.y = _points(x, "x", xp), _points(y, "y", xp)
        if self.x.shape[-1] != self.y.shape[-1]:
            raise ValueError(f"x has points of {self.x.shape[-1]} coordinates, y of {self.y.shape[-1]}")
        if self.ndim == 3:
            k = max(len(z) for z in (self.x, self.y) if z.ndim == 3)
            for name, z in (("x", self.x), ("y", self.y)):
                if z.ndim == 3 and len(z) != k:
                    raise ValueError(f"{name} has clouds for {len(z)} problems, the other for {k}")
            self.x, self.y = (xp.broadcast_to(z, (k, *z.shape[-2:])) for z in (self.x, self.y))

    @property
    def ndim(self):
        """Number of axes of `shape`: 2, or 3 for clouds of k problems."""
        return max(self.x.ndim, self.y.ndim)

    @property
    def shape(self):
        """Numbers of rows and columns (n, m), or (k, n, m) for clouds of k problems."""
        return *self.x.shape[:-1], self.y.shape[-2]

    @property
    def dtype(self):
        """The common dtype of the coordinates."""
        return np.result_type(self.x.dtype, self.y.dtype)

    @property
    def library(self):
        """Name of the library of the points: "numpy" or "cupy"."""
        return library(self.x)

    def part(self, p):
        """Return the clouds of one problem.

        Parameters
        ----------
        p : int
            Number of the problem, 0 to k - 1.

        Returns
        -------
        PointCloud
            Its points; the same object if there is only one problem.
        """
        return PointCloud(self.x[p], self.y[p], self.metric) if self.ndim == 3 else self

    def rows(self, first, last):
        """Return some rows of the cost.

        Parameters
        ----------
        first, last : int
            Rows ``first`` to ``last - 1``, with ``0 <= first <= last <= n``.

        Returns
        -------
        array, shape (last - first, m), or (k, last - first, m)
            Their costs.
        """
        xp: Any = namespace(self.x)
        total: Any = 0
        for k in range(self.x.shape[-1]):
            difference = self.x[..., first:last, k, None] - self.y[..., None, :, k]
            total = total + (abs(difference) if self.metric == "cityblock" else difference**2)
        return xp.sqrt(total) if self.metric == "euclidean" else total


class Grid:
    """The cost between the points of two grids, a sum over the axes.

    Parameters
    ----------
    axes : sequence of arrays, shapes (n_1,), (n_2,) and so on
        Coordinates of the grid of the rows along each axis, in NumPy or CuPy. The points are in the order of
        ``numpy.ravel``.
    to : sequence of arrays, shapes (m_1,), (m_2,) and so on, optional
        The grid of the columns. Default: `axes`.
    metric : {"sqeuclidean", "cityblock"}
        The sum of squared, or of absolute, differences of the coordinates.

    Attributes
    ----------
    axes, to : list of arrays
        The coordinates in double precision.
    costs : list of arrays, shapes (n_1, m_1), (n_2, m_2) and so on
        The cost of each axis.
    metric : str
        The metric.
    library : {"numpy", "cupy"}
        Where the arrays live.

    Raises
    ------
    ValueError
        An axis is empty or not finite, or the numbers of axes differ.
    TypeError
        A dtype is not real, or NumPy and CuPy arrays are mixed.

    Notes
    -----
    An iteration takes ``n (n_1 + n_2 + ...)`` operations, not ``n**2``.

    Examples
    --------
    >>> import numpy as np
    >>> from numsolve.transport import Grid
    >>> Grid([np.linspace(0, 1, 64), np.linspace(0, 1, 64)]).shape
    (4096, 4096)
    """

    ndim = 2

    def __init__(self, axes, to=None, metric="sqeuclidean"):
        self.metric = _validate.choice(metric, "metric", ("sqeuclidean", "cityblock"))
        sides = {"axes": axes, "to": () if to is None else to}
        named = {f"{name}[{k}]": x for name, side in sides.items() for k, x in enumerate(side)}
        self.library, xp = _validate.same_library(**named)
        self.axes = _axes(axes, "axes", xp)
        self.to = self.axes if to is None else _axes(to, "to", xp)
        if len(self.axes) != len(self.to):
            raise ValueError(
                f"axes has {len(self.axes)} axes, to has {len(self.to)}; the same number is needed"
            )
        self.costs = [self._between(x[:, None], y) for x, y in zip(self.axes, self.to, strict=True)]

    @property
    def shape(self):
        """Numbers of rows and columns, (n_1 n_2 ..., m_1 m_2 ...)."""
        return int(np.prod([len(x) for x in self.axes])), int(np.prod([len(y) for y in self.to]))

    @property
    def dtype(self):
        """The dtype of the cost: float64."""
        return np.dtype(float)

    def rows(self, first, last):
        """Return some rows of the cost.

        Parameters
        ----------
        first, last : int
            Rows ``first`` to ``last - 1``, with ``0 <= first <= last <= n``.

        Returns
        -------
        array of float64, shape (last - first, m)
            Their costs.
        """
        xp: Any = namespace(self.costs[0])
        where = np.unravel_index(np.arange(first, last), [len(x) for x in self.axes])
        total = xp.zeros((last - first, *(len(y) for y in self.to)))
        for k, (cost, at) in enumerate(zip(self.costs, where, strict=True)):
            shape = [last - first] + [1] * len(self.to)
            shape[k + 1] = len(self.to[k])
            total += cost[xp.asarray(at)].reshape(shape)
        return total.reshape(last - first, -1)

    def _between(self, x, y):
        return (x - y) ** 2 if self.metric == "sqeuclidean" else abs(x - y)


def _points(x, name, xp) -> Any:
    """Return points as a finite real array of shape (n, d) or (k, n, d)."""
    x = _validate.real(x, name, xp)
    if x.ndim not in (2, 3) or 0 in x.shape:
        raise ValueError(f"{name} has shape {x.shape}; points as rows, (n, d), are needed, or (k, n, d)")
    return x


def _axes(axes, name, xp):
    """Return the coordinates of a grid as real vectors."""
    found = [_validate.real_array(axis, f"{name}[{k}]", xp) for k, axis in enumerate(axes)]
    for k, axis in enumerate(found):
        if axis.ndim != 1 or not axis.size:
            raise ValueError(f"{name}[{k}] has shape {axis.shape}; a vector of coordinates is needed")
    if not found:
        raise ValueError(f"{name} is empty; a vector of coordinates is needed for each axis")
    return found
