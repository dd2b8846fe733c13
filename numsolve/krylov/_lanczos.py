"""The recurrence of MINRES, and what it says when A maps the residual to almost nothing."""

from itertools import count

import numpy as np

from .._array import namespace, read_sum
from .._iterate import iterate
from .._linear.evidence import is_null, mapped, size_of_terms
from .._linear.system import norm
from .._operators.hermitian import is_hermitian
from .._result import Breakdown, Status, not_definite, not_finite
from ..kernels import kernels_for

LIMIT, LARGEST_ENTRY = 5, 6  # places in a row of `state`: see the kernels
LOWER_LIMIT = 1e-4  # factor for LIMIT after a stop at which A was not found to be singular
LITTLE = 0.03  # of the terms of A z: if more remains, z is far from every vector of the null space

_NOT_SINGULAR = (
    "A maps the residual to rounding errors of norm(A), but not of its own entries: rows of A differ too "
    "much in size, so use M = numsolve.precondition.jacobi(A), or gmres"
)
_NOT_SINGULAR_WITH_M = (
    "A M maps the residual to rounding errors of its norm, but A was not found to be singular: M is too "
    "ill-conditioned, so use another one, or gmres"
)


def rotations(system):
    """Return room for the `state` of the kernels."""
    state = namespace(system.b).zeros((2, LARGEST_ENTRY + 1), system.b.real.dtype)
    # Once the residual is an eigenvector to the root of the precision, the Lanczos vectors repeat it.
    state[:, LIMIT] = 8 * np.finfo(state.dtype).eps ** 0.5
    return state


def steps(state, A, b, M, x):
    """Yield the iterates of preconditioned MINRES, which share the array `x`, and their squared residuals.

    `u` and `u_old` are Lanczos vectors, z = M u; `w` and `w_old` are directions. The kernels describe
    `state`. Its entries for the size of A, and for the limit, are kept when the method starts again.
    """
    xp, kernels = namespace(b), kernels_for(b)
    u = A.residual(b, x)
    rr = kernels.dot(u, u)
    live = yield x, rr
    q = xp.empty_like(b)
    z = u if M is None else M.apply(u, xp.empty_like(b))
    bb = rr if M is None else kernels.dot(u, z)
    r = None if M is None else u.copy()
    u_old, w_old, w = (xp.zeros_like(b) for _ in range(3))
    bb_old, overlap = bb, 0 * rr  # u_old is zero: any positive number, and zero
    state[0, LARGEST_ENTRY] = state[:, LARGEST_ENTRY].max()
    for step in count():
        aa = A.apply_dot(z, q)
        bb_next, overlap, alpha = kernels.minres_lanczos(live, aa, bb, bb_old, overlap, q, z, u, u_old)
        u, u_old = u_old, u
        if M is None:
            rr = kernels.minres_update(live, step, alpha, bb, bb_next, state, z, w_old, w, x)
            z = u
        else:
            bb_next = kernels.dot(u, M.apply(u, q))
            rr = kernels.minres_update_residual(live, step, alpha, bb, bb_next, state, z, w_old, w, x, u, r)
            z, q = q, z
        bb_old, bb = bb, bb_next
        w_old, w = w, w_old
        live = yield x, rr
        if live is None:
            check_residual(state, A, b, M, x, step, read_sum(bb))
            return


def check_residual(state, A, b, M, x, step, bb):
    """After a NaN in MINRES: raise unless a new start from `x` is possible, with a lower limit.

    A is called singular if it maps the residual to rounding errors, or a vector near the residual. `bb` is
    the last u^H M u: if it is negative, M is not positive definite.
    """
    dot = kernels_for(b).dot
    r = A.residual(b, x)
    z = r if M is None else M @ r
    q = A @ z
    rz, qq = read_sum(dot(r, z)), read_sum(dot(q, q))
    if rz - rz != 0 or qq - qq != 0:
        raise not_finite()
    if M is not None and not is_hermitian(M):
        raise Breakdown("M is not Hermitian, which minres needs: use gmres")
    size = float(state[:, LARGEST_ENTRY].max())
    if rz <= 0 or bb < -((10 * np.finfo(b.dtype).eps * size) ** 2):
        raise not_definite("M", min(rz, bb))
    part = mapped(A, z)
    if is_null(A, z) or (part < LITTLE and is_null(A, _near_null(A, q, M, z, step))):
        left = qq**0.5 / (size * norm(z)) if size > 0 else 0.0
        raise Breakdown(
            "A maps a vector near the residual to rounding errors: A is singular in this precision, and b is "
            f"not in its range. x is a least-squares solution{'' if M is None else ' in the norm of M'}: "
            f"norm(A {'' if M is None else 'M '}r) is {left:.1e} of its terms",
            Status.SINGULAR,
        )
    if not float(state[:, LIMIT].max()) > np.finfo(b.dtype).eps:
        raise Breakdown(_NOT_SINGULAR if M is None else _NOT_SINGULAR_WITH_M)
    state[:, LIMIT] *= LOWER_LIMIT
    state[:, LARGEST_ENTRY] = 0  # large entries of A that the residual does not meet need not count


def _near_null(A, q, M, z, step):
    """Return z minus a solution y of ``A y = A z = q``: a vector of the null space, or zero if there is none.

    This system has a solution also if A is singular, so MINRES does not break down.
    """
    state = namespace(q).zeros((2, LARGEST_ENTRY + 1), q.real.dtype)
    tol = 4 * A.rounding * size_of_terms(A, z)
    solved = iterate(
        lambda y: steps(state, A, q, M, y), namespace(q).zeros_like(q), tol=tol, maxiter=2 * step + 1000
    )
    rest = z - solved.x
    return rest if norm(rest) > 0.5 * norm(z) else 0 * z
