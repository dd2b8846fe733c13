"""Successive over-relaxation."""

from .._linear import announced
from ._run import gathered, over_relaxed


def sor(
    A,
    b,
    x0=None,
    *,
    omega=1.5,
    symmetric=False,
    reverse=False,
    colours=None,
    context=None,
    rtol=1e-5,
    atol=0.0,
    maxiter=None,
    callback=None,
):
    system = gathered("sor", A, b, x0, rtol, atol, maxiter)
    return announced(over_relaxed("sor", system, omega, colours, reverse, symmetric, context, callback))
