"""Radial equations of atoms, and of anything else that is round, by high-order finite elements."""

from ._mesh import Mesh, exponential, uniform
from ._orbital import Orbital
from ._schroedinger import RadialStates, schroedinger

__all__ = ["Mesh", "Orbital", "RadialStates", "exponential", "schroedinger", "uniform"]
