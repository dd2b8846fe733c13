"""Conjugate gradients in the complement of known directions, which learn more of them."""

from itertools import count

import numpy as np

from ..._array import namespace, read_sum, to_host
from ..._linear.solve import norm
from ..._result import Breakdown
from ...kernels import kernels_for
from .._breakdowns import indefinite
from .space import coordinates, subtract, whitening

REPEAT = 20  # steps after which the residual is made orthogonal to the directions again: rounding adds up


def steps(harvest, A, b, M, x):
    """Yield the iterates of deflated preconditioned CG, which share an array, and their squared residuals.

    `s` is what M turned into the direction `p`.
    """
    xp, kernels = namespace(b), kernels_for(b)
    r = A.residual(b, x)
    harvest.products += 1
    live = yield x, kernels.dot(r, r)
    space, x, r = harvest.begin(A, b, x, r)
    inverse = None if space is None else inverse_energy(space)
    if space is not None:
        _project(space, inverse, live, x, r)
        live = yield x, kernels.dot(r, r)
    q = xp.empty_like(b)
    z = r if M is None else M.apply(r, xp.empty_like(b))
    mu = None if space is None else inverse @ coordinates(space.C, z)
    p, s = z.copy(), None if M is None else r.copy()
    if space is not None:
        subtract(mu, space.U, z, p)
        if _nothing(p, z):
            space, p = None, z.copy()
        elif s is not None:
            subtract(mu, space.source, r, s)
    room = None if space is None else xp.empty_like(b)
    rz = kernels.dot(r, z)
    for step in count(1):
        pq = A.apply_dot(p, q)
        harvest.products += 1
        harvest.take(p, q, s)
        rr = kernels.cg_update(live, rz, pq, p, q, x, r)
        live = yield x, rr
        if live is None:
            raise indefinite(read_sum(kernels.dot(r, z)), read_sum(kernels.dot(p, q)))
        if space is not None and step % REPEAT == 0:
            _project(space, inverse, live, x, r)
            rr = kernels.dot(r, r)
        if M is not None:
            M.apply(r, z)
        rz_old, rz = rz, rr if M is None else kernels.dot(r, z)
        if space is not None:
            mu = inverse @ coordinates(space.C, z)
        kernels.cg_direction(live, rz, rz_old, z if space is None else subtract(mu, space.U, z, room), p)
        if s is not None and harvest.open:
            outside = r if space is None else subtract(mu, space.source, r, room)
            kernels.cg_direction(live, rz, rz_old, outside, s)


def inverse_energy(space):
    """Return the inverse of ``U^H A U``, without directions that depend on others, where the space lives."""
    energy = to_host(kernels_for(space.U).rows_gram(space.U, space.C))
    energy = (energy + energy.conj().T) / 2
    diagonal = energy.diagonal().real
    if not (diagonal > 0).all():
        raise Breakdown(
            f"u^H A u = {diagonal.min():.2e} is not positive for a recycled direction: "
            "A is not positive definite, use minres"
        )
    T = whitening(energy)
    return namespace(space.U).asarray((T @ T.conj().T).astype(space.dtype))


def _project(space, inverse, live, x, r):
    """Take the best step along the directions, in place, if `live`: r becomes orthogonal to them."""
    y = inverse @ coordinates(space.U, r) * live
    subtract(-y, space.U, x, x)
    subtract(y, space.C, r, r)


def _nothing(p, z):
    """Tell whether `p`, the part of z outside, is rounding error."""
    return norm(p) <= float(np.finfo(z.dtype).eps) ** 0.5 * norm(z)
