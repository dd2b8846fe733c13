"""Entropic optimal transport: Sinkhorn's iteration and what speeds it up."""

from ._costs import Grid, PointCloud
from ._plan import Plan
from ._result import TransportResult
from ._sinkhorn import sinkhorn

__all__ = ["Grid", "Plan", "PointCloud", "TransportResult", "sinkhorn"]
