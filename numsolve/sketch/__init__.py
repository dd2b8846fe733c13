"""Randomized sketching: operators, least squares, low-rank factorisations and row-action methods."""

from ._eigh import EighResult, eigh
from ._kaczmarz import kaczmarz
from ._lstsq import lstsq
from ._operators import Sketch, sketch
from ._sketched_result import SketchedResult
from ._svd import SvdResult, svd

__all__ = [
    "EighResult",
    "Sketch",
    "SketchedResult",
    "SvdResult",
    "eigh",
    "kaczmarz",
    "lstsq",
    "sketch",
    "svd",
]
