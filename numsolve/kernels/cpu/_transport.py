"""Single rows and columns of the plan, for the passes of Sinkhorn's iteration."""

import math

import numpy as np

from ._exp import fast_exp
from ._jit import inline, paste, prefetch

DENSE, SQUARED, EUCLIDEAN, SCALED, CITYBLOCK = range(5)  # kinds of cost
TINY = 1e-37  # smaller sums have lost digits: they are computed again, relative to their largest term
FAR = 80.0  # largest change of a scaled potential by which a sum is multiplied rather than computed again
AHEAD, LINE = 512, 8  # entries: how far ahead the cost is prefetched, and those of a cache line
NEAR = np.uint64(512)  # columns whose distances from some points are computed together
EXTRA = 8.0  # most that over-relaxation adds to the step of a scaled potential


@paste
def gap(kind, x, y):
    """Return what a coordinate adds to a distance, or to its square."""
    return abs(x - y) if kind == CITYBLOCK else (x - y) * (x - y)


@inline
def add_gaps(kind, rows, X, Y, E):
    """Write to `E` the sums of gaps of some points of `X`, three coordinates at a time.

    A tile of columns stays in the first cache, so that each point of `Y` is read once for all of them.
    """
    i, d, m = np.uint64(rows[0]), np.uint64(Y.shape[0]), np.uint64(E.shape[1])
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    for first in range(np.uint64(0), m, NEAR):
        last = min(first + NEAR, m)
        for k in range(one + (d - one) % three, d + one, three):
            for q in range(np.uint64(rows[1] - rows[0])):
                z = X[k - one, i + q]
                if k == one:
                    for j in range(first, last):
                        E[q, j] = gap(kind, z, Y[k - one, j])
                elif k == two:
                    y = X[k - two, i + q]
                    for j in range(first, last):
                        E[q, j] = gap(kind, y, Y[k - two, j]) + gap(kind, z, Y[k - one, j])
                else:
                    x, y = X[k - three, i + q], X[k - two, i + q]
                    for j in range(first, last):
                        before = E[q, j] if k > three else E.dtype.type(0)
                        near = gap(kind, x, Y[k - three, j]) + gap(kind, y, Y[k - two, j])
                        E[q, j] = (before + near) + gap(kind, z, Y[k - one, j])


@paste
def row_of_cost(i, kind, C, X, Y, room):
    """Return row `i` of the cost, in `room` (1, m) unless it is stored."""
    if kind == DENSE:
        return C[i]
    add_gaps(kind, (i, i + 1), X, Y, room)
    if kind == EUCLIDEAN:
        for j in range(np.uint64(room.size)):
            room[0, j] = math.sqrt(room[0, j])
    return room[0]


@inline
def entry(i, j, inverse, kind, C, X, Y):
    """Return one entry of the scaled cost."""
    if kind == DENSE:
        return C[i, j] * inverse
    found = X.dtype.type(0)
    for k in range(Y.shape[0]):
        found += gap(kind, X[k, i], Y[k, j])
    return inverse * (X.dtype.type(math.sqrt(found)) if kind == EUCLIDEAN else found)


@paste
def weights(f, G, inverse, cost, e, tile, root=False):
    """Write a row of the plan to `e`, which may be `cost`; return its sum. If `root`, `cost` is its square.

    The cost is prefetched one `tile` after the other: the processor does not load far enough ahead by itself
    while it computes exponentials.
    """
    found = e.dtype.type(0)
    for first in range(0, e.size, tile):
        last = min(first + tile, e.size)
        if tile < e.size:
            for j in range(first, last, LINE):
                prefetch(cost, np.int64(j + AHEAD))
        for j in range(np.uint64(first), np.uint64(last)):
            value = fast_exp((f + G[j]) - inverse * (math.sqrt(cost[j]) if root else cost[j]))
            e[j] = value
            found += value
    return found


@inline
def largest(G, inverse, cost):
    """Return the largest of ``G - inverse * cost``."""
    most = G[0] - inverse * cost[0]
    for j in range(np.uint64(G.size)):
        value = G[j] - inverse * cost[j]
        most = value if value > most else most
    return most


