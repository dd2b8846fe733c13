"""The result of the radial Dirac equation."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._array import to_host
from ._orbital import Orbital
from ._states_result import RadialStates


@dataclass(frozen=True, repr=False, eq=False)
class DiracStates(RadialStates):
    """Eigenvalues and eigenfunctions of the radial Dirac equation: `RadialStates` with two components.

    Attributes
    ----------
    x : array of floats, shape (..., kappas, states, 2, mesh.size)
        The functions P and Q at the radii ``mesh.r``, normalised together, in bohr**(-1/2). If `kappa` is one
        number, the axis of kappas is missing here and below.
    kappa : int or tuple of int
        The quantum numbers kappa.
    functions : array of floats, shape (..., kappas, states, 2, degree + 1, elements)
        P and Q divided by ``r**power``, which are polynomials on every element, in the element layout of the
        mesh. In the library of the potential.
    powers : numpy.ndarray of floats, shape (..., kappas)
        These powers.
    """

    kappa: Any = 0
    functions: Any = None
    powers: Any = field(default_factory=lambda: np.zeros(0))

    @property
    def orbitals(self) -> Any:
        """The states as `Orbital` objects, in lists nested as `energies`."""
        kappas = np.broadcast_to(np.atleast_1d(self.kappa), np.shape(self.powers) or (1,))
        kappas = kappas if np.ndim(self.powers) else kappas[0]
        return self._nested_orbitals(self.energies, to_host(self.functions), kappas, self.powers)

    def _nested_orbitals(self, energies, functions, kappa, power):
        if energies.ndim == 1:
            l = orbital_momentum(int(kappa))
            return [
                Orbital(self.mesh, values, float(e), k + l + 1, l, int(kappa), float(power))
                for k, (e, values) in enumerate(zip(energies, functions, strict=True))
            ]
        return [
            self._nested_orbitals(*parts) for parts in zip(energies, functions, kappa, power, strict=True)
        ]


def orbital_momentum(kappa):
    """Return the angular momentum l of the component P."""
    return kappa if kappa > 0 else -kappa - 1
