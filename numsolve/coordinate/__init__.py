"""Block coordinate descent: a smooth function plus a penalty, one block of coefficients after the other."""

from ._a_coder import ACoderResult, a_coder
from ._accelerated_gradient import accelerated_gradient
from ._asynchronous import AsynchronousResult, asynchronous
from ._concave import MCP, SCAD
from ._cross_validation import CrossValidation, cross_validate
from ._cyclic_gradient import CyclicGradientResult, cyclic_gradient
from ._datafits import Datafit, GeneralizedLinear, Huber, LeastSquares, Logistic, Poisson, Quadratic
from ._fractions import kurtosis_direction, sparse_fraction
from ._group_lasso import group_lasso, group_lasso_path
from ._group_penalties import Group, SparseGroup
from ._lasso import elastic_net, lasso
from ._lasso_path import elastic_net_path, lasso_path
from ._logistic import LogisticResult, logistic, logistic_path
from ._losses import Loss
from ._minimize import minimize
from ._multinomial import Multinomial
from ._path import CoordinatePath
from ._penalties import L1, Box, ElasticNet, NoPenalty, Penalty, Separable
from ._proximal_blocks import ProximalBlocksResult, proximal_blocks
from ._result import CoordinateResult
from ._risk_parity import RiskParityResult, risk_parity
from ._wasserstein import DictionaryResult, wasserstein_dictionary

__all__ = [
    "L1",
    "MCP",
    "SCAD",
    "ACoderResult",
    "AsynchronousResult",
    "Box",
    "CoordinatePath",
    "CoordinateResult",
    "CrossValidation",
    "CyclicGradientResult",
    "Datafit",
    "DictionaryResult",
    "ElasticNet",
    "GeneralizedLinear",
    "Group",
    "Huber",
    "LeastSquares",
    "Logistic",
    "LogisticResult",
    "Loss",
    "Multinomial",
    "NoPenalty",
    "Penalty",
    "Poisson",
    "ProximalBlocksResult",
    "Quadratic",
    "RiskParityResult",
    "Separable",
    "SparseGroup",
    "a_coder",
    "accelerated_gradient",
    "asynchronous",
    "cross_validate",
    "cyclic_gradient",
    "elastic_net",
    "elastic_net_path",
    "group_lasso",
    "group_lasso_path",
    "kurtosis_direction",
    "lasso",
    "lasso_path",
    "logistic",
    "logistic_path",
    "minimize",
    "proximal_blocks",
    "risk_parity",
    "sparse_fraction",
    "wasserstein_dictionary",
]
