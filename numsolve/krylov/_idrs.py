"""Induced dimension reduction, IDR(s)."""

from functools import partial

import numpy as np

from .. import _random, _validate
from .._array import namespace, read_sum
from .._result import Breakdown, Status
from ..kernels import kernels_for
from ._linear import announced, prepare, run

KAPPA = 0.7  # the least cosine at which the step into the next space is the minimising one
SEED = 20110101


def idrs(A, b, x0=None, *, s=4, rtol=1e-5, atol=0.0, maxiter=None, M=None, callback=None, rng=None):
    r"""Solve :math:`Ax = b` by IDR(s), preconditioned from the right."""
    system = prepare(A, b, x0, M, rtol=rtol, atol=atol, maxiter=maxiter)
    P = shadow_space(system, _validate.count(s, "s", least=1), rng)
    return announced(run(partial(steps, P), system, callback))


def shadow_space(system, s, rng):
    """Return s orthonormal random rows, or n if that is less."""
    n, dtype = system.b.shape[0], system.b.dtype
    columns = _random.standard_normal(SEED if rng is None else rng, (n, min(s, n)), dtype=dtype)
    return namespace(system.b).asarray(np.ascontiguousarray(np.linalg.qr(columns)[0].T))


def steps(P, A, b, M, x):
    """Yield the iterates of IDR(s), which share the array `x`, and their squared residuals."""
    xp, kernels, eps = namespace(b), kernels_for(b), np.finfo(b.dtype).eps
    s = len(P)
    r = A.residual(b, x)
    start = rr = kernels.dot(r, r)
    live = yield x, rr
    G, U, S = xp.zeros_like(P), xp.zeros_like(P), xp.asarray(np.eye(s, dtype=b.dtype))
    f, a, c = xp.zeros((3, s), b.dtype)
    omega, v = xp.ones(1, b.dtype), xp.empty_like(b)
    z = None if M is None else xp.empty_like(b)
    while True:
        kernels.idrs_begin(kernels.idrs_project(P, r), S, f, c)
        for k in range(s):
            kernels.idrs_shift(k, c, G, r, v)
            kernels.idrs_direction(k, c, omega, v if M is None else M.apply(v, z), U)
            A.apply(U[k], G[k])
            kernels.idrs_solve(k, eps, kernels.idrs_project(P, G[k]), S, f, a, c)
            rr = kernels.idrs_advance(live, k, a, G, U, x, r)
            live = yield x, rr
            if live is None:
                return _check(A, b, x, start, G[k])
        z = r if M is None else M.apply(r, z)
        A.apply(z, v)
        tr, tt = kernels.projection(v, r)
        rr = kernels.idrs_reduce(live, tr, tt, rr, KAPPA, omega, z, v, x, r)
        live = yield x, rr
        if live is None:
            return _check(A, b, x, start, v)


def _check(A, b, x, start, product):
    """After a NaN: raise unless the iterate is better than the first one, to start again from it."""
    dot = kernels_for(b).dot
    square, r = read_sum(dot(product, product)), A.residual(b, x)
    if square - square != 0:
        raise Breakdown(
            "the product with A or M is not finite: it overflows or returns NaN", Status.NONFINITE
        )
    if read_sum(dot(r, r)) < read_sum(start):
        return
    if square == 0:
        raise Breakdown("A M maps a direction to zero: A or M is singular", Status.SINGULAR)
    raise Breakdown("p^H A M v vanishes for a shadow vector p: try another rng or s, or use gmres")
