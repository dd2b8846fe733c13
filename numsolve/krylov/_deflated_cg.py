"""Conjugate gradients in the complement of known directions, which learn more of them."""

from itertools import count
from typing import Any

import numpy as np

from .._array import namespace, read_sum, to_host
from .._result import Breakdown
from ..kernels import kernels_for
from ._faults import not_definite
from ._recycle import coordinates, norm, whitening

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
    p, s = _outside(space, inverse, z, r)
    if space is not None and _nothing(p, z):
        space, (p, s) = None, _outside(None, None, z, r)
    p, s = p.copy(), None if M is None else s.copy()
    rz = kernels.dot(r, z)
    for step in count(1):
        pq = A.apply_dot(p, q)
        harvest.products += 1
        harvest.take(p, q, s)
        rr = kernels.cg_update(live, rz, pq, p, q, x, r)
        live = yield x, rr
        if live is None:
            raise not_definite(read_sum(kernels.dot(r, z)), read_sum(kernels.dot(p, q)))
        if space is not None and step % REPEAT == 0:
            _project(space, inverse, live, x, r)
        if M is not None:
            M.apply(r, z)
        rz_old, rz = rz, kernels.dot(r, z)
        new_p, new_s = _outside(space, inverse, z, r if s is not None and harvest.open else None)
        kernels.cg_direction(live, rz, rz_old, new_p, p)
        if s is not None and harvest.open:
            kernels.cg_direction(live, rz, rz_old, new_s, s)


def inverse_energy(space):
    """Return the inverse of ``U^H A U``, without directions that depend on others, where the space lives."""
    energy = to_host(space.U.conj() @ space.C.T)
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
    x += y @ space.U
    r -= y @ space.C


def _outside(space, inverse, z, r) -> Any:
    """Return the part of ``z = M r`` that is A-orthogonal to the directions, and what M turned into it."""
    if space is None:
        return z, r
    mu = inverse @ coordinates(space.C, z)
    return z - mu @ space.U, None if r is None else r - mu @ (space.U if space.P is None else space.P)


def _nothing(p, z):
    """Tell whether `p`, the part of z outside, is rounding error."""
    return norm(p) <= float(np.finfo(z.dtype).eps) ** 0.5 * norm(z)
