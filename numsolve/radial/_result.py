"""What a solved atom tells."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._result import Result
from ._occupations import SYMBOLS
from ._orbital import name


class Shell(NamedTuple):
    """A shell of electrons.

    Attributes
    ----------
    n, l : int
        Quantum numbers.
    occupation : float
        Electrons in it.
    energy : float
        Eigenvalue in hartree.
    error : float
        Its estimated error.
    kappa : int or None
        Relativistic quantum number; None without relativity.
    """

    n: int
    l: int
    occupation: float
    energy: float
    error: float
    kappa: int | None = None

    @property
    def name(self):
        """Such as "3d"; a Dirac shell adds j, "3d5/2"."""
        return name(self.n, self.l, self.kappa)


@dataclass(frozen=True, repr=False)
class AtomResult(Result):
    """A self-consistent atom.

    Attributes
    ----------
    x : numpy.ndarray, shape (mesh.size,)
        Potential of the electrons, Hartree's and that of exchange and correlation, at ``mesh.r``.
    status : Status
        ``MAXITER`` also where a shell is not accurate.
    message : str
        What is wrong, and what would help.
    residuals : numpy.ndarray of floats, shape (nit + 1,)
        What the electrons make of the potential less it, root mean square over the electrons, in hartree.
    Z : int
        Number of protons.
    charge : float
        Charge.
    energy : float
        Total energy in hartree.
    energies : Energies
        ``total``, ``kinetic``, ``hartree``, ``nuclear``, ``xc``.
    error : float
        Estimated error of `energy`.
    shells : tuple of Shell
        ``n, l, occupation, energy, error`` of each.
    eigenvalues : numpy.ndarray, shape (shells,)
        The energies of the shells.
    orbitals : list of Orbital
        Their states, in the same order.
    mesh : Mesh
        Where everything lives.
    radial_density : numpy.ndarray, shape (degree + 1, elements)
        Electrons per radius, in the inner layout of the mesh.
    """

    Z: int = 0
    charge: float = 0.0
    energy: float = np.nan
    energies: Any = None
    error: float = np.nan
    shells: tuple = ()
    orbitals: Any = ()
    mesh: Any = None
    radial_density: Any = None

    @property
    def name(self):
        """Symbol of the element, with the charge of an ion."""
        return SYMBOLS[self.Z - 1] + (f"{self.charge:+g}" if self.charge else "")

    @property
    def eigenvalues(self):
        """Energies of the shells."""
        return np.array([shell.energy for shell in self.shells])

    def density(self, r):
        """Return the number of electrons per cubic bohr at the radii `r`."""
        shells = zip(self.orbitals, self.shells, strict=True)
        return sum(shell.occupation * orbital.density(r) for orbital, shell in shells)

    def potential(self, r):
        """Return the potential of the electrons at the radii `r`; beyond the mesh, that of their charge."""
        r = np.asarray(r, float)
        inside = self.mesh.evaluate(self.mesh.local(self.x), r)
        return np.where(r > self.mesh.rmax, (self.Z - self.charge) / np.maximum(r, self.mesh.rmax), inside)

    def __repr__(self):
        return f"AtomResult({self.name}: {self.energy:.10g} hartree +- {self.error:.0e}; {self.message})"

    def table(self):
        """Return the energies and the shells as text."""
        rows = [f"{self.name}, {self.message}", f"{'total':>8} {self.energy:20.10f}   +- {self.error:.0e}"]
        rows += [
            f"{part:>8} {value:20.10f}" for part, value in self.energies._asdict().items() if part != "total"
        ]
        rows += [f"{'shell':>8} {'energy':>20} {'electrons':>10}"]
        rows += [f"{s.name:>8} {s.energy:20.10f} {s.occupation:10.6g}" for s in self.shells]
        return "\n".join(rows)

    def plot(self, ax=None, **style):
        """Draw the radial density and each shell's part on `ax` (a new figure if None); return the axes."""
        import matplotlib.pyplot as plt

        if ax is None:
            ax = plt.subplots(figsize=(7, 4), layout="constrained")[1]
        u = self.mesh.flat(self.radial_density)
        end = self.mesh.r[np.flatnonzero(u > 2e-3 * u.max())[-1]]
        r = np.geomspace(0.02 / self.Z, 1.2 * end, 600)
        colours = plt.get_cmap("viridis")(np.linspace(0, 0.92, max(s.n for s in self.shells)))
        for orbital, shell in zip(self.orbitals, self.shells, strict=True):
            dashes = ("-", "--", "-.", ":")[min(shell.l, 3)]
            part = shell.occupation * 4 * np.pi * r**2 * orbital.density(r)
            if shell.occupation:
                ax.plot(r, part, ls=dashes, color=colours[shell.n - 1], lw=1.2, label=shell.name)
        ax.plot(r, self.mesh.evaluate(self.radial_density, r), **{"color": "k", "label": "all", **style})
        ax.set(
            xscale="log", xlabel="r (bohr)", ylabel="electrons per bohr", xlim=(r[0], r[-1]), ylim=(0, None)
        )
        ax.set_title(f"{self.name}: {self.energy:.6f} hartree")
        beside = {"loc": "upper left", "bbox_to_anchor": (1, 1)} if len(self.shells) > 20 else {}
        ax.legend(frameon=False, ncols=2, fontsize="small", **beside)
        ax.spines[["top", "right"]].set_visible(False)
        return ax
