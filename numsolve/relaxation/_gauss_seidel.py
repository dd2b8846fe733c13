"""The method of Gauss and Seidel."""

from .._linear import announced
from ._run import gathered, over_relaxed


def gauss_seidel(
    A,
    b,
    x0=None,
    *,
    symmetric=False,
    reverse=False,
    colours=None,
    rtol=1e-5,
    atol=0.0,
    maxiter=None,
    callback=None,
):
    system = gathered("gauss_seidel", A, b, x0, rtol, atol, maxiter)
    return announced(over_relaxed("gauss_seidel", system, 1.0, colours, reverse, symmetric, None, callback))
