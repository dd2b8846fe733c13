"""The passes of Sinkhorn's iteration over rows and columns; see the reference for what each kernel means."""

import math

import numpy as np
from numba import prange

from ._exp import fast_exp
from ._jit import inline, kernel
from ._transport import (
    FAR,
    SCALED,
    SQUARED,
    TINY,
    careful_column,
    careful_row,
    largest,
    potential_value,
    row_of_cost,
    step,
    stored_row,
    usual_row,
    wanted,
    weights,
    weights_in_plane,
)

EACH = 8  # entries that weigh as much as an item of other kernels: below 65,536 one thread is quicker
TILE = 256  # columns of a chunk
ROWS = 64  # rows of a chunk of edges
FETCHED = 128  # entries of a cost that is asked for in advance: one of more than CACHED
CACHED = 1 << 21


@kernel(items=lambda *args: args[8].size * args[10].size // EACH)
def transport_rows(live, omega, kappa, inverse, kind, C, X, Y, a, F, G, F_new, r, sums):
    if live[0]:
        n, (blocks, m) = a.size, sums.shape
        inverse = F.dtype.type(inverse)
        tile = FETCHED if C.size > CACHED else max(m, 1)
        v = np.empty(m if kind == SCALED else 0, F.dtype)
        for j in range(v.size):
            v[j] = fast_exp(G[j])
        for q in prange(blocks):
            t, e, room = sums[q], np.empty(m, F.dtype), np.empty(m, F.dtype)
            t[:] = 0
            for i in range(q * n // blocks, (q + 1) * n // blocks):
                if a[i] == 0:
                    r[i], F_new[i] = 0, F[i]
                elif kind == SCALED:
                    stored_row(omega, kappa, i, C, a, F, v, F_new, r, t)
                else:
                    if kind == SQUARED and Y.shape[0] == 2:
                        found = weights_in_plane(F[i], G, inverse, i, X, Y, e)
                    else:
                        cost = row_of_cost(i, kind, C, X, Y, room)
                        found = weights(F[i], G, inverse, cost, e, tile)
                    if not usual_row(omega, kappa, i, found, a, F, F_new, r, e, t):
                        cost = row_of_cost(i, kind, C, X, Y, room)
                        careful_row(omega, kappa, inverse, i, cost, a, F, G, F_new, r, e, t)
            for j in range(v.size):
                t[j] *= v[j]


@kernel(items=lambda *args: args[11].size // EACH)
def transport_columns(live, omega, kappa, inverse, kind, C, X, Y, F, b, G, sums, G_new, c):
    if live[0]:
        m, inverse = b.size, F.dtype.type(inverse)
        for q in prange((m + TILE - 1) // TILE):
            first, last = np.uint64(q * TILE), np.uint64(min((q + 1) * TILE, m))
            found = np.zeros(last - first, F.dtype)
            for block in range(sums.shape[0]):
                for j in range(first, last):
                    found[j - first] += sums[block, j]
            for j in range(first, last):
                t = found[j - first]
                G_new[j], c[j] = G[j], t
                if b[j] == 0:
                    c[j] = 0
                elif omega != 0:
                    moved = step(omega, kappa, G[j], b[j], t)
                    if TINY < t < np.inf and abs(moved - G[j]) < FAR:
                        G_new[j], c[j] = moved, t * math.exp(moved - G[j])
                    elif kind != SCALED:
                        G_new[j], c[j] = careful_column(j, kappa, inverse, kind, C, X, Y, b[j], F)
                    else:
                        G_new[j] = c[j] = np.nan


@inline
def transport_judge(kappa_a, kappa_b, a, b, r, c, F, G):
    error = dual = F.dtype.type(0)
    for i in range(a.size):
        error += abs(r[i] - wanted(kappa_a, a[i], F[i]))
        dual += potential_value(kappa_a, a[i], F[i]) - r[i]
    for j in range(b.size):
        error += abs(c[j] - wanted(kappa_b, b[j], G[j]))
        dual += potential_value(kappa_b, b[j], G[j])
    return F.dtype.type(error * error), F.dtype.type(dual)


@kernel(items=lambda *args: args[5].size * args[6].size // EACH)
def transport_least(inverse, kind, C, X, Y, G, F_new, sums):
    n, (blocks, m) = F_new.size, sums.shape
    inverse = G.dtype.type(inverse)
    for q in prange(blocks):
        t, room = sums[q], np.empty(m, G.dtype)
        t[:] = np.inf
        for i in range(q * n // blocks, (q + 1) * n // blocks):
            cost = row_of_cost(i, kind, C, X, Y, room)
            least = -largest(G, inverse, cost)
            F_new[i] = least
            for j in range(np.uint64(m)):
                value = inverse * cost[j] - least
                t[j] = value if value < t[j] else t[j]


@kernel(items=lambda *args: args[3].size)
def transport_edges(inverse, indptr, indices, data, G, found):
    inverse = G.dtype.type(inverse)
    for q in prange((found.size + ROWS - 1) // ROWS):
        for i in range(q * ROWS, min((q + 1) * ROWS, found.size)):
            first, last = np.uint64(indptr[i]), np.uint64(indptr[i + 1])
            most = G.dtype.type(-np.inf)
            for k in range(first, last):
                value = G[np.uint64(indices[k])] - inverse * data[k]
                most = value if value > most else most
            total = G.dtype.type(0)
            if most > -np.inf:
                for k in range(first, last):
                    total += fast_exp(G[np.uint64(indices[k])] - inverse * data[k] - most)
            found[i] = most + math.log(total) if total > 0 else -np.inf
