"""Unstructured meshes of triangles."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from .. import _validate


@dataclass(frozen=True)
class Mesh:
    """A triangulation in the plane.

    Attributes
    ----------
    points : array of float64, shape (n, 2)
        Coordinates of the nodes.
    triangles : array of int, shape (t, 3)
        Numbers of the three nodes of each triangle.
    areas : array of float64, shape (t,)
        Area of each triangle.
    boundary : array of int, shape (m, 2)
        Numbers of the two nodes of each edge that belongs to one triangle only.
    """

    points: np.ndarray
    triangles: np.ndarray

    @cached_property
    def areas(self) -> Any:
        """The area of each triangle."""
        one, two = (self.points[self.triangles[:, i]] - self.points[self.triangles[:, 0]] for i in (1, 2))
        return abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]) / 2

    @cached_property
    def boundary(self) -> Any:
        """The edges that belong to one triangle only."""
        edges = np.sort(
            np.concatenate([self.triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])]), axis=1
        )
        keys, times = np.unique(edges[:, 0] * np.int64(len(self.points)) + edges[:, 1], return_counts=True)
        return np.stack(np.divmod(keys[times == 1], len(self.points)), axis=1)

    def on(self, axis, value) -> Any:
        """Return a mask of the nodes whose coordinate is a given value.

        Parameters
        ----------
        axis : int
            0 for x, 1 for y.
        value : float
            The coordinate.

        Returns
        -------
        array of bool, shape (n,)
            True for the nodes that have it.
        """
        return self.points[:, axis] == value


def square_mesh(spacing, *, jitter=0.25, rng=None) -> Any:
    """Return an unstructured mesh of the unit square: the Delaunay triangles of a randomly displaced grid.

    Parameters
    ----------
    spacing : float
        Largest distance of neighbours on the boundary; there are about ``1 / spacing**2`` nodes.
    jitter : float
        Largest displacement of inner nodes along each axis, in units of the spacing; from 0 to 0.4.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    Mesh
        With `points`, `triangles`, `areas`, `boundary`.

    Raises
    ------
    ValueError
        If `spacing` is not positive or `jitter` is not between 0 and 0.4.

    Examples
    --------
    >>> from numsolve.problems import square_mesh
    >>> mesh = square_mesh(0.1, rng=0)
    >>> mesh.points.shape, mesh.triangles.shape, mesh.boundary.shape
    ((121, 2), (200, 3), (40, 2))
    """
    ticks = _ticks((0.0, 1.0), spacing)
    return _jittered(ticks, ticks, (0.0, 0.0), jitter, rng)


def plate_mesh(spacing, *, jitter=0.25, rng=None) -> Any:
    """Return an unstructured mesh of a plate with a rectangular slot.

    The plate is [-0.5, 0.5] x [-0.8, 0.8], the slot [-0.05, 0.05] x [-0.4, 0.4]: the block with a cavity in
    the documentation of MATLAB's Partial Differential Equation Toolbox.

    Parameters
    ----------
    spacing : float
        Largest distance of neighbours on the boundary, at most 0.1; there are about ``1.5 / spacing**2``
        nodes.
    jitter : float
        Largest displacement of inner nodes along each axis, in units of the spacing; from 0 to 0.4.
    rng : int or numpy.random.Generator, optional
        Seed or generator.

    Returns
    -------
    Mesh
        With `points`, `triangles`, `areas`, `boundary`.

    Raises
    ------
    ValueError
        If `spacing` is not positive or exceeds 0.1, or `jitter` is not between 0 and 0.4.
    """
    if _validate.positive(spacing, "spacing") > 0.1:
        raise ValueError(f"spacing is {spacing!r}; at most 0.1, the width of the slot, is needed")
    return _jittered(
        _ticks((-0.5, -0.05, 0.05, 0.5), spacing),
        _ticks((-0.8, -0.4, 0.4, 0.8), spacing),
        (0.05, 0.4),
        jitter,
        rng,
    )


def _ticks(corners, spacing):
    """Return coordinates at most `spacing` apart that include every corner."""
    spacing = _validate.positive(spacing, "spacing")
    pieces = [np.linspace(a, b, int(np.ceil((b - a) / spacing - 1e-9)) + 1)[1:] for a, b in pairwise(corners)]
    return np.concatenate([corners[:1], *pieces])


def _jittered(xs, ys, hole, jitter, rng):
    """Triangulate a grid with displaced inner nodes, without the hole |x| < hole[0], |y| < hole[1].

    All boundary edges are edges of the triangulation, since the circles that have them as diameters contain
    no displaced node.
    """
    from scipy.spatial import Delaunay

    if not 0 <= _validate.number(jitter, "jitter") <= 0.4:
        raise ValueError(f"jitter is {jitter!r}; a number from 0 to 0.4 is needed")
    points = np.stack(np.meshgrid(xs, ys, indexing="ij"), axis=-1).reshape(-1, 2)
    points = points[(abs(points) >= hole).any(axis=1)]
    rim = (points == (xs[0], ys[0])) | (points == (xs[-1], ys[-1]))
    inner = ~(rim.any(axis=1) | (abs(points) <= hole).all(axis=1))
    reach = jitter * np.array([np.diff(xs).min(), np.diff(ys).min()])
    points[inner] += reach * np.random.default_rng(rng).uniform(-1, 1, (int(inner.sum()), 2))
    triangles = Delaunay(points).simplices
    centres = points[triangles].mean(axis=1)
    return Mesh(points, triangles[(abs(centres) >= hole).any(axis=1)])
