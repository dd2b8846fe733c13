"""One state: a piecewise polynomial, or two, that can be evaluated anywhere."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._elements import element, gauss_jacobi, interpolation
from ._mesh import Mesh

SMALL = 1e-5  # of the largest value: sign changes below it are those of errors


@dataclass(frozen=True, eq=False)
class Orbital:
    r"""A normalised radial state.

    The wave function is :math:`P(r)/r` times a spherical harmonic; a Dirac state has a second component
    :math:`Q(r)`. Each is :math:`r^{power}` times a polynomial on every element.

    Attributes
    ----------
    mesh : Mesh
        The elements.
    values : numpy.ndarray of floats, shape (components, degree + 1, elements)
        The polynomials at the nodes of `mesh`, in its inner layout.
    energy : float
        Eigenvalue.
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
        """Return P at the radii `r`: zero beyond the mesh."""
        return self.component(r, 0)

    def component(self, r, which):
        """Return P (0) or Q (1) at the radii `r`."""
        r = np.asarray(r, float)
        values = self.mesh.evaluate(self.values[which], r)
        return values if self.power == 0 else values * np.power(r, self.power, where=r > 0, out=0 * r)

    def radial(self, r, which=0):
        """Return P/r (or Q/r) at the radii `r`, also at 0, where it may be infinite."""
        r = np.asarray(r, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.power:
                return self.mesh.evaluate(self.values[which], r) * np.power(r, self.power - 1)
            quotient = self.component(r, which) / r
        return np.where(r == 0, self.mesh.derivative(self.values[which])[0, 0], quotient)

    def density(self, r):
        """Return the probability per volume at the radii `r`, averaged over directions."""
        return sum(self.radial(r, which) ** 2 for which in range(len(self.values))) / (4 * np.pi)

    @property
    def name(self):
        """Such as "3d"; a Dirac state adds j, "3d5/2"."""
        return name(self.n, self.l, self.kappa)

    @property
    def nodes(self):
        """Number of zeros of P inside the mesh: n - l - 1."""
        P = self.mesh.flat(self.values[0])[1 if self.power == 0 else 0 : -1]
        signs = np.sign(P[abs(P) > SMALL * abs(P).max()])
        return int((signs[1:] != signs[:-1]).sum())

    @property
    def norm(self):
        """The integral of P**2 (+ Q**2), exact for the polynomials."""
        return self.overlap(self)

    def overlap(self, other):
        """Return the integral of the products with `other`, a state on the same mesh."""
        if other.mesh is not self.mesh:
            raise ValueError("other lives on another mesh; states of one solve are needed")
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
    """Return the spectroscopic name of a shell, as "5f", or "5f7/2" with a kappa."""
    j = "" if kappa is None else f"{2 * abs(kappa) - 1}/2"
    return (f"{n}{LETTERS[l]}" if l < len(LETTERS) else f"{n}[l={l}]") + j


LETTERS: list[str] = list("spdfghiklmnoqrtuvwxyz")
