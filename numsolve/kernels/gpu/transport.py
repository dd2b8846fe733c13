"""The passes of Sinkhorn's iteration: a block of threads for each block of rows."""

from ._launch import blocks, launch, pieces


def transport_rows(live, omega, kappa, inverse, kind, C, X, Y, a, F, G, F_new, r, sums):
    args = live, omega, kappa, inverse, kind, C, X, Y, a, F, G, F_new, r, sums
    launch("transport_rows", len(sums), *args, len(Y), a.size, G.size)


def transport_columns(live, omega, kappa, inverse, kind, C, X, Y, F, b, G, sums, G_new, c):
    args = live, omega, kappa, inverse, kind, C, X, Y, F, b, G, sums, G_new, c
    launch("transport_columns", blocks(b.size), *args, len(sums), len(Y), F.size, b.size)


def transport_judge(kappa_a, kappa_b, a, b, r, c, F, G):
    squared, dual = pieces(F, 1), pieces(F, 1)
    launch("transport_judge", 1, kappa_a, kappa_b, a, b, r, c, F, G, squared, dual, a.size, b.size)
    return squared, dual


def transport_least(inverse, kind, C, X, Y, G, F_new, sums):
    args = inverse, kind, C, X, Y, G, F_new, sums
    launch("transport_least", len(sums), *args, len(Y), F_new.size, G.size)


def transport_edges(inverse, indptr, indices, data, G, found):
    launch("transport_edges", blocks(found.size, 256), inverse, indptr, indices, data, G, found, found.size)