@inline
def step(omega, kappa, potential, mass, found):
    """Return the new potential of a row or column whose sum is `found` and should be `mass`."""
    change = kappa * (potential + math.log(mass / found)) - potential
    return potential + change + (omega - 1) * min(max(change, -EXTRA), EXTRA)


@inline
def products(rows, K, v, w):
    """Write the products of some rows of K, up to four, with `v` to `w`."""
    first, last = rows
    one, end = np.uint64(1), np.uint64(last - 1)
    i0 = np.uint64(first)
    i1, i2, i3 = min(i0 + one, end), min(i0 + one + one, end), min(i0 + one + one + one, end)
    w0 = w1 = w2 = w3 = v.dtype.type(0)
    for j in range(np.uint64(v.size)):
        x = v[j]
        w0 += K[i0, j] * x
        w1 += K[i1, j] * x
        w2 += K[i2, j] * x
        w3 += K[i3, j] * x
    w[0], w[1], w[2], w[3] = w0, w1, w2, w3


@paste
def weights_in_plane(f, G, inverse, i, X, Y, e):
    """As `weights`, for squared distances in the plane, which are not stored."""
    found, x, y = e.dtype.type(0), X[0, i], X[1, i]
    for j in range(np.uint64(e.size)):
        square = gap(SQUARED, x, Y[0, j]) + gap(SQUARED, y, Y[1, j])
        value = fast_exp((f + G[j]) - inverse * square)
        e[j] = value
        found += value
    return found


@inline
def usual_row(omega, kappa, i, found, a, F, F_new, r):
    """Update a row of the sum `found`; return the factor of its entries, or NaN if it would be inaccurate."""
    if not TINY < found < np.inf:
        return F.dtype.type(np.nan)
    moved = F[i] if omega == 0 else step(omega, kappa, F[i], a[i], found)
    if not abs(moved - F[i]) < FAR:
        return F.dtype.type(np.nan)
    r[i], F_new[i] = found, moved
    return F.dtype.type(math.exp(moved - F[i]))


@inline
def careful_row(omega, kappa, inverse, i, cost, a, F, G, F_new, r, e):
    """Update a row relative to its largest term, without under- or overflow and without over-relaxation."""
    most = largest(G, inverse, cost)
    found = weights(-most, G, inverse, cost, e, e.size)
    r[i] = math.exp(F[i] + most) * found
    F_new[i] = F[i] if omega == 0 else kappa * (math.log(a[i]) - most - math.log(found))
    return F.dtype.type(math.exp(F_new[i] + most))


@paste
def add_rows(w, E, t):
    """Add the rows of E, times `w`, to `t`."""
    w0, w1, w2, w3 = w[0], w[1], w[2], w[3]
    for j in range(np.uint64(t.size)):
        t[j] += (w0 * E[0, j] + w1 * E[1, j]) + (w2 * E[2, j] + w3 * E[3, j])


@inline
def careful_column(j, kappa, inverse, kind, C, X, Y, mass, F):
    """Return the potential and the sum of a column, computed relative to its largest term."""
    most = F[0] - entry(0, j, inverse, kind, C, X, Y)
    for i in range(F.size):
        most = max(most, F[i] - entry(i, j, inverse, kind, C, X, Y))
    found = F.dtype.type(0)
    for i in range(F.size):
        found += math.exp(F[i] - entry(i, j, inverse, kind, C, X, Y) - most)
    moved = kappa * (math.log(mass) - most - math.log(found))
    return moved, math.exp(moved + most) * found


@inline
def potential_value(kappa, mass, potential):
    """Return the contribution of a row or column to the dual, over eps."""
    if mass == 0:
        return mass
    if kappa == 1:
        return mass * potential
    reach = kappa / (1 - kappa)
    return -reach * mass * math.expm1(-potential / reach)


@inline
def wanted(kappa, mass, potential):
    """Return the sum that a row or column should have: its mass, or that which the penalty leads to."""
    return mass if kappa == 1 or mass == 0 else mass * math.exp(-potential * (1 - kappa) / kappa)
