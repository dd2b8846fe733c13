"""The passes of Sinkhorn's iteration over rows and columns; see the reference for what each kernel means."""

import math

import numpy as np
from numba import prange

from ._exp import fast_exp
from ._jit import inline, kernel
from ._transport import (
    DENSE,
    EUCLIDEAN,
    FAR,
    SCALED,
    SQUARED,
    TINY,
    add_gaps,
    add_rows,
    careful_column,
    careful_row,
    largest,
    potential_value,
    products,
    row_of_cost,
    step,
    usual_row,
    wanted,
    weights,
    weights_in_plane,
)

EACH = 8  # entries to an item of `kernel`: below 65,536 entries one thread is faster
TILE = 256  # columns of a chunk
ROWS = 64  # rows of a chunk of edges
GROUP = 4  # rows whose sums are computed together, so that their logarithms overlap
FETCHED = 128  # entries in a tile of a cost that is prefetched: one of more than CACHED entries
CACHED = 1 << 21


@inline
def _block_of_rows(rows, omega, kappa, inverse, kind, cost, a, F, G, F_new, r, t, tile):
    """Update some rows of one problem, and add their new entries to `t`."""
    C, X, Y = cost
    m = t.size
    E, room, w = np.zeros((GROUP, m), F.dtype), np.empty((1, m), F.dtype), np.empty(GROUP, F.dtype)
    t[:] = 0
    for first in range(rows[0], rows[1], GROUP):
        last = min(first + GROUP, rows[1])
        w[:] = 0
        plane = kind == SQUARED and Y.shape[0] == 2
        if kind != DENSE and not plane:
            add_gaps(kind, (first, last), X, Y, E)
        for i in range(first, last):
            e = E[i - first]
            if a[i] == 0:
                r[i], F_new[i], e[:] = 0, F[i], 0
            elif plane:
                w[i - first] = weights_in_plane(F[i], G, inverse, i, X, Y, e)
            elif kind == EUCLIDEAN:
                w[i - first] = weights(F[i], G, inverse, e, e, m, root=True)
            elif kind == DENSE:
                w[i - first] = weights(F[i], G, inverse, C[i], e, tile)
            else:
                w[i - first] = weights(F[i], G, inverse, e, e, m)
        for i in range(first, last):
            if a[i] != 0:
                weight = usual_row(omega, kappa, i, w[i - first], a, F, F_new, r)
                if np.isnan(weight):
                    row = row_of_cost(i, kind, C, X, Y, room)
                    weight = careful_row(omega, kappa, inverse, i, row, a, F, G, F_new, r, E[i - first])
                w[i - first] = weight
        add_rows(w, E, t)


@inline
def _block_of_stored_rows(rows, omega, kappa, K, a, F, v, F_new, r, t):
    """Update some rows if ``K = exp(-cost)`` is stored: products with ``v = exp(G)`` and for the sum."""
    w = np.empty(GROUP, F.dtype)
    t[:] = 0
    for first in range(rows[0], rows[1], GROUP):
        last = min(first + GROUP, rows[1])
        products((first, last), K, v, w)
        for i in range(first, last):
            r[i], F_new[i] = 0, F[i]
            if a[i] != 0:
                r[i] = math.exp(F[i]) * w[i - first]
                F_new[i] = F[i] if omega == 0 else step(omega, kappa, F[i], a[i], r[i])
            w[i - first] = math.exp(F_new[i]) if a[i] != 0 else 0
        if last - first == GROUP:
            add_rows(w, K[first:last], t)
        else:
            for i in range(first, last):
                for j in range(np.uint64(t.size)):
                    t[j] += w[i - first] * K[i, j]
    for j in range(np.uint64(t.size)):
        t[j] *= v[j]


