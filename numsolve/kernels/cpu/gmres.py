"""The vector work of GMRES; see the reference for what each kernel means."""

import numpy as np
from numba import prange

from ._chunks import CHUNK, chunk_count, chunk_range
from ._jit import inline, kernel, paste, prefetch
from .vector import row_sums

ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)
STRIP = (
    8192  # items of a chunk of long vectors: short chunks would restart the prefetch of each row too often
)
PART, AHEAD, LINE = 512, 2048, 64  # bytes: part of a row, distance of the prefetch, cache line


@inline
def _strips(n):
    """Return the size of a chunk of `n` items, which depends on n alone, and the number of chunks."""
    strip = STRIP if n >= 8 * STRIP else CHUNK
    return strip, (n + strip - 1) // strip


@inline
def _part(V):
    """Return the number of items of a row that are taken at a time."""
    return np.uint64(PART // V.itemsize if V.shape[1] >= 8 * STRIP else CHUNK)


@paste
def _prefetch_rows(k, first, last, V):
    """Prefetch four rows of V if they are long: the hardware prefetcher stops at the end of each page."""
    if V.shape[1] >= 8 * STRIP:
        for i in range(first, last, np.uint64(LINE // V.itemsize)):
            for row in range(k, k + THREE + ONE):
                prefetch(V, row * np.uint64(V.shape[1]) + i + np.uint64(AHEAD // V.itemsize))


@kernel
def gmres_shift(uw, uu, sigma, u, w):
    sigma[0] = uw / uu if uu > 0 else 0
    value = sigma[0]
    for c in prange(chunk_count(w.size)):
        first, last = chunk_range(c, w.size)
        for i in range(first, last):
            w[i] -= value * u[i]


@kernel
def gmres_project(j, count, V):
    n, rows = V.shape[1], j + count
    strip, chunks = _strips(n)
    part = _part(V)
    pieces = np.zeros((4, rows + 3, chunks), V.dtype)  # rows come in groups of four
    for c in prange(chunks):
        _project(np.uint64(c * strip), np.uint64(min((c + 1) * strip, n)), part, j, count, V, pieces[:, :, c])
    return _sums(count, rows, pieces)


@inline
def _project(first, last, part, j, count, V, found):
    """Write the products of the rows of V with its last `count`, over some items."""
    x, end = np.uint64(j), np.uint64(j + count - 1)
    for k in range(np.uint64(0), end + ONE, THREE + ONE):  # beyond the last row that is taken
        for low in range(first, last, part):
            high = min(low + part, last)
            _prefetch_rows(k, low, high, V)
            if count == 2:
                _two_by_four(found, x, k, end, low, high, V)
            else:
                _four_by_four(found, x, k, end, low, high, V)


@inline
def _sums(count, rows, pieces):
    """Return the sums of the pieces of the first rows."""
    sums = np.zeros((count, rows), pieces.dtype)
    for a in range(count):
        for k in range(rows):
            for c in range(pieces.shape[2]):
                sums[a, k] += pieces[a, k, c]
    return sums


@paste
def _two_by_four(found, x, k, end, first, last, V):
    """Add the products of four rows of V, conjugated, with two."""
    y, k1, k2, k3 = end, min(k + ONE, end), min(k + TWO, end), min(k + THREE, end)
    s = t = s1 = t1 = s2 = t2 = s3 = t3 = V.dtype.type(0)
    for i in range(first, last):
        p, q = V[x, i], V[y, i]
        v, v1, v2, v3 = np.conj(V[k, i]), np.conj(V[k1, i]), np.conj(V[k2, i]), np.conj(V[k3, i])
        s += v * p
        t += v * q
        s1 += v1 * p
        t1 += v1 * q
        s2 += v2 * p
        t2 += v2 * q
        s3 += v3 * p
        t3 += v3 * q
    for sums in ((s, t), (s1, t1), (s2, t2), (s3, t3)):
        for a in range(2):
            found[a, k] += sums[a]
        k += ONE


@paste
def _four_by_four(found, x, k, end, first, last, V):
    """Add the products of four rows of V, conjugated, with three or four."""
    x1, x2, x3 = x + ONE, x + TWO, end
    k1, k2, k3 = min(k + ONE, end), min(k + TWO, end), min(k + THREE, end)
    s = t = y = z = s1 = t1 = y1 = z1 = s2 = t2 = y2 = z2 = s3 = t3 = y3 = z3 = V.dtype.type(0)
    for i in range(first, last):
        p, q, r, w = V[x, i], V[x1, i], V[x2, i], V[x3, i]
        v, v1, v2, v3 = np.conj(V[k, i]), np.conj(V[k1, i]), np.conj(V[k2, i]), np.conj(V[k3, i])
        s += v * p
        t += v * q
        y += v * r
        z += v * w
        s1 += v1 * p
        t1 += v1 * q
        y1 += v1 * r
        z1 += v1 * w
        s2 += v2 * p
        t2 += v2 * q
        y2 += v2 * r
        z2 += v2 * w
        s3 += v3 * p
        t3 += v3 * q
        y3 += v3 * r
        z3 += v3 * w
    for sums in ((s, t, y, z), (s1, t1, y1, z1), (s2, t2, y2, z2), (s3, t3, y3, z3)):
        for a in range(4):
            found[a, k] += sums[a]
        k += ONE


@inline
def gmres_factor(live, p, j, ST, sigma):
    count, eps = len(ST), np.finfo(ST.dtype).eps
    F = np.zeros((count + 1, j + count), ST.dtype)
    for a in range(count):
        size = ST[a, j + a].real
        left = size
        for k in range(j):
            s = ST[a, k]
            F[a, k] = s
            left -= s.real * s.real + s.imag * s.imag
        for b in range(a):
            s = ST[a, j + b]
            for k in range(j + b):
                s -= np.conj(F[b, k]) * F[a, k]
            s *= 1 / F[b, j + b].real  # Numba raises an error for a complex number over zero
            F[a, j + b] = s
            left -= s.real * s.real + s.imag * s.imag
        if not live[0] or (a < p and not left > size / 4):
            F[:] = np.nan
            return F
        pivot = F[p, j + p].real
        if a > p and not pivot * pivot > np.sqrt(eps) * ST[p, j + p].real:
            F[a, j + a] = np.nan
        else:
            F[a, j + a] = np.sqrt(max(left, 8 * eps * size))
    for k in range(j + count):
        F[count, k] = F[p, k] + (sigma[0] * F[p - 1, k] if count - p == 2 else 0)
    return F


@kernel
def gmres_advance(j, F, V):
    n, count = V.shape[1], len(F) - 1
    strip, chunks = _strips(n)
    part = _part(V)
    pieces = np.zeros((count, chunks), V.real.dtype)
    moving = count
    while moving and not F[moving - 1, j + moving - 1].real >= 0:
        moving -= 1
        pieces[moving] = np.nan
    for c in prange(chunks):
        first, last = np.uint64(c * strip), np.uint64(min((c + 1) * strip, n))
        _advance(first, last, part, j, moving, F, V, pieces[:, c])
    return row_sums(pieces)


@inline
def _advance(first, last, part, j, moving, F, V, squares):
    """Replace the last rows of V that move, over some items, and write the sums of their squares."""
    j = np.uint64(j)
    for k in range(np.uint64(0), j if moving else np.uint64(0), np.uint64(4)):
        for low in range(first, last, part):
            high = min(low + part, last)
            _prefetch_rows(k, low, high, V)
            if moving == 4:
                _from_four(k, j, F, low, high, V)
            else:
                for a in range(np.uint64(0), np.uint64(moving), TWO):
                    _from_two(k, j, min(a, np.uint64(moving - 2)), a, F, low, high, V)
    for a in range(np.uint64(moving)):
        x = j + a
        for k in range(j, x):
            s = F[a, k]
            for i in range(first, last):
                V[x, i] -= s * V[k, i]
        size, found = F[a, x].real, squares[a]
        inverse = 1 / size if size > 0 else size
        for i in range(first, last):
            z = V[x, i] * inverse
            V[x, i] = z
            found += z.real * z.real + z.imag * z.imag
        squares[a] = found


@paste
def _four(k, j, row):
    """Return the coefficients of four rows from k on, zero from row j on."""
    return (
        row[k],
        row[k + ONE] if k + ONE < j else row.dtype.type(0),
        row[k + TWO] if k + TWO < j else row.dtype.type(0),
        row[k + THREE] if k + THREE < j else row.dtype.type(0),
    )


@paste
def _from_two(k, j, a, turn, F, first, last, V):
    """Subtract multiples of four rows of V from rows a, unless `turn` differs, and a + 1."""
    k1, k2, k3 = min(k + ONE, j - ONE), min(k + TWO, j - ONE), min(k + THREE, j - ONE)
    x, y = j + a, j + a + ONE
    s, s1, s2, s3 = _four(k, j, F[a])
    if a != turn:
        s = s1 = s2 = s3 = F.dtype.type(0)
    t, t1, t2, t3 = _four(k, j, F[a + ONE])
    for i in range(first, last):
        v, v1, v2, v3 = V[k, i], V[k1, i], V[k2, i], V[k3, i]
        V[x, i] -= s * v + s1 * v1 + s2 * v2 + s3 * v3
        V[y, i] -= t * v + t1 * v1 + t2 * v2 + t3 * v3


@paste
def _from_four(k, j, F, first, last, V):
    """Subtract multiples of four rows of V from four rows, which are read and written once."""
    k1, k2, k3 = min(k + ONE, j - ONE), min(k + TWO, j - ONE), min(k + THREE, j - ONE)
    x1, x2, x3 = j + ONE, j + TWO, j + THREE
    s, s1, s2, s3 = _four(k, j, F[0])
    t, t1, t2, t3 = _four(k, j, F[1])
    y, y1, y2, y3 = _four(k, j, F[2])
    fourth = min(THREE, np.uint64(len(F) - 1))  # 3; the minimum keeps the index valid if there are fewer rows
    z, z1, z2, z3 = _four(k, j, F[fourth])
    for i in range(first, last):
        v, v1, v2, v3 = V[k, i], V[k1, i], V[k2, i], V[k3, i]
        V[j, i] -= s * v + s1 * v1 + s2 * v2 + s3 * v3
        V[x1, i] -= t * v + t1 * v1 + t2 * v2 + t3 * v3
        V[x2, i] -= y * v + y1 * v1 + y2 * v2 + y3 * v3
        V[x3, i] -= z * v + z1 * v1 + z2 * v2 + z3 * v3


@inline
def gmres_residual(live, kept, p, j, step, F, uu, H, R, Y, G, rot):
    if not (live[0] and F[p + step, j + p + step].real >= 0):
        return uu * np.nan
    i, image = j + p - 1 + step, p + 1 if step else len(F) - 1
    if step == 0 and j == kept:
        for k in range(j):
            G[1, k] += F[0, k]
        G[0, j] = F[0, j]
    elif step == 0:
        for column in range(j - 1, j + p - 1):
            _finish(j, p, F, H[column])
            _finish(j, p, F, Y[column])
            _rotate(column, F.real.dtype.type(1), H, R, G, rot)
    length = F[i - j, i].real  # not zero: else the coordinates of w would be NaN
    for k in range(i + 2):
        H[i, k] = F[image, k] / length
        if k <= i:
            Y[i, k] = F[i - j, k] / length
    G[2, i] = length
    return _rotate(i, np.sqrt(uu), H, R, G, rot)


@inline
def _finish(j, p, F, column):
    """Replace the coordinates along pending rows of the basis by those along the final rows."""
    for a in range(p):
        value = column[j + a]
        column[j + a] = 0
        for k in range(j + a + 1):
            column[k] += value * F[a, k]


@inline
def _rotate(j, norm, H, R, G, rot):
    low = H[j, 0]
    for k in range(j):
        c, s = rot[0, k], rot[1, k]
        high = H[j, k + 1]
        R[j, k] = c * low + s * high
        low = c * high - np.conj(s) * low
    b = H[j, j + 1].real * norm
    size = abs(low)
    rho = np.hypot(size, b)
    if not rho > 0:
        return rho * np.nan
    phase = low / size if size > 0 else low + 1
    c, s = size / rho, phase * (b / rho)
    rot[0, j], rot[1, j] = c, s
    R[j, j] = phase * rho
    G[1, j] = c * G[0, j]
    G[0, j + 1] = -np.conj(s) * G[0, j]
    return abs(G[0, j + 1]) ** 2
