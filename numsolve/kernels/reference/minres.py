"""The vector work of MINRES: the Lanczos process, and the step of the iterate.

Scalars: ``aa`` is z^H A z, ``bb`` is u^H z, for the Lanczos vector u and z = M u, neither of them normalised;
``bb_old`` and ``bb_next`` belong to the Lanczos vectors before and after. Row ``step % 2`` of `state` holds
the results of the Givens rotations of earlier steps: c, s, the next two entries of the triangular factor, the
residual norm, a limit, and the largest entry of the tridiagonal matrix. Step 0 needs the last two only. The
limit is for the norm of A times the residual, over that of the residual and over this largest entry.
"""

import numpy as np


def minres_lanczos(live, aa, bb, bb_old, overlap, q, z, u, u_old):
    """Turn `u_old` into the next Lanczos vector; return its squared 2-norm, its overlap with z, and alpha.

    With q = A z, beta^2 = bb: ``q / beta - (alpha / beta) u - (beta / beta_old) u_old``. In exact arithmetic
    alpha is aa / bb and u_old is orthogonal to z. Their product is in fact `overlap`: alpha is corrected as
    if u_old had been subtracted before, which saves up to a sixth of the iterations. If `live` is false or a
    norm is not positive: return NaN and change nothing.
    """
    if not (live[0] and bb > 0 and bb_old > 0):
        return (bb * np.nan,) * 3
    beta, beta_old = np.sqrt(bb), np.sqrt(bb_old)
    alpha = aa / bb - overlap / beta_old
    u_old *= -beta / beta_old
    u_old += q / beta - (alpha / beta) * u
    return np.vdot(u_old, u_old).real, np.vdot(z, u_old).real, alpha


def minres_update(live, step, alpha, bb, bb_next, state, z, w_old, w, x):
    """Turn `w_old` into the next direction, step `x` along it, return the squared residual norm.

    The norm is that of M, which without M is the 2-norm. Return NaN and change nothing if `live` is false or
    M is not positive definite. The same holds if A times the residual is rounding error, or below the limit,
    where the Lanczos vectors begin to repeat the residual.
    """
    coefficients = _rotate(live, step, alpha, bb, bb_next, state)
    if not coefficients:
        return bb * np.nan
    from_z, from_old, from_w, phi, _, _, rr = coefficients
    w_old *= from_old
    w_old += from_w * w + from_z * z
    x += phi * w_old
    return rr


def minres_update_residual(live, step, alpha, bb, bb_next, state, z, w_old, w, x, u_next, r):
    """As `minres_update`; step the residual `r` too, and return the square of its 2-norm."""
    coefficients = _rotate(live, step, alpha, bb, bb_next, state)
    if not coefficients:
        return bb * np.nan
    from_z, from_old, from_w, phi, keep, take, _ = coefficients
    w_old *= from_old
    w_old += from_w * w + from_z * z
    x += phi * w_old
    r *= keep
    r += take * u_next
    return np.vdot(r, r).real


def _rotate(live, step, alpha, bb, bb_next, state):
    """Bring the new column of the tridiagonal matrix to triangular form; return the steps' coefficients."""
    if not (live[0] and bb > 0):
        return None
    c, s, diagonal, above, norm, limit, size = state[step % 2]
    beta, epsilon = np.sqrt(bb), np.finfo(state.dtype).eps
    if step == 0:
        c, s, diagonal, above, norm = -1.0, 0.0, 0.0, 0.0, beta
    size = max(size, abs(alpha), np.sqrt(abs(bb_next)))
    tiny = 10 * epsilon * size
    beta_next = np.sqrt(bb_next) if bb_next > tiny**2 else 0.0  # below it: rounding error
    delta, pivot = c * diagonal + s * alpha, s * diagonal - c * alpha
    mapped = np.hypot(pivot, c * beta_next)  # the norm of A times the residual, over that of the residual
    if not (bb_next >= -(tiny**2) and mapped > tiny and mapped > limit * size):
        return None
    gamma = np.hypot(pivot, beta_next)
    new_c, new_s = pivot / gamma, beta_next / gamma
    state[(step + 1) % 2] = new_c, new_s, -c * beta_next, s * beta_next, new_s * norm, limit, size
    return (
        1 / (beta * gamma),
        -above / gamma,
        -delta / gamma,
        new_c * norm,
        new_s**2,
        -norm * new_c / gamma,
        (new_s * norm) ** 2,
    )
