"""Sweeps of coordinate descent: one block of threads takes one coefficient after the other."""

from ._launch import launch


def gram_sweeps(positive, sweeps, tol, G, l1, l2, c, w):
    launch("gram_sweeps", 1, positive, sweeps, tol, G, l1, l2, c, w, G.shape[1], w.size)


def column_sweeps(
    positive, sweeps, tol, some, indptr, indices, data, h, mean, squares, l1, l2, q, shift, c, w
):
    matrix, features = (some, indptr, indices, data), (mean, squares, l1, l2)
    launch("column_sweeps", 1, positive, sweeps, tol, *matrix, h, *features, q, shift, c, w, h.size, w.size)


def row_sweeps(positive, sweeps, tol, A, h, squares, l1, l2, q, c, w):
    launch("row_sweeps", 1, positive, sweeps, tol, A, h, squares, l1, l2, q, c, w, q.size, w.size)
