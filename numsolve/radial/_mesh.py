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
        Ends of the elements in bohr: from 0 to the largest radius, ascending. Kept as float64.
    degree : int
        Degree of the polynomials on each element, at least 2.
    wall : bool
        Whether the problem has a hard wall at the largest radius. If not, the effect of the end of the mesh
        on a state counts as an error.

    Raises
    ------
    ValueError
        The edges do not start at 0, do not ascend or are not finite; or the degree is below 2.
    TypeError
        The edges are not real numbers, or the degree is not a whole number.

    Notes
    -----
    A function is given by its values at the Gauss-Lobatto nodes, in one of two layouts. The flat layout is a
    vector of length `size`, at the radii `r`. The element layout has shape (degree + 1, elements); a node
    that two elements share occurs twice in it. Sums of the element layout times `weights` are integrals, and
    kernels take all elements in step, one per lane of a vector instruction. A mesh is not changed after it is
    made.

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
        """Number of nodes, ``elements * degree + 1``."""
        return self.elements * self.degree + 1

    @property
    def rmax(self):
        """Largest radius in bohr."""
        return float(self.edges[-1])

    @cached_property
    def lengths(self):
        """Lengths of the elements in bohr, shape (elements,)."""
        return np.diff(self.edges)

    @cached_property
    def local_r(self):
        """Radii of the nodes in bohr in the element layout, shape (degree + 1, elements)."""
        r = self.edges[:-1] + 0.5 * self.lengths * (1 + element(self.degree).nodes[:, None])
        r[-1] = self.edges[1:]
        return r

    @cached_property
    def weights(self):
        """Weights of the quadrature at the nodes, shape (degree + 1, elements)."""
        return 0.5 * element(self.degree).weights[:, None] * self.lengths

    @cached_property
    def r(self):
        """Radii of the nodes in bohr, ascending, shape (size,)."""
        return self.flat(self.local_r)

    def flat(self, local):
        """Convert functions from the element layout to the flat layout.

        Parameters
        ----------
        local : array, shape (..., degree + 1, elements)
            Values at the nodes of each element, NumPy's or CuPy's. At a node that two elements share, the
            value of the outer one is used.

        Returns
        -------
        array, shape (..., size)
            Values at the radii `r`, of the same dtype and library.
        """
        inner = local[..., :-1, :].swapaxes(-1, -2)
        inner = inner.reshape(*inner.shape[:-2], -1)
        return namespace(local).concatenate((inner, local[..., -1:, -1]), -1)

    def local(self, flat):
        """Convert functions from the flat layout to the element layout.

        Parameters
        ----------
        flat : array, shape (..., size)
            Values at the radii `r`, NumPy's or CuPy's.

        Returns
        -------
        array, shape (..., degree + 1, elements)
            Values at the nodes of each element, of the same dtype and library.
        """
        xp = namespace(flat)
        return xp.ascontiguousarray(flat[..., xp.asarray(self._places)])

    @cached_property
    def _places(self):
        return np.arange(self.elements) * self.degree + np.arange(self.degree + 1)[:, None]

    def derivative(self, local):
        """Differentiate functions in the element layout, within each element.

        Parameters
        ----------
        local : numpy.ndarray, shape (..., degree + 1, elements)
            Values at the nodes.

        Returns
        -------
        numpy.ndarray of floats, shape (..., degree + 1, elements)
            Derivatives at the nodes, per bohr; exact for polynomials of the mesh's degree. At a shared node,
            the two elements give their one-sided derivatives.
        """
        return (element(self.degree).D @ local) * (2 / self.lengths)

    def cumulative(self, local):
        """Integrate functions in the element layout from 0 to each node.

        Parameters
        ----------
        local : numpy.ndarray, shape (..., degree + 1, elements)
            Values at the nodes.

        Returns
        -------
        numpy.ndarray of floats, shape (..., degree + 1, elements)
            Integrals at the nodes; exact for polynomials of the mesh's degree.
        """
        parts = (element(self.degree).integration @ local) * (0.5 * self.lengths)
        before = np.cumsum(parts[..., -1, :], axis=-1) - parts[..., -1, :]
        return parts + before[..., None, :]

    def evaluate(self, local, r):
        """Evaluate one function in the element layout at any radii.

        Parameters
        ----------
        local : numpy.ndarray, shape (degree + 1, elements)
            Values at the nodes.
        r : float or array of floats
            Radii in bohr, of any shape.

        Returns
        -------
        numpy.ndarray of floats
            Values of the interpolating polynomials, of the shape of `r`; 0 outside of the mesh.
        """
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
        Largest radius in bohr.
    elements : int
        Number of elements.
    ratio : float
        Length of the last element divided by that of the first.
    degree : int
        Degree of the polynomials.
    wall : bool
        Whether there is a hard wall at `rmax`; see `Mesh`.

    Returns
    -------
    Mesh
        The mesh from 0 to `rmax`.

    Raises
    ------
    ValueError
        `rmax` or `ratio` is not positive and finite, `elements` is below 1, or `degree` is below 2.
    TypeError
        An argument is not a number of the needed kind.
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
    """Return a mesh of elements of equal length.

    Parameters
    ----------
    rmax : float
        Largest radius in bohr.
    elements : int
        Number of elements.
    degree : int
        Degree of the polynomials.
    wall : bool
        Whether there is a hard wall at `rmax`; see `Mesh`.

    Returns
    -------
    Mesh
        The mesh from 0 to `rmax`.

    Raises
    ------
    ValueError
        `rmax` is not positive and finite, `elements` is below 1, or `degree` is below 2.
    TypeError
        An argument is not a number of the needed kind.
    """
    return exponential(rmax, elements, ratio=1.0, degree=degree, wall=wall)
