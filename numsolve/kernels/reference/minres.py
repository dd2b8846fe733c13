"""The vector work of MINRES: the Lanczos process, and the step of the iterate.

Scalars: ``aa`` is z^H A z, ``bb`` is u^H z, for the Lanczos vector u and z = M u, neither of them normalised;
``bb_old`` and ``bb_next`` belong to the Lanczos vectors before and after. Row ``step % 2`` of `state` holds
what the Givens rotations of earlier steps left: c, s, the next two entries of the triangular factor, the
residual norm, and the largest entry of the tridiagonal matrix so far. Step 0 needs the last one only.
"""

import numpy as np


def minres_lanczos(live, aa, bb, bb_old, q, u, u_old):
    """Turn `u_old` into the next Lanczos vector, from ``q = A z``; return its squared 2-norm.

    With alpha = aa / bb, beta^2 = bb: ``q / beta - (alpha / beta) u - (beta / beta_old) u_old``. If `live` is
    false or a norm is not positive: return NaN and move nothing.
    """
    if not (live[0] and bb > 0 and bb_old > 0):
        return bb * np.nan
    beta = np.sqrt(bb)
    u_old *= -beta / np.sqrt(bb_old)
    u_old += q / beta - (aa / bb / beta) * u
    return np.vdot(u_old, u_old).real


def minres_update(live, step, aa, bb, bb_next, state, z, w_old, w, x):
    """Turn `w_old` into the next direction, step `x` along it, return the squared residual norm.

    The norm is that of M, which without M is the 2-norm. If `live` is false, if what the norm of the next
    Lanczos vector is the root of is negative, or if A maps the residual to rounding error: return NaN and
    move nothing.
    """
    coefficients = _rotate(live, step, aa, bb, bb_next, state)
    if not coefficients:
        return bb * np.nan
    from_z, from_old, from_w, phi, _, _, rr = coefficients
    w_old *= from_old
    w_old += from_w * w + from_z * z
    x += phi * w_old
    return rr


def minres_update_residual(live, step, aa, bb, bb_next, state, z, w_old, w, x, u_next, r):
    """As `minres_update`; step the residual `r` too, and return the square of its 2-norm."""
    coefficients = _rotate(live, step, aa, bb, bb_next, state)
    if not coefficients:
        return bb * np.nan
    from_z, from_old, from_w, phi, keep, take, _ = coefficients
    w_old *= from_old
    w_old += from_w * w + from_z * z
    x += phi * w_old
    r *= keep
    r += take * u_next
    return np.vdot(r, r).real


def _rotate(live, step, aa, bb, bb_next, state):
    """Bring the new column of the tridiagonal matrix to triangular form; return the steps' coefficients."""
    c, s, diagonal, above, norm, size = state[step % 2]
    alpha, beta = aa / bb, np.sqrt(bb)
    if step == 0:
        c, s, diagonal, above, norm = -1.0, 0.0, 0.0, 0.0, beta
    size = max(size, abs(alpha), np.sqrt(abs(bb_next)))
    tiny = 10 * np.finfo(state.dtype).eps * size
    beta_next = np.sqrt(bb_next) if bb_next > tiny**2 else 0.0  # below it: rounding error
    delta, pivot = c * diagonal + s * alpha, s * diagonal - c * alpha
    # The last is the norm of A times the residual, over the residual's.
    if not (live[0] and bb_next >= -(tiny**2) and np.hypot(pivot, c * beta_next) > tiny):
        return None
    gamma = np.hypot(pivot, beta_next)
    new_c, new_s = pivot / gamma, beta_next / gamma
    state[(step + 1) % 2] = new_c, new_s, -c * beta_next, s * beta_next, new_s * norm, size
    take = -norm * new_c / gamma  # times the new Lanczos vector, unnormalised
    return (
        1 / (beta * gamma),
        -above / gamma,
        -delta / gamma,
        new_c * norm,
        new_s**2,
        take,
        (new_s * norm) ** 2,
    )
