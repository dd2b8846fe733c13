"""The passes of Sinkhorn's iteration: a block of threads for each block of rows."""

from ._launch import blocks, launch, pieces


def _own(C, X):
    """Tell whether each problem has a cost of its own."""
    return int(len(C) > 1 or len(X) > 1)


def transport_rows(live, omega, kappa, inverse, kind, C, X, Y, a, F, G, F_new, r, sums):
    args = live, omega, kappa, inverse, kind, C, X, Y, a, F, G, F_new, r, sums
    k, count, m = sums.shape
    launch("transport_rows", k * count, *args, _own(C, X), count, Y.shape[1], a.shape[1], m)


def transport_columns(live, omega, kappa, inverse, kind, C, X, Y, F, b, G, sums, G_new, c):
    args = live, omega, kappa, inverse, kind, C, X, Y, F, b, G, sums, G_new, c
    k, count, m = sums.shape
    launch("transport_columns", blocks(k * m), *args, _own(C, X), count, Y.shape[1], F.shape[1], m, k)


def transport_judge(kappa_a, kappa_b, a, b, r, c, F, G):
    k, squared, dual = len(a), pieces(F, len(a)), pieces(F, len(a))
    sizes = a.shape[1], b.shape[1], k
    launch("transport_judge", k, kappa_a, kappa_b, a, b, r, c, F, G, squared, dual, *sizes)
    return squared, dual


def transport_least(inverse, kind, C, X, Y, G, F_new, sums):
    args = inverse, kind, C, X, Y, G, F_new, sums
    k, count, m = sums.shape
    launch("transport_least", k * count, *args, _own(C, X), count, Y.shape[1], F_new.shape[1], m)


def transport_edges(hard, inverse, indptr, indices, data, G, found):
    k, n = found.shape
    args = hard, inverse, indptr, indices, data, G, found, n, G.shape[1], k
    launch("transport_edges", blocks(found.size, 256), *args)


def transport_axis(hard, inverse, cost, values, sums, found):
    args = hard, inverse, cost, values, sums, found, len(values), *cost.shape, values.shape[2]
    launch("transport_axis", blocks(found.size), *args)
