"""Radial equations of atoms, and of anything else that is round, by high-order finite elements."""

from ._atom import atom, atoms
from ._dirac import DiracStates, dirac
from ._mesh import Mesh, exponential, uniform
from ._orbital import Orbital
from ._result import AtomResult
from ._schroedinger import RadialStates, schroedinger
from ._xc import libxc

__all__ = [
    "AtomResult",
    "DiracStates",
    "Mesh",
    "Orbital",
    "RadialStates",
    "atom",
    "atoms",
    "dirac",
    "exponential",
    "libxc",
    "schroedinger",
    "uniform",
]
