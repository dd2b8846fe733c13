"""Preconditioners: operators that approximate the inverse of a matrix, and live where it lives."""

from ._amg import amg
from ._chebyshev import chebyshev
from ._jacobi import jacobi

__all__ = ["amg", "chebyshev", "jacobi"]