@kernel(items=lambda *args: args[8].size * args[10].shape[1] // EACH)
def transport_rows(live, omega, kappa, inverse, kind, C, X, Y, a, F, G, F_new, r, sums):
    (k, n), (_, blocks, m) = a.shape, sums.shape
    inverse = F.dtype.type(inverse)
    tile = FETCHED if C.size > CACHED else max(m, 1)
    V = np.empty((k, m if kind == SCALED else 0), F.dtype)
    for p in range(k):
        for j in range(V.shape[1]):
            V[p, j] = fast_exp(G[p, j])
    for item in prange(k * blocks):
        p, q = item // blocks, item % blocks
        if live[p]:
            rows, t = (q * n // blocks, (q + 1) * n // blocks), sums[p, q]
            if kind == SCALED:
                K = C[p % C.shape[0]]
                _block_of_stored_rows(rows, omega[p], kappa, K, a[p], F[p], V[p], F_new[p], r[p], t)
            else:
                cost = C[p % C.shape[0]], X[p % X.shape[0]], Y[p % Y.shape[0]]
                _block_of_rows(
                    rows, omega[p], kappa, inverse, kind, cost, a[p], F[p], G[p], F_new[p], r[p], t, tile
                )


@kernel(items=lambda *args: args[11].size // EACH)
def transport_columns(live, omega, kappa, inverse, kind, C, X, Y, F, b, G, sums, G_new, c):
    (k, m), inverse = b.shape, F.dtype.type(inverse)
    tiles = (m + TILE - 1) // TILE
    for item in prange(k * tiles):
        p, q = item // tiles, item % tiles
        if live[p]:
            first, last = np.uint64(q * TILE), np.uint64(min((q + 1) * TILE, m))
            found = np.zeros(last - first, F.dtype)
            for block in range(sums.shape[1]):
                for j in range(first, last):
                    found[j - first] += sums[p, block, j]
            for j in range(first, last):
                t = found[j - first]
                G_new[p, j], c[p, j] = G[p, j], t
                if b[p, j] == 0:
                    c[p, j] = 0
                elif omega[p] != 0:
                    moved = step(omega[p], kappa, G[p, j], b[p, j], t)
                    if TINY < t < np.inf and abs(moved - G[p, j]) < FAR:
                        G_new[p, j], c[p, j] = moved, t * math.exp(moved - G[p, j])
                    elif kind != SCALED:
                        own, points = p % C.shape[0], p % X.shape[0]
                        G_new[p, j], c[p, j] = careful_column(
                            j, kappa, inverse, kind, C[own], X[points], Y[points], b[p, j], F[p]
                        )
                    else:
                        G_new[p, j] = c[p, j] = np.nan


@kernel(items=lambda *args: args[2].size + args[3].size if len(args[2]) > 1 else 0)
def transport_judge(kappa_a, kappa_b, a, b, r, c, F, G):
    k = len(a)
    squared, dual = np.empty(k, F.dtype), np.empty(k, F.dtype)
    for p in prange(k):
        error = value = F.dtype.type(0)
        for i in range(a.shape[1]):
            error += abs(r[p, i] - wanted(kappa_a, a[p, i], F[p, i]))
            value += potential_value(kappa_a, a[p, i], F[p, i]) - r[p, i]
        for j in range(b.shape[1]):
            error += abs(c[p, j] - wanted(kappa_b, b[p, j], G[p, j]))
            value += potential_value(kappa_b, b[p, j], G[p, j])
        squared[p], dual[p] = error * error, value
    return squared, dual


@kernel(items=lambda *args: args[6].size * args[5].shape[1] // EACH)
def transport_least(inverse, kind, C, X, Y, G, F_new, sums):
    (k, n), (_, blocks, m) = F_new.shape, sums.shape
    inverse = G.dtype.type(inverse)
    for item in prange(k * blocks):
        p, q = item // blocks, item % blocks
        own, points = p % C.shape[0], p % X.shape[0]
        t, room = sums[p, q], np.empty((1, m), G.dtype)
        t[:] = np.inf
        for i in range(q * n // blocks, (q + 1) * n // blocks):
            cost = row_of_cost(i, kind, C[own], X[points], Y[points], room)
            least = -largest(G[p], inverse, cost)
            F_new[p, i] = least
            for j in range(np.uint64(m)):
                value = inverse * cost[j] - least
                t[j] = value if value < t[j] else t[j]


@kernel(items=lambda *args: args[4].size * len(args[5]))
def transport_edges(hard, inverse, indptr, indices, data, G, found):
    k, n = found.shape
    inverse, chunks = G.dtype.type(inverse), (n + ROWS - 1) // ROWS
    for item in prange(k * chunks):
        p, q = item // chunks, item % chunks
        for i in range(q * ROWS, min((q + 1) * ROWS, n)):
            first, last = np.uint64(indptr[i]), np.uint64(indptr[i + 1])
            most = G.dtype.type(-np.inf)
            for e in range(first, last):
                value = G[p, np.uint64(indices[e])] - inverse * data[e]
                most = value if value > most else most
            found[p, i] = most
            if not hard and most > -np.inf:
                total = G.dtype.type(0)
                for e in range(first, last):
                    total += fast_exp(G[p, np.uint64(indices[e])] - inverse * data[e] - most)
                found[p, i] = most + math.log(total)


@kernel(items=lambda *args: args[5].size)
def transport_axis(hard, inverse, cost, values, sums, found):
    (n, m), (count, _, width) = cost.shape, values.shape
    inverse = values.dtype.type(inverse)
    for item in prange(count * n):
        p, i = item // n, item % n
        for q in range(width):
            if hard or sums[p, i, q] < TINY:
                most = values.dtype.type(-np.inf)
                for j in range(np.uint64(m)):
                    value = values[p, j, q] - inverse * cost[i, j]
                    most = value if value > most else most
                found[p, i, q] = most
                if not hard and most > -np.inf:
                    total = values.dtype.type(0)
                    for j in range(np.uint64(m)):
                        total += fast_exp(values[p, j, q] - inverse * cost[i, j] - most)
                    found[p, i, q] = most + math.log(total)
