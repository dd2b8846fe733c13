"""Radial meshes: elements on [0, rmax], each with the nodes of one reference element."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .. import _validate
from .._array import namespace
from ._elements import element, interpolation


@dataclass(frozen=True, eq=False)
class Mesh:
    """Finite elements on the radial interval, of one degree.

    Parameters
    ----------
    edges : array of floats, shape (elements + 1,)
        Where elements meet: from 0 to the largest radius, ascending.
    degree : int
        Degree of the polynomials on each element, at least 2.
    wall : bool
        Whether a hard wall at the largest radius belongs to the problem. If not, its effect on a
        state counts as an error.

    Raises
    ------
    ValueError
        The edges do not start at 0, do not ascend or are not finite; the degree is below 2.

    Notes
    -----
    Functions are held by their values at Gauss-Lobatto nodes, in one of two layouts: for users a vector
    at the radii `r`; inside, an array of shape (degree + 1, elements) in which the
    nodes that neighbours share occur twice, so that elements are the lanes of vector instructions
    and sums over an array with `weights` are integrals.

    Examples
    --------
    >>> from numsolve.radial import Mesh
    >>> Mesh([0.0, 1.0, 3.0], degree=4).size
    9
    """

    edges: Any
    degree: int = 12
    wall: bool = False

    def __post_init__(self):
        edges = _validate.real_array(self.edges, "edges")
        if edges.ndim != 1 or edges.size < 2 or edges[0] != 0 or (np.diff(edges) <= 0).any():
            raise ValueError(
                f"edges of shape {edges.shape} are no mesh: two or more numbers, from 0 upwards, are needed"
            )
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "degree", _validate.count(self.degree, "degree", least=2))

    @property
    def elements(self):
        """Number of elements."""
        return len(self.edges) - 1

    @property
    def size(self):
        """Number of radii in `r`."""
        return self.elements * self.degree + 1

    @property
    def rmax(self):
        """Largest radius."""
        return float(self.edges[-1])

    @cached_property
    def lengths(self):
        """Lengths of the elements, shape (elements,)."""
        return np.diff(self.edges)

    @cached_property
    def local_r(self):
        """Radii of the nodes, shape (degree + 1, elements)."""
        r = self.edges[:-1] + 0.5 * self.lengths * (1 + element(self.degree).nodes[:, None])
        r[-1] = self.edges[1:]
        return r

    @cached_property
    def weights(self):
        """Weights of quadrature, shape (degree + 1, elements)."""
        return 0.5 * element(self.degree).weights[:, None] * self.lengths

    @cached_property
    def r(self):
        """Radii of the nodes, ascending, shape (size,)."""
        return self.flat(self.local_r)

    def flat(self, local):
        """Return the vectors (..., size) of arrays (..., degree + 1, elements)."""
        inner = local[..., :-1, :].swapaxes(-1, -2)
        inner = inner.reshape(*inner.shape[:-2], -1)
        return namespace(local).concatenate((inner, local[..., -1:, -1]), -1)

    def local(self, flat):
        """Return the arrays (..., degree + 1, elements) of vectors (..., size)."""
        xp = namespace(flat)
        return xp.ascontiguousarray(flat[..., xp.asarray(self._places)])

    @cached_property
    def _places(self):
        return np.arange(self.elements) * self.degree + np.arange(self.degree + 1)[:, None]

    def derivative(self, local):
        """Return the derivatives within each element of functions in the inner layout."""
        return (element(self.degree).D @ local) * (2 / self.lengths)

    def cumulative(self, local):
        """Return the integrals from 0 to each node of functions in the inner layout."""
        parts = (element(self.degree).integration @ local) * (0.5 * self.lengths)
        before = np.cumsum(parts[..., -1, :], axis=-1) - parts[..., -1, :]
        return parts + before[..., None, :]

    def evaluate(self, local, r):
        """Return the values at radii `r` of one function in the inner layout; 0 beyond the mesh."""
        r = np.asarray(r, float)
        points = r.ravel()
        place = np.clip(np.searchsorted(self.edges, points, side="right") - 1, 0, self.elements - 1)
        values = np.zeros(points.size)
        for e in np.unique(place):
            here = place == e
            xi = 2 * (points[here] - self.edges[e]) / self.lengths[e] - 1
            values[here] = interpolation(element(self.degree).nodes, xi) @ local[:, e]
        values[(points > self.rmax) | (points < 0)] = 0
        return values.reshape(r.shape)


def exponential(rmax, elements=16, *, ratio=200.0, degree=12, wall=False):
    """Return a mesh whose elements grow by a constant factor.

    Parameters
    ----------
    rmax : float
        Largest radius.
    elements : int
        Number of elements.
    ratio : float
        Length of the last element over that of the first.
    degree : int
        Degree of the polynomials.
    wall : bool
        See `Mesh`.

    Returns
    -------
    Mesh
        With ``edges`` from 0 to `rmax`.

    Raises
    ------
    ValueError
        A number is not positive, or there is no element.
    """
    rmax, ratio = _validate.positive(rmax, "rmax"), _validate.positive(ratio, "ratio")
    count = _validate.count(elements, "elements", least=1)
    growth = np.log(ratio) / max(count - 1, 1)
    places = np.arange(count + 1)
    steep = abs(growth) > 1e-12 and count > 1
    edges = rmax * (np.expm1(growth * places) / np.expm1(growth * count) if steep else places / count)
    edges[-1] = rmax
    return Mesh(edges, degree, wall)


def uniform(rmax, elements=16, *, degree=12, wall=False):
    """Return a mesh of equal elements.

    Parameters
    ----------
    rmax : float
        Largest radius.
    elements : int
        Number of elements.
    degree : int
        Degree of the polynomials.
    wall : bool
        See `Mesh`.

    Returns
    -------
    Mesh
        With ``edges`` from 0 to `rmax`.

    Raises
    ------
    ValueError
        `rmax` is not positive, or there is no element.
    """
    return exponential(rmax, elements, ratio=1.0, degree=degree, wall=wall)
