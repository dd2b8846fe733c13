"""Row actions: one block of threads takes one row after the other."""

import cupy

from ._launch import launch


def kaczmarz_dense(rows, A, norms, b, x):
    launch("kaczmarz_dense", 1, rows, A, norms, b, x, rows.size, x.size)


def kaczmarz_csr(rows, indptr, indices, data, norms, b, x):
    launch("kaczmarz_csr", 1, rows, indptr, indices, data, norms, b, x, rows.size)


def project_dense(rows, K, G, z, r):
    launch("project_dense", 1, rows, K, G, z, r, rows.size, r.size, z.size)


def project_blocks(rows, inverses, K, G, z, r):
    steps, q = rows.shape
    y = cupy.empty(q, r.dtype)
    launch("project_blocks", 1, rows, inverses, y, K, G, z, r, steps, q, r.size, z.size)


def project_csr(rows, indptr, indices, data, starts, numbers, values, norms, z, r):
    matrices = indptr, indices, data, starts, numbers, values
    launch("project_csr", 1, rows, *matrices, norms, z, r, rows.size, r.size)


def project_along(S, Y, W, z, r):
    launch("project_along", 1, S, Y, W, z, r, len(S), r.size, z.size)
