"""Methods for variational inequalities of a monotone operator, and for saddle points."""

from ._schemes import SeparatedSteps
from ._solve import (
    accelerated_optimistic_gradient,
    extragradient,
    extragradient_plus,
    optimistic_gradient,
    past_extragradient,
    reflected_gradient,
)

__all__ = [
    "SeparatedSteps",
    "accelerated_optimistic_gradient",
    "extragradient",
    "extragradient_plus",
    "optimistic_gradient",
    "past_extragradient",
    "reflected_gradient",
]
