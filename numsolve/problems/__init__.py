"""The gallery of test problems: for papers, tests, benchmarks and examples."""

from ._pde import convection_diffusion, diffusion, poisson
from ._random import irregular

__all__ = ["convection_diffusion", "diffusion", "irregular", "poisson"]
