"""The vector work of MINRES; see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range, total
from ._jit import inline, kernel


@kernel
def minres_lanczos(live, aa, bb, bb_old, overlap, q, z, u, u_old):
    chunks = chunk_count(u.size)
    sums = np.zeros((2, chunks), u.real.dtype)
    nan = bb * np.nan
    if not (live[0] and bb > 0 and bb_old > 0):
        return nan, nan, nan
    beta, beta_old = np.sqrt(bb), np.sqrt(bb_old)
    alpha = aa / bb - overlap / beta_old
    from_q, from_u = sums.dtype.type(1 / beta), sums.dtype.type(-alpha / beta)
    from_old = sums.dtype.type(-beta / beta_old)
    for c in prange(chunks):
        first, last = chunk_range(c, u.size)
        uu, zu = sums[0, c], sums[1, c]
        for i in range(first, last):
            v = from_q * q[i] + from_u * u[i] + from_old * u_old[i]
            u_old[i] = v
            uu += v.real * v.real + v.imag * v.imag
            zu += z[i].real * v.real + z[i].imag * v.imag
        sums[0, c], sums[1, c] = uu, zu
    return total(sums[0]), total(sums[1]), alpha


@kernel
def minres_update(live, step, alpha, bb, bb_next, state, z, w_old, w, x):
    go, from_z, from_old, from_w, phi, _, _, rr = _rotate(live, step, alpha, bb, bb_next, state)
    if not go:
        return bb * np.nan
    for c in prange(chunk_count(x.size)):
        first, last = chunk_range(c, x.size)
        for i in range(first, last):
            v = from_z * z[i] + from_old * w_old[i] + from_w * w[i]
            w_old[i] = v
            x[i] += phi * v
    return rr


@kernel
def minres_update_residual(live, step, alpha, bb, bb_next, state, z, w_old, w, x, u_next, r):
    chunks = chunk_count(x.size)
    sums = np.zeros(chunks, x.real.dtype)
    go, from_z, from_old, from_w, phi, keep, take, _ = _rotate(live, step, alpha, bb, bb_next, state)
    if not go:
        return bb * np.nan
    for c in prange(chunks):
        first, last = chunk_range(c, x.size)
        found = sums[c]
        for i in range(first, last):
            v = from_z * z[i] + from_old * w_old[i] + from_w * w[i]
            w_old[i] = v
            x[i] += phi * v
            e = keep * r[i] + take * u_next[i]
            r[i] = e
            found += e.real * e.real + e.imag * e.imag
        sums[c] = found
    return total(sums)


@inline
def _rotate(live, step, alpha, bb, bb_next, state):
    """Return whether to go on, the coefficients in the dtype of `state`, and the squared residual."""
    real, epsilon = state.dtype.type, np.finfo(state.dtype).eps
    here, there = state[step % 2], state[(step + 1) % 2]
    c, s, diagonal, above, norm, limit, size = here[0], here[1], here[2], here[3], here[4], here[5], here[6]
    beta = np.sqrt(bb)
    if step == 0:
        c, s, diagonal, above, norm = real(-1), real(0), real(0), real(0), real(beta)
    size = max(size, abs(alpha), np.sqrt(abs(bb_next)))
    tiny = 10 * epsilon * size
    beta_next = np.sqrt(bb_next) if bb_next > tiny * tiny else 0.0
    delta, pivot = c * diagonal + s * alpha, s * diagonal - c * alpha
    mapped = np.hypot(pivot, c * beta_next)
    go = live[0] and bb > 0 and bb_next >= -tiny * tiny and mapped > tiny and mapped > limit * size
    gamma = np.hypot(pivot, beta_next)
    new_c, new_s = pivot / gamma, beta_next / gamma
    if go:
        there[0], there[1], there[2], there[3] = new_c, new_s, -c * beta_next, s * beta_next
        there[4], there[5], there[6] = new_s * norm, limit, size
    return (
        go,
        real(1 / (beta * gamma)),
        real(-above / gamma),
        real(-delta / gamma),
        real(new_c * norm),
        real(new_s * new_s),
        real(-norm * new_c / gamma),
        (new_s * norm) ** 2,
    )
