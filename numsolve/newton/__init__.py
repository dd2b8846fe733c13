"""Newton's method: nonlinear systems, least squares, and minimisers, with and without constraints."""

from ._check_derivative import DerivativeCheck, check_derivative
from ._constrained.minimize_constrained import minimize_constrained
from ._constrained.result import ConstrainedResult
from ._equations.root import RootResult, root
from ._equations.root_bounded import BoundedRootResult, root_bounded
from ._fitting.least_squares import least_squares
from ._fitting.result import NonlinearLeastSquaresResult
from ._minimizers.approximations import fisher, gauss_newton
from ._minimizers.minimize import MinimizeResult, minimize
from ._results import NewtonResult

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
