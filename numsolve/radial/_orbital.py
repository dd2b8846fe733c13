"""One state: one piecewise polynomial, or two, which can be evaluated at any radius."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._elements import element, gauss_jacobi, interpolation
from ._mesh import Mesh

NODE_THRESHOLD = 1e-5  # relative to the largest value: smaller values may have the wrong sign


@dataclass(frozen=True, eq=False)
class Orbital:
    r"""A normalised radial state.

    The wave function is :math:`P(r)/r` times a spherical harmonic; a Dirac state has a second component
    :math:`Q(r)`. Each is :math:`r^{power}` times a polynomial on every element. Lengths are in bohr.

    Attributes
    ----------
    mesh : Mesh
        The elements.
    values : numpy.ndarray of floats, shape (components, degree + 1, elements)
        The polynomials at the nodes of `mesh`, in the element layout, for one component or two.
    energy : float
        Eigenvalue in hartree; for a Dirac state without the rest energy.
    n : int
        Principal quantum number.
    l : int
        Angular momentum.
    kappa : int or None
        Relativistic quantum number; None for a Schroedinger state.
    power : float
        Exponent of the factor before the polynomials.
    """

    mesh: Mesh
    values: Any
    energy: float
    n: int
    l: int
    kappa: int | None = None
    power: float = 0.0

    def __call__(self, r):
        """Evaluate P.

        Parameters
        ----------
        r : float or array of floats
            Radii in bohr, of any shape.

        Returns
        -------
        numpy.ndarray of floats
            P at the radii, of their shape, in bohr**(-1/2); 0 outside of the mesh.
        """
        return self.component(r, 0)

    def component(self, r, which):
        """Evaluate P or Q.

        Parameters
        ----------
        r : float or array of floats
            Radii in bohr, of any shape.
        which : {0, 1}
            0 for P, 1 for Q, which only a Dirac state has.

        Returns
        -------
        numpy.ndarray of floats
            The component at the radii, of their shape, in bohr**(-1/2); 0 outside of the mesh.

        Raises
        ------
        IndexError
            The state has no such component.
        """
        r = np.asarray(r, float)
        values = self.mesh.evaluate(self.values[which], r)
        return values if self.power == 0 else values * np.power(r, self.power, where=r > 0, out=0 * r)

    def radial(self, r, which=0):
        """Evaluate P/r or Q/r, the radial part of the wave function.

        Parameters
        ----------
        r : float or array of floats
            Radii in bohr, of any shape; 0 is allowed.
        which : {0, 1}
            0 for P/r, 1 for Q/r.

        Returns
        -------
        numpy.ndarray of floats
            Values of the shape of `r`, in bohr**(-3/2); 0 outside of the mesh. At r = 0 they are infinite for
            s1/2 and p1/2 states of a point nucleus with relativity.

        Raises
        ------
        IndexError
            The state has no such component.
        """
        r = np.asarray(r, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.power:
                return self.mesh.evaluate(self.values[which], r) * np.power(r, self.power - 1)
            quotient = self.component(r, which) / r
        return np.where(r == 0, self.mesh.derivative(self.values[which])[0, 0], quotient)

    def density(self, r):
        """Evaluate the probability density, averaged over directions.

        Parameters
        ----------
        r : float or array of floats
            Radii in bohr, of any shape.

        Returns
        -------
        numpy.ndarray of floats
            ``(P**2 + Q**2) / (4 pi r**2)`` per cubic bohr, of the shape of `r`.
        """
        return sum(self.radial(r, which) ** 2 for which in range(len(self.values))) / (4 * np.pi)

    @property
    def name(self):
        """Spectroscopic name, such as "3d"; for a Dirac state with j, "3d5/2"."""
        return name(self.n, self.l, self.kappa)

    @property
    def nodes(self):
        """Number of zeros of P inside the mesh, an int; n - l - 1 for an eigenstate."""
        P = self.mesh.flat(self.values[0])[1 if self.power == 0 else 0 : -1]
        signs = np.sign(P[abs(P) > NODE_THRESHOLD * abs(P).max()])
        return int((signs[1:] != signs[:-1]).sum())

    @property
    def norm(self):
        """The integral of P**2 (+ Q**2), a float, by the quadrature of `overlap`."""
        return self.overlap(self)

    def overlap(self, other):
        """Return the integral of the product with another state.

        Parameters
        ----------
        other : Orbital
            A state on the same mesh, with as many components.

        Returns
        -------
        float
            The integral of ``P1 P2 (+ Q1 Q2)``, by Gauss quadrature with degree + 1 points per element.

        Raises
        ------
        ValueError
            `other` is on another mesh.
        """
        if other.mesh is not self.mesh:
            raise ValueError("other is on another mesh; two states of one solve are needed")
        power, degree = self.power + other.power, self.mesh.degree
        total = 0.0
        for e, length in enumerate(self.mesh.lengths):
            x, w = gauss_jacobi(degree + 1, power if e == 0 else 0.0)
            at = interpolation(element(degree).nodes, x)
            r = self.mesh.edges[e] + 0.5 * length * (1 + x)
            w = w * (0.5 * length) ** (power + 1) if e == 0 else w * 0.5 * length * r**power
            total += float(np.sum((self.values[..., e] @ at.T) * (other.values[..., e] @ at.T) @ w))
        return total

    def __repr__(self):
        return f"Orbital({self.name}, energy={self.energy:.10g})"


def name(n, l, kappa=None):
    """Return the spectroscopic name of a shell: "5f", or with a kappa "5f7/2"."""
    j = "" if kappa is None else f"{2 * abs(kappa) - 1}/2"
    return (f"{n}{LETTERS[l]}" if l < len(LETTERS) else f"{n}[l={l}]") + j


LETTERS: list[str] = list("spdfghiklmnoqrtuvwxyz")
