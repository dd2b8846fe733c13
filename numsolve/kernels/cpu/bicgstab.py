"""The vector work of BiCGStab; see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._chunks import chunk_count, chunk_range, total
from ._jit import kernel


@kernel
def bicgstab_half(rho, vs, vv, ss, eps, v, r):
    if not vv < np.inf:
        return rho * r.dtype.type(np.nan)
    if not abs(vs) > eps * np.sqrt(vv) * np.sqrt(ss):
        return rho * r.dtype.type(0)
    alpha = r.dtype.type(rho / np.conj(vs))
    if abs(alpha) < np.inf:
        for c in prange(chunk_count(r.size)):
            first, last = chunk_range(c, r.size)
            for i in range(first, last):
                r[i] -= alpha * v[i]
    return alpha


@kernel
def bicgstab_update(live, alpha, tr, tt, before, eps, y, z, t, s, x, r):
    chunks = chunk_count(r.size)
    products, squares = np.zeros(chunks, r.dtype), np.zeros(chunks, r.real.dtype)
    go = live[0] and abs(alpha) < np.inf and abs(tr) < np.inf and tt < np.inf
    if not (go and (abs(alpha) > 0 or abs(tr) > eps * np.sqrt(tt) * np.sqrt(before))):
        return tr * r.dtype.type(np.nan), tt * squares.dtype.type(np.nan)
    omega = r.dtype.type(tr / tt if tt > 0 else tr)
    for c in prange(chunks):
        first, last = chunk_range(c, r.size)
        for i in range(first, last):  # a separate loop, because z may be r
            x[i] += alpha * y[i] + omega * z[i]
        product, square = products[c], squares[c]
        for i in range(first, last):
            r[i] -= omega * t[i]
            product += np.conj(s[i]) * r[i]
            square += r[i].real * r[i].real + r[i].imag * r[i].imag
        products[c], squares[c] = product, square
    return total(products), total(squares)


@kernel
def bicgstab_direction(old, rho, rr, ss, alpha, tr, tt, eps, v, r, s, p):
    if not rr < np.inf:
        return rho * p.dtype.type(np.nan), rr * s.real.dtype.type(np.nan)
    size = eps * np.sqrt(rr)
    if abs(alpha) > 0 and abs(rho) > size * np.sqrt(ss) and abs(tr) > size * np.sqrt(tt):
        omega = p.dtype.type(tr / tt)
        beta = p.dtype.type((rho / old) * (alpha / tr * tt))
        for c in prange(chunk_count(p.size)):
            first, last = chunk_range(c, p.size)
            for i in range(first, last):
                p[i] = r[i] + beta * (p[i] - omega * v[i])
        return rho, ss
    for i in range(p.size):
        s[i] = r[i]
        p[i] = r[i]
    return p.dtype.type(rr), rr
