"""Symmetric successive over-relaxation."""

from .._linear import announced
from ._run import gathered, over_relaxed


def ssor(
    A, b, x0=None, *, omega=1.5, colours=None, context=None, rtol=1e-5, atol=0.0, maxiter=None, callback=None
):
    system = gathered("ssor", A, b, x0, rtol, atol, maxiter)
    return announced(over_relaxed("ssor", system, omega, colours, False, True, context, callback))
