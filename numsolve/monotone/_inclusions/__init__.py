"""Methods for variational inequalities of a monotone operator, and for saddle points."""

from ._competitive import competitive_gradient
from ._primal_dual import accelerated_primal_dual
from ._schemes import SeparatedSteps
from ._solve import (
    accelerated_optimistic_gradient,
    extragradient,
    extragradient_plus,
    optimistic_gradient,
    past_extragradient,
    reflected_gradient,
)
from ._variance_reduced import VarianceReducedResult, variance_reduced_halpern

__all__ = [
    "SeparatedSteps",
    "VarianceReducedResult",
    "accelerated_optimistic_gradient",
    "accelerated_primal_dual",
    "competitive_gradient",
    "extragradient",
    "extragradient_plus",
    "optimistic_gradient",
    "past_extragradient",
    "reflected_gradient",
    "variance_reduced_halpern",
]
