"""Entropic optimal transport: Sinkhorn's iteration and what speeds it up."""

from ._barycenter import BarycenterResult, barycenter
from ._costs import Grid, PointCloud
from ._divergence import Divergence, sinkhorn_divergence
from ._one_dim import wasserstein_1d
from ._plan import Plan
from ._result import TransportResult
from ._sinkhorn import sinkhorn

__all__ = [
    "BarycenterResult",
    "Divergence",
    "Grid",
    "Plan",
    "PointCloud",
    "TransportResult",
    "barycenter",
    "sinkhorn",
    "sinkhorn_divergence",
    "wasserstein_1d",
]
