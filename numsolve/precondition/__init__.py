"""Preconditioners: operators that approximate the inverse of a matrix, and live where it lives."""

from ._amg import amg
from ._block_jacobi import block_jacobi
from ._jacobi import jacobi
from ._spai import spai

__all__ = ["amg", "block_jacobi", "jacobi", "spai"]
