"""Radial equations of atoms and other spherically symmetric systems, by high-order finite elements."""

from ._atom import atom, atoms
from ._dirac import dirac
from ._mesh import Mesh, exponential, uniform
from ._orbital import Orbital
from ._result import AtomResult
from ._schroedinger import schroedinger
from ._states_result import RadialStates
from ._states_result_dirac import DiracStates
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
