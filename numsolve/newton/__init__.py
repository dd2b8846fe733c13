"""Newton's method: nonlinear systems, least squares, and minimisers, with and without constraints."""

from ._results import NewtonResult

__all__ = ["NewtonResult"]
