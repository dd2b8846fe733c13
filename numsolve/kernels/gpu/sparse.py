"""Products with a matrix in compressed sparse rows."""

from ._launch import blocks, gram_pieces, launch, pieces
from .vector import row_sums


def spmv(indptr, indices, data, x, y):
    lanes = _lanes(data.size, y.size)
    launch("spmv", blocks(y.size, lanes), indptr, indices, data, x, y, lanes, y.size)


def spmv_dot(indptr, indices, data, p, q):
    lanes = _lanes(data.size, q.size)
    pq = pieces(q, blocks(q.size, lanes))
    launch("spmv_dot", pq.size, indptr, indices, data, p, q, pq, lanes, q.size)
    return pq


def spmm(indptr, indices, data, X, Y):
    launch("spmm", blocks(Y.size), indptr, indices, data, X, Y, X.shape[1], Y.size)


def spmm_gram(indptr, indices, data, P, Q):
    sums = gram_pieces(P)
    launch("spmm_gram", sums.shape[1], indptr, indices, data, P, Q, sums, P.shape[1], len(P))
    return row_sums(sums).reshape(P.shape[1], P.shape[1])


def row_terms(indptr, indices, data, x, terms, sizes):
    lanes = _lanes(data.size, x.size)
    launch("row_terms", blocks(x.size, lanes), indptr, indices, data, x, terms, sizes, lanes, x.size)


def examine_rows(indptr, indices, data, x, b, sums, largest):
    lanes = _lanes(data.size, x.size)
    grid = blocks(x.size, lanes)
    found = pieces(sums, (sums.size, grid))
    tops = pieces(sums, (largest.size, grid))
    launch("examine_rows", grid, indptr, indices, data, x, b, found, tops, lanes, x.size)
    sums[...] = found.sum(axis=1)
    largest[...] = tops.max(axis=1)


def _lanes(nnz, n):
    """Return how many threads share a row: one for short rows, a warp for long ones."""
    average = nnz / max(n, 1)
    return 1 if average <= 8 else 4 if average <= 16 else 8 if average <= 32 else 32
