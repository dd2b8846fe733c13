"""Methods for a fixed point ``x = T x`` of a nonexpansive map."""

from ._intersection import intersection
from ._solve import anderson, halpern, picard
from ._splitting import admm, douglas_rachford

__all__ = ["admm", "anderson", "douglas_rachford", "halpern", "intersection", "picard"]
