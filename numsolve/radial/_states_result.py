"""The result of the radial Schroedinger equation."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._array import to_host
from .._result import Result
from ._orbital import Orbital


@dataclass(frozen=True, repr=False, eq=False)
class RadialStates(Result):
    """Eigenvalues and eigenfunctions of a radial equation.

    Energies are in hartree, lengths in bohr. `x` is in the library of the potential, all else on the host.

    Attributes
    ----------
    x : array of floats, shape (..., momenta, states, mesh.size)
        The functions P at the radii ``mesh.r``, normalised, in bohr**(-1/2). The axes in front are those of a
        batch of potentials. If `l` is one number, the axis of angular momenta is missing here and below.
    status : Status
        ``CONVERGED`` if all estimated errors meet the tolerance, ``MAXITER`` if not, ``TIME_LIMIT`` if the
        search for a mesh ran out of time.
    message : str
        The state with the largest error, and a remedy.
    residuals : numpy.ndarray of floats, shape (meshes,)
        The largest relative error on each mesh that was tried.
    energies : numpy.ndarray of floats, shape (..., momenta, states)
        Eigenvalues in hartree, ascending.
    errors : numpy.ndarray of floats, shape (..., momenta, states)
        Estimated errors of `energies` in hartree: due to the mesh, to its end, and to rounding. Infinite for
        a state that is not bound.
    l : int or tuple of int
        The angular momenta.
    mesh : Mesh
        The mesh of the functions.
    orbitals : list
        The states as `Orbital` objects, in lists nested as `energies`.
    """

    energies: Any = field(default_factory=lambda: np.zeros(0))
    errors: Any = field(default_factory=lambda: np.zeros(0))
    l: Any = 0
    mesh: Any = None

    @property
    def orbitals(self) -> Any:
        """The states as `Orbital` objects, in lists nested as `energies`."""
        return self._nested_orbitals(self.energies, self.mesh.local(to_host(self.x)), self.l)

    def _nested_orbitals(self, energies, P, l):
        if energies.ndim == 1:
            pairs = enumerate(zip(energies, P, strict=True))
            return [Orbital(self.mesh, p[None], float(e), k + l + 1, l) for k, (e, p) in pairs]
        momenta = l if energies.ndim == 2 and np.ndim(l) else [l] * len(energies)
        return [self._nested_orbitals(*parts) for parts in zip(energies, P, momenta, strict=True)]

    def plot(self, ax=None, **style):
        """Plot the functions P of the first potential of a batch.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; None makes a new figure.
        **style
            Properties of all lines, such as ``lw``.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        import matplotlib.pyplot as plt

        if ax is None:
            ax = plt.subplots(figsize=(6, 4), layout="constrained")[1]
        orbitals = self.orbitals
        for _ in range(self.energies.ndim - np.ndim(self.l) - 1):
            orbitals = orbitals[0]
        orbitals = [o for row in orbitals for o in row] if np.ndim(self.l) else orbitals
        r = np.concatenate([[0], np.geomspace(self.mesh.r[1] * 0.1, self.mesh.rmax, 800)])
        for orbital in orbitals:
            ax.plot(r, orbital(r), **{"label": f"{orbital.name}  {orbital.energy:.6g}", **style})
        ax.axhline(0, color="0.7", lw=0.8, zorder=0)
        ax.set(xlabel="r (bohr)", ylabel="P(r)", xlim=(0, _plotted_radius(orbitals, self.mesh)))
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        return ax


def _plotted_radius(orbitals, mesh):
    """Return the radius beyond which all orbitals are too small to be seen."""
    r = np.linspace(0, mesh.rmax, 2000)
    ends = [r[abs(o(r)) > 3e-3 * abs(o(r)).max()].max(initial=r[1]) for o in orbitals]
    return 1.05 * max(ends)
