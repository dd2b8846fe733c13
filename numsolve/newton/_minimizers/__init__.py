"""Minimisers without constraints: one driver, and a rule for each method."""

from .accelerated import Accelerated
from .damped import Aicn, Damped, Greedy, Root, Universal
from .lazy import Cubic, Lazy, QuadraticLazy
from .polynomial import Polynomial
from .smooth import GradientNormalized, SaddleFree, SuperUniversal
from .trust_region import TrustRegion

METHODS = {
    "trust-region": TrustRegion,
    "cubic-lazy": Lazy,
    "quadratic-lazy": QuadraticLazy,
    "cubic": Cubic,
    "gradient-normalized": GradientNormalized,
    "super-universal": SuperUniversal,
    "universal": Universal,
    "greedy": Greedy,
    "root": Root,
    "aicn": Aicn,
    "damped": Damped,
    "saddle-free": SaddleFree,
    "accelerated": Accelerated,
    "polynomial": Polynomial,
}
