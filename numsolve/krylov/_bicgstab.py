"""The stabilised biconjugate gradient method."""

import numpy as np

from .._array import namespace, read_sum
from .._result import Breakdown, Status
from ..kernels import kernels_for
from ._linear import announced, prepare, run


def bicgstab(A, b, x0=None, *, rtol=1e-5, atol=0.0, maxiter=None, M=None, callback=None):
    r"""Solve :math:`Ax = b` by BiCGStab, preconditioned from the right."""
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter)
    return announced(run(steps, system, callback))


def steps(A, b, M, x):
    """Yield the iterates of BiCGStab, which share the array `x`, and their squared residuals."""
    xp, kernels = namespace(b), kernels_for(b)
    eps = np.finfo(b.dtype).eps
    r = A.residual(b, x)
    ss = rr = kernels.dot(r, r)
    live = yield x, rr
    s, p = r.copy(), r.copy()
    v, t = xp.empty_like(b), xp.empty_like(b)
    y, z = (p, r) if M is None else (xp.empty_like(b), xp.empty_like(b))  # what M makes of p and r
    rho = kernels.vdot(s, r)
    while True:
        if M is not None:
            M.apply(p, y)
        A.apply(y, v)
        vs, vv = kernels.projection(v, s)
        alpha = kernels.bicgstab_half(rho, vs, vv, ss, eps, v, r)
        if M is not None:
            M.apply(r, z)
        A.apply(z, t)
        tr, tt = kernels.projection(t, r)
        new, rr = kernels.bicgstab_update(live, alpha, tr, tt, rr, eps, y, z, t, s, x, r)
        live = yield x, rr
        if live is None:
            raise _breakdown(read_sum(kernels.dot(v, v)), read_sum(kernels.dot(t, t)))
        rho, ss = kernels.bicgstab_direction(rho, new, rr, ss, alpha, tr, tt, eps, v, r, s, p)


def _breakdown(vv, tt):
    """Say why no step was left, from the squared norms of the last two products."""
    if vv - vv != 0 or tt - tt != 0:
        return Breakdown(
            "the product with A or M is not finite: it overflows or returns NaN", Status.NONFINITE
        )
    if tt == 0:
        return Breakdown("A M maps the residual to zero: A or M is singular", Status.SINGULAR)
    return Breakdown(
        "the products r0^H A M p and r^H A M r both vanish: no step is left, use gmres or idrs"
    )
