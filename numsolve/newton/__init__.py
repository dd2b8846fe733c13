"""Newton's method: nonlinear systems, least squares, and minimisers, with and without constraints."""

from ._check_derivative import DerivativeCheck, check_derivative
from ._results import NewtonResult
from ._root import RootResult, root

__all__ = ["DerivativeCheck", "NewtonResult", "RootResult", "check_derivative", "root"]
