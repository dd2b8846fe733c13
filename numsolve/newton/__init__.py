"""Newton's method: nonlinear systems, least squares, and minimisers, with and without constraints."""

from ._approximations import fisher, gauss_newton
from ._check_derivative import DerivativeCheck, check_derivative
from ._constrained import ConstrainedResult
from ._least_squares import least_squares
from ._least_squares_result import NonlinearLeastSquaresResult
from ._minimize import MinimizeResult, minimize
from ._minimize_constrained import minimize_constrained
from ._results import NewtonResult
from ._root import RootResult, root
from ._root_bounded import BoundedRootResult, root_bounded

__all__ = [
    "BoundedRootResult",
    "ConstrainedResult",
    "DerivativeCheck",
    "MinimizeResult",
    "NewtonResult",
    "NonlinearLeastSquaresResult",
    "RootResult",
    "check_derivative",
    "fisher",
    "gauss_newton",
    "least_squares",
    "minimize",
    "minimize_constrained",
    "root",
    "root_bounded",
]
